#include "player.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace callwright {

namespace {

std::unique_ptr<Event> played(std::uint64_t id) {
    auto event = std::make_unique<Event>(EventKind::PLAYED, id);
    event->detail.reserve(2);
    event->with("position", std::int64_t{0}).with("digit", std::string());
    return event;
}

}  // namespace

Playback::Playback(Engine& engine, std::uint64_t id) : Port(engine, id, Direction::SOURCE), played_(played(id)) {}

// Engine::remove ends the watch as well; this is for a port that was never placed.
Playback::~Playback() {
    if (watched_ != 0) {
        engine_.unwatch_digits(this);
    }
}

void Playback::stop_on_digit_of(std::uint64_t leg) {
    watched_ = leg;
    engine_.watch_digits(this, leg);
}

void Playback::on_digit(std::uint64_t, char digit, unsigned) {
    char none = 0;
    if (silent() || !digit_.compare_exchange_strong(none, digit)) {
        return;
    }
    silent_.store(true, std::memory_order_release);
    leave();
}

void Playback::close() {
    silent_.store(true, std::memory_order_release);
    if (watched_ != 0) {
        engine_.unwatch_digits(this);  // from here on the digit that stopped it has been reported
        watched_ = 0;
    }
    const char digit = digit_.load(std::memory_order_acquire);
    report(digit != 0 ? "digit" : "stopped", digit);
}

void Playback::report_empty(Engine& engine, std::uint64_t id) {
    auto event = played(id);
    event->text = "finished";
    engine.push(std::move(event));
}

// Short texts only: they fit into the strings without allocating.
void Playback::report(const char* how, char digit) noexcept {
    std::unique_ptr<Event> event = played_.take();
    if (!event) {
        return;
    }
    event->text = how;
    const std::uint64_t position = position_.load(std::memory_order_relaxed) * 1000 / engine_.clock_rate();
    event->detail[0].second = static_cast<std::int64_t>(position);
    if (digit != 0) {
        std::get<std::string>(event->detail[1].second).assign(1, digit);
    }
    engine_.push(std::move(event));
}

void Playback::advance(std::uint64_t count, bool last) noexcept {
    position_.fetch_add(count, std::memory_order_relaxed);
    if (last && !silent_.exchange(true, std::memory_order_acq_rel)) {
        report("finished", 0);
        leave();
    }
}

bool Playback::read(std::int16_t* samples) noexcept {
    if (silent()) {
        return false;
    }
    const Rendered rendered = render(samples, frame_);
    std::memset(samples + rendered.count, 0, (frame_ - rendered.count) * sizeof *samples);
    advance(rendered.count, rendered.last);
    return rendered.audible;
}

Player::Player(Engine& engine, std::uint64_t id, std::vector<SoundPtr> sounds, unsigned loop)
    : Playback(engine, id), playlist_(std::move(sounds), loop) {}

Playback::Rendered Player::render(std::int16_t* samples, unsigned count) noexcept {
    const Playlist::Taken taken = playlist_.samples(samples, count);
    return {taken.count, taken.count != 0, taken.last};
}

unsigned Player::encoded(std::uint8_t* payload, unsigned count, Law law, bool& audible) noexcept {
    Playlist::Taken taken{0, 0, false};
    if (!silent()) {
        taken = playlist_.g711(law, payload, count);
        advance(taken.samples, taken.last);
    }
    std::memset(payload + taken.count, g711_silence(law), count - taken.count);
    audible = taken.count != 0;
    return taken.count;
}

}  // namespace callwright
