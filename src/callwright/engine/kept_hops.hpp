// Dialogs whose requests go to one hop, whatever their peers say of themselves.
//
// A peer names where requests within a dialog go: by its Contact, and by the Record-Routes that proxies on the way, or the
// peer itself, have written (RFC 3261 section 12.1). A user's phone has proven no more than its password: what it writes
// must not make us send to a third party. Its dialogs keep the hop that it registered or called from.
#pragma once

#include <pjsip.h>
#include <pjsip_ua.h>

#include <chrono>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

namespace callwright {

// Requests within a dialog that a peer has begun go to this hop (a sip: URI of an address). Proxies that have put
// themselves on the way are followed when the nearest has the hop's address; others are shown, and not followed.
void keep_hop(pjsip_dialog* dialog, const std::string& hop);

// The same for dialogs that we begin. Engine thread.
class KeptHops {
  public:
    // Throws std::runtime_error.
    void install(pjsip_endpoint* endpoint);
    // For every dialog that comes of an INVITE of ours with this Call-ID: forked ones, and those that are answered after
    // we have given them up.
    // hop: a sip: URI of an address. secure: whether the dialog is one of sips: URIs.
    void keep(const std::string& call_id, const std::string& hop, bool secure);
    // The leg is over. Its INVITE's transaction may not be, and is remembered for as long as it can last.
    void release(const std::string& call_id);

  private:
    using Clock = std::chrono::steady_clock;

    struct Hop {
        std::string uri;
        bool secure;
    };

    static pj_bool_t on_response(pjsip_rx_data* rdata);
    static void add_hop(pjsip_rx_data* rdata, const Hop& hop);
    void forget_old();

    pjsip_module module_{};
    std::unordered_map<std::string, Hop> hops_;  // by Call-ID
    std::deque<std::pair<Clock::time_point, std::string>> leaving_;
};

}  // namespace callwright
