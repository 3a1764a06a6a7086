// sources: rtp/figures.cpp rtp/verdict.cpp rtp/quality.cpp rtp/report.cpp rtp/reception.cpp rtp/packet.cpp rtp/address.cpp rtp/datagrams.cpp rtp/datagrams_pool.cpp rtp/epoll.cpp rtp/uring.cpp rtp/uring_start.cpp
// packages: liburing
// What a leg's media is said to have been: figures, and words where it was heard one way or not at all.
#include "rtp/figures.hpp"

#include <arpa/inet.h>

#include "check.hpp"

using namespace callwright;

namespace {

constexpr Nanos MS = 1'000'000;

void expect(const std::string& said, const std::string& expected) {
    if (said == expected) return;
    std::fprintf(stderr, "said:     %s\nexpected: %s\n", said.c_str(), expected.c_str());
    std::exit(1);
}

bool holds(const LineFigures& figures, const std::string& text) {
    if (figures.json().find(text) != std::string::npos) return true;
    std::fprintf(stderr, "%s\n", figures.json().c_str());
    return false;
}

// A call that was described and of which nothing was heard.
LineFigures unheard() {
    LineFigures figures;
    figures.codec = "PCMU";
    figures.described = figures.destination = check::loopback(4000);
    figures.opened_at = 1000 * MS;
    figures.now = 11'000 * MS;
    figures.tx_packets = 500;
    figures.tx_first_at = 1020 * MS;
    figures.tx_last_at = 10'990 * MS;
    return figures;
}

void hear(LineFigures& figures, unsigned count) {
    RtpPacket packet;
    for (unsigned i = 0; i < count; ++i) {
        packet.sequence = static_cast<std::uint16_t>(i);
        packet.timestamp = i * 160;
        packet.payload = 160;
        figures.reception.receive(packet, true, (1000 + i * 20) * MS);
    }
    figures.source = figures.described;
    figures.first_at = 1040 * MS;
    figures.last_at = 10'000 * MS;
}

void test_both_ways_need_no_words() {
    LineFigures figures = unheard();
    hear(figures, 400);
    expect(figures.verdict(), "");
    figures.source = check::loopback(9999);  // behind a NAT
    expect(figures.verdict(), "");
    CHECK(holds(figures, "\"codec\": \"PCMU\", \"rx\": {\"packets\": 400, \"bytes\": 64000, \"lost\": 0"));
    CHECK(holds(figures, "\"first_ms\": 40, \"last_ms\": 1000, \"comfort_noise\": 0, \"source\": \"127.0.0.1:9999\""));
    CHECK(holds(figures, "\"tx\": {\"packets\": 500"));
    CHECK(holds(figures, "\"first_ms\": 20, \"last_ms\": 10, "));
    CHECK(holds(figures, "\"verdict\": \"\"}"));
}

void test_why_nothing_was_heard() {
    LineFigures figures = unheard();
    const std::string described = "no audio came: the description said 127.0.0.1:4000, ";
    expect(figures.verdict(), described + "nothing arrived from anywhere");
    CHECK(holds(figures, "\"first_ms\": -1, \"last_ms\": -1, \"comfort_noise\": 0, \"source\": \"\""));
    CHECK(holds(figures, "\"mos\": {\"rx\": 0.000, \"tx\": 0.000}"));
    figures.refused.malformed = 3;
    expect(figures.verdict(), "no audio came: 3 packets were not RTP");
    figures.refused.unexpected = 7;
    expect(figures.verdict(), "no audio came: 7 packets were not PCMU, which was negotiated");
    figures.refused.foreign = 9;
    figures.foreign = check::loopback(6666);
    expect(figures.verdict(), described + "packets came from 127.0.0.1:6666");
    figures.forged = 12;
    expect(figures.verdict(), "no audio came: SRTP could not decrypt any of 12 packets");
    figures.receives = false;  // and nothing was to come
    expect(figures.verdict(), "");
}

void test_why_nothing_was_sent() {
    LineFigures figures = unheard();
    hear(figures, 400);
    figures.tx_packets = 0;
    expect(figures.verdict(), "we sent nothing: the call was not connected to anything that plays");
    figures.source = check::loopback(9999);
    expect(figures.verdict(),
           "we sent nothing: the call was not connected to anything that plays; audio came from 127.0.0.1:9999, not "
           "from 127.0.0.1:4000 that was described");
    figures.source = figures.described;
    figures.tx_refused = 5;
    expect(figures.verdict(), "we sent nothing: SRTP or the network refused every packet");
    figures.destination = Address();
    expect(figures.verdict(), "we sent nothing: the description named no address");
    figures.sends = false;
    expect(figures.verdict(), "");
}

void test_a_call_too_short_for_words() {
    LineFigures figures = unheard();
    figures.tx_packets = 0;
    figures.established_at = figures.now - 490 * MS;
    expect(figures.verdict(), "");
    figures.established_at = figures.now - 500 * MS;
    CHECK(!figures.verdict().empty());
}

void test_neither() {
    LineFigures figures = unheard();
    figures.tx_packets = 0;
    figures.destination = figures.described = Address();
    expect(figures.verdict(), "no audio came: the description named no address, nothing arrived from anywhere; "
                              "we sent nothing: the description named no address");
}

Address address(const char* host, unsigned port) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(static_cast<std::uint16_t>(port));
    CHECK_EQUAL(inet_pton(AF_INET, host, &in.sin_addr), 1);
    return Address::of(&in);
}

