// Connections: which there are, to send down them again, and when one is gone (RFC 5626 section 3.1 calls them flows).
#pragma once

#include <pjsip.h>

#include <string>
#include <unordered_map>

namespace callwright {

class Engine;

// Engine thread. Whoever registered or subscribed over TCP or TLS is reached by his own connection only.
class Flows {
  public:
    explicit Flows(Engine& engine) : engine_(engine) {}

    // Of every reliable transport, whoever opened it. Sends FLOW_CLOSED, once, when no other leads to the same far end.
    void follow(pjsip_transport* transport, pjsip_transport_state state);
    // The last connection with an address; null when there is none that takes messages. `type` with its family.
    pjsip_transport* find(pjsip_transport_type_e type, const pj_sockaddr& remote) const;

  private:
    static std::string key_of(pjsip_transport_type_e type, const pj_sockaddr& remote);

    Engine& engine_;
    std::unordered_map<pjsip_transport*, std::string> keys_;
    std::unordered_map<std::string, pjsip_transport*> latest_;
};

}  // namespace callwright
