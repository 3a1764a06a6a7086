// pjsua's accounts: one for each transport and each policy that pjsua reads from an account. None has credentials.
#pragma once

#include <pjsua-lib/pjsua.h>

#include <string>
#include <vector>

#include "policy.hpp"

namespace callwright {

class Engine;

// Engine thread.
class Accounts {
  public:
    explicit Accounts(Engine& engine) : engine_(engine) {}

    void add(pjsua_transport_id transport, pjsip_transport_type_e type);
    // For an INVITE for one URI that is sent to another; the first one when no transport fits, so that it fails and says
    // so.
    pjsua_acc_id towards(const std::string& uri, const std::string& hop, const Policy& policy);
    // For an INVITE that came in; `media_ipv6`: the family of its offer.
    pjsua_acc_id receiving(const pjsip_rx_data* rdata, const Policy& policy, bool media_ipv6);
    // Whether calls out tell their own end of the connection that they go by, to which end pjsua connects to what their
    // URI names, before anything is sent: not to what a user's phone has named.
    void show_connection(pjsua_acc_id id, bool on);
    // What pjsua reads of an account just when it begins a call's media, which a later call may have changed; the
    // family of the media is that of the signalling.
    void aim(pjsua_acc_id id, const Policy& policy);

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
    };

    pjsua_acc_id of(const Listener& listener, bool sips, const Policy& policy, bool media_ipv6);
    pjsua_acc_id make(const Listener& listener, bool sips, const Policy& policy);
    void aim(pjsua_acc_id id, const Policy& policy, bool media_ipv6);

    Engine& engine_;
    std::vector<Listener> listeners_;
    std::vector<Account> accounts_;
};

}  // namespace callwright
