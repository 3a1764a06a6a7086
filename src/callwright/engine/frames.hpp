// Memory for the frames that are on their way from the mixer to the recorders' writer, shared by all recorders: a
// disc that stalls may use all of it, while in steady state the same few warm frames go round.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace callwright {

// take() and undo() belong to the media thread, give() to the writer.
class FrameStore {
  public:
    static constexpr std::uint32_t NONE = 0xFFFFFFFF;

    // `frame`: samples of one. Memory is touched only as far as frames are used.
    FrameStore(unsigned frame, std::uint32_t frames);

    // A frame to fill, or NONE when the writer is too far behind.
    std::uint32_t take() noexcept;
    void undo(std::uint32_t frame) noexcept;
    void give(std::uint32_t frame) noexcept;
    std::int16_t* at(std::uint32_t frame) noexcept { return samples_.get() + std::size_t{frame} * frame_; }

  private:
    const unsigned frame_;
    const std::uint32_t frames_;
    const std::unique_ptr<std::int16_t[]> samples_;
    // The media thread's: a stack, so that the frame used last, still in the cache, is used next.
    const std::unique_ptr<std::uint32_t[]> free_;
    std::uint32_t free_count_ = 0;
    std::uint32_t fresh_ = 0;  // frames from here on were never used
    // From the writer back to the media thread; has room for every frame, so it is never full.
    const std::unique_ptr<std::uint32_t[]> given_;
    std::atomic<std::uint32_t> given_head_{0};
    std::uint32_t given_tail_ = 0;
};

}  // namespace callwright
