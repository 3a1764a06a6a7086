// sources: rtp/packet.cpp rtp/source_lock.cpp rtp/reception.cpp rtp/events_rx.cpp rtp/egress.cpp rtp/report.cpp rtp/address.cpp rtp/datagrams.cpp rtp/datagrams_pool.cpp rtp/epoll.cpp rtp/uring.cpp rtp/uring_start.cpp
// packages: liburing
// Everything that reads bytes of the network, on a run of hostile datagrams. For libFuzzer:
// clang++ -std=c++17 -g -O1 -fsanitize=fuzzer,address,undefined -I src/callwright/engine THIS SOURCES -luring
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "rtp/egress.hpp"
#include "rtp/events_rx.hpp"
#include "rtp/packet.hpp"
#include "rtp/reception.hpp"
#include "rtp/report.hpp"
#include "rtp/source_lock.hpp"

using namespace callwright;

namespace {

#define HOLDS(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                                      \
        }                                                                                      \
    } while (false)

Address peer(unsigned number) {
    Address address;
    address.v4.sin_family = AF_INET;
    address.v4.sin_addr.s_addr = htonl(0x7F000001 + number / 4);
    address.v4.sin_port = htons(static_cast<std::uint16_t>(4000 + number));
    return address;
}

// A line without its sockets: what it does with a packet, and what must be so afterwards.
class Line {
  public:
    Line() {
        lock_.open(peer(0), now_);
        clock_.format(8000, 20);
    }

    // control: who sends, and how much later than the packet before.
    void receive(std::uint8_t control, const std::vector<std::uint8_t>& bytes) {
        now_ += Nanos{1} << (control >> 3);
        from_ = peer(control & 7);
        switch (kind_of(bytes.data(), bytes.size())) {
            case PacketKind::RTP: receive_rtp(bytes); break;
            case PacketKind::RTCP: receive_rtcp(bytes); break;
            case PacketKind::OTHER: break;
        }
    }

  private:
    void receive_rtp(const std::vector<std::uint8_t>& bytes) {
        RtpPacket packet;
        if (!parse_rtp(bytes.data(), bytes.size(), packet)) return;
        HOLDS(packet.header >= RtpPacket::HEADER && packet.header + packet.payload <= bytes.size());
        if (!lock_.admit(from_, packet.ssrc, packet.sequence, now_)) return;
        HOLDS(lock_.source() == from_);
        const bool event = packet.payload_type == 101;
        const Reception::Verdict verdict = reception_.receive(packet, !event, now_);
        HOLDS(reception_.lost() <= reception_.expected());
        HOLDS(reception_.jitter_ms() >= 0);
        if (verdict == Reception::Verdict::DUPLICATE || verdict == Reception::Verdict::SUSPICIOUS) return;
        if (verdict == Reception::Verdict::RESTARTED) series_ = EgressClock::new_series();
        TelephoneEvent key;
        if (event && parse_event(bytes.data() + packet.header, packet.payload, key)) {
            events_.receive(packet, key);
            HOLDS(events_.duration_ms() < 0xFFFFFFFF / 8);
        }
        relay(packet);
    }

    void relay(const RtpPacket& packet) {
        EgressClock::Stamp stamp{};
        if (!clock_.follow(series_, packet.sequence, packet.timestamp, packet.marker, now_, stamp)) return;
        // Never far behind what was sent, and never far ahead of it.
        const int step = static_cast<std::int16_t>(stamp.sequence - last_);
        HOLDS(!sent_ || (step >= -1000 && step <= 1000));
        if (!sent_ || step > 0) last_ = stamp.sequence;
        sent_ = true;
    }

    void receive_rtcp(const std::vector<std::uint8_t>& bytes) {
        report_.read(bytes.data(), bytes.size(), 0x41414141, 8000, now_);
        HOLDS(report_.heard().round_trip_ms <= 30'000);
        HOLDS(report_.heard().fraction <= 1);
        std::vector<std::uint8_t> ours(Report::ROOM);
        const std::size_t size = report_.write(ours.data(), {1, 2, 3, 4}, reception_, "fuzz", false, now_);
        HOLDS(size <= ours.size());
        HOLDS(Report().read(ours.data(), size, 1, 8000, now_));
    }

    Nanos now_ = 1'000'000'000;
    Address from_;
    SourceLock lock_;
    Reception reception_;
    EventReceiver events_;
    EgressClock clock_{0, 0};
    EgressClock::Series series_ = EgressClock::new_series();
    Report report_;
    std::uint16_t last_ = 0;
    bool sent_ = false;
};

}  // namespace

// Datagrams one after the other: a control byte, a length, and so many bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Line line;
    while (size >= 2) {
        const std::uint8_t control = data[0];
        const std::size_t length = data[1] < size - 2 ? data[1] : size - 2;
        // Of its exact size, so that a step beyond it is seen.
        line.receive(control, std::vector<std::uint8_t>(data + 2, data + 2 + length));
        data += 2 + length;
        size -= 2 + length;
    }
    return 0;
}
