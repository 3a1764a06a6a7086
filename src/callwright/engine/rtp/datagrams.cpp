#include "datagrams.hpp"

#include <time.h>

#include <system_error>
#include <utility>

#include "epoll.hpp"
#include "uring.hpp"

namespace callwright {

Datagram::Datagram(Datagram&& other) noexcept
    : data(std::exchange(other.data, nullptr)),
      size(other.size),
      from(other.from),
      owner_(other.owner_),
      buffer_(other.buffer_) {}

Datagram& Datagram::operator=(Datagram&& other) noexcept {
    if (this == &other) return *this;
    drop();
    data = std::exchange(other.data, nullptr);
    size = other.size;
    from = other.from;
    owner_ = other.owner_;
    buffer_ = other.buffer_;
    return *this;
}

void Datagram::drop() noexcept {
    if (std::exchange(data, nullptr) != nullptr) owner_->give_back(buffer_);
}

std::unique_ptr<Datagrams> Datagrams::open(const std::string& backend) {
    if (backend == "epoll") return std::make_unique<Epoll>();
    if (backend == "io_uring") return Uring::open();
    if (backend != "auto") {
        throw std::system_error(std::make_error_code(std::errc::invalid_argument), "no such backend: " + backend);
    }
    try {
        return Uring::open();
    } catch (const std::system_error& error) {
        auto datagrams = std::make_unique<Epoll>();
        datagrams->why_not_ = error.what();
        return datagrams;
    }
}

Datagrams::Counters Datagrams::counters() const noexcept {
    return {received_.get(), sent_.get(), refused_.get(), dropped_.get(), system_calls_.get()};
}

Datagram Datagrams::lend(std::uint8_t* data, std::size_t size, std::uint64_t buffer) noexcept {
    Datagram datagram;
    datagram.data = data;
    datagram.size = size;
    datagram.owner_ = this;
    datagram.buffer_ = buffer;
    return datagram;
}

Nanos monotonic_now() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return Nanos{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace callwright
