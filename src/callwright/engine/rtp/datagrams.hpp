// The UDP sockets of the media thread: many packets a system call where the kernel can (io_uring), one a call where it
// cannot (epoll). All of it belongs to one thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "address.hpp"

namespace callwright {

// Nanoseconds of CLOCK_MONOTONIC.
using Nanos = std::int64_t;

Nanos monotonic_now() noexcept;

class Datagrams;

// One datagram in a buffer that is lent by Datagrams: what came, or what is to go. Dropping it gives the buffer back.
// A datagram that came may be changed in place and sent on without a copy.
class Datagram {
  public:
    static constexpr std::size_t ROOM = 2048;  // bytes that `data` can hold: at least 1,500

    Datagram() = default;
    Datagram(Datagram&& other) noexcept;
    Datagram& operator=(Datagram&& other) noexcept;
    Datagram(const Datagram&) = delete;
    Datagram& operator=(const Datagram&) = delete;
    ~Datagram() { drop(); }

    explicit operator bool() const noexcept { return data != nullptr; }
    void drop() noexcept;

    std::uint8_t* data = nullptr;  // may be moved on inside the buffer, to cut something off the front
    std::size_t size = 0;
    Address from;  // of one that came

  private:
    friend class Datagrams;
    Datagrams* owner_ = nullptr;
    std::uint64_t buffer_ = 0;  // the owner's
};

class Datagrams {
  public:
    class Receiver {
      public:
        virtual ~Receiver() = default;
        // Media thread. channel: as given to add(). Only datagrams that fit a buffer come; longer ones are dropped.
        virtual void on_datagram(int channel, Datagram datagram, Nanos now) noexcept = 0;
    };

    // backend: "auto" | "io_uring" | "epoll". Throws std::system_error: the named one cannot be had. The thread that
    // opens it is the one it belongs to.
    static std::unique_ptr<Datagrams> open(const std::string& backend);
    Datagrams() = default;
    Datagrams(const Datagrams&) = delete;
    Datagrams& operator=(const Datagrams&) = delete;
    // Any thread, after close(). Every Datagram has been dropped by then.
    virtual ~Datagrams() = default;
    // Lets go of every socket. Afterwards an added socket is closed at once, and a datagram to send is dropped.
    virtual void close() noexcept = 0;

    // "io_uring" | "epoll".
    virtual const char* backend() const noexcept = 0;
    // Why "auto" did not take io_uring; "" when it did, or was not asked for.
    const std::string& why_not() const noexcept { return why_not_; }
    // The socket is bound and non-blocking; it is owned from now on. Throws std::bad_alloc (the socket is closed).
    virtual void add(int socket, Receiver* receiver, int channel) = 0;
    // No on_datagram after it returns. The socket is closed when the kernel has let go of it.
    virtual void remove(int socket) noexcept = 0;
    // An empty one to be filled; false (not bool(result)) when memory has run out: the packet is lost, nothing else.
    virtual Datagram buffer() noexcept = 0;
    // Queued; goes out before the next wait at the latest. A datagram that the kernel refuses is lost and counted.
    virtual void send(int socket, const Address& to, Datagram datagram) noexcept = 0;
    // Sends what is queued, waits until a datagram, a wake() or the deadline, and hands out what came (all that is
    // there, but at most some hundreds, so that the deadline is kept).
    virtual void turn(Nanos deadline) noexcept = 0;
    // Any thread: ends the wait of turn().
    virtual void wake() noexcept = 0;

    // When the last wait ended.
    Nanos woken() const noexcept { return woken_; }

    // Packets since the start. dropped: came, but too long for a buffer, or there was none. system_calls: of all kinds.
    struct Counters {
        std::uint64_t received = 0, sent = 0, refused = 0, dropped = 0, system_calls = 0;
    };
    // Any thread.
    Counters counters() const noexcept;

  protected:
    friend class Datagram;
    // Of one writer, read by all.
    class Counter {
      public:
        void clear() noexcept { n_.store(0, std::memory_order_relaxed); }
        void add(std::uint64_t n = 1) noexcept { n_.store(get() + n, std::memory_order_relaxed); }
        std::uint64_t get() const noexcept { return n_.load(std::memory_order_relaxed); }

      private:
        std::atomic<std::uint64_t> n_{0};
    };

    virtual void give_back(std::uint64_t buffer) noexcept = 0;
    Datagram lend(std::uint8_t* data, std::size_t size, std::uint64_t buffer) noexcept;
    static std::uint64_t buffer_of(Datagram& datagram) noexcept { return datagram.buffer_; }
    static void forget(Datagram& datagram) noexcept { datagram.data = nullptr; }

    // Packets that follow one another closely are waited for together: a wake-up each would cost as much as they do.
    static constexpr Nanos GATHER = 1'000'000;
    static constexpr Nanos REST = 100'000'000;  // of a socket that gives nothing but errors
    static constexpr unsigned MOST_FAILURES = 16;
    // When packets that have come are handed out: at once (0) while they are rare.
    Nanos gather_end() const noexcept {
        return handed_out_ != 0 && woken_ - woken_before_ < 2 * GATHER ? woken_ + GATHER : 0;
    }
    void woke() noexcept {
        woken_before_ = woken_;
        woken_ = monotonic_now();
        handed_out_ = 0;
    }

    Counter received_, sent_, refused_, dropped_, system_calls_;
    unsigned handed_out_ = 0;  // by the turn that goes on, or went before

  private:
    std::string why_not_;
    Nanos woken_ = 0;
    Nanos woken_before_ = 0;
};

}  // namespace callwright
