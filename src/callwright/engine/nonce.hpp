// The nonces of our challenges: nothing is kept of one until it has been answered rightly.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "digest.hpp"

namespace callwright {

// A nonce tells when it was made and carries a keyed digest over that, the peer's address and the realm, so that it
// is worth nothing elsewhere and later. The key lives as long as this object.
class Nonces {
  public:
    using Clock = std::chrono::steady_clock;

    struct Nonce {
        Clock::time_point issued;
        std::uint64_t id = 0;
    };

    // Throws std::runtime_error when the system has no randomness.
    Nonces();

    // `source`: the bytes of the peer's address.
    std::string issue(std::string_view source, std::string_view realm, Clock::time_point now);
    // Nothing unless it is ours, of this source and realm, and not too old.
    std::optional<Nonce> verify(std::string_view text, std::string_view source, std::string_view realm,
                                Clock::time_point now, Clock::duration lifetime) const;
    // Whether this count was not used with it before (RFC 7616 section 3.4), nor another algorithm. Counts may come
    // out of order by 64.
    bool fresh(const Nonce& nonce, Algorithm algorithm, std::uint32_t count) const;
    // From now on it is not.
    void use(const Nonce& nonce, Algorithm algorithm, std::uint32_t count, Clock::time_point now,
             Clock::duration lifetime);

    std::size_t size() const { return windows_.size(); }

  private:
    struct Window {
        Clock::time_point issued;
        Algorithm algorithm;
        std::uint32_t highest;
        std::uint64_t seen;  // bit n: highest - n
    };

    std::array<std::uint8_t, 12> seal(const std::uint8_t* head, std::string_view source, std::string_view realm) const;
    void forget(Clock::time_point now, Clock::duration lifetime);

    const Clock::time_point born_ = Clock::now();
    std::array<std::uint8_t, 32> key_{};
    std::unordered_map<std::uint64_t, Window> windows_;
    std::deque<std::pair<Clock::time_point, std::uint64_t>> order_;  // by first use
    // What was issued until then and has no window is not taken: its window may have been given up.
    Clock::time_point floor_ = born_;
};

}  // namespace callwright
