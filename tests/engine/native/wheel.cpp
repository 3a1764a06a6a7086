// sources: rtp/wheel.cpp
// Who beats when, by a clock of our own.
#include "rtp/wheel.hpp"

#include <functional>
#include <vector>

#include "check.hpp"
#include "rtp/media_thread.hpp"

using namespace callwright;

namespace {

constexpr Nanos ms = 1'000'000;
constexpr Nanos start = 1'000'000 * ms;

struct Count : Beat {
    unsigned beats = 0, frames = 0;
    std::function<void()> then;
    void beat(Nanos, unsigned n) noexcept override {
        beats++;
        frames += n;
        if (then) then();
    }
};

void nothing_is_due_without_beats() {
    Wheel wheel(20 * ms, 20);
    CHECK(wheel.due() == Wheel::NEVER);
    Count count;
    wheel.remove(&count);
    wheel.add(&count, -1, start);
    CHECK(wheel.due() > start && wheel.due() <= start + 20 * ms);
    wheel.remove(&count);
    CHECK(wheel.due() == Wheel::NEVER);
    wheel.run(start + 1000 * ms);
    CHECK_EQUAL(count.beats, 0);
}

void each_phase_has_its_millisecond() {
    Wheel wheel(20 * ms, 20);
    Count counts[20];
    for (int i = 0; i < 20; i++) wheel.add(&counts[i], i, start);
    // Phase 0 came at the start itself; all others follow it.
    for (int i = 1; i < 20; i++) {
        CHECK_EQUAL(wheel.due(), start + i * ms);
        wheel.run(start + i * ms);
        for (int k = 0; k < 20; k++) CHECK_EQUAL(counts[k].beats, k != 0 && k <= i ? 1 : 0);
    }
    CHECK_EQUAL(wheel.due(), start + 20 * ms);
    wheel.run(start + 20 * ms);
    CHECK_EQUAL(counts[0].beats, 1);
    CHECK_EQUAL(counts[1].beats, 1);
}

void beats_go_where_the_fewest_are() {
    Wheel wheel(20 * ms, 20);
    std::vector<Count> counts(60);
    for (Count& count : counts) wheel.add(&count, -1, start);
    wheel.add(&counts[0], 7, start);  // it beats already
    for (int i = 1; i <= 20; i++) {
        wheel.run(start + i * ms);
        unsigned beats = 0;
        for (const Count& count : counts) beats += count.beats;
        CHECK_EQUAL(beats, 3 * i);
    }
}

void short_beats_come_together() {
    Wheel wheel(20 * ms, 20);
    std::vector<Count> counts(Wheel::BUNCH * 20 + 20);
    for (std::size_t i = 0; i < Wheel::BUNCH + 1; i++) wheel.add(&counts[i], Wheel::BESIDE, start);
    // A bunch in one phase, the one that is too many in another.
    wheel.run(start + 20 * ms);
    unsigned beats = 0, wakes = 0;
    for (const Count& count : counts) beats += count.beats;
    CHECK_EQUAL(beats, Wheel::BUNCH + 1);
    for (Nanos end = start + 40 * ms; wheel.due() <= end; wakes++) wheel.run(wheel.due());
    CHECK_EQUAL(wakes, 2);
    // Who leaves makes room.
    wheel.remove(&counts[0]);
    wheel.add(&counts[0], Wheel::BESIDE, start + 40 * ms);
    for (wakes = 0; wheel.due() <= start + 60 * ms; wakes++) wheel.run(wheel.due());
    CHECK_EQUAL(wakes, 2);
    // When every phase has a bunch, all grow alike.
    for (Count& count : counts) wheel.add(&count, Wheel::BESIDE, start + 60 * ms);
    for (Count& count : counts) count.beats = 0;
    for (unsigned phase = 1; phase <= 20; phase++) {
        wheel.run(wheel.due());
        beats = 0;
        for (const Count& count : counts) beats += count.beats;
        CHECK_EQUAL(beats, (Wheel::BUNCH + 1) * phase);
    }
}

void what_was_missed_is_made_good_up_to_25() {
    Wheel wheel(20 * ms, 20);
    Count count;
    wheel.add(&count, 5, start);
    Wheel::Ran ran = wheel.run(start + 5 * ms + 10 * ms);  // half a frame late: not counted
    CHECK_EQUAL(count.frames, 1);
    CHECK_EQUAL(ran.late, 0);
    ran = wheel.run(start + 25 * ms + 10 * ms + 1);
    CHECK_EQUAL(count.frames, 2);
    CHECK_EQUAL(ran.late, 1);
    // 45 ms behind: frames 45, 25 and 5 ms late.
    ran = wheel.run(start + 45 * ms + 45 * ms);
    CHECK_EQUAL(count.beats, 3);
    CHECK_EQUAL(count.frames, 5);
    CHECK_EQUAL(ran.late, 2);
    CHECK_EQUAL(ran.lost, 0);
    CHECK_EQUAL(wheel.due(), start + 105 * ms);
    // A second of it: 50 and the one that is due.
    ran = wheel.run(start + 105 * ms + 1000 * ms);
    CHECK_EQUAL(count.beats, 4);
    CHECK_EQUAL(count.frames, 30);
    CHECK_EQUAL(ran.lost, 26);
    CHECK_EQUAL(ran.late, 50);
    CHECK_EQUAL(wheel.due(), start + 1125 * ms);
}

void a_beat_may_end_itself_and_others() {
    Wheel wheel(20 * ms, 20);
    Count first, second, third;
    for (Count* count : {&first, &second, &third}) wheel.add(count, 3, start);
    first.then = [&] {
        wheel.remove(&first);
        wheel.remove(&second);
    };
    wheel.run(start + 3 * ms);
    CHECK_EQUAL(first.beats, 1);
    CHECK_EQUAL(second.beats, 0);
    CHECK_EQUAL(third.beats, 1);
    third.then = [&] { wheel.remove(&third); };
    wheel.run(start + 23 * ms);
    CHECK_EQUAL(third.beats, 2);
    CHECK(wheel.due() == Wheel::NEVER);
    wheel.add(&first, 3, start + 30 * ms);
    first.then = nullptr;
    wheel.run(start + 43 * ms);
    CHECK_EQUAL(first.beats, 2);
    CHECK_EQUAL(third.beats, 2);
}

void a_beat_may_add_others_which_begin_with_the_next_frame() {
    Wheel wheel(20 * ms, 20);
    Count first;
    std::vector<Count> added(100);
    wheel.add(&first, 3, start);
    first.then = [&] {
        for (Count& count : added) wheel.add(&count, 3, start + 3 * ms);
        first.then = nullptr;
    };
    wheel.run(start + 3 * ms);
    for (const Count& count : added) CHECK_EQUAL(count.beats, 0);
    wheel.run(start + 23 * ms);
    for (const Count& count : added) CHECK_EQUAL(count.beats, 1);
    CHECK_EQUAL(first.beats, 2);
}

}  // namespace

int main() {
    nothing_is_due_without_beats();
    each_phase_has_its_millisecond();
    beats_go_where_the_fewest_are();
    short_beats_come_together();
    what_was_missed_is_made_good_up_to_25();
    a_beat_may_end_itself_and_others();
    a_beat_may_add_others_which_begin_with_the_next_frame();
    return 0;
}
