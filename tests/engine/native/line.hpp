// Lines for tests: with real streams, on a real engine's threads, and peers that are bare sockets.
#pragma once

#include <pjmedia.h>
#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <atomic>
#include <chrono>
#include <cmath>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "engine.hpp"
#include "mix/mixer.hpp"
#include "rtp/line.hpp"
#include "rtp/packet.hpp"

namespace lines {

using namespace callwright;
using Bytes = std::vector<std::uint8_t>;

constexpr unsigned EVENTS = 101;  // payload type of telephone-event

inline EngineOptions options() {
    EngineOptions options;
    options.listen = {{"udp", "127.0.0.1", 0, {}, {}, {}}};
    options.media_address = "127.0.0.1";
    options.rtp_first = 40000;  // never used: lines are made on sockets of their own
    options.rtp_last = 40003;
    options.user_agent = "test";
    options.max_legs = 4;
    options.log_level = 1;
    return options;
}

// Runs `what` on one of the engine's threads, and waits for it.
template <typename Thread>
void run(Thread& thread, const std::function<void()>& what) {
    std::promise<void> done;
    thread.post([&] {
        what();
        done.set_value();
    });
    done.get_future().wait();
}

// A leg's media without its dialog.
class Leg {
  public:
    Leg(Engine& engine_, std::uint64_t id_, int family = AF_INET)
        : engine(engine_), id(id_), rtp(check::udp_socket(family)), rtcp(check::udp_socket(family)),
          address(check::address_of(rtp)), rtcp_address(check::address_of(rtcp)) {
        run(engine, [this] { line = Line::make(engine, rtp, rtcp, address, rtcp_address); });
        engine.digits().open(id);
    }

    // key: thirty bytes; nullptr: no SRTP.
    void open(const Address& peer, const Address& peer_rtcp, const char* codec = "PCMU/8000/1",
              const char* key = nullptr) {
        run(engine, [&] {
            if (base == nullptr) base = key == nullptr ? line->bottom() : secured(key);
            CHECK(pjmedia_transport_media_start(base, nullptr, nullptr, nullptr, 0) == PJ_SUCCESS);
            pjmedia_stream_info info = described(peer, peer_rtcp, codec);
            CHECK(pjmedia_stream_create(pjsua_var.med_endpt, nullptr, &info, line->top(base), nullptr, &stream) ==
                  PJ_SUCCESS);
            pjmedia_stream_start(stream);
            CHECK(pjmedia_stream_get_info(stream, &info) == PJ_SUCCESS);
            line->open_stream(id, stream, info, {});
        });
        settle();
    }

    void close_stream() {
        run(engine, [this] {
            line->close_stream();
            pjmedia_stream_destroy(stream);
            stream = nullptr;
        });
    }

    void end() {
        run(engine, [this] {
            if (stream != nullptr) {
                line->close_stream();
                pjmedia_stream_destroy(stream);
            }
            pjmedia_transport_media_stop(base != nullptr ? base : line->bottom());
            pjmedia_transport_close(base != nullptr ? base : line->bottom());
        });
        line.reset();
        settle();
    }

    void settle() {
        run(engine.media(), [] {});
    }

    Engine& engine;
    const std::uint64_t id;
    const int rtp, rtcp;  // the line's own
    const Address address, rtcp_address;
    std::shared_ptr<Line> line;
    pjmedia_stream* stream = nullptr;
    pjmedia_transport* base = nullptr;

  private:
    pjmedia_transport* secured(const char* key) {
        pjmedia_srtp_setting setting;
        pjmedia_srtp_setting_default(&setting);
        setting.use = PJMEDIA_SRTP_MANDATORY;
        setting.close_member_tp = PJ_TRUE;
        pjmedia_transport* srtp = nullptr;
        CHECK(pjmedia_transport_srtp_create(pjsua_var.med_endpt, line->bottom(), &setting, &srtp) == PJ_SUCCESS);
        pjmedia_srtp_crypto crypto{};
        crypto.key = {const_cast<char*>(key), 30};
        crypto.name = pj_str(const_cast<char*>("AES_CM_128_HMAC_SHA1_80"));
        CHECK(pjmedia_transport_srtp_start(srtp, &crypto, &crypto) == PJ_SUCCESS);
        // SRTP's own media_start would negotiate: what is below it is enough.
        pjmedia_transport_media_start(line->bottom(), nullptr, nullptr, nullptr, 0);
        return srtp;
    }

