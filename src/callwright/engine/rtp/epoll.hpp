// Datagrams by one system call a packet: works everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <sys/epoll.h>

#include "datagrams.hpp"
#include "datagrams_pool.hpp"

namespace callwright {

class Epoll final : public Datagrams {
  public:
    // Throws std::system_error.
    Epoll();
    ~Epoll() override;

    const char* backend() const noexcept override { return "epoll"; }
    void add(int socket, Receiver* receiver, int channel) override;
    void remove(int socket) noexcept override;
    Datagram buffer() noexcept override;
    void send(int socket, const Address& to, Datagram datagram) noexcept override;
    void turn(Nanos deadline) noexcept override;
    void wake() noexcept override;
    void close() noexcept override;

  private:
    struct Socket {
        Receiver* receiver = nullptr;  // nullptr: not ours
        int channel = 0;
        unsigned failures = 0;  // since the last datagram
        bool watched = false;
        Nanos last = 0;  // datagram
    };

    void give_back(std::uint64_t buffer) noexcept override { pool_.give(static_cast<std::uint32_t>(buffer)); }
    Socket& at(int socket) noexcept { return sockets_[static_cast<std::size_t>(socket)]; }
    void gather(Nanos deadline) noexcept;
    void hand_out(Nanos deadline) noexcept;
    int wait(Nanos deadline) noexcept;
    void receive(int socket, Nanos now) noexcept;
    bool receive_one(int socket, Nanos now) noexcept;
    bool discard(int socket) noexcept;
    void failed(int socket) noexcept;
    bool watch(int socket) noexcept;
    void watch_rested(Nanos now) noexcept;

    std::array<epoll_event, 256> ready_{};
    DatagramPool pool_;
    std::vector<Socket> sockets_;  // by descriptor
    std::vector<int> resting_;
    Nanos rested_ = 0;  // when they are tried again
    std::size_t count_ = 0;
    int epoll_ = -1;
    int wakeup_ = -1;
    unsigned count_ready_ = 0, next_ = 0;  // of ready_
    bool precise_ = true;                  // the kernel knows epoll_pwait2 (5.11)
    bool closed_ = false;
};

}  // namespace callwright
