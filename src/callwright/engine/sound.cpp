#include "sound.hpp"

#include <pjmedia/alaw_ulaw.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

#include "resampler.hpp"

namespace callwright {

std::atomic<std::size_t> Sound::live_{0};
std::atomic<std::size_t> Sound::encoded_bytes_{0};

Sound::Sound(const void* samples, std::size_t bytes, unsigned clock_rate)
    : size_(bytes / sizeof(std::int16_t)), clock_rate_(clock_rate) {
    if (bytes % sizeof(std::int16_t) != 0) {
        throw std::invalid_argument("samples: 16-bit audio has an even number of bytes");
    }
    if (clock_rate < MIN_CLOCK_RATE || clock_rate > MAX_CLOCK_RATE) {
        throw std::invalid_argument("clock_rate: must be 8000 to 48000 Hz");
    }
    samples_.reset(new std::int16_t[size_]);
    if (bytes != 0) {
        std::memcpy(samples_.get(), samples, bytes);
    }
    filter_ = ResamplingFilter::between(clock_rate, G711_RATE);
    live_.fetch_add(1, std::memory_order_relaxed);
}

Sound::~Sound() {
    encoded_bytes_.fetch_sub(kept_, std::memory_order_relaxed);
    live_.fetch_sub(1, std::memory_order_relaxed);
}

std::size_t Sound::g711_size() const noexcept {
    return (std::uint64_t{size_} * G711_RATE + clock_rate_ - 1) / clock_rate_;
}

std::size_t Sound::chunk_size(std::size_t chunk) const noexcept {
    return std::min(CHUNK, g711_size() - chunk * CHUNK);
}

// False: memory has run out.
bool Sound::prepare(Encoded& encoded) const noexcept {
    if (!encoded.bytes) {
        encoded.ready.reset(new (std::nothrow) bool[(g711_size() + CHUNK - 1) / CHUNK]());
        if (encoded.ready) {
            encoded.bytes.reset(new (std::nothrow) std::uint8_t[g711_size()]);
        }
    }
    return encoded.bytes != nullptr;
}

void Sound::g711(Law law, std::size_t position, std::size_t count, std::uint8_t* out) const noexcept {
    Encoded& encoded = encoded_[law == Law::A ? 1 : 0];
    const bool keeps = prepare(encoded);
    std::array<std::uint8_t, CHUNK> unkept;
    while (count != 0) {
        const std::size_t chunk = position / CHUNK;
        const std::size_t offset = position % CHUNK;
        const std::size_t part = std::min(count, CHUNK - offset);
        std::uint8_t* bytes = keeps ? encoded.bytes.get() + chunk * CHUNK : unkept.data();
        if (!keeps) {
            encode(law, chunk, bytes);
        } else if (!encoded.ready[chunk]) {
            encode(law, chunk, bytes);
            encoded.ready[chunk] = true;
            kept_ += chunk_size(chunk);
            encoded_bytes_.fetch_add(chunk_size(chunk), std::memory_order_relaxed);
        }
        std::memcpy(out, bytes + offset, part);
        out += part;
        position += part;
        count -= part;
    }
}

// By the very tables of pjmedia's codec, so that a player that goes over to the mixer sounds the same.
void Sound::encode(Law law, std::size_t chunk, std::uint8_t* out) const noexcept {
    std::array<std::int16_t, CHUNK> narrow;
    const std::size_t count = chunk_size(chunk);
    const std::int16_t* samples = samples_.get() + chunk * CHUNK;
    if (filter_) {
        at_8000(chunk * CHUNK, count, narrow.data());
        samples = narrow.data();
    }
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = law == Law::MU ? pjmedia_linear2ulaw(samples[i]) : pjmedia_linear2alaw(samples[i]);
    }
}

// Some outputs at a time, so that their inputs fit on the stack.
void Sound::at_8000(std::size_t position, std::size_t count, std::int16_t* out) const noexcept {
    constexpr std::size_t OUTPUTS = 64;
    constexpr std::size_t ROOM = 1024;
    static_assert(OUTPUTS * MAX_CLOCK_RATE / G711_RATE + 512 <= ROOM, "512: more taps than any of the filters has");
    std::array<float, ROOM> window;
    const ResamplingFilter& filter = *filter_;
    for (std::size_t done = 0; done < count; done += OUTPUTS) {
        const std::size_t part = std::min(OUTPUTS, count - done);
        const std::uint64_t at = std::uint64_t{position + done} * filter.down + filter.centre;
        const auto first = static_cast<std::int64_t>(at / filter.up) - (filter.taps - 1);
        const std::size_t inputs = ((part - 1) * filter.down + at % filter.up) / filter.up + filter.taps;
        for (std::size_t i = 0; i < inputs; ++i) {
            const std::int64_t input = first + static_cast<std::int64_t>(i);
            window[i] = input >= 0 && input < static_cast<std::int64_t>(size_) ? samples_[input] : 0;
        }
        std::uint64_t phase = at % filter.up;
        for (std::size_t i = 0; i < part; ++i, phase += filter.down) {
            out[done + i] = filter.output(window.data() + phase / filter.up, static_cast<unsigned>(phase % filter.up));
        }
    }
}

}  // namespace callwright
