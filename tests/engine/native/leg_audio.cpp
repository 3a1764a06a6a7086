// sources: mix/leg_audio.cpp mix/frame_resampler.cpp mix/samples.cpp resampler.cpp
// packages: libpjproject
// Between a stream and the mixer: any ptime, clock rate and channels become frames of 20 ms at the engine's clock rate.
#include "mix/leg_audio.hpp"

#include <algorithm>
#include <array>

#include "check.hpp"
#include "sine.hpp"

using namespace callwright;

namespace {

using Samples = std::vector<std::int16_t>;
constexpr double HZ = 1000;
constexpr double PEAK = 12000;

// What a pjmedia stream shows of itself: a peer that sends a tone, and what is sent to it.
struct Stream {
    enum class Gives { TONE, ZEROS, NOTHING };

    Stream(unsigned rate_, unsigned ptime, unsigned channels_ = 1) : rate(rate_), channels(channels_) {
        pj_str_t name = pj_str(const_cast<char*>("stream"));
        pjmedia_port_info_init(&port.info, &name, 1, rate, channels, 16, rate * ptime / 1000 * channels);
        packet = PJMEDIA_PIA_SPF(&port.info) / channels;
        port.port_data.pdata = this;
        port.get_frame = [](pjmedia_port* self, pjmedia_frame* frame) {
            return static_cast<Stream*>(self->port_data.pdata)->get(*frame);
        };
        port.put_frame = [](pjmedia_port* self, pjmedia_frame* frame) {
            return static_cast<Stream*>(self->port_data.pdata)->put(*frame);
        };
    }

    pj_status_t get(pjmedia_frame& frame) {
        ++gets;
        CHECK(frame.size == packet * channels * 2 && frame.buf != nullptr);
        auto* samples = static_cast<std::int16_t*>(frame.buf);
        frame.type = gives == Gives::NOTHING ? PJMEDIA_FRAME_TYPE_NONE : PJMEDIA_FRAME_TYPE_AUDIO;
        if (gives == Gives::NOTHING) {
            std::fill_n(samples, packet * channels, std::int16_t{77});  // must not be heard
            frame.size = 0;
            return PJ_SUCCESS;
        }
        for (unsigned i = 0; i < packet; ++i, ++given) {
            const double angle = 2 * sine::PI * HZ * static_cast<double>(given) / rate;
            const double value = gives == Gives::TONE ? PEAK * std::sin(angle) : 0;
            for (unsigned channel = 0; channel < channels; ++channel) {  // the louder, the further to the right
                const double share = channels == 1 ? 1.0 : 0.5 + channel;
                samples[i * channels + channel] = static_cast<std::int16_t>(std::lrint(value * share));
            }
        }
        return PJ_SUCCESS;
    }

    pj_status_t put(const pjmedia_frame& frame) {
        ++puts;
        CHECK(frame.type == PJMEDIA_FRAME_TYPE_AUDIO && frame.size == packet * channels * 2 && frame.buf != nullptr);
        const auto* samples = static_cast<const std::int16_t*>(frame.buf);
        for (unsigned i = 0; i < packet; ++i) {
            taken.push_back(samples[i * channels]);
            for (unsigned channel = 1; channel < channels; ++channel) {
                CHECK(samples[i * channels + channel] == taken.back());
            }
        }
        return PJ_SUCCESS;
    }

