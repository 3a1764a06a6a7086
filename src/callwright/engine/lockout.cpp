#include "lockout.hpp"

#include <algorithm>

namespace callwright {

bool Lockout::blocked(const std::string& key, Clock::time_point now) {
    const Record* record = records_.find(key);
    return record != nullptr && now < record->blocked_until;
}

Lockout::Clock::duration Lockout::fail(const std::string& key, const LockoutPolicy& policy, Clock::time_point now) {
    Record& record = records_.at(key);
    if (now < record.blocked_until) return {};
    if (record.failures == 0 || now - record.counted_from > policy.window) {
        record.failures = 0;
        record.counted_from = now;
    }
    if (++record.failures < policy.failures) return {};
    record.failures = 0;
    const bool again = record.block != Clock::duration::zero() && now - record.blocked_until < policy.longest;
    record.block = again ? std::min(record.block * 2, policy.longest) : policy.block;
    record.blocked_until = now + record.block;
    return record.block;
}

}  // namespace callwright
