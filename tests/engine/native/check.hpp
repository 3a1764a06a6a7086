// What the native tests share: a check that ends the program with its place, and loopback sockets.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "rtp/address.hpp"

#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                                  \
        }                                                                                  \
    } while (false)

#define CHECK_EQUAL(left, right)                                                                              \
    do {                                                                                                      \
        const auto left_ = static_cast<long long>(left);                                                      \
        const auto right_ = static_cast<long long>(right);                                                    \
        if (left_ != right_) {                                                                                \
            std::fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #left, left_, right_); \
            std::exit(1);                                                                                     \
        }                                                                                                     \
    } while (false)

#define CHECK_NEAR(value, expected, tolerance)                                                                   \
    do {                                                                                                         \
        const double value_ = (value), expected_ = (expected), tolerance_ = (tolerance);                         \
        if (!(std::fabs(value_ - expected_) <= tolerance_)) {                                                    \
            std::fprintf(stderr, "%s:%d: %s is %g, not %g within %g\n", __FILE__, __LINE__, #value, value_,      \
                         expected_, tolerance_);                                                                 \
            std::exit(1);                                                                                        \
        }                                                                                                        \
    } while (false)

namespace check {

inline callwright::Address loopback(unsigned port, int family = AF_INET) {
    callwright::Address address;
    address.any.sa_family = static_cast<sa_family_t>(family);
    if (family == AF_INET6) {
        address.v6.sin6_addr = in6addr_loopback;
        address.v6.sin6_port = htons(static_cast<std::uint16_t>(port));
    } else {
        address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.v4.sin_port = htons(static_cast<std::uint16_t>(port));
    }
    return address;
}

// Bound to a free port of loopback, non-blocking.
inline int udp_socket(int family = AF_INET, unsigned port = 0) {
    const int socket = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const callwright::Address address = loopback(port, family);
    if (socket >= 0 && ::bind(socket, &address.any, address.length()) == 0) return socket;
    std::fprintf(stderr, "no UDP socket on loopback: %s\n", std::strerror(errno));
    std::exit(1);
}

inline callwright::Address address_of(int socket) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    CHECK(::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length) == 0);
    return callwright::Address::of(&storage);
}

inline void send(int socket, const callwright::Address& to, const void* data, std::size_t size) {
    CHECK_EQUAL(::sendto(socket, data, size, 0, &to.any, to.length()), size);
}

inline void send(int socket, const callwright::Address& to, const std::string& text) {
    send(socket, to, text.data(), text.size());
}

// The next datagram; ends the program when none comes within five seconds.
inline std::string receive(int socket, callwright::Address* from = nullptr) {
    pollfd waiting{socket, POLLIN, 0};
    CHECK_EQUAL(::poll(&waiting, 1, 5000), 1);
    char data[4096];
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    const ssize_t size = ::recvfrom(socket, data, sizeof data, 0, reinterpret_cast<sockaddr*>(&storage), &length);
    CHECK(size >= 0);
    if (from != nullptr) *from = callwright::Address::of(&storage);
    return std::string(data, static_cast<std::size_t>(size));
}

inline bool quiet(int socket, int ms) {
    pollfd waiting{socket, POLLIN, 0};
    return ::poll(&waiting, 1, ms) == 0;
}

}  // namespace check
