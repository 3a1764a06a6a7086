#include "digit.hpp"

#include <algorithm>
#include <string_view>

#include "port.hpp"

namespace callwright {

namespace {

// How much later than the first report the second may come. INFO is sent when the key is released.
constexpr std::chrono::seconds match_window{5};
constexpr std::size_t max_unmatched = 32;
constexpr std::string_view known_digits = "0123456789*#ABCD";

}  // namespace

void Digits::watch(Port* port, std::uint64_t leg) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (watched_.emplace(port, leg).second) lines_[leg].watchers.push_back(port);
}

void Digits::unwatch(Port* port) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto watched = watched_.find(port);
    if (watched == watched_.end()) return;
    auto line = lines_.find(watched->second);
    watched_.erase(watched);
    if (line == lines_.end()) return;
    auto& watchers = line->second.watchers;
    watchers.erase(std::remove(watchers.begin(), watchers.end(), port), watchers.end());
    if (watchers.empty() && !line->second.open) lines_.erase(line);
}

void Digits::open(std::uint64_t leg) {
    std::lock_guard<std::mutex> lock(mutex_);
    lines_[leg].open = true;
}

void Digits::close(std::uint64_t leg) {
    std::lock_guard<std::mutex> lock(mutex_);
    lines_.erase(leg);
}

void Digits::receive_event(std::uint64_t leg, char digit, unsigned duration, std::uint32_t timestamp) {
    if (known_digits.find(digit) == std::string_view::npos) return;  // a hook flash
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = lines_.find(leg);
    if (found == lines_.end() || !found->second.open || is_known(found->second, digit, timestamp)) return;
    report(leg, found->second, digit, duration, Method::RFC4733);
}

void Digits::receive_info(std::uint64_t leg, char digit, unsigned duration) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = lines_.find(leg);
    if (found == lines_.end() || !found->second.open) return;
    report(leg, found->second, digit, duration, Method::INFO);
}

void Digits::report(std::uint64_t leg, Line& line, char digit, unsigned duration, Method method) {
    if (repeats(line, digit, method)) return;
    auto event = std::make_unique<Event>(EventKind::DIGIT, leg, 0, std::string(1, digit));
    event->with("duration", std::int64_t{duration});
    event->with("method", std::string(method == Method::INFO ? "info" : "rfc4733"));
    // Under the mutex, so that close() and unwatch() are barriers: no DIGIT follows the leg's ENDED, and a port's own
    // last event follows the DIGIT that stopped it.
    events_.push(std::move(event));
    for (Port* port : line.watchers) port->on_digit(leg, digit, duration);
}

bool Digits::is_known(Line& line, char digit, std::uint32_t timestamp) {
    // Never 0, which marks an unused place: a digit is never NUL.
    const std::uint64_t name = (std::uint64_t{timestamp} << 8) | static_cast<unsigned char>(digit);
    if (std::find(line.events.begin(), line.events.end(), name) != line.events.end()) return true;
    line.events[line.oldest] = name;
    line.oldest = (line.oldest + 1) % line.events.size();
    return false;
}

bool Digits::repeats(Line& line, char digit, Method method) {
    const auto now = Clock::now();
    auto& presses = line.unmatched;
    while (!presses.empty() && now - presses.front().at > match_window) presses.pop_front();
    auto twin = std::find_if(presses.begin(), presses.end(), [&](const Press& press) {
        return press.digit == digit && press.method != method;
    });
    if (twin != presses.end()) {
        presses.erase(twin);
        return true;
    }
    if (presses.size() == max_unmatched) presses.pop_front();
    presses.push_back({digit, method, now});
    return false;
}

}  // namespace callwright
