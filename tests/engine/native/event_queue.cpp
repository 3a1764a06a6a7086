// sources: event.cpp
// The event queue: order, limits and the descriptor with one thread; nothing lost and nobody overtaken with five.

#include "event.hpp"

#include <poll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "check.hpp"

using callwright::Event;
using callwright::EventKind;
using callwright::EventQueue;

namespace {

constexpr std::uint64_t PRODUCERS = 4;
constexpr int EVENTS = 20'000;

bool readable(const EventQueue& queue, int milliseconds) {
    pollfd descriptor{queue.fd(), POLLIN, 0};
    return poll(&descriptor, 1, milliseconds) == 1;
}

void push(EventQueue& queue, std::uint64_t id, int code) {
    queue.push(std::make_unique<Event>(EventKind::DIGIT, id, code, "5"));
}

void order_and_limits() {
    EventQueue queue;
    CHECK(!readable(queue, 0));
    CHECK(queue.drain(10).empty());
    for (int code = 0; code < 5; ++code) push(queue, 1, code);
    CHECK(queue.backlog() == 5);
    const auto first = queue.drain(2);
    CHECK(first.size() == 2 && first[0]->code == 0 && first[1]->code == 1);
    CHECK(readable(queue, 0));
    push(queue, 1, 5);
    const auto rest = queue.drain(10);
    CHECK(rest.size() == 4);
    for (std::size_t i = 0; i < rest.size(); ++i) CHECK(rest[i]->code == static_cast<int>(i) + 2);
    CHECK(!readable(queue, 0));
    CHECK(queue.backlog() == 0);
}

// LeakSanitizer tells when an event is left.
void ends_with_events_in_it() {
    EventQueue queue;
    for (int code = 0; code < 5; ++code) push(queue, 1, code);
    CHECK(queue.drain(1).size() == 1);
    push(queue, 1, 5);
}

void many_producers() {
    EventQueue queue;
    std::vector<std::thread> producers;
    for (std::uint64_t id = 0; id < PRODUCERS; ++id) {
        producers.emplace_back([&queue, id] {
            for (int code = 0; code < EVENTS; ++code) push(queue, id, code);
        });
    }
    std::array<int, PRODUCERS> next{};
    std::uint64_t count = 0;
    while (count < PRODUCERS * EVENTS) {
        CHECK(readable(queue, 10'000));
        for (const auto& event : queue.drain(64)) {
            CHECK(event->code == next[event->id]++);
            ++count;
        }
    }
    for (auto& producer : producers) producer.join();
    CHECK(queue.drain(64).empty());
    CHECK(!readable(queue, 0));
    CHECK(queue.backlog() == 0);
}

}  // namespace

int main() {
    order_and_limits();
    ends_with_events_in_it();
    many_producers();
}
