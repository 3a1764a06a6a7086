#include "digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cctype>

namespace callwright {

namespace {

std::string hashed(Algorithm algorithm, const std::string& text) {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes;
    unsigned size = 0;
    const EVP_MD* method = algorithm == Algorithm::SHA_256 ? EVP_sha256() : EVP_md5();
    if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, method, nullptr) != 1) return {};
    return to_hex(bytes.data(), size);
}

int value_of(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

}  // namespace

const char* name_of(Algorithm algorithm) { return algorithm == Algorithm::SHA_256 ? "SHA-256" : "MD5"; }

std::optional<Algorithm> algorithm_named(std::string_view name) {
    if (name.empty()) return Algorithm::MD5;
    for (const Algorithm algorithm : digest_algorithms) {
        const std::string_view known = name_of(algorithm);
        const bool equal = std::equal(name.begin(), name.end(), known.begin(), known.end(), [](char one, char other) {
            return std::toupper(static_cast<unsigned char>(one)) == other;
        });
        if (equal) return algorithm;
    }
    return std::nullopt;
}

std::string response_of(Algorithm algorithm, std::string_view ha1, const DigestInput& input) {
    std::string text;
    text.append(input.method).append(":").append(input.uri);
    const std::string ha2 = hashed(algorithm, text);
    text.assign(ha1).append(":").append(input.nonce).append(":").append(input.count).append(":");
    text.append(input.cnonce).append(":auth:").append(ha2);
    return ha2.empty() ? ha2 : hashed(algorithm, text);
}

std::string to_hex(const std::uint8_t* bytes, std::size_t count) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(count * 2);
    for (std::size_t i = 0; i < count; ++i) {
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

bool from_hex(std::string_view text, std::uint8_t* bytes, std::size_t count) {
    if (text.size() != count * 2) return false;
    for (std::size_t i = 0; i < count; ++i) {
        const int high = value_of(text[2 * i]);
        const int low = value_of(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return true;
}

bool equal_secrets(std::string_view one, std::string_view other) {
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace callwright
