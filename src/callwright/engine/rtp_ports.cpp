#include "rtp_ports.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace callwright {

namespace {

constexpr std::chrono::milliseconds letting_go{100};  // the media thread closes the sockets

Address at(const std::string& host, unsigned port) {
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

int bound(const Address& address) {
    const int socket = ::socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket >= 0 && ::bind(socket, &address.any, address.length()) != 0) {
        ::close(socket);
        return -1;
    }
    return socket;
}

}  // namespace

RtpPorts::RtpPorts(int first, int last) {
    for (unsigned port = static_cast<unsigned>(first + first % 2); port + 1 <= static_cast<unsigned>(last); port += 2) {
        free_.push_back({port, Clock::time_point::min()});
    }
    size_ = free_.size();
}

std::optional<RtpPorts::Pair> RtpPorts::open(pjsua_call_id call, const std::string& host) {
    for (std::size_t tries = free_.size(); tries > 0; --tries) {
        const Resting resting = free_.front();
        free_.pop_front();
        Pair pair{-1, -1, at(host, resting.port), at(host, resting.port + 1)};
        pair.rtp_socket = bound(pair.rtp);
        if (pair.rtp_socket >= 0) {
            pair.rtcp_socket = bound(pair.rtcp);
            if (pair.rtcp_socket >= 0) {
                taken_[call].push_back(resting.port);
                in_use_.fetch_add(1, std::memory_order_relaxed);
                const bool used = resting.since != Clock::time_point::min();
                if (used && Clock::now() - resting.since < REST) unrested_.fetch_add(1, std::memory_order_relaxed);
                return pair;
            }
            ::close(pair.rtp_socket);
        }
        free_.push_back({resting.port, Clock::now()});
    }
    return std::nullopt;
}

std::size_t RtpPorts::free() const {
    const auto now = Clock::now();
    std::size_t count = free_.size();
    for (auto resting = free_.rbegin(); resting != free_.rend(); ++resting, --count) {
        if (resting->since == Clock::time_point::min() || now - resting->since >= letting_go) break;
    }
    return count;
}

void RtpPorts::release(pjsua_call_id call) {
    const auto found = taken_.find(call);
    if (found == taken_.end()) return;
    for (const unsigned port : found->second) free_.push_back({port, Clock::now()});
    in_use_.fetch_sub(found->second.size(), std::memory_order_relaxed);
    taken_.erase(found);
}

}  // namespace callwright
