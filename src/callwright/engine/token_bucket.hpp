// A rate with a burst.
#pragma once

#include <algorithm>
#include <chrono>

namespace callwright {

// The caller's locking.
class TokenBucket {
  public:
    using Clock = std::chrono::steady_clock;

    TokenBucket() = default;
    TokenBucket(double per_second, double burst, Clock::time_point now)
        : rate_(per_second), burst_(burst), tokens_(burst), filled_(now) {}

    bool take(Clock::time_point now) {
        const std::chrono::duration<double> passed = now - filled_;
        filled_ = now;
        tokens_ = std::min(burst_, tokens_ + passed.count() * rate_);
        if (tokens_ < 1) return false;
        tokens_ -= 1;
        return true;
    }

  private:
    double rate_ = 0;
    double burst_ = 0;
    double tokens_ = 0;
    Clock::time_point filled_{};
};

}  // namespace callwright
