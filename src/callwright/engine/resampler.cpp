#include "resampler.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <utility>

namespace callwright {

namespace {

constexpr double PI = 3.14159265358979323846;

// Four products at once: the compiler's own vectors, because it may not reorder a sum of floats by itself.
constexpr unsigned LANES = 4;
constexpr unsigned STEP = 2 * LANES;
using Lanes = float __attribute__((vector_size(LANES * sizeof(float))));

Lanes load(const float* at) {
    Lanes lanes;
    std::memcpy(&lanes, at, sizeof lanes);
    return lanes;
}

// Modified Bessel function of the first kind, order 0.
double bessel(double x) {
    double sum = 1;
    double term = 1;
    for (int k = 1; term > sum * 1e-12; ++k) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

// Kaiser's window and length (Oppenheim and Schafer, 7.5.3; for more than 50 dB) for a sinc of `cutoff` turns a sample.
std::vector<double> low_pass(double cutoff, double transition, double stopband) {
    const double beta = 0.1102 * (stopband - 8.7);
    const int half = static_cast<int>(std::ceil((stopband - 7.95) / (2.285 * 2 * PI * transition) / 2));
    std::vector<double> taps;
    for (int n = -half; n <= half; ++n) {
        const double x = 2 * PI * cutoff * n;
        const double sinc = n == 0 ? 1.0 : std::sin(x) / x;
        const double position = static_cast<double>(n) / (half + 1);
        taps.push_back(sinc * bessel(beta * std::sqrt(1 - position * position)));
    }
    return taps;
}

}  // namespace

ResamplingFilter::ResamplingFilter(unsigned in, unsigned out, const Quality& quality) {
    const unsigned common = std::gcd(in, out);
    up = out / common;
    down = in / common;
    const double nyquist = std::min(in, out) / 2.0;
    const double rate = static_cast<double>(in) * up;
    const std::vector<double> prototype =
        low_pass(quality.cutoff * nyquist / rate, quality.transition * nyquist / rate, quality.stopband);
    centre = static_cast<unsigned>(prototype.size() / 2);
    taps = static_cast<unsigned>((prototype.size() + up - 1) / up);
    taps = (taps + STEP - 1) / STEP * STEP;  // the oldest ones are zero
    phases.assign(std::size_t{up} * taps, 0.0F);
    for (unsigned phase = 0; phase < up; ++phase) {
        double sum = 0;
        for (std::size_t i = phase; i < prototype.size(); i += up) {
            sum += prototype[i];
        }
        // Each phase alone passes a constant unchanged, so that none of them hums.
        for (std::size_t i = phase, k = 0; i < prototype.size(); i += up, ++k) {
            phases[std::size_t{phase} * taps + (taps - 1 - k)] = static_cast<float>(prototype[i] / sum);
        }
    }
}

std::shared_ptr<const ResamplingFilter> ResamplingFilter::between(unsigned in, unsigned out) {
    static std::mutex mutex;
    static std::map<std::pair<unsigned, unsigned>, std::shared_ptr<const ResamplingFilter>> filters;
    if (in == out) {
        return nullptr;
    }
    const std::lock_guard<std::mutex> lock(mutex);
    std::shared_ptr<const ResamplingFilter>& filter = filters[{in, out}];
    if (!filter) {
        filter = std::make_shared<ResamplingFilter>(in, out);
    }
    return filter;
}

std::int16_t ResamplingFilter::output(const float* window, unsigned phase) const noexcept {
    const float* factors = phases.data() + std::size_t{phase} * taps;
    Lanes even{};  // two sums, so that an addition need not wait for the one before
    Lanes odd{};
    for (unsigned k = 0; k < taps; k += STEP) {
        even += load(factors + k) * load(window + k);
        odd += load(factors + k + LANES) * load(window + k + LANES);
    }
    const Lanes lanes = even + odd;
    const float sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    return static_cast<std::int16_t>(std::clamp(sum < 0 ? sum - 0.5F : sum + 0.5F, -32768.0F, 32767.0F));
}

Resampler::Resampler(std::shared_ptr<const ResamplingFilter> filter) : filter_(std::move(filter)) {
    if (filter_) {
        line_.assign(filter_->taps - 1, 0.0F);
        quiet_ = line_.size();
    }
}

void Resampler::push(const std::int16_t* samples, std::size_t count, std::vector<std::int16_t>& out) {
    if (!filter_) {
        const std::size_t size = out.size();
        out.resize(size + count, 0);
        if (samples != nullptr) {
            std::memcpy(out.data() + size, samples, count * sizeof *samples);
        }
        produced_ += count;
        return;
    }
    if (samples != nullptr) {
        line_.insert(line_.end(), samples, samples + count);
        quiet_ = 0;
    } else {
        line_.insert(line_.end(), count, 0.0F);
        quiet_ += count;
    }
    produce(std::numeric_limits<std::uint64_t>::max(), out);
}

void Resampler::finish(std::uint64_t total, std::vector<std::int16_t>& out) {
    if (filter_) {
        const std::size_t tail = filter_->centre / filter_->up + 2;
        line_.insert(line_.end(), tail, 0.0F);
        quiet_ += tail;
        produce(total, out);
    }
    if (total > produced_) {
        out.resize(out.size() + (total - produced_), 0);
        produced_ = total;
    }
}

// Output n lies at n * down + centre on the interpolated time line; its phase and newest input follow from that. The
// zeros before the first input make line index and input index differ by taps - 1, which is where the window begins.
void Resampler::produce(std::uint64_t limit, std::vector<std::int16_t>& out) {
    const std::uint64_t end = line_start_ + line_.size();
    const std::uint64_t quiet_from = end - std::min(quiet_, end);
    const std::uint64_t at = produced_ * filter_->down + filter_->centre;
    std::uint64_t first = at / filter_->up;
    unsigned phase = static_cast<unsigned>(at % filter_->up);
    for (; produced_ < limit && first + filter_->taps <= end; ++produced_) {
        out.push_back(first >= quiet_from ? 0 : filter_->output(line_.data() + (first - line_start_), phase));
        phase += filter_->down;
        first += phase / filter_->up;
        phase %= filter_->up;
    }
    const std::uint64_t used = std::min<std::uint64_t>(first - line_start_, line_.size());
    line_.erase(line_.begin(), line_.begin() + static_cast<std::ptrdiff_t>(used));
    line_start_ += used;
}

}  // namespace callwright
