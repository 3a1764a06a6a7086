// sources: mix/frame_resampler.cpp mix/samples.cpp resampler.cpp
// The resampler of legs: its response, measured by tones, and that nothing depends on how the audio is cut.
#include "mix/frame_resampler.hpp"

#include <algorithm>
#include <random>

#include "check.hpp"
#include "mix/samples.hpp"
#include "sine.hpp"

using namespace callwright;

namespace {

using Samples = std::vector<std::int16_t>;

// All that `in` gives, `chunk` outputs at a time.
Samples resampled(const Samples& in, unsigned from, unsigned to, unsigned chunk) {
    FrameResampler resampler(from, to, chunk);
    Samples out;
    std::size_t used = 0;
    while (used + resampler.needs(chunk) <= in.size()) {
        const unsigned inputs = resampler.needs(chunk);
        const std::size_t at = out.size();
        out.resize(at + chunk);
        CHECK(resampler.run(in.data() + used, out.data() + at, chunk));
        used += inputs;
    }
    return out;
}

struct Response {
    double gain;   // dB, of the tone itself
    double noise;  // dB below the tone: all else
};

Response response(double hz, unsigned from, unsigned to) {
    constexpr double PEAK = 20000;
    const Samples out = resampled(sine::make(hz, from, from, PEAK), from, to, to / 50);
    const std::size_t settled = out.size() / 5;
    const sine::Found found = sine::fit(out.data() + settled, out.size() - settled, hz, to);
    return {sine::db(found.peak / PEAK), sine::db(found.residual * std::sqrt(2.0) / PEAK)};
}

void test_what_is_below_the_lower_rates_half_passes_flat() {
    for (const auto& [from, to] : {std::pair{8000U, 16000U}, {16000U, 8000U}, {8000U, 48000U}, {48000U, 8000U},
                                   {32000U, 8000U}, {44100U, 8000U}, {8000U, 44100U}, {11025U, 16000U}}) {
        for (const double hz : {50.0, 300.0, 1000.0, 2000.0, 3000.0, 3400.0}) {
            const Response measured = response(hz, from, to);
            CHECK_NEAR(measured.gain, 0.0, 0.1);
            CHECK(measured.noise < -55);  // images and rounding
        }
    }
    for (const auto& [from, to] : {std::pair{16000U, 48000U}, {48000U, 16000U}, {16000U, 32000U}, {32000U, 16000U}}) {
        for (const double hz : {50.0, 1000.0, 5000.0, 6800.0}) {
            const Response measured = response(hz, from, to);
            CHECK_NEAR(measured.gain, 0.0, 0.1);
            CHECK(measured.noise < -55);
        }
    }
}

void test_what_would_fold_is_stopped() {
    for (const auto& [from, to] : {std::pair{16000U, 8000U}, {48000U, 8000U}, {32000U, 8000U}}) {
        for (double hz = 4600; hz < from / 2.0; hz += 170) {
            const Samples out = resampled(sine::make(hz, from, from / 2, 20000), from, to, to / 50);
            const double level = sine::rms(out.data() + 400, out.size() - 400) * std::sqrt(2.0) / 20000;
            CHECK(sine::db(level) < -55);
        }
    }
    for (double hz = 9200; hz < 24000; hz += 900) {
        const Samples out = resampled(sine::make(hz, 48000, 24000, 20000), 48000, 16000, 320);
        CHECK(sine::db(sine::rms(out.data() + 400, out.size() - 400) * std::sqrt(2.0) / 20000) < -55);
    }
}

void test_a_constant_stays_and_full_scale_does_not_wrap() {
    for (const auto& [from, to] : {std::pair{8000U, 16000U}, {16000U, 8000U}, {16000U, 48000U}, {48000U, 8000U}}) {
        for (const int value : {1, 1000, 32767, -32768}) {
            const Samples out = resampled(Samples(from / 5, static_cast<std::int16_t>(value)), from, to, to / 50);
            CHECK(std::all_of(out.begin() + to / 20, out.end(), [&](int sample) { return sample == value; }));
        }
        Samples square(from / 2);  // the filter overshoots at each edge
        for (std::size_t i = 0; i < square.size(); ++i) square[i] = i / 40 % 2 == 0 ? 32767 : -32768;
        const Samples out = resampled(square, from, to, to / 50);
        unsigned jumps = 0;
        for (std::size_t i = to / 10; i + 1 < out.size(); ++i) jumps += std::abs(out[i + 1] - out[i]) > 60000;
        CHECK(*std::max_element(out.begin(), out.end()) == 32767);
        CHECK(jumps <= out.size() / (40 * to / from) + 1);
    }
}

void test_nothing_depends_on_how_it_is_cut() {
    std::mt19937 random(5);
    for (const auto& [from, to] : {std::pair{8000U, 16000U}, {16000U, 8000U}, {8000U, 48000U}, {48000U, 16000U},
                                   {11025U, 8000U}, {16000U, 44100U}}) {
        Samples in(from);
        std::generate(in.begin(), in.end(), [&] { return static_cast<std::int16_t>(random()); });
        const Samples whole = resampled(in, from, to, to / 50);
        FrameResampler resampler(from, to, 500);
        Samples out;
        std::size_t used = 0;
        for (;;) {
            const unsigned count = 1 + random() % 500;
            const unsigned inputs = resampler.needs(count);
            if (used + inputs > in.size() || out.size() + count > whole.size()) break;
            out.resize(out.size() + count);
            resampler.run(in.data() + used, out.data() + out.size() - count, count);
            used += inputs;
        }
        CHECK(out.size() > whole.size() / 2);
        CHECK(std::equal(out.begin(), out.end(), whole.begin()));
    }
}

void test_time_is_kept() {
    for (const auto& [from, to] : {std::pair{8000U, 16000U}, {16000U, 8000U}, {44100U, 16000U}, {11025U, 48000U}}) {
        FrameResampler resampler(from, to, to / 50);
        std::uint64_t used = 0;
        for (int frame = 0; frame < 50 * 60; ++frame) {
            used += resampler.needs(to / 50);
            Samples in(resampler.needs(to / 50), 1), out(to / 50);
            resampler.run(in.data(), out.data(), to / 50);
        }
        CHECK(used == std::uint64_t{from} * 60);
    }
}

void test_silence_costs_nothing_and_leaves_nothing() {
    for (const auto& [from, to] : {std::pair{8000U, 16000U}, {16000U, 8000U}, {48000U, 16000U}}) {
        const unsigned count = to / 50;
        FrameResampler resampler(from, to, count), fresh(from, to, count);
        Samples out(count), again(count);
        CHECK(!resampler.run(nullptr, out.data(), count));
        const Samples loud(resampler.needs(count), 10000);
        CHECK(resampler.run(loud.data(), out.data(), count));
        CHECK(resampler.run(nullptr, out.data(), count));  // what the filter still holds
        CHECK(std::any_of(out.begin(), out.end(), [](int sample) { return sample != 0; }));
        CHECK(out.back() == 0);
        for (int frame = 0; frame < 3; ++frame) resampler.run(nullptr, out.data(), count);
        CHECK(!resampler.run(nullptr, out.data(), count));
        CHECK(resampler.run(loud.data(), out.data(), count) && fresh.run(loud.data(), again.data(), count));
        CHECK(out == again);
        resampler.reset();
        CHECK(!resampler.run(nullptr, out.data(), count));
    }
}

// Zeros that are given as samples are the same as none.
void test_silence_is_zeros() {
    FrameResampler told(16000, 8000, 160), given(16000, 8000, 160);
    const Samples loud = sine::make(700, 16000, 320, 9000), zeros(320, 0);
    Samples one(160), other(160);
    told.run(loud.data(), one.data(), 160), given.run(loud.data(), other.data(), 160);
    told.run(nullptr, one.data(), 160), given.run(zeros.data(), other.data(), 160);
    CHECK(one == other);
}

void test_equal_rates_pass_unchanged() {
    FrameResampler resampler(16000, 16000, 320);
    const Samples in = sine::make(5000, 16000, 320, 32000);
    Samples out(320);
    CHECK(resampler.needs(320) == 320);
    CHECK(resampler.run(in.data(), out.data(), 320) && out == in);
    CHECK(!resampler.run(nullptr, out.data(), 320));
}

// Blocks and what is left of them, against the plain arithmetic.
void test_arithmetic_of_samples() {
    std::mt19937 random(11);
    for (const std::size_t count : {0U, 1U, 7U, 8U, 9U, 63U, 160U, 163U, 960U}) {
        Samples a(count), b(count), out(count);
        std::vector<std::int32_t> sum(count), twice(count);
        std::vector<float> real(count);
        for (std::size_t i = 0; i < count; ++i) {
            a[i] = static_cast<std::int16_t>(random()), b[i] = static_cast<std::int16_t>(random());
            real[i] = (static_cast<float>(random() % 200000) - 100000.0F) / 1.5F;
        }
        samples::copy(sum.data(), a.data(), count), samples::copy(twice.data(), a.data(), count);
        samples::add(sum.data(), b.data(), count), samples::add(twice.data(), sum.data(), count);
        samples::saturate(twice.data(), out.data(), count);
        for (std::size_t i = 0; i < count; ++i) CHECK(out[i] == std::clamp(2 * a[i] + b[i], -32768, 32767));
        samples::saturate_without(twice.data(), a.data(), out.data(), count);
        for (std::size_t i = 0; i < count; ++i) CHECK(out[i] == std::clamp(a[i] + b[i], -32768, 32767));
        samples::subtract(sum.data(), a.data(), count);
        for (std::size_t i = 0; i < count; ++i) CHECK(sum[i] == b[i]);
        samples::to_int16(real.data(), out.data(), count);
        for (std::size_t i = 0; i < count; ++i) CHECK(out[i] == std::clamp<long>(std::lrint(real[i]), -32768, 32767));
        samples::to_float(a.data(), real.data(), count);
        for (std::size_t i = 0; i < count; ++i) CHECK(real[i] == static_cast<float>(a[i]));
        std::fill(a.begin(), a.end(), std::int16_t{0});
        CHECK(samples::silent(a.data(), count));
        for (std::size_t i = 0; i < count; ++i) {
            a[i] = 1;
            CHECK(!samples::silent(a.data(), count));
            a[i] = 0;
        }
    }
}

}  // namespace

int main() {
    test_what_is_below_the_lower_rates_half_passes_flat();
    test_what_would_fold_is_stopped();
    test_a_constant_stays_and_full_scale_does_not_wrap();
    test_nothing_depends_on_how_it_is_cut();
    test_time_is_kept();
    test_silence_costs_nothing_and_leaves_nothing();
    test_silence_is_zeros();
    test_equal_rates_pass_unchanged();
    test_arithmetic_of_samples();
}
