// The UDP port pairs of the RTP range, on each address of the machine: bound for a line, given back at its leg's end, taken
// again as late as possible, so that a late packet of an ended call finds nobody.
#pragma once

#include <pjsua-lib/pjsua.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rtp/address.hpp"

namespace callwright {

// Engine thread only.
class RtpPorts {
  public:
    // For so long a pair is left alone after its leg, unless there is no other.
    static constexpr std::chrono::seconds REST{30};
    // Beyond so many addresses those without a leg are forgotten: a machine may get a new one every day.
    static constexpr std::size_t MOST_ADDRESSES = 64;

    // Even ports of the range whose odd neighbour (RTCP) is in it too; each of `hosts` has them all, and so has every
    // further address that a pair is opened on.
    RtpPorts(int first, int last, const std::vector<std::string>& hosts);

    struct Pair {
        int rtp_socket;
        int rtcp_socket;
        Address rtp;
        Address rtcp;
    };
    // Bound to `host`, non-blocking. Nothing: no pair is free. Those that another process holds go to the back.
    std::optional<Pair> open(pjsua_call_id call, const std::string& host);
    void release(pjsua_call_id call);

    // Pairs of an address that can be bound now: a line that has just ended is still letting go of its own.
    std::size_t free(const std::string& host) const;

    // --- any thread ---
    struct Use {
        std::string host;
        std::uint64_t pairs;
        std::uint64_t taken;
    };
    std::vector<Use> uses() const;
    std::size_t size() const;
    std::uint64_t taken() const noexcept { return in_use_.load(std::memory_order_relaxed); }
    // Pairs that were taken before they had rested.
    std::uint64_t unrested() const noexcept { return unrested_.load(std::memory_order_relaxed); }

  private:
    using Clock = std::chrono::steady_clock;
    struct Resting {
        unsigned port;
        Clock::time_point since;
    };
    struct Pool {
        std::deque<Resting> free;  // longest rested first
        std::atomic<std::uint64_t> taken{0};
    };

    Pool& pool_of(const std::string& host);
    std::optional<Pair> bind_first(Pool& pool, const std::string& host);

    const unsigned first_;
    const std::size_t pairs_;
    std::map<std::string, Pool> pools_;  // changed by the engine thread, under mutex_
    mutable std::mutex mutex_;
    std::unordered_map<pjsua_call_id, std::vector<std::pair<Pool*, unsigned>>> taken_;
    std::atomic<std::uint64_t> in_use_{0}, unrested_{0};
};

}  // namespace callwright
