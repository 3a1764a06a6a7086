#include "address.hpp"

#include <arpa/inet.h>

#include <cstddef>
#include <cstdint>

namespace callwright {

Address Address::of(const void* sockaddr_any) {
    Address address;
    if (sockaddr_any == nullptr) return address;
    sa_family_t family;
    std::memcpy(&family, static_cast<const std::uint8_t*>(sockaddr_any) + offsetof(sockaddr, sa_family), sizeof family);
    if (family == AF_INET) std::memcpy(&address.v4, sockaddr_any, sizeof address.v4);
    if (family == AF_INET6) std::memcpy(&address.v6, sockaddr_any, sizeof address.v6);
    return address;
}

Address Address::at(const std::string& host, unsigned port) {
    Address address;
    if (inet_pton(AF_INET6, host.c_str(), &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(static_cast<std::uint16_t>(port));
    } else if (inet_pton(AF_INET, host.c_str(), &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(static_cast<std::uint16_t>(port));
    }
    return address;
}

bool Address::wildcard() const noexcept {
    if (ipv6()) return IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
    return set() && v4.sin_addr.s_addr == INADDR_ANY;
}

bool Address::same_host(const Address& other) const noexcept {
    if (any.sa_family != other.any.sa_family) return false;
    if (any.sa_family == AF_INET) return v4.sin_addr.s_addr == other.v4.sin_addr.s_addr;
    // Without the scope: a description does not know it.
    return std::memcmp(&v6.sin6_addr, &other.v6.sin6_addr, sizeof v6.sin6_addr) == 0;
}

bool Address::is_private() const noexcept {
    if (any.sa_family == AF_INET6) {
        const in6_addr& host = v6.sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(&host) || IN6_IS_ADDR_LINKLOCAL(&host) || (host.s6_addr[0] & 0xFE) == 0xFC;
    }
    const std::uint32_t host = ntohl(v4.sin_addr.s_addr);
    const auto within = [host](std::uint32_t net, unsigned bits) { return (host ^ net) >> (32 - bits) == 0; };
    return any.sa_family == AF_INET && (within(0x0A000000, 8) || within(0xAC100000, 12) || within(0xC0A80000, 16) ||
                                        within(0x64400000, 10) || within(0xA9FE0000, 16) || within(0x7F000000, 8));
}

std::string Address::host() const {
    char host[INET6_ADDRSTRLEN];
    const void* binary = any.sa_family == AF_INET6 ? static_cast<const void*>(&v6.sin6_addr) : &v4.sin_addr;
    return set() && inet_ntop(any.sa_family, binary, host, sizeof host) != nullptr ? host : "";
}

std::string Address::text() const {
    const std::string name = host();
    if (name.empty()) return "";
    return (any.sa_family == AF_INET6 ? "[" + name + "]" : name) + ":" + std::to_string(port());
}

}  // namespace callwright
