#include "frames.hpp"

namespace callwright {

// None of the arrays is zeroed on purpose: untouched pages cost no memory.
FrameStore::FrameStore(unsigned frame, std::uint32_t frames)
    : frame_(frame),
      frames_(frames),
      samples_(new std::int16_t[std::size_t{frame} * frames]),
      free_(new std::uint32_t[frames]),
      given_(new std::uint32_t[frames]) {}

std::uint32_t FrameStore::take() noexcept {
    const std::uint32_t head = given_head_.load(std::memory_order_acquire);
    while (given_tail_ != head) {
        free_[free_count_++] = given_[given_tail_++ % frames_];
    }
    if (free_count_ != 0) {
        return free_[--free_count_];
    }
    return fresh_ < frames_ ? fresh_++ : NONE;
}

void FrameStore::undo(std::uint32_t frame) noexcept {
    if (frame != NONE) {
        free_[free_count_++] = frame;
    }
}

void FrameStore::give(std::uint32_t frame) noexcept {
    const std::uint32_t head = given_head_.load(std::memory_order_relaxed);
    given_[head % frames_] = frame;
    given_head_.store(head + 1, std::memory_order_release);
}

}  // namespace callwright
