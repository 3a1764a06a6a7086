// sources: event.cpp
// The event queue against a plain list: pushes from two threads at a time, drains with any limit.

#include "event.hpp"

#include <poll.h>

#include <array>
#include <thread>

#include "input.hpp"

using callwright::Event;
using callwright::EventKind;
using callwright::EventQueue;

namespace {

constexpr std::size_t MOST_STEPS = 64;

struct Model {
    EventQueue queue;
    std::array<int, 2> pushed{};
    std::array<int, 2> drained{};

    std::size_t held() const {
        return static_cast<std::size_t>(pushed[0] + pushed[1] - drained[0] - drained[1]);
    }

    void push(std::uint64_t producer, int count) {
        for (int i = 0; i < count; ++i) {
            queue.push(std::make_unique<Event>(EventKind::DIGIT, producer, pushed[producer]++));
        }
    }

    void drain(std::size_t limit) {
        const std::size_t before = held();
        const auto events = queue.drain(limit);
        REQUIRE(events.size() == std::min(limit, before));
        for (const auto& event : events) REQUIRE(event->code == drained[event->id]++);
        REQUIRE(queue.backlog() == held());
        pollfd descriptor{queue.fd(), POLLIN, 0};
        REQUIRE((poll(&descriptor, 1, 0) == 1) == (held() != 0));
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    callwright_fuzz::Input input(data, size);
    Model model;
    for (std::size_t step = 0; step < MOST_STEPS && !input.empty(); ++step) {
        const std::uint8_t what = input.byte();
        const int count = what >> 2;
        switch (what & 3) {
            case 0: model.push(0, count); break;
            case 1: model.push(1, count); break;
            case 2: model.drain(static_cast<std::size_t>(count)); break;
            default: {
                std::thread other([&model, count] { model.push(1, count); });
                model.push(0, count);
                other.join();
            }
        }
    }
    return 0;
}
