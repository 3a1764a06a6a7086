// An event made beforehand, so that the media thread can send it without allocating.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "event.hpp"

namespace callwright {

// Any number of threads may take, one at a time may arm. Each arming fills all slots: with one, the event is sent once
// for each arming; with two, a taker that was delayed between its decision and take() cannot leave the next occasion
// without an event.
template <std::size_t Slots = 1>
class Signal {
  public:
    Signal() = default;
    explicit Signal(std::unique_ptr<Event> once) { slots_[0].store(once.release(), std::memory_order_relaxed); }
    ~Signal() {
        for (auto& slot : slots_) {
            delete slot.load(std::memory_order_acquire);
        }
    }
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    // The event, or nothing when it was taken and not armed since.
    std::unique_ptr<Event> take() noexcept {
        for (auto& slot : slots_) {
            if (Event* event = slot.exchange(nullptr, std::memory_order_acq_rel)) {
                return std::unique_ptr<Event>(event);
            }
        }
        return nullptr;
    }

    template <typename... Arguments>
    void arm(const Arguments&... arguments) {
        for (auto& slot : slots_) {
            if (slot.load(std::memory_order_acquire) == nullptr) {
                slot.store(new Event(arguments...), std::memory_order_release);
            }
        }
    }

  private:
    std::array<std::atomic<Event*>, Slots> slots_{};
};

}  // namespace callwright
