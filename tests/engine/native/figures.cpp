// sources: rtp/figures.cpp rtp/quality.cpp rtp/report.cpp rtp/reception.cpp rtp/packet.cpp rtp/address.cpp rtp/datagrams.cpp rtp/datagrams_pool.cpp rtp/epoll.cpp rtp/uring.cpp rtp/uring_start.cpp
// packages: liburing
// What a leg's media is said to have been: figures, and words where it was heard one way or not at all.
#include "rtp/figures.hpp"

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
    CHECK(holds(figures, "\"first_ms\": 40, \"last_ms\": 1000, \"source\": \"127.0.0.1:9999\""));
    CHECK(holds(figures, "\"tx\": {\"packets\": 500"));
    CHECK(holds(figures, "\"first_ms\": 20, \"last_ms\": 10, "));
    CHECK(holds(figures, "\"verdict\": \"\"}"));
}

void test_why_nothing_was_heard() {
    LineFigures figures = unheard();
    const std::string described = "no audio came: the description said 127.0.0.1:4000, ";
    expect(figures.verdict(), described + "nothing arrived from anywhere");
    CHECK(holds(figures, "\"first_ms\": -1, \"last_ms\": -1, \"source\": \"\""));
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

void test_neither() {
    LineFigures figures = unheard();
    figures.tx_packets = 0;
    figures.destination = figures.described = Address();
    expect(figures.verdict(), "no audio came: the description named no address, nothing arrived from anywhere; "
                              "we sent nothing: the description named no address");
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
    test_neither();
    test_opinions_follow_what_was_lost_and_when_it_came();
}
