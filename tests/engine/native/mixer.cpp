// sources: rtp/address.cpp rtp/datagrams.cpp rtp/datagrams_pool.cpp rtp/epoll.cpp rtp/uring.cpp rtp/uring_start.cpp rtp/wheel.cpp rtp/media_thread.cpp mix/crew.cpp mix/mixer.cpp mix/samples.cpp
// packages: liburing
// The mixer: who hears whom, sums and clipping, buses without one's own voice, and what comes and goes.
#include "mix/mixer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "check.hpp"

using namespace callwright;

namespace {

constexpr unsigned FRAME = 160;
using Frame = std::vector<std::int16_t>;  // empty: silence

// Outlives its party in the mixer.
struct Voice {
    Frame says, heard;
    unsigned reads = 0, writes = 0, finishes = 0, lefts = 0;
    bool anywhere = false;
    std::uint64_t timestamp = 0;
};

class VoiceParty final : public Mixer::Party {
  public:
    VoiceParty(Voice& voice, bool speaks, bool listens) : Party(speaks, listens), voice_(voice) {}

    bool read(std::int16_t* samples) noexcept override {
        ++voice_.reads;
        std::fill_n(samples, FRAME, std::int16_t{12345});  // of a silent source it must not matter
        std::copy(voice_.says.begin(), voice_.says.end(), samples);
        return !voice_.says.empty();
    }
    void write(const std::int16_t* samples, std::uint64_t timestamp) noexcept override {
        ++voice_.writes;
        voice_.timestamp = timestamp;
        voice_.heard = samples == nullptr ? Frame() : Frame(samples, samples + FRAME);
    }
    void finish() noexcept override { ++voice_.finishes; }
    bool anywhere() const noexcept override { return voice_.anywhere; }
    void left() noexcept override { ++voice_.lefts; }

  private:
    Voice& voice_;
};

struct Room {
    std::map<std::uint64_t, Voice> voices;
    Mixer mixer;

    explicit Room(Crew* crew = nullptr) : mixer(nullptr, FRAME, crew, {}) {}

