// sources: rtp/egress.cpp
// One series of sequence numbers and timestamps leaves a leg, whatever feeds it.
#include "rtp/egress.hpp"

#include "check.hpp"

using namespace callwright;

namespace {

using Stamp = EgressClock::Stamp;

constexpr Nanos MS = 1'000'000;
constexpr Nanos FRAME = 20 * MS;
constexpr Nanos START = 1'000'000 * MS;

Stamp follow(EgressClock& clock, EgressClock::Series series, unsigned sequence, std::uint32_t timestamp, Nanos now,
             bool marker = false) {
    Stamp stamp{};
    CHECK(clock.follow(series, static_cast<std::uint16_t>(sequence), timestamp, marker, now, stamp));
    return stamp;
}

void expect(const Stamp& stamp, unsigned sequence, std::uint32_t timestamp, bool marker) {
    CHECK_EQUAL(stamp.sequence, sequence & 0xFFFF);
    CHECK_EQUAL(stamp.timestamp, timestamp);
    CHECK_EQUAL(stamp.marker, marker);
}

void test_packets_of_one_source_follow_one_another() {
    EgressClock clock(65534, 0xFFFFFF00);
    const auto series = EgressClock::new_series();
    expect(clock.next(series, 160, START), 65535, 0xFFFFFF00, true);
    expect(clock.next(series, 160, START + FRAME), 0, 0xFFFFFFA0, false);
    expect(clock.next(series, 160, START + 2 * FRAME), 1, 0x40, false);
}

void test_a_beat_that_is_late_moves_no_timestamp() {
    EgressClock clock(0, 0);
    const auto series = EgressClock::new_series();
    expect(clock.next(series, 160, START), 1, 0, true);
    for (unsigned i = 1; i < 10; ++i) expect(clock.next(series, 160, START + 400 * MS), 1 + i, i * 160, false);
    expect(clock.next(series, 160, START + 400 * MS), 11, 1600, false);
}

void test_another_source_goes_on_where_the_last_one_stopped() {
    EgressClock clock(100, 5000);
    const auto player = EgressClock::new_series();
    clock.next(player, 160, START);
    clock.next(player, 160, START + FRAME);  // up to 5320
    // Relayed packets with numbers of their own come at the next frame, give or take.
    const auto relay = EgressClock::new_series();
    expect(follow(clock, relay, 40000, 900000, START + 2 * FRAME + 9 * MS), 103, 5320, false);
    expect(follow(clock, relay, 40001, 900160, START + 3 * FRAME + 9 * MS), 104, 5480, false);
    const auto mixer = EgressClock::new_series();
    expect(follow(clock, mixer, 7, 160, START + 4 * FRAME), 105, 5640, false);
}

void test_after_a_pause_the_timestamp_has_advanced_in_whole_frames() {
    EgressClock clock(0, 0);
    clock.next(EgressClock::new_series(), 160, START);
    // A second later, and a little: 49 frames of silence.
    expect(clock.next(EgressClock::new_series(), 160, START + 1000 * MS + 3 * MS), 2, 160 + 49 * 160, true);
    const auto relay = EgressClock::new_series();
    expect(follow(clock, relay, 9, 77, START + 11'000 * MS), 3, 500 * 160 + 8000, true);
}

void test_loss_and_reordering_of_a_source_stay_what_they_are() {
    EgressClock clock(10, 0);
    const auto relay = EgressClock::new_series();
    expect(follow(clock, relay, 500, 16000, START), 11, 0, true);
    expect(follow(clock, relay, 503, 16480, START + 3 * FRAME), 14, 480, false);
    expect(follow(clock, relay, 501, 16160, START + 3 * FRAME + MS), 12, 160, false);
    expect(follow(clock, relay, 504, 16640, START + 4 * FRAME), 15, 640, false);
    Stamp stamp{};
    CHECK(!clock.follow(relay, 499, 15840, false, START + 4 * FRAME, stamp));  // its number is another's
    expect(follow(clock, relay, 505, 16800, START + 5 * FRAME), 16, 800, false);
}

void test_a_source_that_is_silent_by_itself_keeps_its_time() {
    EgressClock clock(10, 0);
    const auto relay = EgressClock::new_series();
    follow(clock, relay, 500, 16000, START);
    // Silence suppression: 3 s without a packet, and the timestamp knows it.
    expect(follow(clock, relay, 501, 16000 + 24000, START + 3000 * MS, true), 12, 24000, true);
}

void test_what_follows_longer_packets_begins_behind_them() {
    EgressClock clock(0, 0);
    const auto relay = EgressClock::new_series();
    expect(follow(clock, relay, 1, 0, START), 1, 0, true);
    expect(follow(clock, relay, 2, 480, START + 60 * MS), 2, 480, false);  // of 60 ms
    expect(clock.next(EgressClock::new_series(), 160, START + 120 * MS), 3, 960, false);
}

void test_jumps_of_a_source_do_not_show() {
    EgressClock clock(10, 0);
    const auto relay = EgressClock::new_series();
    follow(clock, relay, 500, 16000, START);
    expect(follow(clock, relay, 30000, 16160, START + FRAME), 12, 160, false);       // sequence
    expect(follow(clock, relay, 30001, 0x80000000, START + 2 * FRAME), 13, 320, false);  // timestamp, ahead
    expect(follow(clock, relay, 30002, 5, START + 3 * FRAME), 14, 480, false);       // and back
    expect(follow(clock, relay, 30003, 165, START + 4 * FRAME), 15, 640, false);
}

void test_a_long_relay_wraps_without_a_break() {
    EgressClock clock(1, 0);
    const auto relay = EgressClock::new_series();
    for (unsigned i = 0; i < 200'000; ++i) {
        const Stamp stamp = follow(clock, relay, 65000 + i, 0xFFFF0000 + i * 160, START + i * FRAME);
        CHECK_EQUAL(stamp.sequence, (2 + i) & 0xFFFF);
        CHECK_EQUAL(stamp.timestamp, i * 160);
    }
}

void test_an_event_has_one_timestamp_and_takes_the_time_of_sound() {
    EgressClock clock(0, 0);
    const auto player = EgressClock::new_series();
    clock.next(player, 160, START);
    Nanos now = START;
    // Eight packets of a key of 160 ms, of which the last is said twice again.
    expect(clock.event(true, 160, now += FRAME), 2, 160, true);
    for (unsigned i = 1; i < 10; ++i) expect(clock.event(false, 160, now += FRAME), 2 + i, 160, false);
    expect(clock.next(player, 160, now += FRAME), 12, 11 * 160, false);
    expect(clock.next(player, 160, now += FRAME), 13, 12 * 160, false);
    expect(clock.event(true, 160, now += FRAME), 14, 13 * 160, true);
    const auto relay = EgressClock::new_series();
    expect(follow(clock, relay, 999, 77, now + FRAME + 15 * MS), 15, 14 * 160, false);
}

void test_segments_of_a_long_event() {
    EgressClock clock(0, 1000);
    expect(clock.event(true, 0xFFFF, START), 1, 1000, true);
    clock.next_segment(0xFFFF);
    expect(clock.event(false, 160, START + FRAME), 2, 1000 + 0xFFFF, false);
}

void test_other_clock_rates() {
    EgressClock clock(0, 0);
    clock.format(48000, 20);
    const auto series = EgressClock::new_series();
    expect(follow(clock, series, 1, 0, START), 1, 0, true);
    expect(follow(clock, series, 2, 960, START + FRAME), 2, 960, false);
    clock.format(8000, 30);
    expect(clock.next(EgressClock::new_series(), 240, START + 2 * FRAME), 3, 1920, false);
    expect(clock.next(EgressClock::new_series(), 240, START + 2 * FRAME + 300 * MS), 4, 1920 + 240 + 9 * 240, true);
    CHECK_EQUAL(clock.timestamp(START + 2 * FRAME + 300 * MS), 1920 + 10 * 240);
    CHECK_EQUAL(clock.timestamp(START + 2 * FRAME + 310 * MS), 1920 + 10 * 240 + 80);
}

}  // namespace

int main() {
    test_packets_of_one_source_follow_one_another();
    test_a_beat_that_is_late_moves_no_timestamp();
    test_another_source_goes_on_where_the_last_one_stopped();
    test_after_a_pause_the_timestamp_has_advanced_in_whole_frames();
    test_loss_and_reordering_of_a_source_stay_what_they_are();
    test_a_source_that_is_silent_by_itself_keeps_its_time();
    test_what_follows_longer_packets_begins_behind_them();
    test_jumps_of_a_source_do_not_show();
    test_a_long_relay_wraps_without_a_break();
    test_an_event_has_one_timestamp_and_takes_the_time_of_sound();
    test_segments_of_a_long_event();
    test_other_clock_rates();
}
