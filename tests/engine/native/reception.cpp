// sources: rtp/reception.cpp
// Loss, order, jitter and new series of what a peer sends.
#include "rtp/reception.hpp"

#include <cmath>

#include "check.hpp"

using namespace callwright;

namespace {

using Verdict = Reception::Verdict;
constexpr Nanos MS = 1'000'000;
constexpr Nanos FRAME = 20 * MS;
constexpr Nanos START = 5'000'000 * MS;

struct Peer {
    Reception& reception;
    std::uint32_t ssrc = 77;
    std::uint16_t sequence = 65530;
    std::uint32_t timestamp = 0xFFFFF000;
    Nanos now = START;

    Verdict send(bool audio = true) { return send_as(sequence++, audio); }
    Verdict send_as(std::uint16_t number, bool audio = true) {
        RtpPacket packet;
        packet.ssrc = ssrc;
        packet.sequence = number;
        packet.timestamp = timestamp;
        packet.payload = 160;
        const Verdict verdict = reception.receive(packet, audio, now);
        timestamp += 160;
        now += FRAME;
        return verdict;
    }
    // One that was sent before, with the timestamp that it had then.
    Verdict send_again(std::uint16_t number) {
        const std::uint32_t present = timestamp;
        timestamp -= 160u * static_cast<std::uint16_t>(sequence - number);
        const Verdict verdict = send_as(number);
        timestamp = present;
        return verdict;
    }
    void lose(unsigned count) {
        sequence = static_cast<std::uint16_t>(sequence + count);
        timestamp += 160 * count;
        now += FRAME * count;
    }
};

void test_a_good_network() {
    Reception reception;
    Peer peer{reception};
    for (unsigned i = 0; i < 100'000; ++i) CHECK(peer.send() == Verdict::GOOD);
    CHECK_EQUAL(reception.packets(), 100'000);
    CHECK_EQUAL(reception.bytes(), 16'000'000);
    CHECK_EQUAL(reception.expected(), 100'000);
    CHECK_EQUAL(reception.lost() + reception.reordered() + reception.duplicated() + reception.jumps(), 0);
    CHECK_EQUAL(reception.extended_sequence(), 65530 + 99'999);
    CHECK(reception.jitter_max_ms() < 0.2);
}

void test_loss_in_runs() {
    Reception reception;
    Peer peer{reception};
    for (unsigned i = 0; i < 100; ++i) {
        for (unsigned k = 0; k < 8; ++k) peer.send();
        peer.lose(2);
    }
    peer.send();
    CHECK_EQUAL(reception.lost(), 200);
    CHECK_EQUAL(reception.bursts(), 100);
    CHECK_EQUAL(reception.longest_burst(), 2);
    CHECK_EQUAL(reception.take_fraction(), 200 * 256 / 1001);
    CHECK_EQUAL(reception.take_fraction(), 0);
    peer.lose(1);
    peer.send();
    CHECK_EQUAL(reception.take_fraction(), 128);
    CHECK_EQUAL(reception.jumps(), 0);
}

void test_late_and_repeated_packets() {
    Reception reception;
    Peer peer{reception};
    for (unsigned i = 0; i < 10; ++i) peer.send();
    const std::uint16_t missing = peer.sequence;
    peer.lose(1);
    CHECK(peer.send() == Verdict::GOOD);
    CHECK_EQUAL(reception.lost(), 1);
    CHECK(peer.send_again(missing) == Verdict::GOOD);
    CHECK_EQUAL(reception.lost(), 0);
    CHECK_EQUAL(reception.reordered(), 1);
    CHECK(peer.send_again(missing) == Verdict::DUPLICATE);
    CHECK(peer.send_again(static_cast<std::uint16_t>(missing + 1)) == Verdict::DUPLICATE);
    CHECK_EQUAL(reception.duplicated(), 2);
    CHECK_EQUAL(reception.packets(), 12);
    // Before the first that came.
    CHECK(peer.send_again(65529) == Verdict::GOOD);
    CHECK_EQUAL(reception.lost(), 0);
    CHECK_EQUAL(reception.expected(), 13);
}

void test_another_ssrc_is_taken_with_its_second_packet() {
    Reception reception;
    Peer peer{reception};
    for (unsigned i = 0; i < 10; ++i) peer.send();
    peer.lose(3);
    peer.send();
    peer.ssrc = 78;
    peer.sequence = 4000;
    peer.timestamp = 12345;
    CHECK(peer.send() == Verdict::SUSPICIOUS);
    CHECK(peer.send() == Verdict::RESTARTED);
    for (unsigned i = 0; i < 10; ++i) CHECK(peer.send() == Verdict::GOOD);
    CHECK_EQUAL(reception.ssrc(), 78);
    CHECK_EQUAL(reception.jumps(), 1);
    CHECK_EQUAL(reception.lost(), 3);
    CHECK_EQUAL(reception.series_lost(), 0);
    CHECK(reception.jitter_max_ms() < 0.2);
}

void test_two_series_at_a_time_do_not_tear_each_other() {
    Reception reception;
    Peer peer{reception}, other{reception, 99, 100, 0};
    for (unsigned i = 0; i < 10; ++i) peer.send();
    other.now = peer.now + MS;
    for (unsigned i = 0; i < 1000; ++i) {
        CHECK(peer.send() == Verdict::GOOD);
        CHECK(other.send() == Verdict::SUSPICIOUS);
    }
    CHECK_EQUAL(reception.jumps(), 0);
    CHECK_EQUAL(reception.suspicious(), 1000);
}

void test_jumps_of_the_sequence() {
    for (const int jump : {5000, -200, 32768, -50, -5}) {
        Reception reception;
        Peer peer{reception};
        for (unsigned i = 0; i < 10; ++i) peer.send();
        peer.sequence = static_cast<std::uint16_t>(peer.sequence + jump);
        CHECK(peer.send() == Verdict::SUSPICIOUS);
        CHECK(peer.send() == Verdict::RESTARTED);
        CHECK(peer.send() == Verdict::GOOD);
        CHECK_EQUAL(reception.lost(), 0);
    }
    // One stray packet changes nothing.
    Reception reception;
    Peer peer{reception};
    for (unsigned i = 0; i < 10; ++i) peer.send();
    CHECK(peer.send_as(static_cast<std::uint16_t>(peer.sequence + 20'000)) == Verdict::SUSPICIOUS);
    CHECK(peer.send() == Verdict::GOOD);
    CHECK_EQUAL(reception.jumps(), 0);
}

void test_jumps_of_the_timestamp() {
    for (const int jump : {100'000, -100'000, -800, 9000}) {
        Reception reception;
        Peer peer{reception};
        for (unsigned i = 0; i < 10; ++i) peer.send();
        peer.timestamp = peer.timestamp + static_cast<std::uint32_t>(jump);
        CHECK(peer.send() == Verdict::RESTARTED);
        for (unsigned i = 0; i < 100; ++i) CHECK(peer.send() == Verdict::GOOD);
        CHECK_EQUAL(reception.jumps(), 1);
        CHECK(reception.jitter_max_ms() < 0.2);
    }
}

void test_silence_suppression_and_events_are_no_jumps() {
    Reception reception;
    Peer peer{reception};
    for (unsigned i = 0; i < 10; ++i) peer.send();
    peer.now += 60'000 * MS;
    peer.timestamp += 60'000 * 8;
    CHECK(peer.send() == Verdict::GOOD);
    // An event of five seconds: its packets have the timestamp of its beginning.
    const std::uint32_t began = peer.timestamp;
    for (unsigned i = 0; i < 250; ++i) {
        peer.timestamp = began;
        CHECK(peer.send(false) == Verdict::GOOD);
    }
    peer.timestamp = began + 250 * 160;
    CHECK(peer.send() == Verdict::GOOD);
    CHECK_EQUAL(reception.jumps(), 0);
    CHECK(reception.jitter_max_ms() < 0.2);
}

void test_jitter_as_rfc_3550_smooths_it() {
    Reception reception;
    Peer peer{reception};
    for (unsigned i = 0; i < 2000; ++i) {
        peer.now += (i % 2 == 0 ? 10 : -10) * MS;  // each 10 ms off the one before
        peer.send();
    }
    CHECK(std::abs(reception.jitter_ms() - 10) < 0.5);
    CHECK(std::abs(reception.jitter_mean_ms() - 10) < 0.5);
    CHECK(std::abs(static_cast<double>(reception.jitter_ticks()) - 80) < 4);
}

void test_a_call_of_a_month_overflows_nothing() {
    Reception reception;
    reception.format(48000);
    Peer peer{reception};
    peer.send();
    const Nanos month = 31ll * 86'400 * 1000 * MS;
    peer.now += month;
    peer.timestamp += static_cast<std::uint32_t>(month / MS * 48);
    for (unsigned i = 0; i < 100; ++i) {
        peer.timestamp += 800;  // with send(): 960
        peer.send();
    }
    CHECK(reception.jitter_ms() < 1);
}

}  // namespace

int main() {
    test_a_good_network();
    test_loss_in_runs();
    test_late_and_repeated_packets();
    test_another_ssrc_is_taken_with_its_second_packet();
    test_two_series_at_a_time_do_not_tear_each_other();
    test_jumps_of_the_sequence();
    test_jumps_of_the_timestamp();
    test_silence_suppression_and_events_are_no_jumps();
    test_jitter_as_rfc_3550_smooths_it();
    test_a_call_of_a_month_overflows_nothing();
}
