// sources: mix/leg_audio.cpp mix/frame_resampler.cpp mix/samples.cpp resampler.cpp
// packages: libpjproject
// A leg's audio on real pjmedia streams: what is written comes back through encoder, packets, jitter buffer and
// decoder, at every codec's clock rate and at every ptime.
#include <pjlib.h>
#include <pjmedia-codec.h>
#include <pjmedia.h>

#include <algorithm>
#include <string>

#include "check.hpp"
#include "mix/leg_audio.hpp"
#include "sine.hpp"

using namespace callwright;

namespace {

using Samples = std::vector<std::int16_t>;

struct Library {
    Library() {
        pj_init();
        pj_log_set_level(1);
        pj_caching_pool_init(&caching, nullptr, 0);
        pjmedia_endpt_create(&caching.factory, nullptr, 0, &endpoint);
        pjmedia_codec_register_audio_codecs(endpoint, nullptr);
        pool = pj_pool_create(&caching.factory, "test", 8000, 8000, nullptr);
        pjmedia_event_mgr_create(pool, PJMEDIA_EVENT_MGR_NO_THREAD, nullptr);
    }
    ~Library() {
        pjmedia_event_mgr_destroy(nullptr);
        pj_pool_release(pool);
        pjmedia_endpt_destroy(endpoint);
        pj_caching_pool_destroy(&caching);
        pj_shutdown();
    }

    pj_caching_pool caching{};
    pjmedia_endpt* endpoint = nullptr;
    pj_pool_t* pool = nullptr;
};

// A stream whose packets come back to it at once.
struct Stream {
    Stream(Library& library, const char* codec, unsigned rate, unsigned channels, unsigned ptime) {
        pjmedia_stream_info info{};
        info.type = PJMEDIA_TYPE_AUDIO;
        info.proto = PJMEDIA_TP_PROTO_RTP_AVP;
        info.dir = PJMEDIA_DIR_ENCODING_DECODING;
        pj_sockaddr_in_init(&info.rem_addr.ipv4, nullptr, 4000);
        info.fmt.type = PJMEDIA_TYPE_AUDIO;
        info.fmt.encoding_name = pj_str(const_cast<char*>(codec));
        info.fmt.clock_rate = rate;
        info.fmt.channel_cnt = channels;
        info.fmt.pt = info.tx_pt = info.rx_pt = 96;
        const std::string name = std::string(codec) + "/" + std::to_string(rate) + "/" + std::to_string(channels);
        const pj_str_t id{const_cast<char*>(name.data()), static_cast<pj_ssize_t>(name.size())};
        unsigned count = 1;
        const pjmedia_codec_info* found = nullptr;
        pjmedia_codec_mgr* codecs = pjmedia_endpt_get_codec_mgr(library.endpoint);
        CHECK(pjmedia_codec_mgr_find_codecs_by_id(codecs, &id, &count, &found, nullptr) == PJ_SUCCESS);
        info.fmt.pt = info.tx_pt = info.rx_pt = found->pt;
        pjmedia_codec_mgr_get_default_param(codecs, found, &param);
        param.setting.vad = 0;
        param.setting.frm_per_pkt = static_cast<pj_uint8_t>(std::max(1, int(ptime) / int{param.info.frm_ptime}));
        info.param = &param;
        info.ssrc = 1234;
        info.jb_init = info.jb_min_pre = info.jb_max_pre = info.jb_max = -1;
        CHECK(pjmedia_transport_loop_create(library.endpoint, &transport) == PJ_SUCCESS);
        CHECK(pjmedia_stream_create(library.endpoint, library.pool, &info, transport, nullptr, &stream) == PJ_SUCCESS);
        CHECK(pjmedia_stream_start(stream) == PJ_SUCCESS);
        CHECK(pjmedia_stream_get_port(stream, &port) == PJ_SUCCESS);
    }
    ~Stream() {
        if (stream != nullptr) pjmedia_stream_destroy(stream);
        if (transport != nullptr) pjmedia_transport_close(transport);
    }

    pjmedia_codec_param param{};
    pjmedia_transport* transport = nullptr;
    pjmedia_stream* stream = nullptr;
    pjmedia_port* port = nullptr;
};

struct Case {
    const char* codec;
    unsigned rate, channels, ptime;
    double loss_db;  // of a tone, by the codec
};

void test_there_and_back(Library& library, const Case& each, unsigned engine) {
    constexpr double HZ = 800, PEAK = 12000;
    Stream stream(library, each.codec, each.rate, each.channels, each.ptime);
    if (stream.port == nullptr) return;
    LegAudio audio(stream.port, engine);
    const unsigned frame = engine / 50;
    const Samples tone = sine::make(HZ, engine, engine * 2, PEAK);
    Samples heard;
    for (unsigned i = 0; i < 100; ++i) {
        audio.write(tone.data() + i * frame);
        Samples back(frame, 0);
        audio.read(back.data());
        heard.insert(heard.end(), back.begin(), back.end());
    }
    const sine::Found found = sine::fit(heard.data() + engine, heard.size() - engine, HZ, engine);
    std::printf("%s/%u/%u ptime %u at %u: %.1f dB, noise %.1f dB\n", each.codec, each.rate, each.channels, each.ptime,
                engine, sine::db(found.peak / PEAK), sine::db(found.residual / found.peak));
    CHECK_NEAR(sine::db(found.peak / PEAK), 0, each.loss_db);
    CHECK(sine::db(found.residual / found.peak) < -12);
    pjmedia_rtcp_stat sent{};
    pjmedia_stream_get_stat(stream.stream, &sent);
    CHECK_NEAR(sent.tx.pkt, 2000.0 / each.ptime, 1);

    for (unsigned i = 0; i < 60; ++i) {  // silence is sent on, packet by packet, and is told as silence
        audio.write(nullptr);
        Samples back(frame, 0);
        if (!audio.read(back.data())) back.assign(frame, 0);
        if (i == 59) CHECK(sine::rms(back.data(), frame) < 20);
    }
    pjmedia_stream_get_stat(stream.stream, &sent);
    CHECK_NEAR(sent.tx.pkt, 3200.0 / each.ptime, 1);
}

}  // namespace

int main() {
    Library library;
    const Case cases[] = {
        {"PCMU", 8000, 1, 10, 0.2},  {"PCMU", 8000, 1, 20, 0.2},  {"PCMA", 8000, 1, 30, 0.2},
        {"PCMU", 8000, 1, 40, 0.2},  {"PCMA", 8000, 1, 60, 0.2},  {"G722", 16000, 1, 20, 1},
        {"G722", 16000, 1, 40, 1},   {"GSM", 8000, 1, 20, 4},     {"opus", 48000, 2, 20, 3},
    };
    for (const Case& each : cases) {
        for (const unsigned engine : {8000U, 16000U, 48000U}) test_there_and_back(library, each, engine);
    }
}
