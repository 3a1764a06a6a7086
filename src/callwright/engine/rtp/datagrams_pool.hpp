// The buffers that datagrams are received into and sent from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "datagrams.hpp"

namespace callwright {

class DatagramPool {
  public:
    // Before the data: the kernel's header and the sender's address when it was received by io_uring, the receiver's
    // address while it is being sent.
    static constexpr std::size_t HEAD = 48;
    // An odd number of cache lines, so that the packets of many buffers do not compete for the same sets of a cache.
    static constexpr std::size_t STRIDE = 33 * 64;
    static_assert(HEAD + Datagram::ROOM <= STRIDE);
    static constexpr std::uint32_t LIMIT = 32768;  // buffers: io_uring numbers them by 16 bits
    static constexpr std::uint32_t NONE = UINT32_MAX;

    DatagramPool() = default;
    ~DatagramPool();
    DatagramPool(const DatagramPool&) = delete;
    DatagramPool& operator=(const DatagramPool&) = delete;

    // At least `count` buffers in all, LIMIT at most. Pages are touched when they are used for the first time. Throws
    // std::bad_alloc.
    void grow(std::size_t count);
    // The one given back last; NONE when there is none.
    std::uint32_t take() noexcept;
    void give(std::uint32_t buffer) noexcept;
    std::uint8_t* head(std::uint32_t buffer) const noexcept {
        return slabs_[buffer / SLAB] + (buffer % SLAB) * STRIDE;
    }
    std::uint8_t* data(std::uint32_t buffer) const noexcept { return head(buffer) + HEAD; }
    std::size_t size() const noexcept { return slabs_.size() * SLAB; }
    std::size_t spare() const noexcept { return spare_.size(); }

  private:
    static constexpr std::uint32_t SLAB = 128;

    std::vector<std::uint8_t*> slabs_;
    std::vector<std::uint16_t> spare_;
};

}  // namespace callwright
