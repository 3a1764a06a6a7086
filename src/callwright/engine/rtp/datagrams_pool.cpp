#include "datagrams_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#endif

namespace callwright {

DatagramPool::~DatagramPool() {
    for (std::uint8_t* slab : slabs_) {
        ASAN_UNPOISON_MEMORY_REGION(slab, SLAB * STRIDE);
        ::munmap(slab, SLAB * STRIDE);
    }
}

void DatagramPool::grow(std::size_t count) {
    const std::size_t wanted = std::min<std::size_t>(count, LIMIT);
    while (size() < wanted) {
        spare_.reserve(size() + SLAB);
        slabs_.reserve(slabs_.size() + 1);
        void* slab = ::mmap(nullptr, SLAB * STRIDE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (slab == MAP_FAILED) throw std::bad_alloc();
        ASAN_POISON_MEMORY_REGION(slab, SLAB * STRIDE);
        const std::size_t first = size();
        slabs_.push_back(static_cast<std::uint8_t*>(slab));
        // The lowest is taken first.
        for (std::size_t i = SLAB; i-- > 0;) spare_.push_back(static_cast<std::uint16_t>(first + i));
    }
}

std::uint32_t DatagramPool::take() noexcept {
    if (spare_.empty()) return NONE;
    const std::uint32_t buffer = spare_.back();
    spare_.pop_back();
    ASAN_UNPOISON_MEMORY_REGION(head(buffer), STRIDE);
    return buffer;
}

void DatagramPool::give(std::uint32_t buffer) noexcept {
    ASAN_POISON_MEMORY_REGION(head(buffer), STRIDE);
    spare_.push_back(static_cast<std::uint16_t>(buffer));
}

}  // namespace callwright
