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
    : Playback(engine, id), sounds_(std::move(sounds)), loop_(loop) {}

// False at the end of the last round. Empty sounds are passed over.
bool Player::next_sound() noexcept {
    while (offset_ == sounds_[sound_]->size()) {
        offset_ = 0;
        if (++sound_ < sounds_.size()) {
            continue;
        }
        sound_ = 0;
        if (loop_ != 0 && ++rounds_ == loop_) {
            return false;
        }
    }
    return true;
}

Playback::Rendered Player::render(std::int16_t* samples, unsigned count) noexcept {
    unsigned done = 0;
    bool more = true;
    while (more && done < count) {
        const Sound& sound = *sounds_[sound_];
        const std::size_t part = std::min<std::size_t>(count - done, sound.size() - offset_);
        std::memcpy(samples + done, sound.samples() + offset_, part * sizeof *samples);
        done += static_cast<unsigned>(part);
        offset_ += part;
        more = next_sound();
    }
    return {done, done != 0, !more};
}

// Positions are kept at the engine's clock rate, a multiple of 8 kHz: one that lies between two samples of 8 kHz goes
// on with the later one.
unsigned Player::encoded(std::uint8_t* payload, unsigned count, Law law, bool& audible) noexcept {
    const std::size_t ratio = engine_.clock_rate() / Sound::G711_RATE;
    const bool plays = !silent();
    unsigned done = 0;
    std::uint64_t passed = 0;
    bool more = plays;
    while (more && done < count) {
        const Sound& sound = *sounds_[sound_];
        const std::size_t at = (offset_ + ratio - 1) / ratio;
        const std::size_t part = std::min<std::size_t>(count - done, sound.g711_size() - at);
        sound.g711(law, at, part, payload + done);
        const std::size_t next = std::min((at + part) * ratio, sound.size());
        passed += next - offset_;
        offset_ = next;
        done += static_cast<unsigned>(part);
        more = next_sound();
    }
    std::memset(payload + done, g711_silence(law), count - done);
    if (plays) {
        advance(passed, !more);
    }
    audible = done != 0;
    return done;
}

}  // namespace callwright
