// sources: rtp/report.cpp rtp/reception.cpp rtp/packet.cpp rtp/quality.cpp rtp/address.cpp rtp/datagrams.cpp rtp/datagrams_pool.cpp rtp/epoll.cpp rtp/uring.cpp rtp/uring_start.cpp
// packages: liburing
// RTCP between two lines, from a hostile peer, and what the figures make of a call's quality.
#include "rtp/report.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"
#include "rtp/quality.hpp"

using namespace callwright;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr Nanos MS = 1'000'000;
constexpr Nanos SECOND = 1000 * MS;
constexpr std::uint32_t A = 0xAAAAAAAA, B = 0xBBBBBBBB;

Bytes written(Report& report, const Report::Sent& sent, Reception& reception, Nanos now, bool bye = false,
              const std::string& cname = "someone@example") {
    Bytes bytes(Report::ROOM);
    bytes.resize(report.write(bytes.data(), sent, reception, cname, bye, now));
    CHECK_EQUAL(bytes.size() % 4, 0);
    return bytes;
}

void heard(Reception& reception, std::uint32_t ssrc, unsigned first, unsigned count, Nanos now) {
    for (unsigned i = 0; i < count; ++i) {
        RtpPacket packet;
        packet.ssrc = ssrc;
        packet.sequence = static_cast<std::uint16_t>(first + i);
        packet.timestamp = (first + i) * 160;
        packet.payload = 160;
        reception.receive(packet, true, now + i * 20 * MS);
    }
}

