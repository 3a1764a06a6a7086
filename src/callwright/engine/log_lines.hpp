// pjproject's own log, as LOG events that cannot flood Python.
#pragma once

#include <atomic>
#include <cstdint>

#include "event.hpp"

namespace callwright {

// Any thread.
class LogLines {
  public:
    LogLines(EventQueue& events, int level) : events_(events), level_(level) {}

    // Blanks credentials, shortens what is no trace, and drops what is too much.
    void write(int level, const char* data, int length);
    std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  private:
    bool is_too_much();

    EventQueue& events_;
    const int level_;
    std::atomic<std::int64_t> second_{0};
    std::atomic<unsigned> in_second_{0};
    std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace callwright