    pjmedia_port port{};
    const unsigned rate, channels;
    unsigned packet = 0;
    Gives gives = Gives::TONE;
    unsigned gets = 0, puts = 0;
    std::uint64_t given = 0;
    Samples taken;
};

// One second of the peer's tone comes through as that tone, and no more of it is asked for than is due.
void test_reading(unsigned engine, unsigned rate, unsigned ptime, unsigned channels = 1) {
    Stream stream(rate, ptime, channels);
    LegAudio audio(&stream.port, engine);
    const unsigned frame = engine / 50;
    Samples heard;
    for (unsigned i = 0; i < 50; ++i) {
        heard.resize(heard.size() + frame);
        CHECK(audio.read(heard.data() + i * frame));
        const double due = (i + 1.0) * 20 * rate / 1000 / stream.packet;
        CHECK(stream.gets == static_cast<unsigned>(std::ceil(due - 1e-6)));
    }
    const sine::Found found = sine::fit(heard.data() + frame, heard.size() - frame, HZ, engine);
    CHECK_NEAR(sine::db(found.peak / PEAK), 0, 0.1);
    CHECK(sine::db(found.residual / PEAK) < -58);
}

void test_writing(unsigned engine, unsigned rate, unsigned ptime, unsigned channels = 1) {
    Stream stream(rate, ptime, channels);
    LegAudio audio(&stream.port, engine);
    const unsigned frame = engine / 50;
    const Samples tone = sine::make(HZ, engine, engine, PEAK);
    for (unsigned i = 0; i < 50; ++i) {
        audio.write(tone.data() + i * frame);
        const double due = (i + 1.0) * 20 * rate / 1000 / stream.packet;
        CHECK(stream.puts == static_cast<unsigned>(due + 1e-6));
    }
    const std::size_t settled = rate / 50;
    const sine::Found found = sine::fit(stream.taken.data() + settled, stream.taken.size() - settled, HZ, rate);
    CHECK_NEAR(sine::db(found.peak / PEAK), 0, 0.1);
    CHECK(sine::db(found.residual / PEAK) < -58);
}

void test_any_ptime_and_rate() {
    for (const unsigned engine : {8000U, 16000U, 48000U}) {
        for (const unsigned rate : {8000U, 16000U, 48000U}) {
            for (const unsigned ptime : {10U, 20U, 30U, 40U, 60U}) {
                test_reading(engine, rate, ptime);
                test_writing(engine, rate, ptime);
            }
        }
    }
    for (const unsigned rate : {11025U, 12000U, 24000U, 32000U, 44100U}) {
        test_reading(16000, rate, 20);
        test_writing(16000, rate, 20);
    }
}

void test_two_channels_become_one_and_one_two() {
    for (const unsigned rate : {16000U, 48000U}) {
        test_reading(16000, rate, 20, 2);  // the mean of half and one and a half times the tone
        test_writing(16000, rate, 20, 2);
        test_writing(16000, rate, 60, 2);
    }
}

void test_the_same_rate_and_ptime_pass_unchanged() {
    Stream stream(16000, 20);
    LegAudio audio(&stream.port, 16000);
    const Samples tone = sine::make(HZ, 16000, 320, PEAK), other = sine::make(3333, 16000, 320, 30000);
    Samples heard(320);
    CHECK(audio.read(heard.data()) && heard == tone);
    audio.write(other.data());
    CHECK(stream.taken == other);
}

void test_silence_is_told(unsigned rate, unsigned ptime, Stream::Gives silence) {
    Stream stream(rate, ptime);
    LegAudio audio(&stream.port, 16000);
    Samples heard(320, 99);
    stream.gives = silence;
    for (int i = 0; i < 6; ++i) CHECK(!audio.read(heard.data()));
    CHECK(heard == Samples(320, 99));
    const unsigned gets = stream.gets;
    CHECK(gets == (120 + ptime - 1) / ptime);  // time goes on in the jitter buffer
    stream.gives = Stream::Gives::TONE;
    for (int i = 0; i < 6; ++i) audio.read(heard.data());
    CHECK_NEAR(sine::db(sine::fit(heard.data(), 320, HZ, 16000).peak / PEAK), 0, 0.2);
    stream.gives = silence;
    int sounding = 0;
    while (audio.read(heard.data()) && sounding < 10) ++sounding;
    CHECK(sounding <= static_cast<int>(ptime / 20 + 2));
}

void test_silence_for_the_peer_is_sent_as_such() {
    for (const unsigned ptime : {10U, 20U, 30U, 60U}) {
        Stream stream(8000, ptime);
        LegAudio audio(&stream.port, 16000);
        for (int i = 0; i < 6; ++i) audio.write(nullptr);
        CHECK(stream.puts == 120 / ptime);
        CHECK(std::all_of(stream.taken.begin(), stream.taken.end(), [](int sample) { return sample == 0; }));
        const Samples loud(320, 5000);
        audio.write(loud.data());
        for (int i = 0; i < 5; ++i) audio.write(nullptr);
        CHECK(stream.taken.size() == 8000 * 240 / 1000);
        const auto sounding = std::count_if(stream.taken.begin(), stream.taken.end(), [](int s) { return s > 4000; });
        CHECK_NEAR(static_cast<double>(sounding), 160, 2);
        CHECK(stream.taken.back() == 0);
    }
}

void test_reset_forgets_what_waits() {
    Stream stream(8000, 60);
    LegAudio audio(&stream.port, 16000);
    Samples heard(320);
    const Samples loud(320, 5000);
    audio.read(heard.data());
    audio.write(loud.data());
    audio.reset();
    stream.gives = Stream::Gives::ZEROS;
    CHECK(!audio.read(heard.data()));
    for (int i = 0; i < 3; ++i) audio.write(nullptr);
    CHECK(stream.puts == 1);
    CHECK(std::all_of(stream.taken.begin(), stream.taken.end(), [](int sample) { return sample == 0; }));
}

void test_comfort_noise_fills_silence_until_there_is_audio() {
    Stream stream(8000, 20);
    LegAudio audio(&stream.port, 16000);
    Samples heard(320), whole;
    audio.comfort(-50);
    stream.gives = Stream::Gives::TONE;
    CHECK(audio.read(heard.data()));  // still on its way when the packet came
    CHECK_NEAR(sine::db(sine::fit(heard.data() + 100, 220, HZ, 16000).peak / PEAK), 0, 0.3);
    stream.gives = Stream::Gives::NOTHING;
    audio.read(heard.data());
    for (int i = 0; i < 50; ++i) {
        CHECK(audio.read(heard.data()));
        whole.insert(whole.end(), heard.begin(), heard.end());
    }
    CHECK_NEAR(sine::db(sine::rms(whole.data(), whole.size()) / 32768), -50, 0.5);
    double mean = 0;
    for (const int sample : whole) mean += sample;
    CHECK_NEAR(mean / static_cast<double>(whole.size()), 0, 3);
    audio.comfort(-3);  // no peer may make us roar
    audio.read(heard.data());
    CHECK_NEAR(sine::db(sine::rms(heard.data(), 320) / 32768), -30, 1);
    stream.gives = Stream::Gives::TONE;
    audio.read(heard.data()), audio.read(heard.data());
    stream.gives = Stream::Gives::ZEROS;
    for (int i = 0; i < 3; ++i) audio.read(heard.data());
    CHECK(!audio.read(heard.data()));
    audio.comfort(-60);
    CHECK(audio.read(heard.data()));
    audio.comfort(-127);
    CHECK(!audio.read(heard.data()));
}

}  // namespace

int main() {
    test_any_ptime_and_rate();
    test_two_channels_become_one_and_one_two();
    test_the_same_rate_and_ptime_pass_unchanged();
    for (const auto& [rate, ptime] : {std::pair{8000U, 20U}, {16000U, 20U}, {48000U, 60U}, {8000U, 30U}}) {
        test_silence_is_told(rate, ptime, Stream::Gives::ZEROS);
        test_silence_is_told(rate, ptime, Stream::Gives::NOTHING);
    }
    test_silence_for_the_peer_is_sent_as_such();
    test_reset_forgets_what_waits();
    test_comfort_noise_fills_silence_until_there_is_audio();
}
