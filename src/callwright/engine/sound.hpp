// Prompt audio in native memory: one immutable copy, however many players it has.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace callwright {

class Sound {
  public:
    static constexpr unsigned MIN_CLOCK_RATE = 8000;
    static constexpr unsigned MAX_CLOCK_RATE = 48000;

    // Copies `bytes` of 16-bit mono PCM in the machine's byte order.
    // Throws std::invalid_argument: an odd number of bytes, or a rate out of range.
    Sound(const void* samples, std::size_t bytes, unsigned clock_rate);
    ~Sound();
    Sound(const Sound&) = delete;
    Sound& operator=(const Sound&) = delete;

    const std::int16_t* samples() const noexcept { return samples_.get(); }
    std::size_t size() const noexcept { return size_; }  // samples
    unsigned clock_rate() const noexcept { return clock_rate_; }
    double duration() const noexcept { return static_cast<double>(size_) / clock_rate_; }  // seconds

    // Buffers held by anybody: Python or a player.
    static std::size_t live() noexcept { return live_.load(std::memory_order_relaxed); }

  private:
    static std::atomic<std::size_t> live_;

    std::unique_ptr<std::int16_t[]> samples_;
    std::size_t size_;
    unsigned clock_rate_;
};

using SoundPtr = std::shared_ptr<const Sound>;

}  // namespace callwright
