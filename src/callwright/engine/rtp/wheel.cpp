#include "wheel.hpp"

#include <algorithm>

#include "media_thread.hpp"

namespace callwright {

Wheel::Wheel(Nanos period, unsigned phases) : period_(period), phases_(phases) {}

void Wheel::add(Beat* beat, int phase, Nanos now) {
    for (const Phase& other : phases_) {
        if (std::find(other.beats.begin(), other.beats.end(), beat) != other.beats.end()) return;
    }
    std::size_t index;
    switch (phase) {
        case FEWEST: index = fewest(); break;
        case BESIDE: index = beside(); break;
        default: index = static_cast<std::size_t>(phase) % phases_.size();
    }
    Phase& chosen = phases_[index];
    chosen.beats.push_back(beat);
    if (chosen.count++ == 0) {
        const Nanos width = period_ / static_cast<Nanos>(phases_.size());
        chosen.due = now - now % period_ + static_cast<Nanos>(index) * width;
        if (chosen.due <= now) chosen.due += period_;
    }
    find_due();
}

std::size_t Wheel::fewest() const noexcept {
    const auto found = std::min_element(phases_.begin(), phases_.end(),
                                        [](const Phase& a, const Phase& b) { return a.count < b.count; });
    return static_cast<std::size_t>(found - phases_.begin());
}

std::size_t Wheel::beside() const noexcept {
    const Phase* fullest = nullptr;
    for (const Phase& phase : phases_) {
        const bool room = phase.count > 0 && phase.count < BUNCH;
        if (room && (fullest == nullptr || phase.count > fullest->count)) fullest = &phase;
    }
    return fullest != nullptr ? static_cast<std::size_t>(fullest - phases_.data()) : fewest();
}

void Wheel::remove(Beat* beat) noexcept {
    for (Phase& phase : phases_) {
        const auto found = std::find(phase.beats.begin(), phase.beats.end(), beat);
        if (found == phase.beats.end()) continue;
        // Its place is closed by the next run: this may be a run.
        *found = nullptr;
        if (--phase.count == 0) phase.due = NEVER;
    }
    find_due();
}

Wheel::Ran Wheel::run(Nanos now) noexcept {
    Ran ran;
    if (due_ > now) return ran;
    for (Phase& phase : phases_) {
        if (phase.due <= now) run(phase, now, ran);
    }
    find_due();
    return ran;
}

void Wheel::run(Phase& phase, Nanos now, Ran& ran) noexcept {
    const Nanos behind = now - phase.due;
    const auto periods = static_cast<std::uint64_t>(behind / period_) + 1;
    const Nanos too_late = behind - period_ / 2;
    if (too_late > 0) ran.late += static_cast<std::uint64_t>((too_late - 1) / period_) + 1;
    if (periods > MOST) ran.lost += periods - MOST;
    // Before the beats, which may remove the last of the phase.
    phase.due += static_cast<Nanos>(periods) * period_;
    phase.beats.erase(std::remove(phase.beats.begin(), phase.beats.end(), nullptr), phase.beats.end());
    // By index and up to here: a beat may add others, which begin with the next period.
    const std::size_t count = phase.beats.size();
    for (std::size_t i = 0; i < count; i++) {
        if (phase.beats[i] != nullptr) phase.beats[i]->beat(now, static_cast<unsigned>(std::min(periods, MOST)));
    }
}

void Wheel::find_due() noexcept {
    due_ = NEVER;
    for (const Phase& phase : phases_) due_ = std::min(due_, phase.due);
}

}  // namespace callwright
