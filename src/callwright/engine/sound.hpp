// Prompt audio in native memory: one immutable copy, however many players it has.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace callwright {

struct ResamplingFilter;

// ITU-T G.711.
enum class Law { MU, A };

// The byte of a zero sample.
constexpr std::uint8_t g711_silence(Law law) { return law == Law::MU ? 0xFF : 0xD5; }

class Sound {
  public:
    static constexpr unsigned MIN_CLOCK_RATE = 8000;
    static constexpr unsigned MAX_CLOCK_RATE = 48000;
    static constexpr unsigned G711_RATE = 8000;

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

    // Its length in samples at 8 kHz, the last one perhaps not a whole one.
    std::size_t g711_size() const noexcept;
    // Media thread: `count` bytes of G.711 from `position` (samples at 8 kHz) on, both within g711_size(). What was
    // played once is kept encoded, for all players.
    void g711(Law law, std::size_t position, std::size_t count, std::uint8_t* out) const noexcept;

    // Buffers held by anybody: Python or a player.
    static std::size_t live() noexcept { return live_.load(std::memory_order_relaxed); }
    // Bytes of G.711 that are kept for them all.
    static std::size_t encoded_bytes() noexcept { return encoded_bytes_.load(std::memory_order_relaxed); }

  private:
    static constexpr std::size_t CHUNK = 1024;  // samples at 8 kHz that are encoded together

    // Memory of the whole length, of which only the chunks that were played are touched.
    struct Encoded {
        std::unique_ptr<std::uint8_t[]> bytes;
        std::unique_ptr<bool[]> ready;  // by chunk
    };

    bool prepare(Encoded& encoded) const noexcept;
    void encode(Law law, std::size_t chunk, std::uint8_t* out) const noexcept;
    std::size_t chunk_size(std::size_t chunk) const noexcept;
    void at_8000(std::size_t position, std::size_t count, std::int16_t* out) const noexcept;

    static std::atomic<std::size_t> live_;
    static std::atomic<std::size_t> encoded_bytes_;

    std::unique_ptr<std::int16_t[]> samples_;
    std::size_t size_;
    unsigned clock_rate_;
    std::shared_ptr<const ResamplingFilter> filter_;  // to 8 kHz; none when it is that
    mutable std::array<Encoded, 2> encoded_;          // by law; the media thread's
    mutable std::size_t kept_ = 0;                    // bytes
};

using SoundPtr = std::shared_ptr<const Sound>;

}  // namespace callwright
