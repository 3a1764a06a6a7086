// What a leg's media carried and how it sounded, as ENDED tells it: one JSON object.
//
//   codec          name in SDP, of the last stream
//   rx             packets, bytes (of payload) that came, over all streams of the leg
//     lost           packets that never came, by their sequence; late ones are not lost
//     discarded      frames that came too late for the jitter buffer, and packets that belonged to no series
//     reordered, duplicated     packets
//     jitter_ms, jitter_max_ms  as RFC 3550 smooths it: the mean over the call, and the highest
//     foreign        packets from elsewhere than the peer, dropped
//     malformed, unexpected, early, forged    packets dropped: no RTP; of a payload type that was not negotiated;
//                    outside a stream; not let pass by SRTP
//     jumps          new series: another SSRC, or a jump of sequence or timestamps
//     bursts, longest_burst     runs of lost packets, and the packets of the longest
//     first_ms       from the first description to the first packet; -1: none came
//     last_ms        since the last packet; -1: none came
//     comfort_noise  packets of it (RFC 3389) among those that came
//     source         "host:port" that the packets came from; "" none
//     digits         RFC 4733 digits
//   tx             packets, bytes sent
//     lost, jitter_ms, jitter_max_ms    as the peer's RTCP reports say
//     first_ms, last_ms         as of rx
//     refused        packets that SRTP or the kernel did not take
//     reports, reports_without  RTCP packets that told of ours, and that told of none
//     destination    "host:port" that the packets go to; "" nowhere
//   rtt_ms         round trip by RTCP, the latest; 0: the peer's reports did not allow to tell
//   jitter_buffer  size_ms: the depth that it has fitted itself to; min_ms, max_ms, avg_delay_ms that frames waited;
//                  lost, discarded, empty: frames
//   mos            rx, tx: ITU-T G.107, 1 to 4.5; 0: nothing to judge
//   relayed        packets of other legs (or its own, echoed) among those sent
//   verdict        what went wrong, in words, when one way or both carried no audio, or not from the answer to the end,
//                  or when the peer reports that nothing of ours came; "" when all was well
#pragma once

#include <cstdint>
#include <string>

#include "address.hpp"
#include "datagrams.hpp"
#include "reception.hpp"
#include "report.hpp"

namespace callwright {

// A copy of a line's counters: it is put into words when the line's lock is free again.
struct LineFigures {
    // Packets that came and took no further part.
    struct Refused {
        std::uint64_t foreign = 0;
        std::uint64_t malformed = 0;
        std::uint64_t unexpected = 0;
        std::uint64_t early = 0;
    };
    // The jitter buffers of all streams of the leg.
    struct JitterBuffer {
        unsigned size_ms = 0, min_ms = 0, max_ms = 0, average_ms = 0;
        std::uint64_t lost = 0, discarded = 0, empty = 0;  // frames
    };

    std::string json() const;
    // In words; "" when both ways carried audio as long as the call lasted (verdict.cpp).
    std::string verdict() const;

    std::string codec;
    unsigned ptime = 20;  // ms
    bool sends = true, receives = true;
    Address described, source, destination, foreign;
    Address signalling;  // the peer's host, whatever the port
    Reception reception;
    Report::Heard heard;
    Refused refused;
    JitterBuffer buffer;
    std::uint64_t forged = 0, digits = 0;
    std::uint64_t comfort = 0;      // packets of comfort noise that came
    std::uint64_t tx_reported = 0;  // packets that we had sent when the peer's last report came
    std::uint64_t first_reported = 0;  // and when its first one that told of them came,
    std::uint32_t first_highest = 0;   // with this as the highest sequence number
    std::uint64_t tx_packets = 0, tx_bytes = 0, tx_refused = 0, relayed = 0;
    Nanos now = 0, opened_at = 0;                             // 0 in all that follows: never
    Nanos described_at = 0;                                   // the last offer/answer
    Nanos established_at = 0;                                 // the call, by 200 and ACK
    Nanos first_at = 0, last_at = 0, comfort_at = 0;          // of RTP that came, and the last comfort noise of it
    Nanos tx_first_at = 0, tx_last_at = 0;

  private:
    std::string rx() const;
    std::string tx() const;
    std::string jitter_buffer() const;
    std::string opinion() const;
    std::string why_unheard() const;
    std::string why_silent() const;
    std::string how_heard() const;
    std::string why_not_heard() const;
    std::string whither() const;
    std::uint64_t unseen() const;
};

}  // namespace callwright
