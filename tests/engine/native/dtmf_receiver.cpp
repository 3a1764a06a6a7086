// sources: mix/dtmf_receiver.cpp
// packages: libpjproject
// Digits in audio: what ITU-T Q.24 has a receiver take and leave, and that speech is not taken for digits.
#include "mix/dtmf_receiver.hpp"

#include <pjmedia/alaw_ulaw.h>

#include <algorithm>
#include <random>
#include <string>

#include "check.hpp"
#include "sine.hpp"

using namespace callwright;

namespace {

const std::string KEYS = "123A456B789C*0#D";
constexpr double ROWS[] = {697, 770, 852, 941};
constexpr double COLUMNS[] = {1209, 1336, 1477, 1633};

// Audio that is put together from tones, silence and noise.
struct Audio {
    explicit Audio(unsigned rate_) : rate(rate_) {}

    // dbm0: of each tone; 0 is 6.15 dB below the overload of 16-bit PCM, whose peak a sine of 3.14 dBm0 has.
    static double peak(double dbm0) { return 32768.0 * std::sqrt(2.0) * std::pow(10.0, (dbm0 - 6.15) / 20); }

    void silence(double ms) { samples.resize(samples.size() + static_cast<std::size_t>(ms * rate / 1000), 0.0); }
    void tones(double low, double high, double low_dbm0, double high_dbm0, double ms) {
        const auto count = static_cast<std::size_t>(ms * rate / 1000);
        for (std::size_t i = 0; i < count; ++i) {
            const double t = static_cast<double>(i) / rate;
            samples.push_back(peak(low_dbm0) * std::sin(2 * sine::PI * low * t + 1) +
                              peak(high_dbm0) * std::sin(2 * sine::PI * high * t));
        }
    }
    void digit(char key, double on, double off, double low_dbm0 = -10, double high_dbm0 = -8, double detuned = 1) {
        const auto index = KEYS.find(key);
        tones(ROWS[index / 4] * detuned, COLUMNS[index % 4] * detuned, low_dbm0, high_dbm0, on);
        silence(off);
    }
    void noise(double dbm0, unsigned seed) {
        std::mt19937 random(seed);
        std::normal_distribution<double> gauss(0, peak(dbm0) / std::sqrt(2.0));
        for (double& sample : samples) sample += gauss(random);
    }

    std::string found() const {
        DtmfReceiver receiver(rate);
        std::string digits;
        const std::size_t frame = rate / 50;
        std::vector<std::int16_t> pcm(frame);
        for (std::size_t at = 0; at + frame <= samples.size(); at += frame) {
            for (std::size_t i = 0; i < frame; ++i) {
                pcm[i] = static_cast<std::int16_t>(std::clamp(std::lrint(samples[at + i]), -32768L, 32767L));
            }
            if (const char digit = receiver.hear(pcm.data())) digits += digit;
        }
        return digits;
    }

