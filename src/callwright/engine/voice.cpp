#include "voice.hpp"

#include <cmath>

namespace callwright {

namespace {

std::uint64_t frame_energy(double dbov, unsigned frame) {
    constexpr double OVERLOAD = 32768.0 * 32768.0;
    return static_cast<std::uint64_t>(OVERLOAD * std::pow(10.0, dbov / 10.0) * frame);
}

}  // namespace

Voice::Voice(unsigned frame, std::uint64_t silence)
    : threshold_(frame_energy(THRESHOLD_DBOV, frame)), held_(frame_energy(HELD_DBOV, frame)), silence_(silence) {}

std::uint64_t Voice::energy(const std::int16_t* samples, unsigned count) noexcept {
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < count; ++i) {
        sum += static_cast<std::uint32_t>(samples[i] * samples[i]);
    }
    return sum;
}

bool Voice::hear(std::uint64_t energy, std::uint64_t position, unsigned count) noexcept {
    if (energy >= (hangover_ != 0 ? held_ : threshold_)) {
        hangover_ = HANGOVER_FRAMES;
        silent_for_ = 0;
        reported_ = false;
        voiced_.fetch_add(count, std::memory_order_relaxed);
        if (first_.load(std::memory_order_relaxed) < 0) {
            first_.store(static_cast<std::int64_t>(position), std::memory_order_relaxed);
        }
        last_.store(static_cast<std::int64_t>(position + count), std::memory_order_relaxed);
        return false;
    }
    hangover_ -= hangover_ != 0 ? 1 : 0;
    silent_for_ += count;
    if (silence_ == 0 || reported_ || silent_for_ < silence_) {
        return false;
    }
    reported_ = true;
    return true;
}

}  // namespace callwright
