// Changes the sample rate of a recording: a polyphase low-pass filter, run in the writer thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace callwright {

// The filter of one pair of rates, shared by every recording that uses it: passes up to 0.85 of half the lower rate
// (3.4 kHz for 8 kHz audio) within 0.1 dB, 80 dB down from 1.05 of it on.
struct ResamplingFilter {
    ResamplingFilter(unsigned in, unsigned out);

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
    std::int16_t filtered(const float* window, unsigned phase) const noexcept;

    const std::shared_ptr<const ResamplingFilter> filter_;
    std::vector<float> line_;      // taps - 1 samples of the past, then what is not used yet
    std::uint64_t line_start_ = 0;  // of line_[0], counted from taps - 1 zeros before the first input
    std::uint64_t produced_ = 0;
    std::uint64_t quiet_ = 0;  // zeros up to the end of line_
};

}  // namespace callwright