    const unsigned rate;
    std::vector<double> samples;
};

void test_every_digit_of_40_ms_wherever_it_falls() {
    for (const unsigned rate : {8000U, 16000U, 48000U}) {
        for (int shift = 0; shift < 20; ++shift) {
            Audio audio(rate);
            audio.silence(shift);
            for (const char key : KEYS) audio.digit(key, 40, 40);
            audio.silence(40);
            CHECK(audio.found() == KEYS);
        }
    }
}

void test_the_same_digit_again_after_40_ms() {
    for (int shift = 0; shift < 20; ++shift) {
        Audio audio(8000);
        audio.silence(shift);
        for (int time = 0; time < 10; ++time) audio.digit('5', 50, 40);
        audio.silence(40);
        CHECK(audio.found() == "5555555555");
    }
}

void test_too_short_is_no_digit() {
    for (const double ms : {5.0, 10.0, 15.0, 20.0, 23.0}) {
        for (int shift = 0; shift < 20; ++shift) {
            Audio audio(8000);
            audio.silence(shift);
            for (const char key : KEYS) audio.digit(key, ms, 50);
            CHECK(audio.found().empty());
        }
    }
}

void test_a_short_break_does_not_divide_and_a_long_press_is_one() {
    for (int shift = 0; shift < 20; ++shift) {
        Audio audio(16000);
        audio.silence(shift);
        audio.digit('8', 60, 10);
        audio.digit('8', 60, 60);
        audio.digit('#', 3000, 60);
        CHECK(audio.found() == "8#");
    }
}

void test_levels() {
    for (const double dbm0 : {0.0, -5.0, -15.0, -25.0, -30.0}) {
        Audio audio(8000);
        for (const char key : KEYS) audio.digit(key, 50, 50, dbm0, dbm0);
        CHECK(audio.found() == KEYS);
    }
    Audio faint(8000);
    for (const char key : KEYS) faint.digit(key, 100, 50, -55, -55);
    CHECK(faint.found().empty());
}

void test_twist() {
    for (const double high : {-8.0, -4.0, 0.0, 4.0}) {
        Audio audio(8000);
        for (const char key : KEYS) audio.digit(key, 50, 50, -12, -12 + high);
        CHECK(audio.found() == KEYS);
    }
    for (const double high : {-13.0, 9.0}) {
        Audio audio(8000);
        for (const char key : KEYS) audio.digit(key, 50, 50, -12, -12 + high);
        CHECK(audio.found().empty());
    }
}

void test_frequencies() {
    for (const double detuned : {0.985, 0.9925, 1.0075, 1.015}) {
        for (int shift = 0; shift < 20; shift += 3) {
            Audio audio(8000);
            audio.silence(shift);
            for (const char key : KEYS) audio.digit(key, 50, 50, -10, -10, detuned);
            CHECK(audio.found() == KEYS);
        }
    }
    for (const double detuned : {0.96, 0.965, 1.035, 1.04}) {
        Audio both(8000), low(8000), high(8000);
        for (unsigned index = 0; index < KEYS.size(); ++index) {
            const double row = ROWS[index / 4], column = COLUMNS[index % 4];
            both.digit(KEYS[index], 100, 50, -10, -10, detuned);
            low.tones(row * detuned, column, -10, -10, 100), low.silence(50);
            high.tones(row, column * detuned, -10, -10, 100), high.silence(50);
        }
        CHECK(both.found().empty());
        CHECK(low.found().empty());
        CHECK(high.found().empty());
    }
}

void test_noise_and_codecs() {
    for (unsigned seed = 1; seed <= 5; ++seed) {
        Audio audio(8000);
        for (const char key : KEYS) audio.digit(key, 50, 50, -15, -13);
        audio.noise(-15 - 12, seed);  // 12 dB below each tone
        CHECK(audio.found() == KEYS);
    }
    for (const bool mu : {true, false}) {
        for (const double dbm0 : {0.0, -10.0, -25.0}) {
            Audio audio(8000);
            for (const char key : KEYS) audio.digit(key, 45, 45, dbm0, dbm0);
            for (double& sample : audio.samples) {
                const int pcm = static_cast<int>(std::clamp(sample, -32768.0, 32767.0));
                sample = mu ? pjmedia_ulaw2linear(pjmedia_linear2ulaw(pcm))
                            : pjmedia_alaw2linear(pjmedia_linear2alaw(pcm));
            }
            CHECK(audio.found() == KEYS);
        }
    }
    Audio noise(8000);
    noise.silence(120000);
    noise.noise(-10, 3);
    CHECK(noise.found().empty());
}

void test_other_tones_are_no_digits() {
    Audio audio(8000);
    audio.tones(350, 440, -13, -13, 2000);  // dial tone, ringing, busy
    audio.tones(440, 480, -19, -19, 2000);
    audio.tones(480, 620, -24, -24, 2000);
    for (const double hz : {425.0, 697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0, 1100.0, 2100.0}) {
        audio.tones(hz, 3000, -10, -90, 500);
    }
    audio.tones(697, 852, -10, -10, 500);  // two rows, two columns
    audio.tones(1209, 1477, -10, -10, 500);
    audio.tones(700, 1100, -10, -10, 500);  // R1 and R2 registers
    audio.tones(900, 1300, -10, -10, 500);
    audio.tones(1380, 1500, -10, -10, 500);
    CHECK(audio.found().empty());
    Audio three(8000);
    three.tones(697, 1209, -10, -10, 500);
    Audio third(8000);
    third.tones(770, 1209, -10, -10, 500);
    for (std::size_t i = 0; i < three.samples.size(); ++i) three.samples[i] += third.samples[i];
    CHECK(three.found().empty());
    Audio sweep(8000);  // through every frequency
    for (const double seconds : {0.05, 0.1, 0.2}) {
        const auto count = static_cast<std::size_t>(seconds * 8000);
        double low = 0, high = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const double share = static_cast<double>(i) / static_cast<double>(count);
            low += 2 * sine::PI * (600 + 450 * share) / 8000, high += 2 * sine::PI * (1100 + 700 * share) / 8000;
            sweep.samples.push_back(6000 * std::sin(low) + 6000 * std::sin(high));
        }
    }
    CHECK(sweep.found().empty());
}

