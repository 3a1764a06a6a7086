#include "ring.hpp"

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "ports.hpp"

namespace callwright {

// Deliberately not zeroed: a page of a ring that is never filled costs no memory.
SourceRing::SourceRing(std::uint64_t source, std::size_t capacity)
    : source_(source), capacity_(capacity), buffer_(new std::int16_t[capacity]) {}

std::size_t SourceRing::write(const std::int16_t* samples, std::size_t count) {
    const std::lock_guard<std::mutex> lock(writers_);
    const std::uint64_t start = written_.load(std::memory_order_relaxed);
    const std::uint64_t held = start - played_.load(std::memory_order_acquire);
    const std::size_t taken = std::min<std::size_t>(count, capacity_ - held);
    const std::size_t at = start % capacity_;
    const std::size_t first = std::min(taken, capacity_ - at);
    std::memcpy(buffer_.get() + at, samples, first * sizeof *samples);
    std::memcpy(buffer_.get(), samples + first, (taken - first) * sizeof *samples);
    written_.store(start + taken, std::memory_order_release);
    if (taken != 0) {
        drained_.arm(EventKind::DRAINED, source_);
    }
    return taken;
}

void SourceRing::clear() {
    const std::lock_guard<std::mutex> lock(writers_);
    while (reading_.test_and_set(std::memory_order_acquire)) {
        std::this_thread::yield();
    }
    played_.store(written_.load(std::memory_order_relaxed), std::memory_order_release);
    reading_.clear(std::memory_order_release);
}

SourceRing::Frame SourceRing::read(std::int16_t* samples, unsigned count) noexcept {
    if (reading_.test_and_set(std::memory_order_acquire)) {
        return {false, false};
    }
    const std::uint64_t start = played_.load(std::memory_order_relaxed);
    const std::uint64_t held = written_.load(std::memory_order_acquire) - start;
    const std::size_t part = std::min<std::uint64_t>(held, count);
    const std::size_t at = start % capacity_;
    const std::size_t first = std::min(part, capacity_ - at);
    std::memcpy(samples, buffer_.get() + at, first * sizeof *samples);
    std::memcpy(samples + first, buffer_.get(), (part - first) * sizeof *samples);
    played_.store(start + part, std::memory_order_release);
    reading_.clear(std::memory_order_release);
    std::memset(samples + part, 0, (count - part) * sizeof *samples);
    return {part != 0, part != 0 && part == held};
}

TapRing::TapRing(std::uint64_t tap, std::size_t capacity, std::size_t notify)
    : tap_(tap), words_((capacity + WORD - 1) / WORD), notify_(notify), buffer_(new Word[words_]) {
    tapped_.arm(EventKind::TAPPED, tap_);
}

bool TapRing::write(const std::int16_t* samples, unsigned count) noexcept {
    const std::uint64_t start = written_.load(std::memory_order_relaxed);
    const std::uint64_t end = start + count / WORD;
    claimed_.store(end, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    std::size_t at = start % words_;
    for (unsigned sample = 0; sample < count; sample += WORD) {
        std::uint64_t four = 0;
        if (samples != nullptr) {
            std::memcpy(&four, samples + sample, sizeof four);
        }
        buffer_[at].store(four, std::memory_order_relaxed);
        at = at + 1 == words_ ? 0 : at + 1;
    }
    written_.store(end, std::memory_order_release);
    return (end - read_.load(std::memory_order_relaxed)) * WORD >= notify_;
}

std::vector<std::int16_t> TapRing::read() {
    const std::lock_guard<std::mutex> lock(readers_);
    const std::uint64_t end = written_.load(std::memory_order_acquire);
    const std::uint64_t oldest = end > words_ ? end - words_ : 0;
    const std::uint64_t start = std::max(read_.load(std::memory_order_relaxed), oldest);
    std::vector<std::int16_t> samples((end - start) * WORD);
    std::size_t at = start % words_;
    for (std::size_t sample = 0; sample < samples.size(); sample += WORD) {
        const std::uint64_t four = buffer_[at].load(std::memory_order_relaxed);
        std::memcpy(samples.data() + sample, &four, sizeof four);
        at = at + 1 == words_ ? 0 : at + 1;
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t claimed = claimed_.load(std::memory_order_relaxed);
    const std::uint64_t intact = claimed > words_ ? claimed - words_ : 0;
    if (intact > start) {
        const std::uint64_t lost = std::min(intact, end) - start;
        samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(lost * WORD));
    }
    read_.store(end, std::memory_order_relaxed);
    tapped_.arm(EventKind::TAPPED, tap_);
    return samples;
}

SourcePort::SourcePort(Ports& ports, std::uint64_t id, std::shared_ptr<SourceRing> ring)
    : Port(ports.engine(), id, Direction::SOURCE), ports_(ports), ring_(std::move(ring)) {}

SourcePort::~SourcePort() { ports_.forget(id()); }

void SourcePort::close() { ports_.forget(id()); }

bool SourcePort::read(std::int16_t* samples) noexcept {
    const SourceRing::Frame frame = ring_->read(samples, frame_);
    if (frame.drained) {
        if (std::unique_ptr<Event> event = ring_->take_drained()) {
            engine_.push(std::move(event));
        }
    }
    return frame.audible;
}

TapPort::TapPort(Ports& ports, std::uint64_t id, std::shared_ptr<TapRing> ring)
    : Port(ports.engine(), id, Direction::SINK), ports_(ports), ring_(std::move(ring)) {}

TapPort::~TapPort() { ports_.forget(id()); }

void TapPort::close() { ports_.forget(id()); }

void TapPort::write(const std::int16_t* samples, std::uint64_t) noexcept {
    if (ring_->write(samples, frame_)) {
        if (std::unique_ptr<Event> event = ring_->take_tapped()) {
            engine_.push(std::move(event));
        }
    }
}

}  // namespace callwright
