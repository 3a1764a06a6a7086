#include "frame_resampler.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <numeric>
#include <utility>

#include "../resampler.hpp"
#include "samples.hpp"

namespace callwright {

namespace {

// The cutoff is half of the lower rate itself: then every second tap of the filter between a rate and its double is
// zero (a half-band filter).
constexpr ResamplingFilter::Quality LEGS{1.0, 0.30, 60.0};

// Outputs are computed so many at a time; lines are that much longer, so that the last ones need no care.
constexpr unsigned LANES = 4;
constexpr unsigned BLOCK = 4 * LANES;
using Lanes = float __attribute__((vector_size(LANES * sizeof(float))));

inline Lanes load(const float* at) {
    Lanes lanes;
    std::memcpy(&lanes, at, sizeof lanes);
    return lanes;
}

inline void store(float* at, const Lanes& lanes) { std::memcpy(at, &lanes, sizeof lanes); }

// y[i] = sum of taps[k] * x[i + k]. Up to BLOCK - 1 more than `count` are computed.
void convolve(const float* x, const std::vector<float>& taps, float* y, unsigned count) {
    for (unsigned i = 0; i < count; i += BLOCK) {
        Lanes a{}, b{}, c{}, d{};
        const float* at = x + i;
        for (const float tap : taps) {
            a += load(at) * tap;
            b += load(at + LANES) * tap;
            c += load(at + 2 * LANES) * tap;
            d += load(at + 3 * LANES) * tap;
            ++at;
        }
        store(y + i, a);
        store(y + i + LANES, b);
        store(y + i + 2 * LANES, c);
        store(y + i + 3 * LANES, d);
    }
}

std::shared_ptr<const ResamplingFilter> filter_of_legs(unsigned in, unsigned out) {
    static std::mutex mutex;
    static std::map<std::pair<unsigned, unsigned>, std::shared_ptr<const ResamplingFilter>> filters;
    const std::lock_guard<std::mutex> lock(mutex);
    std::shared_ptr<const ResamplingFilter>& filter = filters[{in, out}];
    if (!filter) {
        filter = std::make_shared<ResamplingFilter>(in, out, LEGS);
    }
    return filter;
}

// The taps of the half band that are neither zero nor the centre: those of the other phase when the rate is doubled.
std::vector<float> half_band(const ResamplingFilter& doubling) {
    const unsigned phase = 1 - doubling.centre % 2;
    const float* begin = doubling.phases.data() + std::size_t{phase} * doubling.taps;
    std::vector<float> taps(begin, begin + doubling.taps);
    taps.erase(taps.begin(), std::find_if(taps.begin(), taps.end(), [](float tap) { return tap != 0; }));
    return taps;
}

// Puts inputs behind what is remembered.
void append(std::vector<float>& line, unsigned past, const std::int16_t* samples, unsigned count) {
    if (samples != nullptr) {
        samples::to_float(samples, line.data() + past, count);
    } else {
        std::fill_n(line.begin() + past, count, 0.0F);
    }
}

void forget(std::vector<float>& line, unsigned past, unsigned used) {
    std::memmove(line.data(), line.data() + used, past * sizeof(float));
}

}  // namespace

FrameResampler::FrameResampler(unsigned in, unsigned out, unsigned most) {
    const unsigned common = std::gcd(in, out);
    up_ = out / common;
    down_ = in / common;
    way_ = Way::ANY;
    if (in == out) {
        way_ = Way::SAME;
    } else if (in == 2 * out || out == 2 * in) {
        way_ = in < out ? Way::DOUBLE : Way::HALVE;
        taps_ = half_band(*filter_of_legs(std::min(in, out), std::max(in, out)));
        past_ = static_cast<unsigned>(taps_.size());
    } else {
        filter_ = filter_of_legs(in, out);
        past_ = filter_->taps;
    }
    const std::size_t inputs = (std::size_t{most} * down_ + up_) / up_ + 1;
    if (way_ != Way::SAME) {
        line_.assign(past_ + inputs + BLOCK, 0.0F);
        even_.assign(way_ == Way::HALVE ? line_.size() : 0, 0.0F);
        out_.assign(std::size_t{most} + 2 * BLOCK, 0.0F);
    }
    reset();
}

void FrameResampler::reset() noexcept {
    phase_ = 0;
    quiet_ = UINT64_MAX / 2;
    std::fill(line_.begin(), line_.end(), 0.0F);
    std::fill(even_.begin(), even_.end(), 0.0F);
}

unsigned FrameResampler::needs(unsigned count) const noexcept {
    return static_cast<unsigned>((std::uint64_t{phase_} + std::uint64_t{count} * down_) / up_);
}

bool FrameResampler::run(const std::int16_t* samples, std::int16_t* out, unsigned count) noexcept {
    const unsigned inputs = needs(count);
    quiet_ = samples == nullptr ? quiet_ + inputs : 0;
    const std::uint64_t remembered = std::uint64_t{past_} * (way_ == Way::HALVE ? 2 : 1);
    if (samples == nullptr && quiet_ - inputs >= remembered) {
        phase_ = static_cast<unsigned>((phase_ + std::uint64_t{count} * down_) % up_);
        return false;
    }
    switch (way_) {
        case Way::SAME:
            std::memcpy(out, samples, count * sizeof *out);
            break;
        case Way::DOUBLE:
            double_rate(samples, out, count);
            break;
        case Way::HALVE:
            halve_rate(samples, out, count);
            break;
        case Way::ANY:
            any_rate(samples, out, count);
            break;
    }
    return true;
}

// Between two inputs comes the filter's value, on each input the input itself. An odd count leaves the second half of
// the last pair to the next call.
void FrameResampler::double_rate(const std::int16_t* samples, std::int16_t* out, unsigned count) noexcept {
    const unsigned inputs = needs(count);
    const unsigned pairs = (phase_ + count + 1) / 2;
    append(line_, past_, samples, inputs);
    convolve(line_.data(), taps_, out_.data(), pairs);
    const float* centre = line_.data() + past_ / 2 - 1;
    std::array<float, 2 * BLOCK> woven;
    unsigned skip = phase_;
    for (unsigned pair = 0, done = 0; done < count; pair += BLOCK) {
        for (unsigned i = 0; i < BLOCK; ++i) {
            woven[2 * i] = centre[pair + i];
            woven[2 * i + 1] = out_[pair + i];
        }
        const unsigned part = std::min(2 * BLOCK - skip, count - done);
        samples::to_int16(woven.data() + skip, out + done, part);
        done += part;
        skip = 0;
    }
    forget(line_, past_, inputs);
    phase_ = (phase_ + count) % 2;
}

void FrameResampler::halve_rate(const std::int16_t* samples, std::int16_t* out, unsigned count) noexcept {
    if (samples != nullptr) {
        for (unsigned i = 0; i < count; ++i) {
            even_[past_ + i] = samples[2 * i];
            line_[past_ + i] = samples[2 * i + 1];
        }
    } else {
        append(even_, past_, nullptr, count);
        append(line_, past_, nullptr, count);
    }
    convolve(line_.data(), taps_, out_.data(), count);
    const float* centre = even_.data() + past_ / 2;
    for (unsigned i = 0; i < count; i += LANES) {
        store(out_.data() + i, (load(out_.data() + i) + load(centre + i)) * 0.5F);
    }
    samples::to_int16(out_.data(), out, count);
    forget(line_, past_, count);
    forget(even_, past_, count);
}

void FrameResampler::any_rate(const std::int16_t* samples, std::int16_t* out, unsigned count) noexcept {
    const unsigned inputs = needs(count);
    append(line_, past_, samples, inputs);
    const float* window = line_.data();
    for (unsigned i = 0; i < count; ++i) {
        out[i] = filter_->output(window, phase_);
        phase_ += down_;
        window += phase_ / up_;
        phase_ %= up_;
    }
    forget(line_, past_, inputs);
}

}  // namespace callwright