// Syllables of a voice: pulses of a gliding pitch through four resonances that glide between vowels, with hiss in
// between. Unlike real speech it lingers on its harmonics, which is what a receiver could take for tones.
struct Speaker {
    Speaker(unsigned rate_, unsigned seed) : rate(rate_), random(seed) {}

    double between(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); }

    struct Resonance {
        double y1 = 0, y2 = 0;
        double next(double x, double hz, double width, unsigned rate) {
            const double r = std::exp(-sine::PI * width / rate), c = 2 * r * std::cos(2 * sine::PI * hz / rate);
            const double y = x * (1 - c + r * r) + c * y1 - r * r * y2;
            y2 = y1, y1 = y;
            return y;
        }
    };

    void speak(std::vector<double>& out, double seconds) {
        const std::size_t end = out.size() + static_cast<std::size_t>(seconds * rate);
        const double voice = between(80, 300);
        while (out.size() < end) {
            const auto count = static_cast<std::size_t>(between(0.06, 0.45) * rate);
            const double from = voice * between(0.8, 1.25), to = random() % 3 == 0 ? from : voice * between(0.8, 1.25);
            const double f1[] = {between(250, 850), between(250, 850)}, f2[] = {between(850, 2300), between(850, 2300)};
            const double hiss = random() % 5 == 0 ? 1.0 : 0.01, loud = between(800, 6000);
            for (std::size_t i = 0; i < count; ++i) {
                const double share = static_cast<double>(i) / static_cast<double>(count);
                phase += (from + (to - from) * share) / rate;
                double pulse = 0;
                if (phase >= 1) phase -= 1, pulse = 1;
                const double source = pulse * (hiss < 1 ? 40 : 0) + hiss * between(-1, 1);
                double value = first.next(source, f1[0] + (f1[1] - f1[0]) * share, 70, rate);
                value += 0.7 * second.next(source, f2[0] + (f2[1] - f2[0]) * share, 90, rate);
                value += 0.3 * third.next(source, 2600, 150, rate);
                out.push_back(value * loud * std::sin(sine::PI * share));
            }
            out.resize(out.size() + static_cast<std::size_t>(between(0, 0.12) * rate), 0.0);
        }
    }

    const unsigned rate;
    std::mt19937 random;
    double phase = 0;
    Resonance first, second, third;
};

void test_speech_is_not_taken_for_digits() {
    unsigned taken = 0;
    for (unsigned seed = 1; seed <= 120; ++seed) {  // twenty minutes
        Audio audio(8000);
        Speaker(8000, seed).speak(audio.samples, 10);
        taken += static_cast<unsigned>(audio.found().size());
    }
    CHECK(taken == 0);
}

void test_digits_are_found_over_somebody_who_speaks() {
    unsigned found = 0;
    for (unsigned seed = 1; seed <= 10; ++seed) {
        Audio audio(8000);
        for (const char key : KEYS) audio.digit(key, 100, 100, -9, -7);
        std::vector<double> speech;
        Speaker(8000, seed).speak(speech, 4);
        double power = 0;
        for (const double sample : speech) power += sample * sample;
        const double scale = Audio::peak(-25) / std::sqrt(2.0) / std::sqrt(power / static_cast<double>(speech.size()));
        for (std::size_t i = 0; i < audio.samples.size(); ++i) audio.samples[i] += scale * speech[i];
        found += audio.found() == KEYS;
    }
    CHECK(found == 10);
}

void test_silence_ends_a_digit() {
    DtmfReceiver receiver(8000);
    Audio audio(8000);
    audio.digit('7', 60, 0);
    std::string digits;
    for (int time = 0; time < 3; ++time) {
        for (std::size_t at = 0; at < audio.samples.size(); at += 160) {
            std::vector<std::int16_t> pcm(audio.samples.begin() + static_cast<std::ptrdiff_t>(at),
                                          audio.samples.begin() + static_cast<std::ptrdiff_t>(at) + 160);
            if (const char digit = receiver.hear(pcm.data())) digits += digit;
        }
        for (int frame = 0; frame < 3; ++frame) CHECK(receiver.hear(nullptr) == 0);
    }
    CHECK(digits == "777");
}

}  // namespace

int main() {
    test_every_digit_of_40_ms_wherever_it_falls();
    test_the_same_digit_again_after_40_ms();
    test_too_short_is_no_digit();
    test_a_short_break_does_not_divide_and_a_long_press_is_one();
    test_levels();
    test_twist();
    test_frequencies();
    test_noise_and_codecs();
    test_other_tones_are_no_digits();
    test_speech_is_not_taken_for_digits();
    test_digits_are_found_over_somebody_who_speaks();
    test_silence_ends_a_digit();
}
