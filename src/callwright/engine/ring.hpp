// Rings of PCM between Python and the mixer: a source is written by Python and played, a tap is heard and read.
// Both rings outlive their port as long as a command holds them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "port.hpp"
#include "signal.hpp"

namespace callwright {

class Ports;

// Any thread writes and clears, the media thread reads. It never waits: while clear() holds the ring, for some
// nanoseconds, it hears silence.
class SourceRing {
  public:
    SourceRing(std::uint64_t source, std::size_t capacity);

    // Samples taken.
    std::size_t write(const std::int16_t* samples, std::size_t count);
    void clear();

    struct Frame {
        bool audible;
        bool drained;  // these were the last samples
    };
    // Media thread: the oldest `count` samples, filled up with silence.
    Frame read(std::int16_t* samples, unsigned count) noexcept;
    std::unique_ptr<Event> take_drained() noexcept { return drained_.take(); }

  private:
    const std::uint64_t source_;
    const std::size_t capacity_;
    const std::unique_ptr<std::int16_t[]> buffer_;
    std::mutex writers_;
    std::atomic_flag reading_ = ATOMIC_FLAG_INIT;
    std::atomic<std::uint64_t> written_{0};  // samples since the start, as are all positions here
    std::atomic<std::uint64_t> played_{0};
    Signal<2> drained_;
};

// The media thread writes and never waits; one thread at a time reads. A reader that was overtaken drops what the
// media thread overwrote under it: the positions are a sequence lock, the samples are atomic words of four.
class TapRing {
  public:
    static constexpr unsigned WORD = 4;  // samples; every frame is a multiple

    // capacity and notify in samples; the capacity is rounded up to whole words.
    TapRing(std::uint64_t tap, std::size_t capacity, std::size_t notify);

    // Media thread. nullptr: silence. True when TAPPED is due.
    bool write(const std::int16_t* samples, unsigned count) noexcept;
    std::unique_ptr<Event> take_tapped() noexcept { return tapped_.take(); }
    // Everything unread, oldest first; TAPPED is armed again.
    std::vector<std::int16_t> read();

  private:
    using Word = std::atomic<std::uint64_t>;

    const std::uint64_t tap_;
    const std::size_t words_;
    const std::uint64_t notify_;
    const std::unique_ptr<Word[]> buffer_;
    std::mutex readers_;
    std::atomic<std::uint64_t> claimed_{0};  // words that the media thread has begun to write
    std::atomic<std::uint64_t> written_{0};
    std::atomic<std::uint64_t> read_{0};
    Signal<> tapped_;
};

class SourcePort final : public Port {
  public:
    SourcePort(Ports& ports, std::uint64_t id, std::shared_ptr<SourceRing> ring);
    ~SourcePort() override;
    void close() override;

  private:
    bool read(std::int16_t* samples) noexcept override;

    Ports& ports_;
    const std::shared_ptr<SourceRing> ring_;
};

class TapPort final : public Port {
  public:
    TapPort(Ports& ports, std::uint64_t id, std::shared_ptr<TapRing> ring);
    ~TapPort() override;
    void close() override;

  private:
    void write(const std::int16_t* samples, std::uint64_t timestamp) noexcept override;

    Ports& ports_;
    const std::shared_ptr<TapRing> ring_;
};

}  // namespace callwright
