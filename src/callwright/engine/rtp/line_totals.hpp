// What all lines together do now, and have done since the start: for those who watch the daemon, not one call.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace callwright {

// Any thread.
class LineTotals {
  public:
    class Counter {
      public:
        void add(std::uint64_t n = 1) noexcept { n_.fetch_add(n, std::memory_order_relaxed); }
        void take(std::uint64_t n = 1) noexcept { n_.fetch_sub(n, std::memory_order_relaxed); }
        std::uint64_t get() const noexcept { return n_.load(std::memory_order_relaxed); }

      private:
        std::atomic<std::uint64_t> n_{0};
    };

    // Packets that came and took no further part, as LineFigures counts them for one leg.
    Counter foreign, malformed, unexpected, early, forged;
    // Packets of one leg that went on to another (or back to it) without being decoded.
    Counter relayed;
    // Packets that SRTP or the kernel did not take.
    Counter refused;
    // Frames of all jitter buffers. Those of a leg that lives are counted every few seconds.
    Counter jitter_lost, jitter_discarded, jitter_empty;
    // Lines with a stream, by what feeds them (the values of Line::Egress).
    std::array<Counter, 4> feeding;
};

}  // namespace callwright
