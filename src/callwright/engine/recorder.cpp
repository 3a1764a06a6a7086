#include "recorder.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ports.hpp"

namespace callwright {

Recording::Recording(Engine& engine, FrameStore& store, const Options& options)
    : engine_(engine),
      store_(store),
      options_(options),
      frame_(engine.samples_per_frame()),
      voice_(frame_, options.silence),
      limit_event_(std::make_unique<Event>(EventKind::LIMIT, options.id)),
      inputs_(options.channels) {
    refill();
}

Recording::~Recording() = default;

bool Recording::put(unsigned channel, const std::int16_t* samples, std::uint64_t timestamp) noexcept {
    if (open_ && (timestamp != timestamp_ || filled_[channel])) {
        commit();  // an input that is not on the mixer yet, or no more, is silent
    }
    if (over_) {
        return false;
    }
    if (!open_) {
        open_tick(timestamp);
    }
    if (over_) {
        return false;
    }
    fill(channel, samples);
    if (std::all_of(filled_.begin(), filled_.begin() + options_.channels, [](bool filled) { return filled; })) {
        commit();
    }
    return !over_;
}

void Recording::open_tick(std::uint64_t timestamp) noexcept {
    over_ = stopping_.load(std::memory_order_acquire);
    if (over_) {
        return;
    }
    tick_ = Tick{};
    timestamp_ = timestamp;
    filled_ = {};
    energy_ = 0;
    short_of_frames_ = false;
    paused_ = pause_.load(std::memory_order_acquire);
    open_ = true;
}

void Recording::fill(unsigned channel, const std::int16_t* samples) noexcept {
    filled_[channel] = true;
    if (samples == nullptr || paused_ != Pause::NONE) {
        return;
    }
    energy_ = std::max(energy_, Voice::energy(samples, frame_));
    const std::uint32_t frame = store_.take();
    if (frame == FrameStore::NONE) {
        short_of_frames_ = true;
        return;
    }
    std::memcpy(store_.at(frame), samples, frame_ * sizeof *samples);
    tick_.frames[channel] = frame;
}

void Recording::commit() noexcept {
    open_ = false;
    if (paused_ == Pause::SKIP) {
        return;
    }
    const std::uint64_t left = options_.limit - position_;
    tick_.count = static_cast<std::uint32_t>(std::min<std::uint64_t>(frame_, left));
    if (paused_ == Pause::NONE && voice_.hear(energy_, position_, tick_.count)) {
        if (std::unique_ptr<Event> event = silence_event_.take()) {
            engine_.push(std::move(event));
        }
    }
    position_ += tick_.count;
    hand_over();
    if (position_ == options_.limit) {
        over_ = true;
        engine_.push(limit_event_.take());
    }
}

// Never waits: what the writer cannot take is counted, and written as silence when it comes back.
void Recording::hand_over() noexcept {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    const bool full = head - tail_.load(std::memory_order_acquire) == RING_TICKS;
    if (full) {
        std::for_each(tick_.frames.begin(), tick_.frames.end(), [this](std::uint32_t frame) { store_.undo(frame); });
        ++lost_;
    } else {
        tick_.lost = std::exchange(lost_, 0);
        ring_[head % RING_TICKS] = tick_;
        head_.store(head + 1, std::memory_order_release);
    }
    if (full || short_of_frames_) {
        dropped_.fetch_add(1, std::memory_order_relaxed);
    }
}

bool Recording::next(Tick& tick) noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) {
        return false;
    }
    tick = ring_[tail % RING_TICKS];
    tail_.store(tail + 1, std::memory_order_release);
    return true;
}

std::uint32_t Recording::finish() noexcept {
    for (std::uint32_t& frame : tick_.frames) {
        if (open_ && frame != FrameStore::NONE) {
            store_.give(std::exchange(frame, FrameStore::NONE));
        }
    }
    return lost_;
}

void Recording::input_gone() noexcept { inputs_.fetch_sub(1, std::memory_order_acq_rel); }

RecorderInput::RecorderInput(Ports& ports, std::vector<std::uint64_t> inputs, unsigned channel,
                             std::shared_ptr<Recording> recording)
    : Port(ports.engine(), inputs[channel], Direction::SINK),
      ports_(ports),
      inputs_(std::move(inputs)),
      channel_(channel),
      recording_(std::move(recording)) {}

RecorderInput::~RecorderInput() { gone(); }  // one that was never placed

void RecorderInput::close() { recording_->stop(); }

// Between two ticks, when the media thread takes its inputs away: what was said in a tick that has begun is kept, that
// of a player whose end somebody has heard of already too.
void RecorderInput::end() {
    Engine& engine = engine_;
    for (const std::uint64_t input : std::vector<std::uint64_t>(inputs_)) {
        engine.remove(input);
    }
}

void RecorderInput::pause(bool on, bool silence) {
    using Pause = Recording::Pause;
    recording_->pause(!on ? Pause::NONE : silence ? Pause::SILENCE : Pause::SKIP);
}

void RecorderInput::write(const std::int16_t* samples, std::uint64_t timestamp) noexcept {
    if (!recording_->put(channel_, samples, timestamp)) {
        leave();
    }
}

void RecorderInput::gone() noexcept {
    if (!gone_.exchange(true, std::memory_order_acq_rel)) {
        recording_->input_gone();
        ports_.wake_writer();
    }
}

}  // namespace callwright
