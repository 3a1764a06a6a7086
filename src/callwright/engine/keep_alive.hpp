// Keep-alives of phones, answered on the SIP sockets themselves (RFC 5626 section 3.5): STUN over UDP, line ends over
// TCP and TLS.
#pragma once

#include <pjsip.h>

#include <atomic>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace callwright {

class Gate;

// Engine thread. Whoever is answered no other request is answered no keep-alive.
class KeepAlives {
  public:
    struct Counters {
        std::atomic<std::uint64_t> stun{0};   // answers
        std::atomic<std::uint64_t> pongs{0};
    };

    explicit KeepAlives(Gate& gate) : gate_(gate) {}

    const Counters& counters() const { return counters_; }
    // STUN requests on this socket, which pjsip reads, are answered from now on.
    void serve(pj_sock_t socket) { sockets_.push_back(socket); }
    // What has been read from a socket; whether it was STUN's, and is nobody else's business.
    bool take(pj_sock_t socket, const void* data, std::size_t size, const pj_sockaddr_t* source, int source_size);
    // Line ends that have come before, or instead of, a message. A connection that has brought none is not kept open
    // by them: pjsip closes it soon.
    void take_line_ends(const pjsip_tp_dropped_data& dropped);
    // A connection has brought a message.
    void note(pjsip_transport* transport) { connections_.emplace(transport, false); }
    void forget(pjsip_transport* transport) { connections_.erase(transport); }

  private:
    static void on_sent(void* token, pjsip_tx_data* message, pj_ssize_t size);

    Gate& gate_;
    std::vector<pj_sock_t> sockets_;
    std::unordered_map<pjsip_transport*, bool> connections_;  // whether a pong waits to be sent: there is one at a time
    Counters counters_;
};

}  // namespace callwright