    Voice& join(std::uint64_t id, bool speaks = true, bool listens = true) {
        Voice& voice = voices[id];
        mixer.add(id, std::make_unique<VoiceParty>(voice, speaks, listens));
        return voice;
    }
    void both(std::uint64_t one, std::uint64_t other) {
        mixer.connect(one, other);
        mixer.connect(other, one);
    }
    void tick() { mixer.beat(0, 1); }
};

Frame constant(int value) { return Frame(FRAME, static_cast<std::int16_t>(value)); }

Frame noise(std::mt19937& random, int peak = 9000) {
    std::uniform_int_distribution<int> any(-peak, peak);
    Frame frame(FRAME);
    std::generate(frame.begin(), frame.end(), [&] { return static_cast<std::int16_t>(any(random)); });
    return frame;
}

Frame clipped(const std::vector<int>& sum) {
    Frame frame(FRAME);
    std::transform(sum.begin(), sum.end(), frame.begin(),
                   [](int value) { return static_cast<std::int16_t>(std::clamp(value, -32768, 32767)); });
    return frame;
}

void test_sums_and_clipping() {
    Room room;
    Voice& loud = room.join(1);
    Voice& louder = room.join(2);
    Voice& low = room.join(3);
    Voice& sink = room.join(9);
    for (const std::uint64_t id : {1, 2, 3}) room.mixer.connect(id, 9);
    loud.says = constant(20000), louder.says = constant(12767), low.says = constant(-5);
    room.tick();
    CHECK(sink.heard == constant(32762));
    low.says = constant(1);
    room.tick();
    CHECK(sink.heard == constant(32767));
    loud.says = constant(-20000), louder.says = constant(-20000);
    room.tick();
    CHECK(sink.heard == constant(-32768));
    louder.says = constant(20000);
    room.tick();
    CHECK(sink.heard == constant(1));
    low.says = {};
    room.tick();
    CHECK(sink.heard == constant(0));
}

void test_one_source_passes_unchanged_and_silence_is_told() {
    std::mt19937 random(1);
    Room room;
    Voice& source = room.join(1, true, false);
    Voice& sink = room.join(2, false, true);
    room.mixer.connect(1, 2);
    source.says = noise(random, 32767);
    room.tick();
    CHECK(sink.heard == source.says);
    source.says = {};
    room.tick();
    CHECK(sink.heard.empty());
    CHECK(sink.writes == 2);
    CHECK(sink.reads == 0 && source.writes == 0);
}

void test_a_source_is_read_once_and_only_when_heard() {
    Room room;
    Voice& source = room.join(1);
    source.says = constant(7);
    for (const std::uint64_t id : {2, 3, 4}) room.join(id);
    room.tick();
    CHECK(source.reads == 0);
    CHECK(room.voices[2].writes == 1 && room.voices[2].heard.empty());
    for (const std::uint64_t id : {2, 3, 4}) room.mixer.connect(1, id);
    room.mixer.connect(1, 2);  // again: no second copy
    room.tick();
    CHECK(source.reads == 1);
    for (const std::uint64_t id : {2, 3, 4}) CHECK(room.voices[id].heard == constant(7));
    room.mixer.disconnect(1, 3);
    room.mixer.disconnect(1, 3);
    room.tick();
    CHECK(room.voices[3].heard.empty() && room.voices[4].heard == constant(7));
}

void test_an_echo_hears_itself() {
    Room room;
    Voice& voice = room.join(1);
    room.mixer.connect(1, 1);
    voice.says = constant(300);
    room.tick();
    CHECK(voice.heard == constant(300));
    room.mixer.remove(1);
    CHECK(voice.lefts == 1 && room.mixer.size() == 0);
}

void test_nobody_hears_himself_on_a_bus() {
    std::mt19937 random(2);
    Room room;
    room.mixer.add_bus(100);
    for (std::uint64_t id = 1; id <= 5; ++id) {
        room.join(id).says = noise(random, 20000);  // their sum clips: it must be clipped without the own voice
        room.both(id, 100);
    }
    Voice& recorder = room.join(50, false, true);
    room.mixer.connect(100, 50);
    Voice& prompt = room.join(60, true, false);
    prompt.says = noise(random);
    room.mixer.connect(60, 100);
    room.voices[4].says = {};
    room.tick();
    const auto expected = [&](std::uint64_t without) {
        std::vector<int> sum(FRAME);
        for (const auto& [id, voice] : room.voices) {
            for (unsigned i = 0; id != without && i < voice.says.size(); ++i) sum[i] += voice.says[i];
        }
        return clipped(sum);
    };
    for (std::uint64_t id = 1; id <= 5; ++id) CHECK(room.voices[id].heard == expected(id));
    CHECK(recorder.heard == expected(0));
    room.tick();
    CHECK(recorder.heard == expected(0));
}

void test_a_bus_with_one_voice() {
    std::mt19937 random(3);
    Room room;
    room.mixer.add_bus(100);
    for (const std::uint64_t id : {1, 2, 3}) {
        room.join(id);
        room.both(id, 100);
    }
    room.voices[1].says = noise(random);
    room.tick();
    CHECK(room.voices[1].heard.empty());
    CHECK(room.voices[2].heard == room.voices[1].says);
    CHECK(room.voices[3].heard == room.voices[1].says);
    room.voices[1].says = {};
    room.tick();
    for (const std::uint64_t id : {1, 2, 3}) CHECK(room.voices[id].heard.empty());
}

// Whichever connection is made first, and when one of the two goes.
void test_own_voice_is_left_out_only_while_it_is_in() {
    for (const bool hears_first : {true, false}) {
        Room room;
        room.mixer.add_bus(100);
        Voice& one = room.join(1);
        Voice& other = room.join(2);
        one.says = constant(10), other.says = constant(200);
        room.mixer.connect(2, 100);
        if (hears_first) room.mixer.connect(100, 1);
        room.mixer.connect(1, 100);
        if (!hears_first) room.mixer.connect(100, 1);
        room.tick();
        CHECK(one.heard == constant(200));
        room.mixer.disconnect(1, 100);  // muted
        room.tick();
        CHECK(one.heard == constant(200));
        room.mixer.connect(1, 100);
        room.tick();
        CHECK(one.heard == constant(200));
        room.mixer.disconnect(100, 1);  // deaf
        room.tick();
        CHECK(one.heard.empty());
    }
}

void test_a_bus_and_a_direct_source_together() {
    Room room;
    room.mixer.add_bus(100);
    Voice& one = room.join(1);
    Voice& other = room.join(2);
    Voice& whisper = room.join(3, true, false);
    room.both(1, 100), room.both(2, 100);
    room.mixer.connect(3, 1);
    one.says = constant(1000), other.says = constant(50), whisper.says = constant(3);
    room.tick();
    CHECK(one.heard == constant(53));
    CHECK(other.heard == constant(1000));
    other.says = {};
    room.tick();
    CHECK(one.heard == constant(3));
}

void test_buses_hear_buses_but_no_ring() {
    Room room;
    for (const std::uint64_t bus : {100, 101, 102}) room.mixer.add_bus(bus);
    Voice& speaker = room.join(1, true, false);
    Voice& local = room.join(2, true, false);
    Voice& listener = room.join(3, false, true);
    room.mixer.connect(1, 100);
    room.mixer.connect(100, 101);
    room.mixer.connect(101, 102);
    room.mixer.connect(102, 100);  // would close a ring
    room.mixer.connect(100, 100);
    room.mixer.connect(2, 102);
    room.mixer.connect(102, 3);
    speaker.says = constant(40), local.says = constant(2);
    room.tick();
    CHECK(listener.heard == constant(42));
    local.says = {};
    room.tick();
    CHECK(listener.heard == constant(40));
    room.mixer.remove(101);
    room.tick();
    CHECK(listener.heard.empty());
}

void test_what_left_is_told_once_and_left_alone() {
    Room room;
    Voice& one = room.join(1);
    Voice& other = room.join(2);
    room.both(1, 2);
    one.says = other.says = constant(5);
    room.tick();
    room.mixer.remove(1);
    room.mixer.remove(1);
    CHECK(one.lefts == 1);
    room.tick();
    CHECK(one.reads == 1 && one.writes == 1);
    CHECK(other.reads == 1 && other.writes == 2 && other.heard.empty());
    room.mixer.connect(1, 2), room.mixer.connect(2, 99), room.mixer.disconnect(1, 2);  // unknown: nothing happens
    room.tick();
    CHECK(other.lefts == 0);
}

void test_time_is_one_for_all_and_what_was_missed_is_made_good() {
    Room room;
    Voice& one = room.join(1, false, true);
    room.tick();
    const std::uint64_t start = one.timestamp;
    Voice& other = room.join(2, false, true);
    room.mixer.beat(0, 3);
    CHECK(one.timestamp == start + 3 * FRAME && other.timestamp == one.timestamp);
    CHECK(one.writes == 4 && other.writes == 3);
}

// A sink that says when it was written for the third time.
class Third final : public Mixer::Party {
  public:
    Third() : Party(false, true) {}

