// What came of a peer's RTP: sequence, loss, order and jitter (RFC 3550 appendix A), and where a new series begins.
#pragma once

#include <cstddef>
#include <cstdint>

#include "datagrams.hpp"
#include "packet.hpp"

namespace callwright {

class Reception {
  public:
    enum class Verdict {
        GOOD,
        RESTARTED,   // good, the first of a new series: another SSRC, or a jump
        DUPLICATE,
        SUSPICIOUS,  // does not follow what came so far: the next one tells whether a new series begins
    };

    // rate: of the RTP clock, Hz. What was counted so far stays.
    void format(unsigned rate) noexcept;
    // audio: false for an event, whose timestamp is that of its beginning.
    Verdict receive(const RtpPacket& packet, bool audio, Nanos now) noexcept;

    std::uint64_t packets() const noexcept { return packets_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::uint64_t lost() const noexcept;
    std::uint64_t expected() const noexcept { return expected_before_ + series_expected(); }
    std::uint64_t reordered() const noexcept { return reordered_; }
    std::uint64_t duplicated() const noexcept { return duplicated_; }
    std::uint64_t jumps() const noexcept { return jumps_; }
    std::uint64_t suspicious() const noexcept { return suspicious_; }
    std::uint64_t bursts() const noexcept { return bursts_; }        // runs of lost packets
    std::uint64_t longest_burst() const noexcept { return longest_burst_; }
    double jitter_ms() const noexcept;      // as RFC 3550 smooths it, now
    double jitter_max_ms() const noexcept;
    double jitter_mean_ms() const noexcept;

    // For a report block.
    bool heard() const noexcept { return heard_; }
    std::uint32_t ssrc() const noexcept { return ssrc_; }
    std::uint32_t extended_sequence() const noexcept { return static_cast<std::uint32_t>(highest_); }
    std::uint32_t jitter_ticks() const noexcept { return static_cast<std::uint32_t>(jitter_); }
    // Of the packets expected since the last call, in 1/256.
    std::uint8_t take_fraction() noexcept;
    std::int64_t series_lost() const noexcept { return series_expected() - static_cast<std::int64_t>(received_); }

  private:
    Verdict probe(const RtpPacket& packet, bool audio, Nanos now) noexcept;
    void restart(const RtpPacket& packet, Nanos now) noexcept;
    void count(const RtpPacket& packet) noexcept;
    Verdict late(std::int64_t age) noexcept;
    void forward(std::int64_t step) noexcept;
    bool time(const RtpPacket& packet, bool ahead, Nanos now) noexcept;
    std::int64_t series_expected() const noexcept { return heard_ ? highest_ - base_ + 1 : 0; }

    unsigned rate_ = 8000;
    bool heard_ = false;
    std::uint32_t ssrc_ = 0;
    std::int64_t base_ = 0, highest_ = 0;  // extended sequence numbers of the series
    std::uint64_t seen_ = 0;               // bit n: highest_ - n came
    std::uint64_t received_ = 0;           // of the series
    std::uint32_t probed_ssrc_ = 0;
    std::uint16_t probed_next_ = 0;
    bool probing_ = false;

    Nanos epoch_ = 0;           // zero of arrival times
    bool timed_ = false;
    std::int64_t arrival_ = 0;  // ticks, of the last packet that was timed
    std::uint32_t timestamp_ = 0;
    double jitter_ = 0, jitter_max_ = 0, jitter_sum_ = 0;
    std::uint64_t jitter_count_ = 0;

    std::uint64_t packets_ = 0, bytes_ = 0, reordered_ = 0, duplicated_ = 0, jumps_ = 0, suspicious_ = 0;
    std::uint64_t bursts_ = 0, longest_burst_ = 0, lost_before_ = 0, expected_before_ = 0;
    std::int64_t reported_expected_ = 0, reported_received_ = 0;
};

}  // namespace callwright
