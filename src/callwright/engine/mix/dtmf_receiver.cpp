#include "dtmf_receiver.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace callwright {

namespace {

constexpr double PI = 3.14159265358979323846;
constexpr std::array<unsigned, 8> HZ{697, 770, 852, 941, 1209, 1336, 1477, 1633};
constexpr char KEYS[] = "123A456B789C*0#D";
constexpr unsigned ROWS = 4;
constexpr unsigned STEPS_PER_SECOND = 100;

float power_of(double db) { return static_cast<float>(std::pow(10.0, db / 10.0)); }

// Q.24: tones down to -25 dBm0 must be taken, below -55 they must not; 0 dBm0 is -6.15 dBov.
const float LEAST_POWER = 32768.0F * 32768.0F * power_of(-42.0);
// Q.24: the high tone may be 4 dB above the low one, or 8 dB below.
const float MOST_HIGH = power_of(6.0);
const float LEAST_HIGH = power_of(-10.0);
// Of the two tones in all that is heard: 0.85 is a noise 7.5 dB below them.
constexpr float LEAST_SHARE = 0.85F;
// The next strongest of the group, beside the tone.
const float MOST_NEIGHBOUR = power_of(-7.0);
// From one step to the next it stays as loud as it is: a step that the digit fills to two thirds only is no part of it.
const float MOST_CHANGE = power_of(1.5);
// Of a tone alone, into which a louder one leaks.
const float MOST_TONE_CHANGE = power_of(6.0);
// Of its frequency: Q.24 has 1.5 % taken and 3.5 % not.
constexpr float MOST_DETUNED = 0.025F;
constexpr float MOST_GLIDE = 0.012F;  // from one window to the next
// Windows without the digit that end it: a break of 10 ms lies in three at most, a pause of 40 ms in more.
constexpr unsigned MISSING_ENDS = 4;

constexpr unsigned LANES = 4;
using Lanes = float __attribute__((vector_size(LANES * sizeof(float))));

bool steady(float earlier, float later, float change) { return earlier < later * change && later < earlier * change; }

}  // namespace

DtmfReceiver::DtmfReceiver(unsigned clock_rate) : size_(clock_rate / STEPS_PER_SECOND) {
    for (unsigned i = 0; i < size_; ++i) {
        for (const double hz : HZ) oscillators_.push_back(static_cast<float>(std::cos(2 * PI * hz * i / clock_rate)));
        for (const double hz : HZ) oscillators_.push_back(static_cast<float>(-std::sin(2 * PI * hz * i / clock_rate)));
    }
    for (unsigned i = 0; i < STEPS_PER_SECOND; ++i) {
        cosines_.push_back(static_cast<float>(std::cos(2 * PI * i / STEPS_PER_SECOND)));
        sines_.push_back(static_cast<float>(-std::sin(2 * PI * i / STEPS_PER_SECOND)));
    }
}

void DtmfReceiver::look(const std::int16_t* samples) noexcept {
    before_ = now_;
    now_ = Step{};
    std::array<Lanes, 4> sums{};
    float energy = 0;
    for (unsigned i = 0; i < size_; ++i) {
        const float sample = samples[i];
        const float* oscillator = oscillators_.data() + std::size_t{i} * 2 * TONES;
        for (unsigned part = 0; part < sums.size(); ++part) {
            Lanes lanes;
            std::memcpy(&lanes, oscillator + std::size_t{part} * LANES, sizeof lanes);
            sums[part] += lanes * sample;
        }
        energy += sample * sample;
    }
    const float scale = 1.0F / static_cast<float>(size_);
    now_.total = energy * scale;
    if (now_.total < LEAST_POWER) {
        return;
    }
    for (unsigned tone = 0; tone < TONES; ++tone) {
        const float real = sums[tone / LANES][tone % LANES] * scale;
        const float imaginary = sums[2 + tone / LANES][tone % LANES] * scale;
        const unsigned phase = HZ[tone] * step_ % STEPS_PER_SECOND;
        now_.real[tone] = real * cosines_[phase] - imaginary * sines_[phase];
        now_.imaginary[tone] = real * sines_[phase] + imaginary * cosines_[phase];
        now_.power[tone] = 2 * (real * real + imaginary * imaginary);
    }
}