    bool read(std::int16_t*) noexcept override { return false; }
    void write(const std::int16_t*, std::uint64_t) noexcept override {
        if (++writes_ == 3) third_.set_value();
    }
    std::future<void> third() { return third_.get_future(); }

  private:
    unsigned writes_ = 0;
    std::promise<void> third_;
};

void test_it_beats_while_it_has_a_node() {
    MediaThread thread("epoll");
    Mixer mixer(&thread, FRAME);
    for (int round = 0; round < 2; ++round) {  // it begins anew
        auto party = std::make_unique<Third>();
        std::future<void> third = party->third();
        thread.post([&] { mixer.add(1, std::move(party)); });
        CHECK(third.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
        std::promise<void> removed;
        thread.post([&] {
            mixer.remove(1);
            removed.set_value();
        });
        CHECK(removed.get_future().wait_for(std::chrono::seconds(5)) == std::future_status::ready);
        CHECK(mixer.size() == 0);
    }
    thread.close();
}

// Anything may happen: compared with sums made one by one.
struct Model {
    std::set<std::pair<std::uint64_t, std::uint64_t>> edges;
    std::map<std::uint64_t, Voice>& voices;

    static bool is_bus(std::uint64_t id) { return id >= 100; }
    bool reaches(std::uint64_t from, std::uint64_t to) const {
        return from == to || std::any_of(edges.begin(), edges.end(), [&](const auto& edge) {
                   return edge.first == from && is_bus(edge.second) && reaches(edge.second, to);
               });
    }
    void connect(std::uint64_t source, std::uint64_t sink) {
        if (!(is_bus(source) && is_bus(sink) && reaches(sink, source))) edges.emplace(source, sink);
    }
    void add(std::vector<int>& sum, std::uint64_t sink, bool& any) const {
        for (const auto& [source, to] : edges) {
            if (to != sink) continue;
            if (is_bus(source)) {
                const bool own = !is_bus(sink) && edges.count({sink, source}) != 0;
                std::vector<int> part(FRAME);
                bool loud = false;
                const std::uint64_t bus = source;
                for (const auto& [from, into] : edges) {
                    if (into != bus || (own && from == sink)) continue;
                    if (is_bus(from)) {
                        Model::add_bus(part, from, loud);
                    } else if (!voices[from].says.empty()) {
                        for (unsigned i = 0; i < FRAME; ++i) part[i] += voices[from].says[i];
                        loud = true;
                    }
                }
                for (unsigned i = 0; i < FRAME; ++i) sum[i] += part[i];
                any |= loud;
            } else if (!voices[source].says.empty()) {
                for (unsigned i = 0; i < FRAME; ++i) sum[i] += voices[source].says[i];
                any = true;
            }
        }
    }
    void add_bus(std::vector<int>& sum, std::uint64_t bus, bool& any) const { add(sum, bus, any); }
};

// crew: nullptr: all on one thread.
void test_anything_equals_the_sums_made_one_by_one(Crew* crew) {
    std::mt19937 random(7);
    Room room(crew);
    Model model{{}, room.voices};
    std::vector<std::uint64_t> ids{100, 101, 102, 103};
    for (const std::uint64_t bus : ids) room.mixer.add_bus(bus);
    for (std::uint64_t id = 1; id <= 10; ++id) room.join(id).anywhere = id != 3, ids.push_back(id);
    const auto any = [&] { return ids[random() % ids.size()]; };
    for (int round = 0; round < 3000; ++round) {
        const std::uint64_t source = any(), sink = any();
        if (random() % 3 != 0) {
            room.mixer.connect(source, sink), model.connect(source, sink);
        } else {
            room.mixer.disconnect(source, sink), model.edges.erase({source, sink});
        }
        if (random() % 50 == 0) {  // one leaves and comes back
            const std::uint64_t id = any();
            room.mixer.remove(id);
            for (auto edge = model.edges.begin(); edge != model.edges.end();) {
                edge = edge->first == id || edge->second == id ? model.edges.erase(edge) : std::next(edge);
            }
            if (Model::is_bus(id)) room.mixer.add_bus(id);
            else room.join(id);
        }
        for (auto& [id, voice] : room.voices) voice.says = random() % 3 != 0 ? noise(random) : Frame();
        room.tick();
        for (auto& [id, voice] : room.voices) {
            std::vector<int> sum(FRAME);
            bool loud = false;
            model.add(sum, id, loud);
            const Frame heard = voice.heard.empty() ? constant(0) : voice.heard;
            CHECK(heard == clipped(sum));
            CHECK(loud || voice.heard.empty());
            CHECK_EQUAL(voice.finishes, voice.writes);
        }
        CHECK_EQUAL(room.mixer.hands(), crew == nullptr ? 1 : crew->hands() + 1);
    }
}

void test_a_crew_does_each_once_and_all_of_it_before_it_returns() {
    std::atomic<unsigned> begun{0};
    Crew crew(3, [&] { ++begun; });
    std::vector<unsigned> done(1000);
    const Crew::Work count = [](void* subject, std::size_t index) noexcept {
        ++(*static_cast<std::vector<unsigned>*>(subject))[index];
    };
    for (unsigned round = 1; round <= 2000; ++round) {
        crew.each(done.size() - round % 7, count, &done);
        CHECK(std::all_of(done.begin(), done.end() - 6, [&](unsigned times) { return times == round; }));
    }
    crew.each(0, count, nullptr);
    CHECK(!Crew::at_work());
    crew.close();
    CHECK_EQUAL(begun, 3);
    crew.close();
}

void test_a_crew_s_threads_know_that_they_are() {
    static std::thread::id caller;
    caller = std::this_thread::get_id();
    Crew crew(2, [] {});
    std::array<std::atomic<bool>, 2> seen{};
    while (!seen[0] || !seen[1]) {  // by the caller, and by another
        crew.each(64, [](void* subject, std::size_t) noexcept {
            CHECK(Crew::at_work() == (std::this_thread::get_id() != caller));
            (*static_cast<std::array<std::atomic<bool>, 2>*>(subject))[Crew::at_work() ? 1 : 0] = true;
        }, &seen);
    }
}

}  // namespace

int main() {
    test_sums_and_clipping();
    test_one_source_passes_unchanged_and_silence_is_told();
    test_a_source_is_read_once_and_only_when_heard();
    test_an_echo_hears_itself();
    test_nobody_hears_himself_on_a_bus();
    test_a_bus_with_one_voice();
    test_own_voice_is_left_out_only_while_it_is_in();
    test_a_bus_and_a_direct_source_together();
    test_buses_hear_buses_but_no_ring();
    test_what_left_is_told_once_and_left_alone();
    test_time_is_one_for_all_and_what_was_missed_is_made_good();
    test_it_beats_while_it_has_a_node();
    test_anything_equals_the_sums_made_one_by_one(nullptr);
    Crew crew(3, [] {});
    test_anything_equals_the_sums_made_one_by_one(&crew);
    test_a_crew_does_each_once_and_all_of_it_before_it_returns();
    test_a_crew_s_threads_know_that_they_are();
}
