#include "flow.hpp"

#include <array>
#include <memory>

#include "engine.hpp"
#include "message.hpp"

namespace callwright {

void Flows::follow(pjsip_transport* transport, pjsip_transport_state state) {
    if (state == PJSIP_TP_STATE_CONNECTED) {
        const auto type = static_cast<pjsip_transport_type_e>(transport->key.type);
        const std::string key = key_of(type, transport->key.rem_addr);
        keys_[transport] = key;
        latest_[key] = transport;
        return;
    }
    if (state != PJSIP_TP_STATE_DISCONNECTED && state != PJSIP_TP_STATE_DESTROY) return;
    const auto found = keys_.find(transport);
    if (found == keys_.end()) return;
    const auto last = latest_.find(found->second);
    const bool another = last != latest_.end() && last->second != transport;
    if (last != latest_.end() && !another) latest_.erase(last);
    keys_.erase(found);
    if (another) return;  // a phone that was restarted has connected from the same port before the old one was missed
    std::array<char, PJ_INET6_ADDRSTRLEN> host{};
    pj_sockaddr_print(&transport->key.rem_addr, host.data(), host.size(), 0);
    auto event = std::make_unique<Event>(EventKind::FLOW_CLOSED);
    event->with("transport", transport_name(transport));
    event->with("source_host", std::string(host.data()));
    event->with("source_port", std::int64_t{pj_sockaddr_get_port(&transport->key.rem_addr)});
    engine_.push(std::move(event));
}

pjsip_transport* Flows::find(pjsip_transport_type_e type, const pj_sockaddr& remote) const {
    const auto found = latest_.find(key_of(type, remote));
    if (found == latest_.end()) return nullptr;
    pjsip_transport* transport = found->second;
    return transport->is_shutdown || transport->is_destroying ? nullptr : transport;
}

std::string Flows::key_of(pjsip_transport_type_e type, const pj_sockaddr& remote) {
    std::array<char, PJ_INET6_ADDRSTRLEN + 10> address{};
    pj_sockaddr_print(&remote, address.data(), address.size(), 3);
    return std::to_string(type) + " " + address.data();
}

}  // namespace callwright
