#include "events_tx.hpp"

#include <algorithm>
#include <utility>

namespace callwright {

namespace {

constexpr std::uint8_t VOLUME = 10;  // dBm0 below zero
constexpr std::uint32_t MAX_SEGMENT = 0xFFFF;

}  // namespace

bool EventSender::push(const std::string& digits, unsigned duration_ms) noexcept {
    const bool known = std::all_of(digits.begin(), digits.end(), [](char digit) { return code_of(digit) >= 0; });
    if (!known || digits.size() > ROOM - count_) return false;
    const auto duration = static_cast<std::uint16_t>(std::min(std::max(duration_ms, MIN_MS), MAX_MS));
    for (std::size_t i = 0; i < digits.size(); ++i) {
        const bool last = i + 1 == digits.size();
        digits_[(first_ + count_) % ROOM] = {static_cast<std::uint8_t>(code_of(digits[i])), duration, last};
        ++count_;
    }
    return true;
}

void EventSender::clear() noexcept {
    for (; count_ != 0; --count_, first_ = (first_ + 1) % ROOM) sent_ += digits_[first_].last ? 1 : 0;
    if (pause_ != 0 && after_last_) ++sent_;
    finish(PAUSE_MS);
    pause_ = 0;
}

unsigned EventSender::take_sent() noexcept { return std::exchange(sent_, 0); }

void EventSender::finish(unsigned ptime) noexcept {
    heard_ms_ = 0;
    ends_ = 0;
    segments_ = 0;
    const unsigned said = (ENDS - 1) * ptime;  // the key went up with the first end
    pause_ = said >= PAUSE_MS ? 1 : (PAUSE_MS - said + ptime - 1) / ptime;
}

bool EventSender::beat(unsigned rate, unsigned ptime, Packet& packet) noexcept {
    if (pause_ != 0) {
        if (--pause_ == 0 && after_last_) ++sent_;
        return false;
    }
    if (count_ == 0) return false;
    const Digit digit = digits_[first_];
    packet = Packet{};
    packet.begins = heard_ms_ == 0;
    heard_ms_ = std::min<unsigned>(heard_ms_ + ptime, digit.duration_ms);
    const std::uint32_t ticks = rate / 100 * heard_ms_ / 10;
    if (ticks - segments_ > MAX_SEGMENT) {
        packet.segment = MAX_SEGMENT;
        segments_ += MAX_SEGMENT;
    }
    packet.event.code = digit.code;
    packet.event.volume = VOLUME;
    packet.event.duration = static_cast<std::uint16_t>(ticks - segments_);
    packet.event.end = heard_ms_ == digit.duration_ms;
    if (packet.event.end && ++ends_ == ENDS) {
        after_last_ = digit.last;
        first_ = (first_ + 1) % ROOM;
        --count_;
        finish(ptime);
    }
    return true;
}

}  // namespace callwright
