// Datagrams by io_uring: what was queued goes out, and what has come is fetched, by one system call for all sockets.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "datagrams.hpp"
#include "datagrams_pool.hpp"

namespace callwright {

// Each socket has one receive that goes on by itself (multishot) and takes its buffers from a ring that all share.
class Uring final : public Datagrams {
  public:
    // Throws std::system_error: the kernel (6.1 has all of it), or what stands before it, refuses something; what()
    // says which. Everything that is used was tried before it returns.
    static std::unique_ptr<Datagrams> open();
    Uring() = default;
    ~Uring() override;

    const char* backend() const noexcept override { return "io_uring"; }
    void add(int socket, Receiver* receiver, int channel) override;
    void remove(int socket) noexcept override;
    Datagram buffer() noexcept override;
    void send(int socket, const Address& to, Datagram datagram) noexcept override;
    void turn(Nanos deadline) noexcept override;
    void wake() noexcept override;
    void close() noexcept override;

  private:
    static constexpr unsigned SUBMISSIONS = 1024;  // when more is queued it goes out in parts
    static constexpr unsigned COMPLETIONS = 8192;  // beyond them the kernel keeps a list
    static constexpr unsigned SPARE_LIMIT = 8192;  // a power of two
    static constexpr std::size_t SPARE_BYTES = SPARE_LIMIT * sizeof(io_uring_buf);
    static constexpr unsigned SPARE_AT_FIRST = 256;
    static constexpr std::size_t POOL_AT_FIRST = 512;  // buffers, without any socket

    enum class State : std::uint8_t {
        FREE,       // not ours
        IDLE,       // in arms_: a receive will be queued
        RECEIVING,  // a receive is out
        RESTING,    // in resting_: nothing but errors came
        CLOSING,    // removed
    };

    struct Socket {
        Receiver* receiver = nullptr;  // nullptr: nobody is told any more
        int channel = 0;
        std::uint16_t failures = 0;  // since the last datagram
        State state = State::FREE;
    };

    void give_back(std::uint64_t buffer) noexcept override { pool_.give(static_cast<std::uint32_t>(buffer)); }

    class Trial;

    // Throw std::system_error.
    void set_up_ring();
    void set_up_buffers();
    void set_up_wakeup();
    void try_out();
    void tear_down() noexcept;

    Socket& at(int socket) noexcept { return sockets_[static_cast<std::size_t>(socket)]; }
    io_uring_sqe* next_entry() noexcept;
    int submit(unsigned wait_for, Nanos time) noexcept;
    void prepare() noexcept;
    void refill() noexcept;
    bool arm(int socket) noexcept;
    bool cancel(int socket) noexcept;
    void arm_wakeup() noexcept;
    void wait(Nanos deadline) noexcept;
    void close_removed() noexcept;
    void hand_out(Nanos deadline) noexcept;
    void completed(std::uint64_t what, int result, unsigned flags, Nanos now) noexcept;
    void received(int socket, int result, unsigned flags, Nanos now) noexcept;
    void receive_ended(int socket, int result) noexcept;
    void sent(std::uint32_t buffer, int result) noexcept;

    io_uring ring_{};
    bool ring_up_ = false;
    bool tried_ = false;  // and all that is needed works
    io_uring_buf_ring* spare_ = nullptr;  // the ring of buffers that the kernel takes from
    msghdr header_{};                     // of every receive
    std::uint64_t woken_by_ = 0;          // what a read of the eventfd fills
    int wakeup_ = -1;
    bool wakeup_armed_ = false;
    bool closed_ = false;

    DatagramPool pool_;
    unsigned in_spare_ = 0;     // buffers that the kernel has
    unsigned spare_wanted_ = SPARE_AT_FIRST;
    bool starved_ = false;      // a receive ended for want of one
    unsigned sending_ = 0;      // sends that are queued, or whose end was not seen yet

    std::vector<Socket> sockets_;  // by descriptor
    std::size_t count_ = 0;        // that are not FREE
    std::vector<int> arms_, cancels_, closings_, resting_;
    Nanos rested_ = 0;  // when resting_ is tried again
    int last_error_ = 0;
};

}  // namespace callwright
