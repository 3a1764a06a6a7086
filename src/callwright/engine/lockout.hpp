// Who has guessed wrong too often, and until when he is not listened to.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "recent.hpp"

namespace callwright {

struct LockoutPolicy {
    using Duration = std::chrono::steady_clock::duration;
    unsigned failures = 5;  // within the window
    Duration window = std::chrono::minutes(1);
    Duration block = std::chrono::minutes(1);  // the first; each further one is twice as long
    Duration longest = std::chrono::hours(1);  // and for that long after its end a block is remembered
};

class Lockout {
  public:
    using Clock = std::chrono::steady_clock;

    bool blocked(const std::string& key, Clock::time_point now);
    // The block that this failure begins; zero for none.
    Clock::duration fail(const std::string& key, const LockoutPolicy& policy, Clock::time_point now);

  private:
    struct Record {
        unsigned failures = 0;
        Clock::time_point counted_from{};
        Clock::time_point blocked_until{};
        Clock::duration block{};
    };

    static constexpr std::size_t capacity = 16384;
    Recent<Record> records_{capacity};
};

}  // namespace callwright