void test_two_ends_tell_each_other_loss_and_delay() {
    const Nanos start = monotonic_now();
    Report a, b;
    Reception a_hears, b_hears;
    heard(b_hears, A, 1, 75, start);
    heard(b_hears, A, 101, 25, start + 2000 * MS);
    const Bytes first = written(a, {A, 16000, 125, 20'000}, a_hears, start + 3 * SECOND);
    CHECK_EQUAL(first[1], 200);
    CHECK_EQUAL(get32(&first[20]), 125);
    CHECK_EQUAL(get32(&first[24]), 20'000);
    // 60 ms there, held for half a second, 40 ms back.
    CHECK(b.read(first.data(), first.size(), B, 8000, start + 3060 * MS));
    const Bytes answer = written(b, {B, 0, 0, 0}, b_hears, start + 3560 * MS);
    CHECK_EQUAL(answer[1], 201);
    CHECK(a.read(answer.data(), answer.size(), A, 8000, start + 3600 * MS));
    CHECK_EQUAL(a.heard().reports, 1);
    CHECK_EQUAL(a.heard().without, 0);
    CHECK_EQUAL(b.heard().without, 1);  // the first one told of nothing of its own
    CHECK_EQUAL(a.heard().lost, 25);
    CHECK_EQUAL(a.heard().highest, 125);
    CHECK(std::abs(a.heard().fraction - 0.2) < 0.01);
    CHECK(std::abs(a.heard().round_trip_ms - 100) < 2);
    CHECK(!a.heard().bye);
}

void test_nothing_sent_is_a_receiver_report_and_bye_ends_it() {
    Report a, b;
    Reception a_hears;
    const Bytes empty = written(a, {A, 0, 0, 0}, a_hears, SECOND);
    CHECK_EQUAL(empty[0], 0x80);  // without a block
    CHECK_EQUAL(empty[1], 201);
    CHECK_EQUAL(empty.size(), 8 + 28);
    const Bytes bye = written(a, {A, 0, 5, 800}, a_hears, 2 * SECOND, true);
    CHECK_EQUAL(bye[1], 200);
    CHECK(b.read(bye.data(), bye.size(), B, 8000, 2 * SECOND));
    CHECK(b.heard().bye);
    const Bytes again = written(a, {A, 0, 5, 800}, a_hears, 3 * SECOND);
    CHECK_EQUAL(again[1], 201);  // nothing was sent since
}

void test_a_long_name_fits() {
    Report report;
    Reception hears;
    heard(hears, B, 1, 10, 0);
    for (const std::size_t length : {0u, 1u, 2u, 255u, 4000u}) {
        const Bytes bytes = written(report, {A, 0, length + 1, 1}, hears, SECOND, true, std::string(length, 'x'));
        CHECK(bytes.size() <= Report::ROOM);
        Report other;
        CHECK(other.read(bytes.data(), bytes.size(), A, 8000, SECOND));
        CHECK(other.heard().bye);
    }
}

void test_reports_about_others_say_nothing_of_us() {
    Report a, b;
    Reception b_hears;
    heard(b_hears, 0x12345678, 1, 50, 0);
    const Bytes bytes = written(b, {B, 0, 0, 0}, b_hears, SECOND);
    CHECK(a.read(bytes.data(), bytes.size(), A, 8000, SECOND));
    CHECK_EQUAL(a.heard().reports, 0);
}

void test_what_is_cut_or_lies_is_read_as_far_as_it_is_sound() {
    Report a;
    Reception hears;
    heard(hears, B, 1, 50, 0);
    const Bytes whole = written(a, {A, 1, 50, 8000}, hears, SECOND, true);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        Report other;
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        other.read(cut.data(), cut.size(), B, 8000, SECOND);
        CHECK(!other.heard().bye);
    }
    for (unsigned count = 0; count < 32; ++count) {
        Bytes lying = whole;
        lying[0] = static_cast<std::uint8_t>(0x80 | count);  // says that there are more blocks than there are
        Report other;
        CHECK(other.read(lying.data(), lying.size(), B, 8000, SECOND));
        CHECK(other.heard().reports <= 1);
    }
    Report other;
    CHECK(!other.read(whole.data(), 7, B, 8000, SECOND));
    const Bytes zeros(64, 0);
    CHECK(!other.read(zeros.data(), zeros.size(), B, 8000, SECOND));
    Bytes endless = whole;
    endless[2] = endless[3] = 0xFF;
    CHECK(!other.read(endless.data(), endless.size(), B, 8000, SECOND));
}

void test_a_round_trip_that_cannot_be_is_none() {
    Report a;
    Bytes bytes(32, 0);
    bytes[0] = 0x81;
    bytes[1] = 201;
    bytes[3] = 7;
    put32(&bytes[8], A);
    put32(&bytes[24], 0x12345678);  // a report that we never sent
    put32(&bytes[28], 1);
    a.read(bytes.data(), bytes.size(), A, 8000, SECOND);
    CHECK_EQUAL(a.heard().reports, 1);
    CHECK(a.heard().round_trip_ms < 30'000);
    // Lost packets may be fewer than none: duplicates.
    put32(&bytes[12], 0x00FFFFFF);
    a.read(bytes.data(), bytes.size(), A, 8000, SECOND);
    CHECK_EQUAL(a.heard().lost, -1);
}

void test_time() {
    const Nanos now = monotonic_now();
    const std::uint64_t a = ntp_time(now), b = ntp_time(now + 1500 * MS);
    CHECK(std::abs(static_cast<double>(b - a) / 4294967296.0 - 1.5) < 1e-6);
    CHECK(a >> 32 > 3'900'000'000u);  // after 2023
}

void test_opinion() {
    const double best = mean_opinion_score("PCMU", {20, 0, 1});
    CHECK(best > 4.35 && best < 4.45);
    CHECK(mean_opinion_score("pcma", {20, 0, 1}) == best);
    CHECK(mean_opinion_score("PCMU", {400, 0, 1}) < 3.8);
    const double some = mean_opinion_score("PCMU", {20, 0.02, 1});
    CHECK(some < best && some > 4.0);
    CHECK(mean_opinion_score("PCMU", {20, 0.10, 1}) < 3.5);
    CHECK(mean_opinion_score("PCMU", {20, 0.10, 3}) < mean_opinion_score("PCMU", {20, 0.10, 1}));
    CHECK(mean_opinion_score("PCMU", {20, 1, 1}) < 1.3);
    CHECK(mean_opinion_score("G729", {20, 0, 1}) < best - 0.2);
    for (const double delay : {-5.0, 0.0, 10'000.0}) {
        for (const double loss : {-1.0, 0.0, 2.0}) {
            const double score = mean_opinion_score("unheard of", {delay, loss, 0});
            CHECK(score >= 1 && score <= 4.5);
        }
    }
}

}  // namespace

int main() {
    test_two_ends_tell_each_other_loss_and_delay();
    test_nothing_sent_is_a_receiver_report_and_bye_ends_it();
    test_a_long_name_fits();
    test_reports_about_others_say_nothing_of_us();
    test_what_is_cut_or_lies_is_read_as_far_as_it_is_sound();
    test_a_round_trip_that_cannot_be_is_none();
    test_time();
    test_opinion();
}