    pjmedia_stream_info described(const Address& peer, const Address& peer_rtcp, const char* codec) {
        pjmedia_stream_info info{};
        info.type = PJMEDIA_TYPE_AUDIO;
        info.proto = PJMEDIA_TP_PROTO_RTP_AVP;
        info.dir = PJMEDIA_DIR_ENCODING_DECODING;
        std::memcpy(&info.rem_addr, &peer.any, peer.length());
        std::memcpy(&info.rem_rtcp, &peer_rtcp.any, peer_rtcp.length());
        info.rtcp_mux = peer == peer_rtcp;
        pj_str_t name = pj_str(const_cast<char*>(codec));
        unsigned count = 1;
        const pjmedia_codec_info* found = nullptr;
        pjmedia_codec_mgr* codecs = pjmedia_endpt_get_codec_mgr(pjsua_var.med_endpt);
        CHECK(pjmedia_codec_mgr_find_codecs_by_id(codecs, &name, &count, &found, nullptr) == PJ_SUCCESS);
        CHECK(pjmedia_codec_mgr_get_default_param(codecs, found, &param_) == PJ_SUCCESS);
        param_.setting.vad = 0;
        info.param = &param_;
        info.fmt = *found;
        info.tx_pt = info.rx_pt = found->pt;
        info.tx_event_pt = info.rx_event_pt = EVENTS;
        info.ssrc = 0x10000000 + static_cast<pj_uint32_t>(id);
        info.cname = pj_str(const_cast<char*>("us@example"));
        info.jb_init = info.jb_min_pre = info.jb_max_pre = info.jb_max = -1;
        return info;
    }

    pjmedia_codec_param param_{};
};

struct Arrival {
    RtpPacket packet;
    Bytes payload;
    Nanos at = 0;
    Address from;
};

// The other end: bare sockets, and a series of packets of its own.
class Peer {
  public:
    explicit Peer(int family = AF_INET)
        : rtp(check::udp_socket(family)), rtcp(check::udp_socket(family)), address(check::address_of(rtp)),
          rtcp_address(check::address_of(rtcp)) {}
    ~Peer() {
        ::close(rtp);
        ::close(rtcp);
    }

    // The next packet of 20 ms: a tone of 1 kHz, whose frames are all alike.
    void talk(const Address& to, unsigned payload_type = 0, std::size_t extra = 0) {
        Bytes packet(RtpPacket::HEADER + extra);
        RtpPacket header;
        header.payload_type = static_cast<std::uint8_t>(payload_type);
        header.sequence = sequence++;
        header.timestamp = timestamp;
        header.ssrc = ssrc;
        write_rtp(packet.data(), header);
        if (extra != 0) {  // an extension of so many bytes
            packet[0] |= 0x10;
            put16(&packet[RtpPacket::HEADER + 2], static_cast<std::uint16_t>(extra / 4 - 1));
        }
        timestamp += 160;
        for (unsigned i = 0; i < 160; ++i) {
            packet.push_back(pjmedia_linear2ulaw(static_cast<int>(12000 * std::sin(i * M_PI / 4))));
        }
        check::send(rtp, to, packet.data(), packet.size());
    }

    // All that has come to `socket`, RTP or not.
    static std::vector<std::pair<Bytes, Address>> datagrams(int socket) {
        std::vector<std::pair<Bytes, Address>> all;
        std::uint8_t data[2048];
        sockaddr_storage from{};
        socklen_t length = sizeof from;
        for (;; length = sizeof from) {
            const ssize_t size = ::recvfrom(socket, data, sizeof data, 0, reinterpret_cast<sockaddr*>(&from), &length);
            if (size < 0) return all;
            all.emplace_back(Bytes(data, data + size), Address::of(&from));
        }
    }

    void hear() {
        for (const auto& [bytes, from] : datagrams(rtp)) {
            Arrival arrival;
            if (!parse_rtp(bytes.data(), bytes.size(), arrival.packet)) continue;
            const auto payload = bytes.begin() + static_cast<std::ptrdiff_t>(arrival.packet.header);
            arrival.payload.assign(payload, payload + static_cast<std::ptrdiff_t>(arrival.packet.payload));
            arrival.at = monotonic_now();
            arrival.from = from;
            heard.push_back(arrival);
        }
    }

    bool heard_tone(std::size_t from = 0) const {
        for (std::size_t i = from; i < heard.size(); ++i) {
            for (const std::uint8_t byte : heard[i].payload) {
                if (std::abs(pjmedia_ulaw2linear(byte)) > 8000) return true;
            }
        }
        return false;
    }

    const int rtp, rtcp;
    const Address address, rtcp_address;
    std::uint32_t ssrc = 0xCAFE0001;
    std::uint16_t sequence = 65500;
    std::uint32_t timestamp = 0xFFFFE000;
    std::vector<Arrival> heard;
};

// Each 20 ms, for so long.
inline void pace(unsigned ms, const std::function<void()>& frame) {
    auto next = std::chrono::steady_clock::now();
    for (unsigned i = 0; i < ms / 20; ++i) {
        frame();
        next += std::chrono::milliseconds(20);
        std::this_thread::sleep_until(next);
    }
}

inline std::vector<std::unique_ptr<Event>> events_of(Engine& engine, EventKind kind) {
    std::vector<std::unique_ptr<Event>> found;
    for (auto& event : engine.events().drain(10'000)) {
        if (event->kind == kind) found.push_back(std::move(event));
    }
    return found;
}

inline bool says(const Line& line, const std::string& text) {
    return line.statistics().find(text) != std::string::npos;
}

}  // namespace lines
