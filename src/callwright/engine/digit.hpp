// Digits that legs receive: handed to the ports that stop on them, reported once whatever way they came.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "event.hpp"

namespace callwright {

class Port;

// Any thread: RFC 4733 digits arrive on the RTP thread, INFO digits on the engine thread.
class Digits {
  public:
    explicit Digits(EventQueue& events) : events_(events) {}

    // One leg a port.
    void watch(Port* port, std::uint64_t leg);
    void unwatch(Port* port);
    void open(std::uint64_t leg);
    // After this nothing more is reported with the leg's id.
    void close(std::uint64_t leg);
    // One RTP packet of an RFC 4733 event, whose timestamp (any unit) names it: reported when the key goes down,
    // because a prompt that it stops must stop at once.
    void receive_event(std::uint64_t leg, char digit, unsigned duration, std::uint32_t timestamp);
    void receive_info(std::uint64_t leg, char digit, unsigned duration);

  private:
    using Clock = std::chrono::steady_clock;
    enum class Method { RFC4733, INFO };
    struct Press {
        char digit;
        Method method;
        Clock::time_point at;
    };
    struct Line {
        bool open = false;
        std::deque<Press> unmatched;  // reported by one method, not yet seen by the other
        std::array<std::uint64_t, 4> events{};  // the last RFC 4733 events: packets arrive late and out of order
        std::size_t oldest = 0;
        std::vector<Port*> watchers;
    };

    static bool is_known(Line& line, char digit, std::uint32_t timestamp);
    // Peers send one key press both ways: the second way to report it is dropped.
    static bool repeats(Line& line, char digit, Method method);
    void report(std::uint64_t leg, Line& line, char digit, unsigned duration, Method method);

    EventQueue& events_;
    std::mutex mutex_;
    std::unordered_map<std::uint64_t, Line> lines_;
    std::unordered_map<Port*, std::uint64_t> watched_;
};

}  // namespace callwright
