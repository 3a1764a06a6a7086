// Is there voice? By energy alone, frame by frame of 20 ms.
//
// A frame is voiced when its level reaches THRESHOLD_DBOV; within HANGOVER of a voiced frame HELD_DBOV is enough, so
// that the soft ends of words count. 0 dBov is the level of a full-scale square wave (ITU-T G.100.1); speech on a
// telephone line stands near -26 dBov, an idle line below -55.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace callwright {

class Voice {
  public:
    static constexpr double THRESHOLD_DBOV = -45.0;
    static constexpr double HELD_DBOV = -51.0;
    static constexpr unsigned HANGOVER_FRAMES = 10;  // 200 ms

    // silence: samples without voice after which hear() says so; 0: never.
    Voice(unsigned frame, std::uint64_t silence);

    // The sum of squares of a frame.
    static std::uint64_t energy(const std::int16_t* samples, unsigned count) noexcept;
    // Media thread: the next `count` samples, at most a frame, of the given energy. True when the silence limit is
    // reached: once, then again only after voice.
    bool hear(std::uint64_t energy, std::uint64_t position, unsigned count) noexcept;

    // Samples; the last two are -1 when no voice was heard. Any thread.
    std::uint64_t voiced() const noexcept { return voiced_.load(std::memory_order_relaxed); }
    std::int64_t first() const noexcept { return first_.load(std::memory_order_relaxed); }
    std::int64_t last() const noexcept { return last_.load(std::memory_order_relaxed); }

  private:
    const std::uint64_t threshold_;  // energies of a whole frame
    const std::uint64_t held_;
    const std::uint64_t silence_;
    unsigned hangover_ = 0;         // frames
    std::uint64_t silent_for_ = 0;  // samples
    bool reported_ = false;
    std::atomic<std::uint64_t> voiced_{0};
    std::atomic<std::int64_t> first_{-1};
    std::atomic<std::int64_t> last_{-1};
};

}  // namespace callwright
