// Offers and answers (RFC 3264): what we put into a description, and which offers we take.
#pragma once

#include <pjsip.h>
#include <pjsua-lib/pjsua.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "codecs.hpp"
#include "gate.hpp"
#include "interfaces.hpp"
#include "policy.hpp"
#include "rtp/line.hpp"

namespace callwright {

class Engine;
class Leg;

// Why an offer is refused (RFC 3261 section 20.43).
struct Unfit {
    int code;
    std::string text;
};

// Reports for a MEDIA event. "none" | "local" | "remote": who has put the call on hold, streams or none.
std::string hold_of(pjsua_call_id id);
// "none" | "sdes" | "dtls".
std::string srtp_of(pjsua_call_id id);

// What a stream of a call has beside its codec, once that is agreed.
Line::Beside beside_of(pjsua_call_id id, unsigned index, const pjmedia_stream_info& stream);

// By name and realm, as `key_of` puts them together.
using UserPolicies = std::unordered_map<std::string, Policy>;

class Offers {
  public:
    static std::string key_of(std::string_view user, std::string_view realm);

    explicit Offers(Engine& engine);

    // --- any thread ---
    const Policy& usual() const { return usual_; }
    // Of the INVITEs from these sources; the narrowest prefix wins, and any other source has the usual policy.
    void trust(std::vector<std::pair<Prefix, Policy>> sources);
    // Of the INVITEs of these users; it goes before that of their source.
    void trust_users(UserPolicies users);
    std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

    // --- engine thread ---
    // Throws std::runtime_error.
    void install(pjsip_endpoint* endpoint);
    void install(pjsua_callback& callbacks) const;
    void enable_codecs() const { codecs_.enable(); }
    // Of the INVITE that pjsua is working on, before its leg exists.
    const Policy& incoming() const { return incoming_; }
    const Place& incoming_place() const { return incoming_place_; }
    // Where the media of an INVITE's call is.
    Place place_of(const pjsip_rx_data* invite) const;
    // Writes the answer that waits to be sent anew. What does not fit, if nothing does; none, too, when there is no
    // answer to be changed: it is out, or the peer has left the offer to us.
    std::optional<Unfit> answer_with(pjsua_call_id call, const Policy& policy, const Place& place) const;
    // What a leg speaks, or will speak when its offer is answered, becomes the first codec of another one: two legs of
    // one codec are relayed, and of what is wide on one side nothing is lost. False: that one, or its offer, has it not.
    static bool prefer_codec_of(const Leg& leg, Leg& other);
    // Whether there is an answer to an offer.
    std::optional<Unfit> judge(const pjmedia_sdp_session* offer, const Policy& policy, const Place& place) const;

  private:
    static pj_bool_t on_request(pjsip_rx_data* rdata);
    static void on_account(const pjsip_rx_data* rdata, pjsua_acc_id* account);
    static void on_description(pjsua_call_id call, pjmedia_sdp_session* sdp, pj_pool_t* pool,
                               const pjmedia_sdp_session* remote);
    static void on_offer(pjsua_call_id call, const pjmedia_sdp_session* offer, void* reserved, pjsip_status_code* code,
                         pjsua_call_setting* setting);
    static void on_stream(pjsua_call_id call, pjsua_on_stream_precreate_param* created);

    Policy of_request(const pjsip_rx_data* rdata);
    std::optional<Unfit> judge_line(const pjmedia_sdp_session* offer, const pjmedia_sdp_media* media,
                                    const Policy& policy, const Place& place) const;
    void refuse(pjsip_rx_data* rdata, const Unfit& unfit);
    // offer: the one that it answers; null for an offer.
    void write(pj_pool_t* pool, pjmedia_sdp_session* sdp, const CodecList& codecs, bool their_order,
               const pjmedia_sdp_session* offer) const;

    Engine& engine_;
    Codecs codecs_;
    Policy usual_;
    Policy incoming_;
    Place incoming_place_;
    std::mutex mutex_;
    std::vector<std::pair<Prefix, Policy>> sources_;  // under mutex_
    UserPolicies users_;                              // under mutex_
    std::atomic<std::uint64_t> refused_{0};
    pjsip_endpoint* endpoint_ = nullptr;
    pjsip_module module_{};
};

}  // namespace callwright
