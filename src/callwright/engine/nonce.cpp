#include "nonce.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace callwright {

namespace {

// Milliseconds since the start and a random number, in the order in which they stand; the seal follows.
constexpr std::size_t time_bytes = 6;
constexpr std::size_t id_bytes = 8;
constexpr std::size_t head_bytes = time_bytes + id_bytes;
constexpr std::size_t seal_bytes = 12;
constexpr std::size_t nonce_bytes = head_bytes + seal_bytes;

constexpr std::size_t max_windows = 65536;
constexpr std::uint32_t window_width = 64;

}  // namespace

Nonces::Nonces() {
    if (RAND_bytes(key_.data(), static_cast<int>(key_.size())) != 1) throw std::runtime_error("no random bytes");
}

std::array<std::uint8_t, 12> Nonces::seal(const std::uint8_t* head, std::string_view source,
                                          std::string_view realm) const {
    // The source's length keeps it apart from the realm.
    std::string text(reinterpret_cast<const char*>(head), head_bytes);
    text += static_cast<char>(source.size());
    text.append(source).append(realm);
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> whole{};
    unsigned size = 0;
    HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const std::uint8_t*>(text.data()),
         text.size(), whole.data(), &size);
    std::array<std::uint8_t, seal_bytes> part{};
    std::copy_n(whole.begin(), part.size(), part.begin());
    return part;
}

std::string Nonces::issue(std::string_view source, std::string_view realm, Clock::time_point now) {
    std::array<std::uint8_t, nonce_bytes> bytes{};
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - born_).count();
    for (std::size_t i = 0; i < time_bytes; ++i) {
        bytes[i] = static_cast<std::uint8_t>(passed >> (8 * (time_bytes - 1 - i)));
    }
    // Two peers behind one address must not share a nonce: each counts for itself. Without randomness the seal still
    // holds.
    [[maybe_unused]] const int drawn = RAND_bytes(bytes.data() + time_bytes, id_bytes);
    const auto part = seal(bytes.data(), source, realm);
    std::copy(part.begin(), part.end(), bytes.begin() + head_bytes);
    return to_hex(bytes.data(), bytes.size());
}

std::optional<Nonces::Nonce> Nonces::verify(std::string_view text, std::string_view source, std::string_view realm,
                                            Clock::time_point now, Clock::duration lifetime) const {
    std::array<std::uint8_t, nonce_bytes> bytes{};
    if (!from_hex(text, bytes.data(), bytes.size())) return std::nullopt;
    const auto part = seal(bytes.data(), source, realm);
    if (CRYPTO_memcmp(part.data(), bytes.data() + head_bytes, part.size()) != 0) return std::nullopt;
    std::int64_t passed = 0;
    for (std::size_t i = 0; i < time_bytes; ++i) passed = passed * 256 + bytes[i];
    Nonce nonce;
    nonce.issued = born_ + std::chrono::milliseconds(passed);
    std::memcpy(&nonce.id, bytes.data() + time_bytes, sizeof(nonce.id));
    if (now - nonce.issued > lifetime) return std::nullopt;
    return nonce;
}

bool Nonces::fresh(const Nonce& nonce, Algorithm algorithm, std::uint32_t count) const {
    const auto found = windows_.find(nonce.id);
    if (found == windows_.end()) return nonce.issued >= floor_;
    const Window& window = found->second;
    // Both algorithms are offered with one nonce: who answered with the stronger does not fall back to the weaker.
    if (window.algorithm != algorithm) return false;
    if (count > window.highest) return true;
    const std::uint32_t behind = window.highest - count;
    return behind < window_width && (window.seen >> behind & 1) == 0;
}

void Nonces::use(const Nonce& nonce, Algorithm algorithm, std::uint32_t count, Clock::time_point now,
                 Clock::duration lifetime) {
    const auto [place, made] = windows_.try_emplace(nonce.id, Window{nonce.issued, algorithm, count, 1});
    if (made) {
        order_.emplace_back(now, nonce.id);
        forget(now, lifetime);
        return;
    }
    Window& window = place->second;
    if (count > window.highest) {
        const std::uint32_t step = count - window.highest;
        window.seen = step < window_width ? window.seen << step | 1 : 1;
        window.highest = count;
    } else {
        window.seen |= std::uint64_t{1} << (window.highest - count);
    }
}

void Nonces::forget(Clock::time_point now, Clock::duration lifetime) {
    while (!order_.empty() && (now - order_.front().first > lifetime || order_.size() > max_windows)) {
        const auto oldest = windows_.find(order_.front().second);
        floor_ = std::max(floor_, oldest->second.issued + std::chrono::milliseconds(1));
        windows_.erase(oldest);
        order_.pop_front();
    }
}

}  // namespace callwright
