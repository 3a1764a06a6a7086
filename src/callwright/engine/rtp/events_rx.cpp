#include "events_rx.hpp"

namespace callwright {

namespace {

constexpr std::uint32_t WRAP = 0x10000;
// A segment that fills the duration field; senders that count in packets stop a packet before (RFC 4733 2.5.1.3).
constexpr std::uint32_t FULL_SEGMENT = 0xF000;
constexpr std::uint16_t MAX_GAP_PACKETS = 16;  // lost between two of one series
constexpr std::uint32_t MAX_GAP_MS = 40;  // between what was heard of an event and its next packet, some being lost

}  // namespace

void EventReceiver::restart(unsigned rate) noexcept {
    rate_ = rate;
    events_.fill(Event{});
}

bool EventReceiver::receive(const RtpPacket& packet, const TelephoneEvent& event) noexcept {
    if (Event* known = find(packet, event); known != nullptr) {
        extend(*known, packet, event);
        return false;
    }
    last_ = (last_ + 1) % events_.size();
    events_[last_] = Event{true,        event.end,        event.code,       packet.ssrc,
                           packet.timestamp, packet.timestamp, event.duration};
    return true;
}

EventReceiver::Event* EventReceiver::find(const RtpPacket& packet, const TelephoneEvent& event) noexcept {
    for (Event& known : events_) {
        if (!known.known || known.code != event.code || known.ssrc != packet.ssrc) continue;
        const std::uint32_t age = packet.timestamp - known.began;
        // Its own timestamp, or that of a segment of it.
        if (packet.timestamp == known.timestamp || age <= known.timestamp - known.began) return &known;
    }
    Event& last = events_[last_];
    return last.known && continues(last, packet, event) ? &last : nullptr;
}

// A new timestamp that is no new press: a further segment of a long event, or a sender that wrongly advances the
// timestamp from packet to packet of one event.
bool EventReceiver::continues(const Event& last, const RtpPacket& packet, const TelephoneEvent& event) const noexcept {
    if (last.code != event.code || last.ssrc != packet.ssrc || packet.marker) return false;
    const std::uint32_t step = packet.timestamp - last.timestamp;
    if (static_cast<std::int32_t>(step) <= 0) return false;
    if (step < last.duration) return true;  // one key cannot go down twice at a time
    if (last.ended) return false;
    const bool full = step >= FULL_SEGMENT && step <= WRAP && last.duration >= FULL_SEGMENT / 2;
    return full || step - last.duration <= rate_ * MAX_GAP_MS / 1000;
}

void EventReceiver::extend(Event& known, const RtpPacket& packet, const TelephoneEvent& event) noexcept {
    const auto step = static_cast<std::int32_t>(packet.timestamp - known.timestamp);
    if (step < 0) return;
    if (step > 0) {
        known.timestamp = packet.timestamp;
        known.duration = event.duration;
    } else {
        std::uint32_t duration = (known.duration & ~(WRAP - 1)) | event.duration;
        if (duration + WRAP / 2 < known.duration) duration += WRAP;
        if (duration > known.duration) known.duration = duration;
    }
    known.ended = known.ended || event.end;
}

bool EventReceiver::follows(const RtpPacket& packet) noexcept {
    const auto gap = static_cast<std::uint16_t>(packet.sequence - sequence_);
    const bool follows = packet.ssrc == ssrc_ && gap >= 1 && gap <= MAX_GAP_PACKETS;
    ssrc_ = packet.ssrc;
    sequence_ = packet.sequence;
    return follows;
}

unsigned EventReceiver::duration_ms() const noexcept {
    const Event& last = events_[last_];
    const std::uint64_t ticks = std::uint64_t{last.timestamp - last.began} + last.duration;
    return rate_ == 0 ? 0 : static_cast<unsigned>(ticks * 1000 / rate_);
}

}  // namespace callwright
