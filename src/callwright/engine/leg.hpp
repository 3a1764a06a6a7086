// Legs: INVITE dialogs with their media, on pjsua calls.
#pragma once

#include <pjsua-lib/pjsua.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "accounts.hpp"
#include "event.hpp"
#include "rtp/line.hpp"
#include "glare.hpp"
#include "interfaces.hpp"
#include "kept_hops.hpp"
#include "policy.hpp"
#include "replacement.hpp"
#include "rtp_ports.hpp"
#include "transfer.hpp"

namespace callwright {

class Engine;

struct Credentials {
    std::string username;
    std::string password;
    std::string realm;
};

// An INVITE to be sent.
struct Order {
    std::string uri;
    std::string local_uri;
    std::string next_hop;  // sip: URI of an address to send to in place of the one that `uri` names; empty for none
    Headers headers;
    Credentials credentials;
    Policy policy;
    bool offer = true;
    std::vector<std::string> route = {};  // name-addrs of proxies on the way
    bool keep_hop = false;                // what follows in the dialog goes to the next hop as well: see kept_hops.hpp
    std::uint64_t like = 0;               // a leg whose codec is offered first, where it is one of the policy's
};

// One command to a leg that carries a SIP status.
struct Reply {
    int code = 0;
    std::string reason;
    Headers headers;
};

class Leg {
  public:
    // RFC 3261's words; CONNECTING is between the 2xx and the ACK.
    enum class State { CALLING, INCOMING, EARLY, CONNECTING, CONFIRMED, ENDED };

    Leg(std::uint64_t id_, bool outbound_)
        : id(id_), outbound(outbound_), state_(outbound_ ? State::CALLING : State::INCOMING) {}

    const std::uint64_t id;
    const bool outbound;
    pjsua_call_id call = PJSUA_INVALID_ID;
    bool hung_up = false;  // by us
    Reply farewell;        // what a local hang-up said
    Headers answer;        // of the 2xx to our INVITE, until the ACK
    Policy policy;
    std::string server;    // the name that a TLS server must prove
    Place place;           // of its media
    bool held = false;     // by us, or wanted to be
    Address peer;          // where its signalling comes from
    Referrals referrals;   // what its peer may ask for
    std::string hop;       // of a symmetric peer: where requests within its dialog go, unless by proxies
    std::string kept;      // Call-ID by which `KeptHops` knows its dialogs; empty: they follow their peer

    // A digit that is to go out as INFO.
    struct Key {
        char digit;
        unsigned duration;  // ms
        bool last;          // of those that were sent together
    };
    std::deque<Key> keys;
    bool key_out = false;  // the first of them waits for its answer

    State state() const { return state_; }
    // False, and nothing changes, when the dialog cannot go from here to there.
    bool set_state(State next);

  private:
    State state_;
};

// Engine thread, but where it says otherwise.
class Legs {
  public:
    explicit Legs(Engine& engine);

    void install(pjsua_callback& callbacks);
    Accounts& accounts() { return accounts_; }
    KeptHops& kept_hops() { return kept_hops_; }
    Transfers& transfers() { return transfers_; }
    Replacements& replacements() { return replacements_; }
    // Null when there is none.
    Leg* find(std::uint64_t id);
    // Null when the call is nobody's.
    Leg* of_call(pjsua_call_id call);
    // False when no further leg can be taken, with media there.
    bool prepare(const Place& place);
    // From now on originate() fails.
    void shut() { shut_ = true; }
    void hang_up_all();

    void originate(std::uint64_t id, const Order& order);
    // codecs: empty for those of the leg's policy. like: a leg whose codec is taken where the offer has it; 0: none.
    void answer(std::uint64_t id, const Reply& reply, const CodecList& codecs, std::uint64_t like);
    void hang_up(std::uint64_t id, const Reply& reply);
    void hold(std::uint64_t id, bool on);
    void permit(std::uint64_t id, Referrals referrals);
    // The hold, or its end, that could not be offered when it was wanted.
    void offer_hold(std::uint64_t id);
    // method: "rfc4733", "info", or "": the first where the peer has agreed to it.
    void send_digits(std::uint64_t id, const std::string& digits, unsigned duration, const std::string& method);

    // Any thread.
    const RtpPorts& rtp_ports() const { return rtp_ports_; }
    std::string statistics(std::uint64_t id) const;
    std::size_t size() const { return count_.load(std::memory_order_relaxed); }

  private:
    // pjsua's callbacks.
    static void on_incoming(pjsua_acc_id account, pjsua_call_id call, pjsip_rx_data* rdata);
    static void on_rejected(const pjsua_on_rejected_incoming_call_param* rejected);
    static void on_state(pjsua_call_id call, pjsip_event* event);
    static void on_transaction(pjsua_call_id call, pjsip_transaction* transaction, pjsip_event* event);
    static void on_media_state(pjsua_call_id call);
    static void on_stream_created(pjsua_call_id call, pjsua_on_stream_created_param* created);
    static void on_stream_destroyed(pjsua_call_id call, pjmedia_stream* stream, unsigned index);
    static pj_status_t on_make_transport(pjsua_call_id call, unsigned index, int ip_version,
                                         pjmedia_transport** transport);
    static pjmedia_transport* on_stream_transport(pjsua_call_id call, unsigned index, pjmedia_transport* below);
    static void on_transfer(pjsua_call_id call, const pj_str_t* target, pjsip_status_code* code,
                            pjsua_call_setting* setting);
    static void on_replace(pjsua_call_id call, pjsip_rx_data* rdata, int* code, pj_str_t* reason,
                           pjsua_call_setting* setting);

    Leg& add(std::uint64_t id, bool outbound);
    void change_state(Leg& leg, const pjsip_event* event);
    void progress(const Leg& leg, const pjsip_event* event);
    void receive_request(Leg& leg, pjsip_transaction* transaction, pjsip_event* event);
    void update_media(const Leg& leg);
    void established(Leg& leg);
    void end(Leg& leg, const pjsip_event* event);
    void forget(Leg& leg, const Reply& reply, const pjsip_rx_data* last);
    void begin(const Leg& leg, const Order& order, const Way& way);
    void set_credentials(const Leg& leg, const Credentials& credentials);
    std::shared_ptr<Line> line_of(std::uint64_t leg) const;
    void release_media(pjsua_call_id call);
    void send_info_digits(Leg& leg, const std::string& digits, unsigned duration);
    void send_next_key(Leg& leg);
    void finish_key(Leg& leg);
    void key_answered(Leg& leg);
    void note_peer(Leg& leg, const pjsip_rx_data* rdata);
    std::string take_statistics(std::uint64_t leg);

    Engine& engine_;
    RtpPorts rtp_ports_;
    bool shut_ = false;
    Accounts accounts_;
    Glare glare_;
    KeptHops kept_hops_;
    Transfers transfers_;
    Replacements replacements_;
    std::unordered_map<std::uint64_t, Leg> legs_;
    std::atomic<std::size_t> count_{0};
    mutable std::mutex lines_mutex_;
    std::unordered_map<std::uint64_t, std::shared_ptr<Line>> lines_;  // of legs that have or had media
};

}  // namespace callwright
