// The sequence numbers and timestamps that leave a leg: one series, whatever feeds it.
#pragma once

#include <cstdint>

#include "datagrams.hpp"

namespace callwright {

// Packets that follow one another have timestamps that do; after a pause the timestamp has advanced by the time that
// went by, in whole frames, and the marker says so (RFC 3551 section 4.1).
class EgressClock {
  public:
    struct Stamp {
        std::uint16_t sequence;
        std::uint32_t timestamp;
        bool marker;
    };
    // A number never used before in this process: what has the same follows itself without a break.
    using Series = std::uint64_t;
    static Series new_series() noexcept;

    EgressClock(std::uint16_t sequence, std::uint32_t timestamp) noexcept
        : sequence_(sequence), edge_(timestamp) {}

    // rate: of the RTP clock, Hz; ptime: ms in a packet.
    void format(unsigned rate, unsigned ptime) noexcept;
    // The next packet of a source without numbers of its own, `ticks` long.
    Stamp next(Series series, std::uint32_t ticks, Nanos now) noexcept;
    // A packet of a source that has its own: their distances are kept, so that loss, reordering and pauses stay what
    // they are. False: it is older than the source's first one here, and must be dropped.
    bool follow(Series series, std::uint16_t sequence, std::uint32_t timestamp, bool marker, Nanos now,
                Stamp& stamp) noexcept;
    // The next number of a source that has its own is not sent, its time goes by: silence, and not a loss.
    void skip(Series series) noexcept {
        if (series == series_) --sequence_offset_;
    }
    // RFC 4733: all packets of an event have the timestamp at which it began; each takes the place of `ticks` of sound.
    Stamp event(bool begins, std::uint32_t ticks, Nanos now) noexcept;
    // A further segment of an event that lasts longer than its duration field can say (RFC 4733 section 2.5.1.3).
    void next_segment(std::uint32_t duration) noexcept { event_ += duration; }

    std::uint32_t timestamp(Nanos now) const noexcept;  // that stands for this moment (of a sender report)

  private:
    std::uint32_t place(Nanos now, bool& paused) const noexcept;
    std::int64_t ticks(Nanos time) const noexcept;
    void anchor(Series series, std::uint16_t sequence, std::uint32_t timestamp, Nanos now, bool& paused) noexcept;
    void move_edge(std::uint32_t edge, Nanos at) noexcept;

    unsigned rate_ = 8000;
    std::uint32_t frame_ = 160;   // ticks
    Nanos frame_time_ = 20'000'000;
    std::uint16_t sequence_;      // of the last packet
    std::uint32_t edge_;          // the timestamp behind the last packet ...
    Nanos edge_at_ = 0;           // ... and the moment that it stands for; 0: nothing was sent
    Series series_ = 0;
    std::uint16_t sequence_offset_ = 0, first_ = 0;
    std::uint32_t timestamp_offset_ = 0;
    std::uint32_t length_ = 0;  // ticks of the source's packets
    std::uint32_t event_ = 0;
};

}  // namespace callwright