// A call that was answered a tenth of a second after its description, and went well.
LineFigures heard() {
    LineFigures figures = unheard();
    hear(figures, 400);
    figures.described_at = figures.opened_at;
    figures.established_at = 1100 * MS;
    expect(figures.verdict(), "");
    return figures;
}

void test_audio_that_came_late() {
    LineFigures figures = heard();
    figures.first_at = 5300 * MS;
    expect(figures.verdict(), "audio came only 4.2 s after the answer");
    figures.described_at = 5000 * MS;  // it was on hold until then
    expect(figures.verdict(), "");
    figures.described_at = 3000 * MS;
    expect(figures.verdict(), "audio came only 2.3 s after the last description");
    figures.established_at = 0;  // early media: nobody has to speak yet
    expect(figures.verdict(), "");
    figures = heard();
    figures.established_at = 6000 * MS;  // sound before the answer
    expect(figures.verdict(), "");
}

void test_audio_that_stopped() {
    LineFigures figures = heard();
    figures.last_at = 4100 * MS;
    expect(figures.verdict(), "audio stopped 3.0 s after the answer: nothing came in the last 6.9 s");
    figures.described_at = 8000 * MS;
    expect(figures.verdict(), "");
    figures.described_at = figures.opened_at;
    figures.comfort = 1;
    figures.comfort_at = figures.last_at;  // it said that it would be silent
    expect(figures.verdict(), "");
    figures.comfort_at = 3000 * MS;  // and spoke again since
    CHECK(!figures.verdict().empty());
    figures.first_at = 4000 * MS;
    expect(figures.verdict(), "audio came only 2.9 s after the answer; audio stopped 3.0 s after the answer: nothing "
                              "came in the last 6.9 s");
    figures.established_at = 9000 * MS;  // early media only
    expect(figures.verdict(), "audio stopped: nothing came in the last 6.9 s");
    figures.receives = false;
    expect(figures.verdict(), "");
}

void test_packets_without_sound() {
    LineFigures figures = heard();
    figures.comfort = 400;
    figures.comfort_at = figures.last_at;
    expect(figures.verdict(),
           "no audio came: all 400 packets were comfort noise, as of a microphone that is muted");
    figures.comfort = 399;
    expect(figures.verdict(), "");
    LineFigures empty = unheard();
    RtpPacket packet;
    empty.reception.receive(packet, true, 1040 * MS);
    empty.first_at = empty.last_at = 10'000 * MS;
    expect(empty.verdict(), "no audio came: all 1 packets were empty");
}

void test_that_we_are_not_heard() {
    LineFigures figures = heard();
    figures.tx_reported = 480;
    figures.heard.reports = 3;
    figures.heard.lost = 455;
    expect(figures.verdict(), "");
    figures.heard.lost = 456;
    expect(figures.verdict(), "the peer reports that 456 of our 480 packets were lost; they went to 127.0.0.1:4000, "
                              "which its description named");
    figures.heard.lost = 480;
    figures.destination = check::loopback(9999);
    expect(figures.verdict(), "the peer reports that none of our 480 packets came; they went to 127.0.0.1:9999, where "
                              "its audio comes from");
    figures.tx_reported = 90;  // too soon to tell
    expect(figures.verdict(), "");
    figures.sends = false;
    figures.tx_reported = 480;
    expect(figures.verdict(), "");
}

