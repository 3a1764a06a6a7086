// Call-progress tones and in-band DTMF, made sample by sample.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "player.hpp"

namespace callwright {

// One or two frequencies for `on` samples, then silence for `off` samples.
struct ToneSegment {
    struct Partial {
        std::uint32_t step = 0;  // of the phase a sample: 2^32 is a turn
        float peak = 0;          // amplitude in 16-bit units; 0: none
        bool operator==(const Partial& other) const { return step == other.step && peak == other.peak; }
    };

    std::array<Partial, 2> partials;
    std::uint64_t on = 0;
    std::uint64_t off = 0;

    std::uint64_t length() const noexcept { return on + off; }
    // No edge between the two: the phase runs on.
    bool runs_into(const ToneSegment& next) const noexcept { return off == 0 && partials == next.partials && next.on != 0; }
};

// As the public surface gives it: hz1, hz2, on (ms), off (ms).
struct ToneSpec {
    double hz1;
    double hz2;
    int on;
    int off;
};

// What is to be played: segments of no length are left out. Throws std::invalid_argument. level_dbov: of each frequency, relative to the overload of 16-bit PCM (ITU-T G.100.1:
// a full-scale sine is at -3.01 dBov), so that a pair is 3 dB above it.
std::vector<ToneSegment> tone_segments(const std::vector<ToneSpec>& specs, double level_dbov, unsigned clock_rate);

// ITU-T Q.23 frequencies; the high group 2 dB above the low one (Q.24, ETSI ES 201 235-2). "w" and "W" are pauses.
// Throws std::invalid_argument.
std::vector<ToneSegment> dtmf_segments(const std::string& digits, int on, int off, unsigned clock_rate);

// Segments one after the other, the whole list `loop` times (0: for ever). The phase runs on through segments of the
// same frequencies that touch; every other edge is a raised cosine of 5 ms, so that nothing clicks.
class Tone final : public Playback {
  public:
    // `segments`: not empty.
    Tone(Engine& engine, std::uint64_t id, std::vector<ToneSegment> segments, unsigned loop);

  private:
    Rendered render(std::int16_t* samples, unsigned count) noexcept override;
    bool next_segment() noexcept;
    void begin_segment(bool continued) noexcept;
    void sound(std::int16_t* samples, unsigned count) noexcept;
    float envelope(const ToneSegment& segment, std::uint64_t at) const noexcept;

    const std::vector<ToneSegment> segments_;
    const unsigned loop_;
    std::vector<float> edge_;  // the rising one
    std::array<std::uint32_t, 2> phases_{};
    bool rises_ = true;  // the segment starts out of silence
    bool falls_ = true;  // and ends into it
    std::size_t segment_ = 0;
    std::uint64_t offset_ = 0;  // samples of the segment that were played
    unsigned rounds_ = 0;
};

}  // namespace callwright
