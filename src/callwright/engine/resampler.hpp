// Changes of the sample rate by a polyphase low-pass filter: the filters, and what recordings need of them. (What legs
// need, a frame at a time, stands in mix/frame_resampler.hpp.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace callwright {

// The filter of one pair of rates. With the quality of files it passes up to 0.85 of half the lower rate (3.4 kHz for
// 8 kHz audio) within 0.1 dB and is 80 dB down from 1.05 of it on.
struct ResamplingFilter {
    struct Quality {
        double cutoff;      // -6 dB, of half the lower rate
        double transition;  // its whole width, likewise
        double stopband;    // dB
    };
    static constexpr Quality FILES{0.95, 0.20, 80.0};

    ResamplingFilter(unsigned in, unsigned out, const Quality& quality = FILES);
    // The one that everybody shares, of the quality of files. nullptr: the rates are equal. Any thread; the first call
    // for two rates takes some 100 us.
    static std::shared_ptr<const ResamplingFilter> between(unsigned in, unsigned out);

    // One output: `window` are `taps` inputs, oldest first; for output n they end with the input (n * down + centre) /
    // up, and the phase is what that division leaves.
    std::int16_t output(const float* window, unsigned phase) const noexcept;

    unsigned up;      // interpolation, L
    unsigned down;    // decimation, M; out / in = L / M
    unsigned taps;    // of each phase
    unsigned centre;  // the filter's delay, in samples at in * L
    std::vector<float> phases;  // up * taps, each phase oldest input first
};

// One channel. The filter's delay is taken out: sample n of the output is the input at the same moment.
class Resampler {
  public:
    // nullptr: rates are equal, samples pass unchanged.
    explicit Resampler(std::shared_ptr<const ResamplingFilter> filter);

    // Appends what can be computed by now. nullptr: silence.
    void push(const std::int16_t* samples, std::size_t count, std::vector<std::int16_t>& out);
    // The input is over: appends the rest, `total` samples of output in all.
    void finish(std::uint64_t total, std::vector<std::int16_t>& out);

  private:
    void produce(std::uint64_t limit, std::vector<std::int16_t>& out);

    const std::shared_ptr<const ResamplingFilter> filter_;
    std::vector<float> line_;      // taps - 1 samples of the past, then what is not used yet
    std::uint64_t line_start_ = 0;  // of line_[0], counted from taps - 1 zeros before the first input
    std::uint64_t produced_ = 0;
    std::uint64_t quiet_ = 0;  // zeros up to the end of line_
};

}  // namespace callwright
