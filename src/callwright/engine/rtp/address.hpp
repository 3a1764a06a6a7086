// An IPv4 or IPv6 address with its port, as the kernel takes it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace callwright {

struct Address {
    union {
        sockaddr any;
        sockaddr_in v4;
        sockaddr_in6 v6;
    };

    Address() { std::memset(static_cast<void*>(this), 0, sizeof *this); }
    // Anything else than IPv4 or IPv6 gives an address that is not set.
    static Address of(const void* sockaddr_any);
    // "192.0.2.1" or "2001:db8::1"; what is no address gives one that is not set.
    static Address at(const std::string& host, unsigned port);

    bool set() const noexcept { return any.sa_family != 0; }
    bool ipv6() const noexcept { return any.sa_family == AF_INET6; }
    // "0.0.0.0" or "::": every address of its family.
    bool wildcard() const noexcept;
    socklen_t length() const noexcept { return any.sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }
    unsigned port() const noexcept { return ntohs(any.sa_family == AF_INET6 ? v6.sin6_port : v4.sin_port); }
    bool same_host(const Address& other) const noexcept;
    // An address that means something in its own network only: RFC 1918, RFC 6598, RFC 4193, link-local, loopback.
    bool is_private() const noexcept;
    bool operator==(const Address& other) const noexcept { return same_host(other) && port() == other.port(); }
    bool operator!=(const Address& other) const noexcept { return !(*this == other); }
    std::string host() const;  // "192.0.2.1", "2001:db8::1", "" when not set
    std::string text() const;  // "192.0.2.1:5004", "[2001:db8::1]:5004", "" when not set
};

}  // namespace callwright
