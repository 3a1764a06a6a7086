#include "tone.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace callwright {

namespace {

constexpr double PI = 3.14159265358979323846;
constexpr double OVERLOAD = 32768.0;  // RMS of 0 dBov
constexpr double FULL_SCALE = 32767.0;
constexpr double MIN_LEVEL_DBOV = -90.0;
constexpr unsigned EDGE_MS = 5;
constexpr int MAX_SEGMENT_MS = 24 * 3600 * 1000;

constexpr double DTMF_LOW_DBOV = -12.0;
constexpr double DTMF_HIGH_DBOV = -10.0;
constexpr int SHORT_PAUSE_MS = 500;
constexpr int LONG_PAUSE_MS = 1000;
constexpr char DTMF_KEYS[] = "123A456B789C*0#D";
constexpr double DTMF_ROWS[] = {697, 770, 852, 941};
constexpr double DTMF_COLUMNS[] = {1209, 1336, 1477, 1633};

// One turn of a sine; linear interpolation between its 4096 points errs by less than 1e-6 of the amplitude.
class SineTable {
  public:
    SineTable() {
        for (std::size_t i = 0; i < values_.size(); ++i) {
            values_[i] = static_cast<float>(std::sin(2 * PI * static_cast<double>(i) / SIZE));
        }
    }

    float at(std::uint32_t phase) const noexcept {
        const std::uint32_t index = phase >> FRACTION_BITS;
        const float fraction = static_cast<float>(phase & FRACTION_MASK) * (1.0F / (1U << FRACTION_BITS));
        return values_[index] + (values_[index + 1] - values_[index]) * fraction;
    }

  private:
    static constexpr unsigned SIZE_BITS = 12;
    static constexpr unsigned SIZE = 1U << SIZE_BITS;
    static constexpr unsigned FRACTION_BITS = 32 - SIZE_BITS;
    static constexpr std::uint32_t FRACTION_MASK = (1U << FRACTION_BITS) - 1;
    std::array<float, SIZE + 1> values_;
};

const SineTable SINE;

double peak_of(double level_dbov) { return OVERLOAD * std::sqrt(2.0) * std::pow(10.0, level_dbov / 20.0); }

std::uint64_t samples_of(int ms, unsigned clock_rate) { return static_cast<std::uint64_t>(ms) * clock_rate / 1000; }

ToneSegment::Partial partial(double hz, double peak, unsigned clock_rate) {
    if (!(hz > 0 && hz < clock_rate / 2.0)) {
        throw std::invalid_argument("a tone's frequency must be above 0 and below half of the clock rate");
    }
    return {static_cast<std::uint32_t>(std::llround(hz / clock_rate * 4294967296.0)), static_cast<float>(peak)};
}

void require_duration(int ms) {
    if (ms < 0 || ms > MAX_SEGMENT_MS) {
        throw std::invalid_argument("a tone's on and off times must be 0 to 86400000 ms");
    }
}

}  // namespace

std::vector<ToneSegment> tone_segments(const std::vector<ToneSpec>& specs, double level_dbov, unsigned clock_rate) {
    const double peak = peak_of(level_dbov);
    if (!(level_dbov >= MIN_LEVEL_DBOV)) {
        throw std::invalid_argument("level_dbov: must be -90 or more");
    }
    std::vector<ToneSegment> segments;
    for (const ToneSpec& spec : specs) {
        require_duration(spec.on);
        require_duration(spec.off);
        ToneSegment segment;
        segment.partials[0] = partial(spec.hz1, peak, clock_rate);
        if (spec.hz2 != 0) {
            segment.partials[1] = partial(spec.hz2, peak, clock_rate);
        }
        if (peak * (spec.hz2 != 0 ? 2 : 1) > FULL_SCALE) {
            throw std::invalid_argument("level_dbov: a tone this loud would be clipped (-3.1 at most, -9.1 for a pair)");
        }
        segment.on = samples_of(spec.on, clock_rate);
        segment.off = samples_of(spec.off, clock_rate);
        if (segment.length() != 0) {
            segments.push_back(segment);
        }
    }
    return segments;
}

