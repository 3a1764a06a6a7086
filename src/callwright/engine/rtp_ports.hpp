// The UDP port pairs of the RTP range: bound for a line, given back at its leg's end, taken again as late as possible,
// so that a late packet of an ended call finds nobody.
#pragma once

#include <pjsua-lib/pjsua.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "rtp/address.hpp"

namespace callwright {

// Engine thread only.
class RtpPorts {
  public:
    // For so long a pair is left alone after its leg, unless there is no other.
    static constexpr std::chrono::seconds REST{30};

    // Even ports of the range whose odd neighbour (RTCP) is in it too.
    RtpPorts(int first, int last);

    struct Pair {
        int rtp_socket;
        int rtcp_socket;
        Address rtp;
        Address rtcp;
    };
    // Bound to `host`, non-blocking. Nothing: no pair is free. Those that another process holds go to the back.
    std::optional<Pair> open(pjsua_call_id call, const std::string& host);
    void release(pjsua_call_id call);

    // Pairs that can be bound now: a line that has just ended is still letting go of its own.
    std::size_t free() const;

    // --- any thread ---
    std::size_t size() const noexcept { return size_; }
    std::uint64_t taken() const noexcept { return in_use_.load(std::memory_order_relaxed); }
    // Pairs that were taken before they had rested.
    std::uint64_t unrested() const noexcept { return unrested_.load(std::memory_order_relaxed); }

  private:
    using Clock = std::chrono::steady_clock;
    struct Resting {
        unsigned port;
        Clock::time_point since;
    };

    std::deque<Resting> free_;  // longest rested first
    std::unordered_map<pjsua_call_id, std::vector<unsigned>> taken_;
    std::size_t size_ = 0;
    std::atomic<std::uint64_t> in_use_{0}, unrested_{0};
};

}  // namespace callwright
