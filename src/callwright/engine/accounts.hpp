// pjsua's accounts: one for each transport and each policy that pjsua reads from an account. None has credentials.
#pragma once

#include <pjsua-lib/pjsua.h>

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "policy.hpp"
#include "recent.hpp"
#include "rtp/address.hpp"

namespace callwright {

class Engine;

// How a request goes out.
struct Way {
    pjsua_acc_id account;
    std::size_t listener;  // of EngineOptions::listen
    bool media_ipv6;       // of a call that begins so
    Address peer;          // where it goes; not set when that is a name
    std::string contact;   // where the peer reaches the listener; empty: what pjsua says is right
};

// Engine thread.
class Accounts {
  public:
    explicit Accounts(Engine& engine) : engine_(engine) {}

    void add(pjsua_transport_id transport, pjsip_transport_type_e type);
    // For a request for one URI that is sent to another: from where its peer was heard last, else from the address that
    // leads there; the first transport when none fits, so that it fails and says so.
    Way towards(const std::string& uri, const std::string& hop, const Policy& policy);
    // For an INVITE that came in; `media_ipv6`: the family of its media.
    pjsua_acc_id receiving(const pjsip_rx_data* rdata, const Policy& policy, bool media_ipv6);
    // Whether calls out tell their own end of the connection that they go by, to which end pjsua connects to what their
    // URI names, before anything is sent: not to what a user's phone has named.
    void show_connection(pjsua_acc_id id, bool on);
    // The transport, as EngineOptions::listen counts them; the first one for what is none of ours.
    std::size_t listener_of(const pjsip_transport* transport) const;
    // Where the sender of a request reaches the transport that it came by.
    std::string local_host(const pjsip_rx_data* rdata) const;
    // A user's phone has proven to be there: what goes to it goes the way it came, on which a NAT waits for it.
    void heard(const pjsip_rx_data* rdata);
    // What pjsua reads of an account just when it begins a call's media, which a later call may have changed.
    void aim(pjsua_acc_id id, const Policy& policy, bool media_ipv6);

  private:
    struct Listener {
        pjsua_transport_id transport;
        pjsip_transport_type_e type;
    };
    struct Account {
        pjsua_transport_id transport;
        bool sips;
        Srtp srtp;
        Keying keying;
        pjsua_acc_id id;
        std::string contact = {};  // what pjsua has borrowed
    };

    static constexpr std::size_t most_heard = 65536;

    Account& of(std::size_t listener, bool sips, const Policy& policy, bool media_ipv6);
    std::string contact(std::size_t listener, bool sips, const Address& peer) const;
    pjsua_acc_id make(const Listener& listener, bool sips, const Policy& policy);
    // Nothing fits: listeners_.size().
    std::size_t choose(pjsip_transport_type_e type, const Address& peer);
    std::size_t last_heard(pjsip_transport_type_e type, const Address& peer);

    Engine& engine_;
    Recent<std::size_t> heard_{most_heard};  // listeners of phones over UDP, by their addresses
    std::vector<Listener> listeners_;
    std::deque<Account> accounts_;
};

}  // namespace callwright
