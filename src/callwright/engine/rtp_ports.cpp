#include "rtp_ports.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace callwright {

namespace {

constexpr std::chrono::milliseconds letting_go{100};  // the media thread closes the sockets

int bound(const Address& address) {
    const int socket = ::socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket >= 0 && ::bind(socket, &address.any, address.length()) != 0) {
        ::close(socket);
        return -1;
    }
    return socket;
}

}  // namespace

RtpPorts::RtpPorts(int first, int last, const std::vector<std::string>& hosts)
    : first_(static_cast<unsigned>(first + first % 2)),
      pairs_(static_cast<std::size_t>(last + 1 - static_cast<int>(first_)) / 2) {
    for (const std::string& host : hosts) pool_of(host);
}

RtpPorts::Pool& RtpPorts::pool_of(const std::string& host) {
    const auto found = pools_.find(host);
    if (found != pools_.end()) return found->second;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto pool = pools_.begin(); pools_.size() >= MOST_ADDRESSES && pool != pools_.end();) {
        pool = pool->second.taken == 0 ? pools_.erase(pool) : std::next(pool);
    }
    Pool& pool = pools_[host];
    for (std::size_t pair = 0; pair < pairs_; ++pair) {
        pool.free.push_back({first_ + 2 * static_cast<unsigned>(pair), Clock::time_point::min()});
    }
    return pool;
}

std::optional<RtpPorts::Pair> RtpPorts::open(pjsua_call_id call, const std::string& host) {
    Pool& pool = pool_of(host);
    for (std::size_t tries = pool.free.size(); tries > 0; --tries) {
        const Resting resting = pool.free.front();
        const auto pair = bind_first(pool, host);
        if (!pair && errno == EADDRNOTAVAIL) break;  // an interface is gone, with all its ports
        if (!pair) continue;
        taken_[call].emplace_back(&pool, resting.port);
        ++pool.taken;
        in_use_.fetch_add(1, std::memory_order_relaxed);
        const bool used = resting.since != Clock::time_point::min();
        if (used && Clock::now() - resting.since < REST) unrested_.fetch_add(1, std::memory_order_relaxed);
        return pair;
    }
    return std::nullopt;
}

// Takes the pair off the list; or puts it to its end, with errno set.
std::optional<RtpPorts::Pair> RtpPorts::bind_first(Pool& pool, const std::string& host) {
    const unsigned port = pool.free.front().port;
    pool.free.pop_front();
    Pair pair{-1, -1, Address::at(host, port), Address::at(host, port + 1)};
    pair.rtp_socket = bound(pair.rtp);
    if (pair.rtp_socket >= 0) {
        pair.rtcp_socket = bound(pair.rtcp);
        if (pair.rtcp_socket >= 0) return pair;
        ::close(pair.rtp_socket);
    }
    pool.free.push_back({port, Clock::now()});
    return std::nullopt;
}

std::size_t RtpPorts::free(const std::string& host) const {
    const auto pool = pools_.find(host);
    if (pool == pools_.end()) return pairs_;
    const auto now = Clock::now();
    std::size_t count = pool->second.free.size();
    for (auto resting = pool->second.free.rbegin(); resting != pool->second.free.rend(); ++resting, --count) {
        if (resting->since == Clock::time_point::min() || now - resting->since >= letting_go) break;
    }
    return count;
}

void RtpPorts::release(pjsua_call_id call) {
    const auto found = taken_.find(call);
    if (found == taken_.end()) return;
    for (const auto& [pool, port] : found->second) {
        pool->free.push_back({port, Clock::now()});
        --pool->taken;
    }
    in_use_.fetch_sub(found->second.size(), std::memory_order_relaxed);
    taken_.erase(found);
}

std::vector<RtpPorts::Use> RtpPorts::uses() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Use> uses;
    for (const auto& [host, pool] : pools_) uses.push_back({host, pairs_, pool.taken});
    return uses;
}

std::size_t RtpPorts::size() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return pairs_ * std::max<std::size_t>(1, pools_.size());
}

}  // namespace callwright
