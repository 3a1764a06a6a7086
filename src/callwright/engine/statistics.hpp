// What the RTP streams of a leg carried and lost.
#pragma once

#include <pjmedia.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace callwright {

// Sums over the streams that a leg had one after the other (each re-negotiation may start a new one).
struct StreamTotals {
    std::string codec;
    std::uint64_t rx_packets = 0;
    std::uint64_t rx_bytes = 0;
    std::uint64_t rx_lost = 0;
    std::uint64_t rx_discarded = 0;
    std::uint64_t rx_reordered = 0;
    std::uint64_t rx_duplicated = 0;
    double rx_jitter_ms = 0;
    std::uint64_t tx_packets = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_lost = 0;
    double tx_jitter_ms = 0;
    double rtt_ms = 0;

    void add(pjmedia_stream* stream);
    std::string json() const;
};

// Streams come and go on the engine thread; anybody may ask.
class Statistics {
  public:
    void start(std::uint64_t leg, pjmedia_stream* stream);
    void stop(std::uint64_t leg);
    // As of now; "" when no media ran.
    std::string of(std::uint64_t leg) const;
    // The same, and the leg is forgotten.
    std::string take(std::uint64_t leg);

  private:
    struct Entry {
        pjmedia_stream* stream = nullptr;
        StreamTotals before;
    };
    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, Entry> entries_;
};

}  // namespace callwright
