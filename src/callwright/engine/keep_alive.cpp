#include "keep_alive.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "engine.hpp"
#include "gate.hpp"
#include "stun.hpp"

namespace callwright {

bool KeepAlives::take(pj_sock_t socket, const void* data, std::size_t size, const pj_sockaddr_t* source,
                      int source_size) {
    if (std::find(sockets_.begin(), sockets_.end(), socket) == sockets_.end()) return false;
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    if (!is_stun(bytes, size)) return false;
    const StunAnswer answer = answer_binding(bytes, size, Address::of(source));
    if (answer.malformed) gate_.count_malformed();
    if (answer.size == 0 || !gate_.admits_keep_alive(*static_cast<const pj_sockaddr*>(source))) return true;
    auto length = static_cast<pj_ssize_t>(answer.size);
    // A full queue loses it, as the network might: the next one comes in half a minute.
    ++counters_.stun;
    pj_sock_sendto(socket, answer.bytes.data(), &length, 0, source, source_size);
    return true;
}

void KeepAlives::take_line_ends(const pjsip_tp_dropped_data& dropped) {
    constexpr std::string_view ping = "\r\n\r\n";
    constexpr std::string_view pong = "\r\n";
    pjsip_transport* transport = dropped.tp;
    const std::string_view text(static_cast<const char*>(dropped.data), dropped.len);
    const auto connection = connections_.find(transport);
    if (connection == connections_.end() || connection->second || transport->is_shutdown) return;
    if (text.find(ping) == std::string_view::npos || !gate_.admits_keep_alive(transport->key.rem_addr)) return;
    ++counters_.pongs;
    pjsip_tpselector through{};
    through.type = PJSIP_TPSELECTOR_TRANSPORT;
    through.u.transport = transport;
    const pj_status_t status = pjsip_tpmgr_send_raw(
        transport->tpmgr, static_cast<pjsip_transport_type_e>(transport->key.type), &through, nullptr, pong.data(),
        pong.size(), &transport->key.rem_addr, transport->addr_len, transport, &KeepAlives::on_sent);
    const auto still = connections_.find(transport);
    if (still != connections_.end()) still->second = status == PJ_EPENDING;
}

void KeepAlives::on_sent(void* token, pjsip_tx_data*, pj_ssize_t) {
    auto& connections = Engine::current()->keep_alives().connections_;
    const auto found = connections.find(static_cast<pjsip_transport*>(token));
    if (found != connections.end()) found->second = false;
}

}  // namespace callwright

// pjsip drops datagrams of up to 32 bytes, which most of these are, before anybody sees them, and tells nobody where
// others came from that are no message. So they are taken where pjlib reads them: the linker puts this function in the
// place of pjlib's (--wrap).
extern "C" {

pj_status_t __real_pj_sock_recvfrom(pj_sock_t socket, void* data, pj_ssize_t* size, unsigned flags,
                                    pj_sockaddr_t* source, int* source_size);
pj_status_t __wrap_pj_sock_recvfrom(pj_sock_t socket, void* data, pj_ssize_t* size, unsigned flags,
                                    pj_sockaddr_t* source, int* source_size);

pj_status_t __wrap_pj_sock_recvfrom(pj_sock_t socket, void* data, pj_ssize_t* size, unsigned flags,
                                    pj_sockaddr_t* source, int* source_size) {
    const pj_status_t status = __real_pj_sock_recvfrom(socket, data, size, flags, source, source_size);
    callwright::Engine* engine = callwright::Engine::current();
    const bool any = status == PJ_SUCCESS && *size > 0 && source != nullptr && engine != nullptr;
    const auto length = static_cast<std::size_t>(any ? *size : 0);
    if (any && engine->keep_alives().take(socket, data, length, source, *source_size)) *size = 0;  // pjsip reads on
    return status;
}

}  // extern "C"