std::vector<ToneSegment> dtmf_segments(const std::string& digits, int on, int off, unsigned clock_rate) {
    require_duration(on);
    require_duration(off);
    std::vector<ToneSegment> segments;
    for (const char digit : digits) {
        ToneSegment segment;
        const char upper = digit >= 'a' && digit <= 'd' ? static_cast<char>(digit - 'a' + 'A') : digit;
        if (digit == 'w' || digit == 'W') {
            segment.off = samples_of(digit == 'w' ? SHORT_PAUSE_MS : LONG_PAUSE_MS, clock_rate);
        } else if (const char* key = upper == '\0' ? nullptr : std::strchr(DTMF_KEYS, upper)) {
            const std::ptrdiff_t index = key - DTMF_KEYS;
            segment.partials[0] = partial(DTMF_ROWS[index / 4], peak_of(DTMF_LOW_DBOV), clock_rate);
            segment.partials[1] = partial(DTMF_COLUMNS[index % 4], peak_of(DTMF_HIGH_DBOV), clock_rate);
            segment.on = samples_of(on, clock_rate);
            segment.off = samples_of(off, clock_rate);
        } else {
            throw std::invalid_argument("digits: must be of 0-9 * # A-D w W");
        }
        if (segment.length() != 0) {
            segments.push_back(segment);
        }
    }
    return segments;
}

Tone::Tone(Engine& engine, std::uint64_t id, std::vector<ToneSegment> segments, unsigned loop)
    : Playback(engine, id), segments_(std::move(segments)), loop_(loop) {
    edge_.resize(engine.clock_rate() * EDGE_MS / 1000);
    for (std::size_t i = 0; i < edge_.size(); ++i) {
        const double position = (static_cast<double>(i) + 0.5) / static_cast<double>(edge_.size());
        edge_[i] = static_cast<float>((1 - std::cos(PI * position)) / 2);
    }
    begin_segment(false);
}

void Tone::begin_segment(bool continued) noexcept {
    const bool last = segment_ + 1 == segments_.size();
    const bool over = last && loop_ != 0 && rounds_ + 1 == loop_;
    const ToneSegment& next = segments_[last ? 0 : segment_ + 1];
    rises_ = !continued;
    falls_ = over || !segments_[segment_].runs_into(next);
    offset_ = 0;
    if (!continued) {
        phases_ = {};
    }
}

// False at the end of the last round.
bool Tone::next_segment() noexcept {
    const ToneSegment& before = segments_[segment_];
    if (++segment_ == segments_.size()) {
        segment_ = 0;
        if (loop_ != 0 && ++rounds_ == loop_) {
            return false;
        }
    }
    begin_segment(before.runs_into(segments_[segment_]));
    return true;
}

float Tone::envelope(const ToneSegment& segment, std::uint64_t at) const noexcept {
    const std::uint64_t length = std::min<std::uint64_t>(edge_.size(), segment.on / 2);
    const std::uint64_t from_end = segment.on - 1 - at;
    if (rises_ && at < length) {
        return edge_[at * edge_.size() / length];
    }
    return falls_ && from_end < length ? edge_[from_end * edge_.size() / length] : 1.0F;
}

void Tone::sound(std::int16_t* samples, unsigned count) noexcept {
    const ToneSegment& segment = segments_[segment_];
    const auto& [low, high] = segment.partials;
    const std::uint64_t edge = edge_.size();
    for (unsigned i = 0; i < count; ++i) {
        float value = low.peak * SINE.at(phases_[0]);
        phases_[0] += low.step;
        if (high.peak != 0) {
            value += high.peak * SINE.at(phases_[1]);
            phases_[1] += high.step;
        }
        const std::uint64_t at = offset_ + i;
        if (at < edge || at + edge >= segment.on) {
            value *= envelope(segment, at);
        }
        samples[i] = static_cast<std::int16_t>(std::lrint(value));
    }
}

Playback::Rendered Tone::render(std::int16_t* samples, unsigned count) noexcept {
    unsigned done = 0;
    bool audible = false;
    bool more = true;
    while (more && done < count) {
        const ToneSegment& segment = segments_[segment_];
        const bool on = offset_ < segment.on;
        const std::uint64_t rest = (on ? segment.on : segment.length()) - offset_;
        const unsigned part = static_cast<unsigned>(std::min<std::uint64_t>(count - done, rest));
        if (on) {
            sound(samples + done, part);
            audible = true;
        } else {
            std::memset(samples + done, 0, part * sizeof *samples);
        }
        done += part;
        offset_ += part;
        more = offset_ < segment.length() || next_segment();
    }
    return {done, audible, !more};
}

}  // namespace callwright