void test_that_we_are_heard_no_more() {
    LineFigures figures = heard();
    figures.heard.reports = 3;
    figures.first_reported = 100;
    figures.first_highest = 0xFFFFFFF0;  // 30 more came, over the end of the numbers
    figures.heard.highest = 14;
    figures.tx_reported = 100 + 30 + 249;
    expect(figures.verdict(), "");
    ++figures.tx_reported;
    expect(figures.verdict(), "the peer reports that none of our last 250 packets came; they went to 127.0.0.1:4000, "
                              "which its description named");
    figures.tx_reported = 100 + 30 + 60'000;  // it has begun anew
    expect(figures.verdict(), "");
    figures.heard.highest = figures.first_highest - 1;
    expect(figures.verdict(), "");
    figures.heard.highest = figures.first_highest = 0;  // it does not tell
    figures.tx_reported = 500;
    expect(figures.verdict(), "");
}

void test_reports_that_do_not_know_us() {
    LineFigures figures = heard();
    figures.tx_reported = 480;
    figures.heard.without = 2;
    expect(figures.verdict(), "the peer's 2 reports tell of none of our 480 packets; they went to 127.0.0.1:4000, "
                              "which its description named");
    figures.heard.without = 1;
    expect(figures.verdict(), "");
    figures.heard.without = 2;
    figures.heard.reports = 1;
    expect(figures.verdict(), "");
}

void test_a_private_address_that_is_not_where_the_peer_is() {
    LineFigures figures = unheard();
    figures.described = figures.destination = address("192.168.1.20", 4000);
    figures.signalling = address("203.0.113.5", 5060);
    const std::string unheard_of = "no audio came: the description said 192.168.1.20:4000, nothing arrived from anywhere";
    expect(figures.verdict(), unheard_of + "; our 500 packets went to 192.168.1.20:4000, a private address that the "
                                           "description named; its signalling comes from 203.0.113.5");
    figures.signalling = address("192.168.1.20", 5060);  // all of it is in one network
    expect(figures.verdict(), unheard_of);
    figures.signalling = address("203.0.113.5", 5060);
    figures.described = figures.destination = address("198.51.100.1", 4000);
    expect(figures.verdict(),
           "no audio came: the description said 198.51.100.1:4000, nothing arrived from anywhere");
    for (const char* host : {"10.1.2.3", "172.16.0.1", "172.31.255.255", "100.64.0.1", "169.254.0.1", "127.0.0.1"}) {
        CHECK(address(host, 1).is_private());
    }
    for (const char* host : {"9.255.255.255", "11.0.0.0", "172.32.0.1", "192.169.0.1", "100.128.0.1", "8.8.8.8"}) {
        CHECK(!address(host, 1).is_private());
    }
    CHECK(!Address().is_private());
}

void test_opinions_follow_what_was_lost_and_when_it_came() {
    LineFigures figures = unheard();
    hear(figures, 400);
    CHECK(holds(figures, "\"mos\": {\"rx\": 4.39"));
    figures.buffer.discarded = 40;  // a tenth came too late
    CHECK(holds(figures, "\"mos\": {\"rx\": 3.") || holds(figures, "\"mos\": {\"rx\": 2."));
    figures.heard.reports = 1;
    figures.heard.lost = 100;
    figures.heard.round_trip_ms = 80;
    CHECK(holds(figures, "\"rtt_ms\": 80.000"));
    CHECK(holds(figures, "\"lost\": 100, \"jitter_ms\""));
    CHECK(!holds(figures, "\"tx\": 4.4") && !holds(figures, "\"tx\": 0.0"));
    figures.heard.lost = -3;  // duplicates
    CHECK(!holds(figures, "\"lost\": -3"));
}

}  // namespace

int main() {
    test_both_ways_need_no_words();
    test_why_nothing_was_heard();
    test_why_nothing_was_sent();
    test_a_call_too_short_for_words();
    test_neither();
    test_audio_that_came_late();
    test_audio_that_stopped();
    test_packets_without_sound();
    test_that_we_are_not_heard();
    test_that_we_are_heard_no_more();
    test_reports_that_do_not_know_us();
    test_a_private_address_that_is_not_where_the_peer_is();
    test_opinions_follow_what_was_lost_and_when_it_came();
}
