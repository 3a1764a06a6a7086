#include "egress.hpp"

#include <atomic>

namespace callwright {

namespace {

constexpr int MAX_STEP = 1000;                // packets: a wider jump of a source's sequence is a new start
constexpr std::int64_t MAX_DRIFT_SECONDS = 2;  // between a source's timestamps and the time that went by
constexpr Nanos SECOND = 1'000'000'000;

std::int16_t distance(std::uint16_t to, std::uint16_t from) { return static_cast<std::int16_t>(to - from); }

}  // namespace

EgressClock::Series EgressClock::new_series() noexcept {
    static std::atomic<Series> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void EgressClock::format(unsigned rate, unsigned ptime) noexcept {
    if (rate != rate_) series_ = 0;
    rate_ = rate;
    frame_ = rate * ptime / 1000;
    frame_time_ = Nanos{ptime} * 1'000'000;
}

std::int64_t EgressClock::ticks(Nanos time) const noexcept {
    return time / SECOND * rate_ + time % SECOND * rate_ / SECOND;
}

// Where a packet that is sent now stands.
std::uint32_t EgressClock::place(Nanos now, bool& paused) const noexcept {
    const Nanos late = now - edge_at_;
    paused = edge_at_ == 0 || late >= 2 * frame_time_;
    if (edge_at_ == 0 || !paused || frame_ == 0) return edge_;
    const std::int64_t frames = (ticks(late) + frame_ / 2) / frame_;
    return edge_ + static_cast<std::uint32_t>(frames * frame_);
}

std::uint32_t EgressClock::timestamp(Nanos now) const noexcept {
    return edge_at_ == 0 ? edge_ : edge_ + static_cast<std::uint32_t>(ticks(now - edge_at_));
}

void EgressClock::move_edge(std::uint32_t edge, Nanos at) noexcept {
    edge_ = edge;
    edge_at_ = at;
}

EgressClock::Stamp EgressClock::next(Series series, std::uint32_t ticks_long, Nanos now) noexcept {
    bool paused = false;
    std::uint32_t timestamp = edge_;
    const Nanos length = static_cast<Nanos>(ticks_long) * SECOND / rate_;
    const bool follows = series == series_ && now - edge_at_ < SECOND;
    if (follows) {
        // By the source's own beat: a packet that was held up does not move those behind it.
        move_edge(timestamp + ticks_long, edge_at_ + length);
    } else {
        timestamp = place(now, paused);
        move_edge(timestamp + ticks_long, now + length);
    }
    series_ = series;
    return {++sequence_, timestamp, paused};
}

void EgressClock::anchor(Series series, std::uint16_t sequence, std::uint32_t timestamp, Nanos now,
                         bool& paused) noexcept {
    const std::uint32_t placed = place(now, paused);
    series_ = series;
    sequence_offset_ = static_cast<std::uint16_t>(sequence_ + 1 - sequence);
    timestamp_offset_ = placed - timestamp;
    first_ = static_cast<std::uint16_t>(sequence_ + 1);
    sequence_ = first_;
    length_ = frame_;
    move_edge(placed + length_, now + frame_time_);
}

bool EgressClock::follow(Series series, std::uint16_t sequence, std::uint32_t timestamp, bool marker, Nanos now,
                         Stamp& stamp) noexcept {
    const auto mapped = static_cast<std::uint16_t>(sequence + sequence_offset_);
    const std::uint32_t placed = timestamp + timestamp_offset_;
    const std::int64_t expected = ticks(now - edge_at_);
    const std::int64_t drift = static_cast<std::int32_t>(placed - edge_) - expected;
    const std::int64_t limit = MAX_DRIFT_SECONDS * rate_;
    const int step = distance(mapped, sequence_);
    if (series != series_ || step > MAX_STEP || step < -MAX_STEP || drift > limit || drift < -limit) {
        bool paused = false;
        anchor(series, sequence, timestamp, now, paused);
        stamp = {sequence_, edge_ - length_, marker || paused};
        return true;
    }
    if (distance(mapped, first_) < 0) return false;
    if (step > 0) {
        // The source's packets may be longer than ours: what follows them begins behind them.
        const std::uint32_t length = placed - (edge_ - length_);
        if (step == 1 && length != 0 && length <= rate_ / 8) length_ = length;
        sequence_ = mapped;
        if (distance(sequence_, first_) > MAX_STEP) first_ = static_cast<std::uint16_t>(sequence_ - MAX_STEP);
        move_edge(placed + length_, now + static_cast<Nanos>(length_) * SECOND / rate_);
    }
    stamp = {mapped, placed, marker};
    return true;
}

EgressClock::Stamp EgressClock::event(bool begins, std::uint32_t ticks_long, Nanos now) noexcept {
    if (begins) {
        bool paused = false;
        event_ = place(now, paused);
        series_ = 0;
        edge_ = event_;
    }
    move_edge(edge_ + ticks_long, now + static_cast<Nanos>(ticks_long) * SECOND / rate_);
    return {++sequence_, event_, begins};
}

}  // namespace callwright
