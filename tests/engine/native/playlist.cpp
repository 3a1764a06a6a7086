// sources: playlist.cpp sound.cpp resampler.cpp
// packages: libpjproject
// Sounds as G.711: the cache is what a conversion at once would give, and both ways of playing share one position.
#include "playlist.hpp"

#include <pjmedia/alaw_ulaw.h>

#include <algorithm>
#include <random>

#include "check.hpp"
#include "resampler.hpp"
#include "sine.hpp"

using namespace callwright;

namespace {

using Samples = std::vector<std::int16_t>;
using Bytes = std::vector<std::uint8_t>;

SoundPtr sound_of(const Samples& samples, unsigned rate) {
    return std::make_shared<const Sound>(samples.data(), samples.size() * 2, rate);
}

std::uint8_t encoded(Law law, int sample) {
    return static_cast<std::uint8_t>(law == Law::MU ? pjmedia_linear2ulaw(sample) : pjmedia_linear2alaw(sample));
}

Samples noise(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    Samples samples(count);
    std::generate(samples.begin(), samples.end(), [&] { return static_cast<std::int16_t>(random() % 20000 - 10000); });
    return samples;
}

// The recorders' resampler, which takes the whole at once.
Bytes converted(const Samples& samples, unsigned rate, Law law, std::size_t size) {
    Resampler resampler(ResamplingFilter::between(rate, 8000));
    Samples narrow;
    resampler.push(samples.data(), samples.size(), narrow);
    resampler.finish(size, narrow);
    Bytes bytes(narrow.size());
    std::transform(narrow.begin(), narrow.end(), bytes.begin(), [&](int sample) { return encoded(law, sample); });
    return bytes;
}

void test_what_is_cached_equals_the_conversion_at_once() {
    std::mt19937 random(3);
    for (const unsigned rate : {8000U, 16000U, 32000U, 48000U, 44100U}) {
        for (const Law law : {Law::MU, Law::A}) {
            const Samples samples = noise(rate + 37, rate);
            const SoundPtr sound = sound_of(samples, rate);
            CHECK(sound->g711_size() == (samples.size() * 8000 + rate - 1) / rate);
            const Bytes whole = converted(samples, rate, law, sound->g711_size());
            for (int part = 0; part < 300; ++part) {  // anywhere, in any order, most of it more than once
                const std::size_t at = random() % sound->g711_size();
                const std::size_t count = 1 + random() % std::min<std::size_t>(3000, sound->g711_size() - at);
                Bytes out(count);
                sound->g711(law, at, count, out.data());
                CHECK(std::equal(out.begin(), out.end(), whole.begin() + static_cast<std::ptrdiff_t>(at)));
            }
        }
    }
}

void test_what_is_above_4_khz_does_not_fold() {
    for (const unsigned rate : {16000U, 48000U}) {
        const SoundPtr sound = sound_of(sine::make(4400, rate, rate, 20000), rate);
        Bytes out(8000);
        sound->g711(Law::MU, 0, out.size(), out.data());
        Samples back(out.size());
        std::transform(out.begin(), out.end(), back.begin(), [](int byte) { return pjmedia_ulaw2linear(byte); });
        CHECK(sine::rms(back.data() + 200, back.size() - 400) < 10);  // the smallest step of G.711 is 8
        const SoundPtr speech = sound_of(sine::make(3300, rate, rate, 20000), rate);
        speech->g711(Law::A, 0, out.size(), out.data());
        std::transform(out.begin(), out.end(), back.begin(), [](int byte) { return pjmedia_alaw2linear(byte); });
        CHECK_NEAR(sine::db(sine::fit(back.data() + 200, 7600, 3300, 8000).peak / 20000), 0, 0.15);
    }
}

void test_the_cache_is_counted_as_far_as_it_was_played() {
    CHECK(Sound::encoded_bytes() == 0);
    {
        const SoundPtr sound = sound_of(noise(80000, 1), 16000);
        Bytes out(40000);
        sound->g711(Law::MU, 0, 100, out.data());
        CHECK(Sound::encoded_bytes() > 0 && Sound::encoded_bytes() <= 2048);
        sound->g711(Law::MU, 0, 40000, out.data());
        sound->g711(Law::MU, 0, 40000, out.data());
        CHECK(Sound::encoded_bytes() == 40000);
        sound->g711(Law::A, 39999, 1, out.data());
        CHECK(Sound::encoded_bytes() > 40000 && Sound::encoded_bytes() <= 42048);
        CHECK(Sound::live() == 1);
    }
    CHECK(Sound::encoded_bytes() == 0 && Sound::live() == 0);
}

// Each sample of 8 kHz that is due comes once, whichever way it is taken.
void test_the_ways_share_the_position() {
    std::mt19937 random(9);
    for (const unsigned loop : {1U, 3U}) {
        const std::vector<Samples> parts{noise(1237, 1), {}, noise(321, 2), noise(4000, 3)};
        std::vector<SoundPtr> sounds;
        Samples whole;
        for (unsigned round = 0; round < loop; ++round) {
            for (const Samples& part : parts) whole.insert(whole.end(), part.begin(), part.end());
        }
        for (const Samples& part : parts) sounds.push_back(sound_of(part, 8000));
        Playlist playlist(sounds, loop);
        std::size_t at = 0;
        for (bool last = false; !last;) {
            const unsigned count = 1 + random() % 700;
            Samples samples(count);
            Bytes bytes(count);
            const bool mixed = random() % 2 == 0;
            const Playlist::Taken taken = mixed ? playlist.samples(samples.data(), count)
                                                : playlist.g711(Law::MU, bytes.data(), count);
            CHECK(taken.count == std::min<std::size_t>(count, whole.size() - at) && taken.samples == taken.count);
            for (unsigned i = 0; i < taken.count; ++i, ++at) {
                CHECK(mixed ? samples[i] == whole[at] : bytes[i] == encoded(Law::MU, whole[at]));
            }
            last = taken.last;
            CHECK(last == (at == whole.size()));
        }
    }
}

// At 16 kHz and above a tone goes on through every change of way: no step is lost or repeated. Lengths that are no
// whole number of samples at 8 kHz shift by less than one of them.
void test_a_tone_runs_through_the_changes() {
    for (const unsigned rate : {16000U, 48000U}) {
        const unsigned ratio = rate / 8000;
        const SoundPtr sound = sound_of(sine::make(500, rate, rate / 2 + 1, 12000), rate);
        Playlist playlist({sound}, 1);
        Samples heard;  // at 8 kHz
        std::uint64_t passed = 0;
        bool last = false;
        for (int turn = 0; !last; ++turn) {
            Playlist::Taken taken{};
            if (turn / 3 % 2 == 0) {
                Bytes bytes(160);
                taken = playlist.g711(Law::A, bytes.data(), 160);
                for (unsigned i = 0; i < taken.count; ++i) heard.push_back(pjmedia_alaw2linear(bytes[i]));
            } else {
                Samples samples(rate / 50);
                taken = playlist.samples(samples.data(), rate / 50);
                for (unsigned i = 0; i < taken.count; i += ratio) heard.push_back(samples[i]);
            }
            passed += taken.samples;
            last = taken.last;
        }
        CHECK(passed == sound->size());
        CHECK_NEAR(static_cast<double>(heard.size()), 4000, 1);
        const sine::Found found = sine::fit(heard.data(), heard.size() - 40, 500, 8000);
        CHECK_NEAR(sine::db(found.peak / 12000), 0, 0.1);
        CHECK(sine::db(found.residual / 12000) < -30);  // G.711's own noise is at -38
    }
}

void test_odd_lengths_end_with_what_there_is() {
    for (const unsigned length : {1U, 2U, 5U, 6U, 7U, 319U, 320U, 321U, 961U}) {
        Playlist playlist({sound_of(noise(length, 4), 48000)}, 2);
        std::uint64_t passed = 0;
        unsigned count = 0;
        Playlist::Taken taken{};
        do {
            Bytes bytes(80);
            taken = playlist.g711(Law::MU, bytes.data(), 80);
            passed += taken.samples;
            count += taken.count;
        } while (!taken.last && count < 10000);
        CHECK(passed == 2 * length);
        CHECK(count == 2 * ((length + 5) / 6));
    }
}

void test_for_ever() {
    const Samples samples = noise(777, 6);
    Playlist playlist({sound_of(samples, 8000), sound_of({}, 8000)}, 0);
    std::size_t at = 0;
    for (int turn = 0; turn < 100; ++turn) {
        Bytes bytes(240);
        const Playlist::Taken taken = playlist.g711(Law::MU, bytes.data(), 240);
        CHECK(taken.count == 240 && !taken.last);
        for (const std::uint8_t byte : bytes) CHECK(byte == encoded(Law::MU, samples[at++ % samples.size()]));
    }
}

}  // namespace

int main() {
    test_what_is_cached_equals_the_conversion_at_once();
    test_what_is_above_4_khz_does_not_fold();
    test_the_cache_is_counted_as_far_as_it_was_played();
    test_the_ways_share_the_position();
    test_a_tone_runs_through_the_changes();
    test_odd_lengths_end_with_what_there_is();
    test_for_ever();
}
