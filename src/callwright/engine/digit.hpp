// Digits that legs receive: handed to the ports that stop on them, reported once whatever way they came.
#pragma once

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

// Any thread: RFC 4733 and in-band digits arrive on the media thread, INFO digits on the engine thread.
class Digits {
  public:
    explicit Digits(EventQueue& events) : events_(events) {}

    // One leg a port.
    void watch(Port* port, std::uint64_t leg);
    void unwatch(Port* port);
    void open(std::uint64_t leg);
    // After this nothing more is reported with the leg's id.
    void close(std::uint64_t leg);
    // Once a press, when the key goes down: a prompt that it stops must stop at once. duration: ms heard so far.
    void receive_event(std::uint64_t leg, char digit, unsigned duration);
    void receive_info(std::uint64_t leg, char digit, unsigned duration);
    // DIGITS_SENT: what was sent to the leg.
    void report_sent(std::uint64_t leg);
    // Found in the audio itself.
    void receive_inband(std::uint64_t leg, char digit, unsigned duration);

  private:
    using Clock = std::chrono::steady_clock;
    enum class Method : unsigned { RFC4733 = 1, INFO = 2, INBAND = 4 };
    struct Press {
        char digit;
        unsigned methods;  // by which it was reported
        Clock::time_point at;
    };
    struct Line {
        bool open = false;
        std::deque<Press> presses;  // not yet seen by every method
        std::vector<Port*> watchers;
    };

    // Peers send one key press several ways: only the first to report it counts.
    static bool repeats(Line& line, char digit, Method method);
    static const char* name_of(Method method);
    void receive(std::uint64_t leg, char digit, unsigned duration, Method method);

    EventQueue& events_;
    std::mutex mutex_;
    std::unordered_map<std::uint64_t, Line> lines_;
    std::unordered_map<Port*, std::uint64_t> watched_;
};

}  // namespace callwright
