// The digest of RFC 7616 as SIP uses it: quality of protection "auth", SHA-256 and MD5 (RFC 8760).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callwright {

// The stronger first: the order in which they are offered (RFC 8760 section 2.3).
enum class Algorithm : std::uint8_t { SHA_256, MD5 };
constexpr std::array<Algorithm, 2> digest_algorithms{Algorithm::SHA_256, Algorithm::MD5};

const char* name_of(Algorithm algorithm);
// No name means MD5 (RFC 7616 section 3.4).
std::optional<Algorithm> algorithm_named(std::string_view name);
// Hexadecimal digits of a digest.
constexpr std::size_t length_of(Algorithm algorithm) { return algorithm == Algorithm::SHA_256 ? 64 : 32; }

// What a response is made of beside H(A1); the values as they stand in the message, without quotes.
struct DigestInput {
    std::string_view method;
    std::string_view uri;
    std::string_view nonce;
    std::string_view count;  // nc
    std::string_view cnonce;
};

// RFC 7616 section 3.4.1, lower case. Empty when libcrypto refuses the algorithm.
std::string response_of(Algorithm algorithm, std::string_view ha1, const DigestInput& input);

std::string to_hex(const std::uint8_t* bytes, std::size_t count);
// False for anything but `count` bytes in hexadecimal.
bool from_hex(std::string_view text, std::uint8_t* bytes, std::size_t count);
// The time depends on the lengths only.
bool equal_secrets(std::string_view one, std::string_view other);

}  // namespace callwright
