// sources: rtp/events_rx.cpp rtp/events_tx.cpp rtp/packet.cpp
// RFC 4733: every key once, whatever the network and the peer make of it; and digits as others expect them.
#include <algorithm>
#include <random>
#include <vector>

#include "check.hpp"
#include "rtp/events_rx.hpp"
#include "rtp/events_tx.hpp"

using namespace callwright;

namespace {

struct Sent {
    RtpPacket packet;
    TelephoneEvent event;
};
using Press = std::vector<Sent>;

// As a telephone sends it: updates each 20 ms, three ends.
Press press(char digit, std::uint32_t timestamp, unsigned ms, unsigned rate = 8000) {
    Press packets;
    const unsigned frames = ms / 20;
    for (unsigned i = 1; i <= frames + 2; ++i) {
        Sent sent;
        sent.packet.marker = i == 1;
        sent.packet.timestamp = timestamp;
        sent.event.code = static_cast<std::uint8_t>(code_of(digit));
        sent.event.end = i >= frames;
        sent.event.duration = static_cast<std::uint16_t>(std::min(i, frames) * 20 * (rate / 1000));
        packets.push_back(sent);
    }
    return packets;
}

std::string received(EventReceiver& receiver, const Press& packets) {
    std::string keys;
    for (const Sent& sent : packets) {
        if (receiver.receive(sent.packet, sent.event)) keys += digit_of(sent.event.code);
    }
    return keys;
}

void expect(const std::string& keys, const std::string& expected) {
    if (keys == expected) return;
    std::fprintf(stderr, "received \"%s\", not \"%s\"\n", keys.c_str(), expected.c_str());
    std::exit(1);
}

Press operator+(Press a, const Press& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

void test_a_press_is_reported_once_when_the_key_goes_down() {
    EventReceiver receiver;
    const Press packets = press('5', 1000, 160);
    CHECK(receiver.receive(packets[0].packet, packets[0].event));
    CHECK_EQUAL(receiver.duration_ms(), 20);
    for (std::size_t i = 1; i < packets.size(); ++i) CHECK(!receiver.receive(packets[i].packet, packets[i].event));
    CHECK_EQUAL(receiver.duration_ms(), 160);
}

void test_any_one_packet_of_a_press_is_enough() {
    const Press packets = press('9', 1000, 160);
    for (const Sent& sent : packets) {
        EventReceiver receiver;
        expect(received(receiver, {sent}), "9");
    }
}

void test_without_marker_start_or_end() {
    EventReceiver receiver;
    Press first = press('1', 1000, 100), second = press('1', 2600, 100), third = press('1', 4200, 100);
    for (Sent& sent : first) sent.packet.marker = false;
    second.erase(second.begin());              // the start is lost
    third.resize(third.size() - 3);            // all ends are
    expect(received(receiver, first + second + third + press('1', 5800, 100)), "1111");
}

void test_the_same_key_twice_of_which_only_ends_come() {
    EventReceiver receiver;
    const Press first = press('7', 1000, 100), second = press('7', 2600, 100);
    expect(received(receiver, {first.back(), second.back()}), "77");
}

void test_the_fastest_fingers() {
    EventReceiver receiver;
    Press packets;
    for (unsigned i = 0; i < 20; ++i) packets = packets + press('0', 1000 + i * 8 * 90, 40);
    expect(received(receiver, packets), std::string(20, '0'));
}

void test_late_packets_of_an_older_key_press_nothing() {
    EventReceiver receiver;
    const Press first = press('1', 1000, 100), second = press('2', 2600, 100);
    Press mixed = {first[0], first[2], second[0], first[1], second[1], first[3], first[4], second[4], first[6]};
    expect(received(receiver, mixed), "12");
}

void test_a_long_press_in_segments() {
    for (const std::uint32_t segment : {0xFFFFu, 65440u}) {  // at the limit, and in whole packets
        EventReceiver receiver;
        std::string keys;
        for (std::uint32_t ticks = 160; ticks < 200'000; ticks += 160) {
            Sent sent;
            const std::uint32_t behind = (ticks - 1) / segment * segment;
            sent.packet.timestamp = 5000 + behind;
            sent.event.code = 3;
            sent.event.duration = static_cast<std::uint16_t>(ticks - behind);
            if (ticks % 480 == 0) continue;  // a third is lost
            keys += received(receiver, {sent});
        }
        expect(keys, "3");
        CHECK(receiver.duration_ms() > 24'900);
    }
}

void test_a_duration_that_wraps_under_one_timestamp() {
    EventReceiver receiver;
    std::string keys;
    for (std::uint32_t ticks = 160; ticks < 150'000; ticks += 160) {
        Sent sent;
        sent.packet.timestamp = 5000;
        sent.event.code = 4;
        sent.event.duration = static_cast<std::uint16_t>(ticks);
        keys += received(receiver, {sent});
    }
    expect(keys, "4");
    CHECK_EQUAL(receiver.duration_ms(), 18'740);
}

void test_a_sender_that_moves_the_timestamp_with_every_packet() {
    EventReceiver receiver;
    Press first = press('6', 1000, 160), second = press('6', 1000 + 8 * 400, 160);
    for (Press* packets : {&first, &second}) {
        for (std::size_t i = 0; i < packets->size(); ++i) {
            (*packets)[i].packet.timestamp += static_cast<std::uint32_t>(i * 160);
        }
    }
    expect(received(receiver, first + second), "66");
}

void test_other_clock_rates() {
    for (const unsigned rate : {16000u, 48000u}) {
        EventReceiver receiver(rate);
        const unsigned ms = rate / 1000;
        expect(received(receiver, press('*', 100, 60, rate) + press('*', 100 + 140 * ms, 60, rate)), "**");
        CHECK_EQUAL(receiver.duration_ms(), 60);
    }
}

void test_timestamps_that_wrap() {
    EventReceiver receiver;
    expect(received(receiver, press('8', 0xFFFFFF00, 160) + press('8', 0x00000700, 160)), "88");
}

void test_another_source_has_other_timestamps() {
    EventReceiver receiver;
    const Press packets = press('2', 1000, 100);
    Press again = packets;
    for (Sent& sent : again) sent.packet.ssrc = 4711;
    expect(received(receiver, packets), "2");
    expect(received(receiver, again), "2");
    expect(received(receiver, packets + again), "");  // late ones of both
}

void test_packets_of_one_series_follow_each_other() {
    EventReceiver receiver;
    RtpPacket packet;
    packet.ssrc = 4711;
    packet.sequence = 65'534;
    CHECK(!receiver.follows(packet));
    CHECK(!receiver.follows(packet));  // twice the same
    packet.sequence = 3;               // four were lost
    CHECK(receiver.follows(packet));
    packet.sequence = 200;
    CHECK(!receiver.follows(packet));
    packet.sequence = 201;
    packet.ssrc = 4712;
    CHECK(!receiver.follows(packet));
}

// Promise M5: 5 % loss, 40 +- 20 ms of jitter, 2 % reordered.
void test_a_bad_network_loses_no_key() {
    std::mt19937 random(4733);
    for (unsigned round = 0; round < 200; ++round) {
        struct Arrival {
            double at;
            Sent sent;
        };
        std::vector<Arrival> arrivals;
        std::string dialled;
        for (unsigned i = 0; i < 20; ++i) {
            dialled += "0123456789*#"[random() % 12];
            const Press packets = press(dialled.back(), 1000 + i * 8 * 240, 120);
            double last = 0;
            for (std::size_t k = 0; k < packets.size(); ++k) {
                if (random() % 100 < 5) continue;
                const double jitter = 20 + random() % 41;
                const bool overtaken = random() % 100 < 2;
                const double at = i * 240.0 + static_cast<double>(k) * 20 + jitter;
                last = overtaken ? at + 40 : std::max(last, at);  // a queue keeps the order of the others
                arrivals.push_back({last, packets[k]});
            }
        }
        std::stable_sort(arrivals.begin(), arrivals.end(),
                         [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
        EventReceiver receiver;
        std::string keys;
        for (const Arrival& arrival : arrivals) keys += received(receiver, {arrival.sent});
        expect(keys, dialled);
    }
}

// ---------------------------------------------------------------------------------------------- sending

struct Beat {
    bool sent = false;
    EventSender::Packet packet;
};

std::vector<Beat> beats(EventSender& sender, unsigned rate, unsigned ptime = 20, unsigned most = 2000) {
    std::vector<Beat> all;
    while (sender.busy() && all.size() < most) {
        Beat beat;
        beat.sent = sender.beat(rate, ptime, beat.packet);
        all.push_back(beat);
    }
    return all;
}

void test_a_digit_is_sent_with_three_ends_and_a_pause() {
    EventSender sender;
    CHECK(sender.push("5", 100));
    const std::vector<Beat> sent = beats(sender, 8000);
    CHECK_EQUAL(sent.size(), 5 + 4);  // 100 ms, then 80 ms, in which the end is said twice again
    for (unsigned i = 0; i < 7; ++i) {
        CHECK(sent[i].sent);
        CHECK_EQUAL(sent[i].packet.begins, i == 0);
        CHECK_EQUAL(sent[i].packet.event.code, 5);
        CHECK_EQUAL(sent[i].packet.event.end, i >= 4);
        CHECK_EQUAL(sent[i].packet.event.duration, std::min(i + 1, 5u) * 160);
        CHECK_EQUAL(sent[i].packet.segment, 0);
    }
    for (unsigned i = 7; i < 9; ++i) CHECK(!sent[i].sent);
}

// What lies between two digits, by the length of packets: two repeat the end, the others are sound.
void test_sound_lies_between_digits() {
    struct Case {
        unsigned ptime, packets, sounds;
    };
    for (const Case& expected : {Case{10, 18, 6}, Case{20, 10, 2}, Case{30, 8, 1}, Case{40, 6, 1}, Case{60, 5, 1}}) {
        EventSender sender;
        CHECK(sender.push("12", 160));
        const std::vector<Beat> sent = beats(sender, 8000, expected.ptime);
        CHECK_EQUAL(sent.size(), 2 * (expected.packets + expected.sounds));
        for (std::size_t i = 0; i < sent.size(); ++i) {
            CHECK_EQUAL(sent[i].sent, i % (sent.size() / 2) < expected.packets);
        }
    }
    EventSender sender;
    CHECK(!sender.speaks());
    CHECK(sender.push("1", 40));
    CHECK(!sender.speaks());  // sound goes on until the digit does
    EventSender::Packet packet;
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(sender.beat(8000, 20, packet));
        CHECK(sender.speaks());
    }
    CHECK(sender.beat(8000, 20, packet));
    CHECK(!sender.speaks());
    CHECK(sender.busy());
}

void test_digits_wait_for_one_another() {
    EventSender sender;
    CHECK(sender.push("1", 40));
    CHECK(sender.push("*a", 50));
    std::vector<int> begun;
    const std::vector<Beat> sent = beats(sender, 8000);
    for (const Beat& beat : sent) {
        if (beat.sent && beat.packet.begins) begun.push_back(beat.packet.event.code);
    }
    CHECK(begun == (std::vector<int>{1, 10, 12}));
    CHECK_EQUAL(sent[sent.size() - 3].packet.event.duration, 400);  // 50 ms
}

void test_it_tells_when_digits_are_sent() {
    EventSender sender;
    CHECK(sender.push("12", 160));
    CHECK(sender.push("3", 40));
    EventSender::Packet packet;
    unsigned sent = 0;
    std::vector<unsigned> told;
    for (unsigned beat = 1; sender.busy(); ++beat) {
        sender.beat(8000, 20, packet);
        const unsigned now = sender.take_sent();
        if (now != 0) told.push_back(beat);
        sent += now;
    }
    CHECK_EQUAL(sent, 2);
    CHECK(told == (std::vector<unsigned>{24, 30}));  // with the pause after it
    CHECK(sender.push("456", 40));
    sender.beat(8000, 20, packet);
    sender.clear();
    CHECK_EQUAL(sender.take_sent(), 1);
    CHECK_EQUAL(sender.take_sent(), 0);
}

void test_what_is_no_digit_is_refused_whole() {
    EventSender sender;
    CHECK(!sender.push("12w3", 100));
    CHECK(!sender.busy());
    CHECK(sender.push(std::string(EventSender::ROOM, '1'), 40));
    CHECK(!sender.push("2", 40));
    sender.clear();
    CHECK(!sender.busy());
}

void test_a_long_digit_at_a_high_clock_rate_is_sent_in_segments() {
    EventSender sender;
    EventReceiver receiver(48000);
    CHECK(sender.push("9", 5000));
    std::uint32_t timestamp = 700, moved = 0;
    std::string keys;
    for (const Beat& beat : beats(sender, 48000)) {
        if (!beat.sent) continue;
        timestamp += beat.packet.segment;
        moved += beat.packet.segment;
        Sent sent;
        sent.packet.timestamp = timestamp;
        sent.packet.marker = beat.packet.begins;
        sent.event = beat.packet.event;
        keys += received(receiver, {sent});
    }
    CHECK_EQUAL(moved, 3 * 0xFFFF);
    expect(keys, "9");
    CHECK_EQUAL(receiver.duration_ms(), 5000);
}

}  // namespace

int main() {
    test_a_press_is_reported_once_when_the_key_goes_down();
    test_any_one_packet_of_a_press_is_enough();
    test_without_marker_start_or_end();
    test_the_same_key_twice_of_which_only_ends_come();
    test_the_fastest_fingers();
    test_late_packets_of_an_older_key_press_nothing();
    test_a_long_press_in_segments();
    test_a_duration_that_wraps_under_one_timestamp();
    test_a_sender_that_moves_the_timestamp_with_every_packet();
    test_other_clock_rates();
    test_timestamps_that_wrap();
    test_another_source_has_other_timestamps();
    test_packets_of_one_series_follow_each_other();
    test_a_bad_network_loses_no_key();
    test_a_digit_is_sent_with_three_ends_and_a_pause();
    test_sound_lies_between_digits();
    test_digits_wait_for_one_another();
    test_it_tells_when_digits_are_sent();
    test_what_is_no_digit_is_refused_whole();
    test_a_long_digit_at_a_high_clock_rate_is_sent_in_segments();
}
