#include "routes.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace callwright {

namespace {

// A datagram socket that is connected sends nothing: the kernel only looks for the way.
std::string look_up(const Address& peer) {
    const int socket = ::socket(peer.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return {};
    Address local;
    socklen_t length = sizeof local.v6;
    const bool found = ::connect(socket, &peer.any, peer.length()) == 0 && ::getsockname(socket, &local.any, &length) == 0;
    ::close(socket);
    return found ? local.host() : std::string();
}

}  // namespace

std::string Routes::towards(const Address& peer) {
    if (!peer.set()) return {};
    const auto now = Clock::now();
    Route& route = routes_.at(peer.host());
    if (route.local.empty() || now - route.since >= LIFETIME) route = {look_up(peer), now};
    return route.local;
}

}  // namespace callwright
