#include "digit.hpp"

#include <algorithm>
#include <string_view>

#include "port.hpp"

namespace callwright {

namespace {

// How much later than the first report another may come. INFO is sent when the key is released.
constexpr std::chrono::seconds match_window{5};
constexpr std::size_t max_presses = 32;
constexpr unsigned every_method = 7;
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

void Digits::receive_event(std::uint64_t leg, char digit, unsigned duration) {
    receive(leg, digit, duration, Method::RFC4733);
}

void Digits::receive_info(std::uint64_t leg, char digit, unsigned duration) {
    receive(leg, digit, duration, Method::INFO);
}

void Digits::receive_inband(std::uint64_t leg, char digit, unsigned duration) {
    receive(leg, digit, duration, Method::INBAND);
}

void Digits::receive(std::uint64_t leg, char digit, unsigned duration, Method method) {
    if (known_digits.find(digit) == std::string_view::npos) return;  // a hook flash
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = lines_.find(leg);
    if (found == lines_.end() || !found->second.open || repeats(found->second, digit, method)) return;
    auto event = std::make_unique<Event>(EventKind::DIGIT, leg, 0, std::string(1, digit));
    event->with("duration", std::int64_t{duration});
    event->with("method", std::string(name_of(method)));
    // Under the mutex, so that close() and unwatch() are barriers: no DIGIT follows the leg's ENDED, and a port's own
    // last event follows the DIGIT that stopped it.
    events_.push(std::move(event));
    for (Port* port : found->second.watchers) port->on_digit(leg, digit, duration);
}

void Digits::report_sent(std::uint64_t leg) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = lines_.find(leg);
    if (found == lines_.end() || !found->second.open) return;
    events_.push(std::make_unique<Event>(EventKind::DIGITS_SENT, leg));
}

const char* Digits::name_of(Method method) {
    switch (method) {
        case Method::INFO: return "info";
        case Method::INBAND: return "inband";
        case Method::RFC4733: break;
    }
    return "rfc4733";
}

bool Digits::repeats(Line& line, char digit, Method method) {
    const auto now = Clock::now();
    const auto bit = static_cast<unsigned>(method);
    auto& presses = line.presses;
    while (!presses.empty() && now - presses.front().at > match_window) presses.pop_front();
    auto twin = std::find_if(presses.begin(), presses.end(), [&](const Press& press) {
        return press.digit == digit && (press.methods & bit) == 0;
    });
    if (twin != presses.end()) {
        twin->methods |= bit;
        if (twin->methods == every_method) presses.erase(twin);
        return true;
    }
    if (presses.size() == max_presses) presses.pop_front();
    presses.push_back({digit, bit, now});
    return false;
}

}  // namespace callwright
