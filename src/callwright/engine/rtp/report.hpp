// RTCP: what we tell the peer of both directions, and what it tells us (RFC 3550 section 6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "datagrams.hpp"
#include "reception.hpp"

namespace callwright {

class Report {
  public:
    static constexpr std::size_t ROOM = 400;  // bytes that a report can take

    // What we sent so far.
    struct Sent {
        std::uint32_t ssrc = 0;
        std::uint32_t timestamp = 0;  // that stands for now
        std::uint64_t packets = 0, bytes = 0;
    };
    // What the peer reported of what we sent.
    struct Heard {
        std::uint64_t reports = 0;   // with a block of ours
        std::uint64_t without = 0;   // packets whose reports have none: of an end that hears nothing, or does not count
        std::int64_t lost = 0;       // packets, in all
        std::uint32_t highest = 0;   // extended sequence number of the last that came
        double fraction = 0;         // 0 to 1, of the latest interval
        double worst_fraction = 0;
        double jitter_ms = 0, jitter_max_ms = 0;
        double round_trip_ms = -1;   // -1: not known yet
        double round_trip_max_ms = -1;
        bool bye = false;
    };

    // cname: 255 bytes of it are used. Writes a sender or receiver report, SDES and, at the end, BYE into `data`
    // (ROOM bytes); its length is returned.
    std::size_t write(std::uint8_t* data, const Sent& sent, Reception& reception, const std::string& cname, bool bye,
                      Nanos now) noexcept;
    // A compound packet, untrusted. False: it is none. rate: of our RTP clock, Hz.
    bool read(const std::uint8_t* data, std::size_t size, std::uint32_t own_ssrc, unsigned rate, Nanos now) noexcept;

    const Heard& heard() const noexcept { return heard_; }

  private:
    std::size_t write_block(std::uint8_t* data, Reception& reception, Nanos now) const noexcept;
    void read_sender(const std::uint8_t* data, std::size_t size, Nanos now) noexcept;
    void read_blocks(const std::uint8_t* data, std::size_t size, std::uint32_t own_ssrc, unsigned rate,
                     Nanos now) noexcept;
    void read_block(const std::uint8_t* block, unsigned rate, Nanos now) noexcept;

    Heard heard_;
    std::uint64_t reported_packets_ = 0;   // by the last sender report
    std::uint32_t sender_time_ = 0;        // middle bits of the NTP time in the peer's last sender report; 0: none
    Nanos sender_at_ = 0;
};

// NTP time (RFC 3550 section 4) that stands for `now`: the clock's at the start, and what went by since.
std::uint64_t ntp_time(Nanos now) noexcept;

}  // namespace callwright
