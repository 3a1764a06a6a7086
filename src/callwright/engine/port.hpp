// One of our own pjmedia ports on the conference bridge.
//
// Life: a command makes it on the caller's thread, a job places it on the bridge, the clock thread calls read() or
// write() at each tick of 20 ms, the engine thread takes it off. The bridge removes a port at its next tick and may
// still be inside it until then, so the memory belongs to pjmedia's group lock from the placing on and is freed by a
// job on the engine thread once the lock has let go.
#pragma once

#include <pjmedia.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine.hpp"

namespace callwright {

class Port {
  public:
    // As seen from the port: a SOURCE is read by the bridge, a SINK is written by it.
    enum class Direction { SOURCE, SINK };

    virtual ~Port();
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    std::uint64_t id() const noexcept { return id_; }
    pjmedia_port* media() noexcept { return &media_; }
    // It ended by itself (or by a digit) and waits for the engine thread to take it off.
    bool leaving() const noexcept { return leaving_.load(std::memory_order_acquire); }

    // Any thread: a digit of the leg that it watches. Does not block.
    virtual void on_digit(std::uint64_t leg, char digit, unsigned duration);
    // Engine thread: it ends here; sends its last event unless that was sent before.
    virtual void close();
    // Engine thread: close(), then off the bridge with all that belongs to it. The pointer is dead afterwards.
    virtual void end();
    // Engine thread. Only recorders pause.
    virtual void pause(bool on, bool silence);

    // Ports whose memory is not freed yet.
    static std::size_t live() noexcept { return live_.load(std::memory_order_relaxed); }

  protected:
    // The name is a string literal: pjmedia keeps the pointer.
    Port(Engine& engine, std::uint64_t id, const char* name, Direction direction);

    // Clock thread: one frame into `samples`; false for silence, which spares the bridge all work.
    virtual bool read(std::int16_t* samples) noexcept;
    // Clock thread, at every tick: one frame, or nullptr when nobody transmits to the port.
    virtual void write(const std::int16_t* samples, std::uint64_t timestamp) noexcept;
    // pjmedia has let go: no read() or write() comes any more. The thread that removed it, perhaps the clock's.
    virtual void gone() noexcept;

    // Any thread, also the clock's: asks the engine thread to end() this port, once. Allocates nothing.
    void leave() noexcept;

    Engine& engine_;
    const unsigned frame_;  // samples of one tick

  private:
    static pj_status_t get_frame(pjmedia_port* port, pjmedia_frame* frame);
    static pj_status_t put_frame(pjmedia_port* port, pjmedia_frame* frame);
    static pj_status_t on_destroy(pjmedia_port* port);
    void bury() noexcept;

    static std::atomic<std::size_t> live_;

    const std::uint64_t id_;
    pjmedia_port media_{};
    std::atomic<bool> leaving_{false};
    // Made beforehand, because the clock thread, which posts them, must not allocate.
    std::unique_ptr<Engine::Job> leave_job_;
    std::unique_ptr<Engine::Job> bury_job_;
    std::unique_ptr<Port>* grave_;  // bury_job_ owns it
};

}  // namespace callwright
