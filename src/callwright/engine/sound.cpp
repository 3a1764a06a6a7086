#include "sound.hpp"

#include <cstring>
#include <stdexcept>

namespace callwright {

std::atomic<std::size_t> Sound::live_{0};

Sound::Sound(const void* samples, std::size_t bytes, unsigned clock_rate)
    : size_(bytes / sizeof(std::int16_t)), clock_rate_(clock_rate) {
    if (bytes % sizeof(std::int16_t) != 0) {
        throw std::invalid_argument("samples: 16-bit audio has an even number of bytes");
    }
    if (clock_rate < MIN_CLOCK_RATE || clock_rate > MAX_CLOCK_RATE) {
        throw std::invalid_argument("clock_rate: must be 8000 to 48000 Hz");
    }
    samples_.reset(new std::int16_t[size_]);
    std::memcpy(samples_.get(), samples, bytes);
    live_.fetch_add(1, std::memory_order_relaxed);
}

Sound::~Sound() { live_.fetch_sub(1, std::memory_order_relaxed); }

}  // namespace callwright
