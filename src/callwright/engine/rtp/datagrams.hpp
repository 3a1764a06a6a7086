// The UDP sockets of the media thread: many packets a system call where the kernel can (io_uring), one a call where it
// cannot (epoll). All of it belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "address.hpp"

namespace callwright {

// Nanoseconds of CLOCK_MONOTONIC.
using Nanos = std::int64_t;

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

    std::uint8_t* data = nullptr;
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

    // backend: "auto" | "io_uring" | "epoll". Throws std::system_error: the named one cannot be had.
    static std::unique_ptr<Datagrams> open(const std::string& backend);
    virtual ~Datagrams() = default;

    // "io_uring" | "epoll".
    virtual const char* backend() const noexcept = 0;
    // The socket is bound and non-blocking; it is owned from now on.
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

    struct Counters {
        std::uint64_t received = 0, sent = 0, refused = 0, system_calls = 0;
    };
    virtual Counters counters() const noexcept = 0;

  protected:
    friend class Datagram;
    virtual void give_back(std::uint64_t buffer) noexcept = 0;
    Datagram lend(std::uint8_t* data, std::size_t size, std::uint64_t buffer) noexcept;
    static std::uint64_t buffer_of(Datagram& datagram) noexcept { return datagram.buffer_; }
    static void forget(Datagram& datagram) noexcept { datagram.data = nullptr; }
};

Nanos monotonic_now() noexcept;

}  // namespace callwright
