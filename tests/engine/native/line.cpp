// sources: *.cpp mix/*.cpp rtp/*.cpp
// packages: liburing
// Whole lines between sockets and streams: one series of packets whatever feeds it, nobody else's packets, SRTP, and
// ends in the middle of everything.
#include "line.hpp"

#include <algorithm>
#include <array>

using namespace lines;

namespace {

// What left a line is one series: no number twice, none left out, time that never goes back.
void check_series(const std::vector<Arrival>& heard, unsigned max_gap_frames) {
    CHECK(heard.size() > 1);
    for (std::size_t i = 1; i < heard.size(); ++i) {
        const RtpPacket &last = heard[i - 1].packet, &packet = heard[i].packet;
        CHECK_EQUAL(packet.ssrc, heard[0].packet.ssrc);
        CHECK_EQUAL(packet.sequence, (last.sequence + 1) & 0xFFFF);
        const std::uint32_t step = packet.timestamp - last.timestamp;
        CHECK(step % 160 == 0 && step >= 160 && step <= 160 * max_gap_frames);
    }
}

// b hears a by the mixer.
void into(Mixer& mixer, Leg& a, Leg& b) {
    mixer.add(1, a.line);
    mixer.add(2, b.line);
    mixer.connect(1, 2);
    a.line->listen(true);
    b.line->mix();
}

// By the relay, then by the mixer, then by the relay again, without a hole and without a number twice.
void test_relay_and_mixer_change_without_a_break(Engine& engine) {
    Leg a(engine, 1), b(engine, 2);
    Peer caller, called;
    a.open(caller.address, caller.rtcp_address);
    b.open(called.address, called.rtcp_address);
    const auto talk = [&](unsigned ms) {
        pace(ms, [&] {
            caller.talk(a.address);
            called.hear();
        });
    };
    std::unique_ptr<Mixer> mixer;
    run(engine.media(), [&] {
        mixer = std::make_unique<Mixer>(&engine.media(), engine.samples_per_frame());
        a.line->relay_to(b.line);
    });
    talk(600);
    for (unsigned round = 0; round < 3; ++round) {
        run(engine.media(), [&] { into(*mixer, a, b); });
        talk(600);
        CHECK(called.heard_tone(called.heard.size() - 5));
        run(engine.media(), [&] {
            a.line->relay_to(b.line);
            a.line->listen(false);
        });
        talk(400);
        run(engine.media(), [&] { mixer->disconnect(1, 2), mixer->remove(1), mixer->remove(2); });
        talk(200);
    }
    check_series(called.heard, 2);
    CHECK(called.heard.size() > 170);
    run(engine.media(), [&] { mixer.reset(); });
    a.end();
    b.end();
}

void test_relayed_packets_are_plain(Engine& engine) {
    Leg a(engine, 1), b(engine, 2);
    Peer caller, called;
    a.open(caller.address, caller.rtcp_address);
    b.open(called.address, called.rtcp_address);
    run(engine.media(), [&] { a.line->relay_to(b.line); });
    const std::size_t before = called.heard.size();
    pace(200, [&] {
        caller.talk(a.address, 0, 16);       // an extension that means nothing to the other side
        caller.talk(a.address, 96);          // a payload type that nobody negotiated
        caller.sequence--, caller.timestamp -= 160;
        called.hear();
    });
    CHECK(called.heard.size() >= before + 8);
    for (std::size_t i = called.heard.size() - 5; i < called.heard.size(); ++i) {
        CHECK_EQUAL(called.heard[i].packet.header, RtpPacket::HEADER);
        CHECK_EQUAL(called.heard[i].packet.payload, 160);
        CHECK_EQUAL(called.heard[i].packet.payload_type, 0);
        CHECK(called.heard[i].from == b.address);
    }
    CHECK(called.heard_tone());
    CHECK(says(*a.line, "\"unexpected\": 10"));
    a.end();
    b.end();
}

void test_echo_by_ipv6_and_one_port(Engine& engine) {
    Leg a(engine, 1, AF_INET6);
    Peer caller(AF_INET6);
    a.open(caller.address, caller.address);  // rtcp-mux
    run(engine.media(), [&] { a.line->relay_to(a.line); });
    Report report;
    Reception none;
    Bytes bytes(Report::ROOM);
    bytes.resize(report.write(bytes.data(), {caller.ssrc, 0, 1, 1}, none, "peer", false, monotonic_now()));
    pace(400, [&] {
        caller.talk(a.address);
        caller.hear();
    });
    check::send(caller.rtp, a.address, bytes.data(), bytes.size());
    pace(100, [&] { caller.hear(); });
    CHECK(caller.heard_tone());
    check_series(caller.heard, 2);
    CHECK(says(*a.line, "\"malformed\": 0"));
    CHECK(says(*a.line, "\"verdict\": \"\""));
    a.end();
}

void test_nobody_else_is_heard_and_the_operator_is_told(Engine& engine) {
    Leg a(engine, 1);
    Peer caller, thief;
    a.open(caller.address, caller.rtcp_address);
    run(engine.media(), [&] { a.line->relay_to(a.line); });
    engine.events().drain(10'000);
    pace(1500, [&] {
        caller.talk(a.address);
        thief.talk(a.address);
        caller.hear();
        thief.hear();
    });
    CHECK_EQUAL(thief.heard.size(), 0);
    check_series(caller.heard, 2);
    const auto told = events_of(engine, EventKind::SECURITY);
    CHECK_EQUAL(told.size(), 1);
    CHECK_EQUAL(told[0]->id, 1);
    CHECK(told[0]->text.find(thief.address.text()) != std::string::npos);
    CHECK(!says(*a.line, "\"foreign\": 0,"));
    a.end();
}

void test_silence_of_the_peer_is_told(Engine& engine) {
    const unsigned before = Line::media_timeout_s;
    Line::media_timeout_s = 1;
    Leg a(engine, 7);
    Peer caller;
    engine.events().drain(10'000);
    a.open(caller.address, caller.rtcp_address);
    pace(2500, [&] { caller.hear(); });
    const auto told = events_of(engine, EventKind::MEDIA_LOST);
    CHECK(!told.empty() && told.size() <= 2);
    CHECK_EQUAL(told[0]->id, 7);
    CHECK(says(*a.line, "nothing arrived from anywhere"));
    CHECK(says(*a.line, caller.address.text()));
    Line::media_timeout_s = before;
    a.end();
}

void test_digits_are_sent_in_the_place_of_relayed_sound(Engine& engine) {
    Leg a(engine, 11), b(engine, 12);
    Peer caller, called;
    a.open(caller.address, caller.rtcp_address);
    b.open(called.address, called.rtcp_address);
    run(engine.media(), [&] { a.line->relay_to(b.line, false); });
    bool sent = true;
    run(engine, [&] { sent = b.line->send_digits("42", 100) && !b.line->send_digits("4x", 100); });
    CHECK(sent);
    pace(800, [&] {
        caller.talk(a.address);
        called.hear();
    });
    std::string keys;
    for (const Arrival& arrival : called.heard) {
        if (arrival.packet.payload_type != EVENTS) continue;
        TelephoneEvent event;
        CHECK(parse_event(arrival.payload.data(), arrival.payload.size(), event));
        if (arrival.packet.marker) keys += digit_of(event.code);
    }
    CHECK(keys == "42");
    for (std::size_t i = 1; i < called.heard.size(); ++i) {  // one series, with the events in it
        CHECK_EQUAL(called.heard[i].packet.sequence, (called.heard[i - 1].packet.sequence + 1) & 0xFFFF);
    }
    a.end();
    b.end();
}

void send_event(Peer& peer, const Address& to, const RtpPacket& header, const TelephoneEvent& event) {
    Bytes packet(RtpPacket::HEADER + TelephoneEvent::SIZE);
    write_rtp(packet.data(), header);
    write_event(packet.data() + RtpPacket::HEADER, event);
    check::send(peer.rtp, to, packet.data(), packet.size());
}

void test_a_key_of_which_only_the_end_comes(Engine& engine) {
    Leg a(engine, 13);
    Peer caller;
    a.open(caller.address, caller.rtcp_address);
    engine.events().drain(10'000);
    RtpPacket header;
    header.payload_type = EVENTS;
    header.timestamp = caller.timestamp;
    header.ssrc = caller.ssrc;
    for (unsigned i = 0; i < 3; ++i) {
        header.sequence = caller.sequence++;
        send_event(caller, a.address, header, {9, true, 10, 800});
    }
    pace(100, [&] { caller.hear(); });
    const auto told = events_of(engine, EventKind::DIGIT);
    CHECK_EQUAL(told.size(), 1);
    CHECK_EQUAL(told[0]->id, 13);
    CHECK(told[0]->text == "9");
    a.end();
}

// A gateway that sends its digits under another SSRC than the sound, in turns with its packets of any length: the
// series that is heard changes in the middle of a key.
void test_keys_under_an_ssrc_of_their_own(Engine& engine) {
    Leg a(engine, 14);
    Peer caller;
    a.open(caller.address, caller.rtcp_address);
    engine.events().drain(10'000);
    RtpPacket header;
    header.payload_type = EVENTS;
    header.ssrc = caller.ssrc + 1;
    for (const unsigned sounds : {1, 2, 3}) {
        for (std::uint16_t i = 0; i < 12; ++i) {  // two packets of the event, then so many of the sound
            header.marker = i == 0;
            header.timestamp = sounds * 8000;
            ++header.sequence;
            const auto code = static_cast<std::uint8_t>(sounds);
            send_event(caller, a.address, header, {code, i > 8, 10, static_cast<std::uint16_t>(i * 160)});
            for (unsigned sound = 0; i % 2 == 1 && sound < sounds; ++sound) caller.talk(a.address);
        }
    }
    pace(100, [&] { caller.hear(); });
    std::string keys;
    for (const auto& event : events_of(engine, EventKind::DIGIT)) keys += event->text;
    CHECK(keys == "123");
    a.end();
}

// As before, but the two take strict turns: the series never changes.
void test_keys_in_strict_turns_with_the_sound(Engine& engine) {
    Leg a(engine, 15);
    Peer caller;
    a.open(caller.address, caller.rtcp_address);
    for (unsigned i = 0; i < 3; ++i) caller.talk(a.address);
    engine.events().drain(10'000);
    RtpPacket header;
    header.payload_type = EVENTS;
    header.ssrc = caller.ssrc + 1;
    header.timestamp = 8000;
    for (std::uint16_t i = 0; i < 12; ++i) {
        ++header.sequence;
        send_event(caller, a.address, header, {5, i > 8, 10, static_cast<std::uint16_t>(i * 160)});
        caller.talk(a.address);
    }
    pace(100, [&] { caller.hear(); });
    const auto told = events_of(engine, EventKind::DIGIT);
    CHECK_EQUAL(told.size(), 1);
    CHECK(told[0]->text == "5");
    a.end();
}

// Somebody who listens to a leg, for the tone of its peer.
struct Ear : Beat {
    Ear(Engine& engine_, Line& line_) : engine(engine_), line(line_), samples(engine.samples_per_frame()) {
        run(engine.media(), [this] {
            line.listen(true);
            engine.media().every_frame(this);
        });
    }
    ~Ear() override {
        run(engine.media(), [this] { engine.media().never(this); });
    }
    void beat(Nanos, unsigned) noexcept override {
        const bool loud = line.read(samples.data()) &&
                          std::any_of(samples.begin(), samples.end(), [](int s) { return std::abs(s) > 6000; });
        deaf = loud ? 0 : deaf + 1;
    }

    Engine& engine;
    Line& line;
    std::vector<std::int16_t> samples;
    std::atomic<unsigned> deaf{0};  // frames in a row without the tone
};

// Promise M7: within a second the leg is heard again, whatever its packets jump to.
void test_jumps_are_heard_through(Engine& engine) {
    Leg a(engine, 1);
    Peer caller;
    a.open(caller.address, caller.rtcp_address);
    {
        const Ear ear(engine, *a.line);
        const auto talk = [&] { caller.talk(a.address); };
        pace(800, talk);
        CHECK(ear.deaf < 10);
        struct Jump {
            std::uint32_t ssrc, sequence, timestamp;
        };
        for (const Jump& jump : {Jump{1, 0, 0}, Jump{1, 30'000, 0x12345678}, Jump{0, 20'000, 0}, Jump{0, 0u - 2'000, 0},
                                 Jump{0, 0u - 50, 0}, Jump{0, 0, 0x40000000}, Jump{0, 0, 80'000}, Jump{0, 0, 4'000},
                                 Jump{0, 0, 0u - 0x40000000}, Jump{0, 0, 0u - 80'000}, Jump{0, 0, 0u - 4'000}}) {
            caller.ssrc += jump.ssrc;
            caller.sequence = static_cast<std::uint16_t>(caller.sequence + jump.sequence);
            caller.timestamp += jump.timestamp;
            pace(1000, talk);
            if (ear.deaf < 10) continue;
            std::fprintf(stderr, "deaf for %u frames a second after a jump by %u, %d, %d\n", ear.deaf.load(), jump.ssrc,
                         static_cast<int>(jump.sequence), static_cast<int>(jump.timestamp));
            std::exit(1);
        }
    }
    a.end();
}

constexpr char KEY[] = "thirty bytes make a master key";

void test_srtp_plays_and_relays_and_drops_garbage(Engine& engine) {
    Leg a(engine, 1), b(engine, 2);
    a.open(b.address, b.rtcp_address, "PCMU/8000/1", KEY);
    b.open(a.address, a.rtcp_address, "PCMU/8000/1", KEY);
    run(engine.media(), [&] { b.line->relay_to(b.line); });  // a sends silence, b echoes it
    Peer liar;
    pace(600, [&] {
        liar.talk(a.address);
        liar.talk(b.address);
        check::send(liar.rtp, a.rtcp_address, std::string(60, '\x81'));
    });
    CHECK(!says(*a.line, "\"relayed\": 1,") && says(*a.line, "\"verdict\": \"\""));
    CHECK(says(*b.line, "\"verdict\": \"\"") && !says(*b.line, "\"relayed\": 0"));
    CHECK(says(*a.line, "\"forged\": 30") && says(*b.line, "\"forged\": 30"));
    CHECK(says(*a.line, "\"source\": \"" + b.address.text()));
    liar.hear();
    CHECK(liar.heard.empty());
    a.end();
    pace(60, [] {});
    b.end();
}

void test_the_end_says_goodbye(Engine& engine) {
    Leg a(engine, 1);
    Peer caller;
    a.open(caller.address, caller.rtcp_address);
    pace(100, [&] { caller.talk(a.address); });
    a.end();
    Report report;
    for (const auto& [bytes, from] : Peer::datagrams(caller.rtcp)) {
        report.read(bytes.data(), bytes.size(), caller.ssrc, 8000, monotonic_now());
    }
    CHECK(report.heard().bye);
    caller.hear();
    check_series(caller.heard, 2);
}

void test_another_stream_goes_on_with_the_series(Engine& engine) {
    Leg a(engine, 1);
    Peer caller;
    a.open(caller.address, caller.rtcp_address);
    const auto hear = [&] { caller.hear(); };
    pace(300, hear);
    a.close_stream();
    pace(100, hear);
    a.open(caller.address, caller.rtcp_address);
    pace(300, hear);
    run(engine.media(), [&] { a.line->relay_to(a.line); });
    pace(300, [&] {
        caller.talk(a.address);
        caller.hear();
    });
    check_series(caller.heard, 8);
    const std::string figures = a.line->statistics();
    CHECK(figures.find("\"verdict\": \"\"") != std::string::npos);
    a.end();
    CHECK(caller.heard.size() > 40);
}

// Lines end in any order, under fire, while others relay to them.
void test_ends_in_the_middle_of_everything(Engine& engine) {
    std::atomic<bool> firing{true};
    std::mutex targets_mutex;
    std::vector<Address> targets;
    std::thread fire([&] {
        Peer peer;
        while (firing) {
            const std::lock_guard<std::mutex> lock(targets_mutex);
            for (const Address& target : targets) peer.talk(target);
            check::quiet(peer.rtp, 1);
        }
    });
    for (unsigned round = 0; round < 12; ++round) {
        std::vector<std::unique_ptr<Leg>> legs;
        Peer peer;
        for (unsigned i = 0; i < 6; ++i) {
            legs.push_back(std::make_unique<Leg>(engine, 100 + i));
            legs.back()->open(peer.address, peer.rtcp_address, "PCMU/8000/1", i % 3 == 2 ? KEY : nullptr);
            const std::lock_guard<std::mutex> lock(targets_mutex);
            targets.push_back(legs.back()->address);
        }
        engine.media().post([legs = std::vector<std::shared_ptr<Line>>{legs[0]->line, legs[1]->line, legs[2]->line,
                                                                       legs[3]->line}] {
            legs[0]->relay_to(legs[1]);
            legs[1]->relay_to(legs[0]);
            legs[2]->relay_to(legs[3]);
            legs[3]->relay_to(legs[3]);
            legs[1]->listen(true);
        });
        pace(60, [&] {
            peer.hear();
            for (const auto& leg : legs) CHECK(!leg->line->statistics().empty());
        });
        for (unsigned i = 0; i < 6; ++i) legs[(i * 5 + round) % 6]->end();
        const std::lock_guard<std::mutex> lock(targets_mutex);
        targets.clear();
    }
    firing = false;
    fire.join();
}

}  // namespace

int main() {
    Engine engine(options());
    test_relay_and_mixer_change_without_a_break(engine);
    test_relayed_packets_are_plain(engine);
    test_echo_by_ipv6_and_one_port(engine);
    test_nobody_else_is_heard_and_the_operator_is_told(engine);
    test_silence_of_the_peer_is_told(engine);
    test_digits_are_sent_in_the_place_of_relayed_sound(engine);
    test_a_key_of_which_only_the_end_comes(engine);
    test_keys_under_an_ssrc_of_their_own(engine);
    test_keys_in_strict_turns_with_the_sound(engine);
    test_jumps_are_heard_through(engine);
    test_srtp_plays_and_relays_and_drops_garbage(engine);
    test_the_end_says_goodbye(engine);
    test_another_stream_goes_on_with_the_series(engine);
    test_ends_in_the_middle_of_everything(engine);
    engine.close();
}
