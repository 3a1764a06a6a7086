// One of our own ports on the mixer.
//
// Life: a command makes it on the caller's thread, Engine::place gives it to the mixer by a job of the media thread,
// which calls read() or write() at each tick of 20 ms; Engine::remove has the mixer let it go. Then the mixer calls
// left(), once, and a job on the engine thread frees it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine.hpp"

namespace callwright {

class Port {
  public:
    // As seen from the port: a SOURCE is read by the mixer, a SINK is written by it.
    enum class Direction { SOURCE, SINK };

    virtual ~Port();
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    std::uint64_t id() const noexcept { return id_; }
    Direction direction() const noexcept { return direction_; }
    // It ended by itself (or by a digit) and waits for the engine thread to take it off.
    bool leaving() const noexcept { return leaving_.load(std::memory_order_acquire); }

    // Any thread: a digit of the leg that it watches. Does not block.
    virtual void on_digit(std::uint64_t leg, char digit, unsigned duration);
    // Engine thread: it ends here; sends its last event unless that was sent before.
    virtual void close();
    // Engine thread: close(), then off the mixer with all that belongs to it. The pointer is dead afterwards.
    virtual void end();
    // Engine thread. Only recorders pause.
    virtual void pause(bool on, bool silence);

    // --- media thread ---
    // One frame into `samples`; false for silence, which spares the mixer all work: then `samples` means nothing.
    virtual bool read(std::int16_t* samples) noexcept;
    // At every tick: one frame, or nullptr for silence. The timestamp, in samples, is the same for all ports in a tick.
    virtual void write(const std::int16_t* samples, std::uint64_t timestamp) noexcept;
    // No read() or write() comes any more, once. The pointer is dead afterwards. (Any thread when the media thread is
    // no more.)
    void left() noexcept;

    // Ports whose memory is not freed yet.
    static std::size_t live() noexcept { return live_.load(std::memory_order_relaxed); }

  protected:
    Port(Engine& engine, std::uint64_t id, Direction direction);

    // By left(): no read() or write() comes any more.
    virtual void gone() noexcept;

    // Any thread, also the media thread: asks the engine thread to end() this port, once. Allocates nothing.
    void leave() noexcept;

    Engine& engine_;
    const unsigned frame_;  // samples of one tick

  private:
    static std::atomic<std::size_t> live_;

    const std::uint64_t id_;
    const Direction direction_;
    std::atomic<bool> leaving_{false};
    // Made beforehand, because the media thread, which posts them, must not allocate.
    std::unique_ptr<Engine::Job> leave_job_;
    std::unique_ptr<Engine::Job> bury_job_;
    std::unique_ptr<Port>* grave_;  // bury_job_ owns it
};

}  // namespace callwright
