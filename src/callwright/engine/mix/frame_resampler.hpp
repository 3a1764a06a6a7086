// Changes the clock rate of a leg's audio frame by frame, on the media thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace callwright {

struct ResamplingFilter;

// Passes up to 0.85 of half the lower rate (3.4 kHz for 8 kHz audio) within 0.1 dB and is 60 dB down from 1.15 of it
// on; between 8 and 16 kHz it delays by 1.6 ms. All memory is taken when it is made.
class FrameResampler {
  public:
    // Rates in Hz; at most `most` outputs are asked for at once.
    FrameResampler(unsigned in, unsigned out, unsigned most);

    // Inputs that the next `count` outputs use up.
    unsigned needs(unsigned count) const noexcept;
    // `samples`: so many of them; nullptr: silence. False: nothing but silence comes out, and nothing was written.
    bool run(const std::int16_t* samples, std::int16_t* out, unsigned count) noexcept;
    // Forgets what it has heard.
    void reset() noexcept;

  private:
    enum class Way { SAME, HALVE, DOUBLE, ANY };

    void double_rate(const std::int16_t* samples, std::int16_t* out, unsigned count) noexcept;
    void halve_rate(const std::int16_t* samples, std::int16_t* out, unsigned count) noexcept;
    void any_rate(const std::int16_t* samples, std::int16_t* out, unsigned count) noexcept;

    Way way_;
    unsigned up_ = 1, down_ = 1;
    unsigned phase_ = 0;  // of the next output, in parts of an input: 0 to up_ - 1
    std::shared_ptr<const ResamplingFilter> filter_;  // ANY
    std::vector<float> taps_;                         // of the half band, without its zeros and its centre
    unsigned past_ = 0;                               // inputs that it remembers
    std::uint64_t quiet_;                             // zeros since the last other input
    std::vector<float> line_;                         // what it remembers, then the inputs; HALVE: the odd ones
    std::vector<float> even_;                         // HALVE: the even ones
    std::vector<float> out_;
};

}  // namespace callwright