// In the window of both steps, coherently: this narrows the band to half of a step's.
unsigned DtmfReceiver::strongest(unsigned first) const noexcept {
    std::array<float, ROWS> power;
    for (unsigned i = 0; i < ROWS; ++i) {
        const float real = before_.real[first + i] + now_.real[first + i];
        const float imaginary = before_.imaginary[first + i] + now_.imaginary[first + i];
        power[i] = real * real + imaginary * imaginary;
    }
    const auto most = std::max_element(power.begin(), power.end());
    const float limit = *most * MOST_NEIGHBOUR;
    const bool alone = std::count_if(power.begin(), power.end(), [=](float each) { return each > limit; }) == 1;
    return alone ? first + static_cast<unsigned>(most - power.begin()) : TONES;
}

// A steady tone near its nominal frequency.
DtmfReceiver::Tone DtmfReceiver::present(unsigned tone) const noexcept {
    const float earlier = before_.power[tone], later = now_.power[tone];
    if ((earlier + later) / 2 < LEAST_POWER || !steady(earlier, later, MOST_TONE_CHANGE)) {
        return {};
    }
    const float real = before_.real[tone] * now_.real[tone] + before_.imaginary[tone] * now_.imaginary[tone];
    const float cross = before_.real[tone] * now_.imaginary[tone] - before_.imaginary[tone] * now_.real[tone];
    const float angle = std::atan2(cross, real);
    const float detuned = angle / static_cast<float>(2 * PI) * STEPS_PER_SECOND / static_cast<float>(HZ[tone]);
    if (std::fabs(detuned) > MOST_DETUNED) {
        return {};
    }
    // A step hears a tone that is off its nominal frequency less well.
    const float x = angle / 2;
    const float heard = std::fabs(x) < 1e-3F ? 1.0F : std::sin(x) / x;
    return {(earlier + later) / 2 / (heard * heard), detuned};
}

DtmfReceiver::Window DtmfReceiver::window() const noexcept {
    const float total = (before_.total + now_.total) / 2;
    if (total < LEAST_POWER || !steady(before_.total, now_.total, MOST_CHANGE)) {
        return {};
    }
    const unsigned row = strongest(0);
    const unsigned column = strongest(ROWS);
    if (row == TONES || column == TONES) {
        return {};
    }
    const Tone low = present(row), high = present(column);
    const bool paired = high.power < low.power * MOST_HIGH && high.power > low.power * LEAST_HIGH;
    if (!paired || low.power + high.power < LEAST_SHARE * total) {
        return {};
    }
    return {KEYS[row * ROWS + column - ROWS], low, high};
}

char DtmfReceiver::follow(const Window& window) noexcept {
    const char digit = window.digit;
    const bool glides = std::fabs(window.low.detuned - last_.low.detuned) > MOST_GLIDE ||
                        std::fabs(window.high.detuned - last_.high.detuned) > MOST_GLIDE;
    const bool sure = digit != 0 && digit == last_.digit && !glides;
    last_ = window;
    if (digit_ != 0 && digit == digit_) {
        missing_ = 0;
        return 0;
    }
    if (digit_ != 0 && ++missing_ == MISSING_ENDS) {
        digit_ = 0;
    }
    if (!sure) {
        return 0;
    }
    missing_ = 0;
    return digit_ = digit;
}

char DtmfReceiver::hear(const std::int16_t* frame) noexcept {
    char heard = 0;
    for (unsigned step = 0; step < 2; ++step) {
        if (frame == nullptr) {
            before_ = now_ = Step{};
        } else {
            look(frame + std::size_t{step} * size_);
        }
        step_ = (step_ + 1) % STEPS_PER_SECOND;
        const char digit = follow(window());
        heard = digit != 0 ? digit : heard;
    }
    return heard;
}

}  // namespace callwright
