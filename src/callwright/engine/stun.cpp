#include "stun.hpp"

#include <algorithm>
#include <cstring>

namespace callwright {

namespace {

constexpr std::size_t header_size = 20;
constexpr std::size_t attribute_header = 4;
constexpr std::array<std::uint8_t, 4> cookie{0x21, 0x12, 0xa4, 0x42};
constexpr unsigned binding_request = 0x0001;
constexpr unsigned binding_success = 0x0101;
constexpr unsigned binding_error = 0x0111;
constexpr unsigned error_code = 0x0009;
constexpr unsigned unknown_attributes = 0x000a;
constexpr unsigned xor_mapped_address = 0x0020;
constexpr std::size_t most_unknown = 4;  // that an answer names

using Unknown = std::array<unsigned, most_unknown>;

unsigned word_at(const std::uint8_t* data) { return static_cast<unsigned>(data[0]) << 8 | data[1]; }

// Attributes that must be understood, and that say nothing to a server that wants no password (section 18.2).
bool is_known(unsigned type) {
    constexpr std::array<unsigned, 8> known{0x0001, 0x0006, 0x0008, error_code, unknown_attributes,
                                            0x0014, 0x0015, xor_mapped_address};
    return type >= 0x8000 || std::find(known.begin(), known.end(), type) != known.end();
}

class Writer {
  public:
    Writer(StunAnswer& answer, unsigned type, const std::uint8_t* request) : answer_(answer) {
        word(type);
        word(0);
        append(request + 4, header_size - 4);  // the cookie and the transaction
    }
    void finish() {
        const std::size_t body = answer_.size - header_size;
        answer_.bytes[2] = static_cast<std::uint8_t>(body >> 8);
        answer_.bytes[3] = static_cast<std::uint8_t>(body);
    }

    void word(unsigned value) {
        const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
        append(bytes.data(), bytes.size());
    }
    void append(const std::uint8_t* data, std::size_t size) {
        std::memcpy(answer_.bytes.data() + answer_.size, data, size);
        answer_.size += size;
    }

  private:
    StunAnswer& answer_;
};

// False when attributes and length do not fit each other. `count` of those found must be understood and are not.
bool read_attributes(const std::uint8_t* data, std::size_t size, Unknown& unknown, std::size_t& count) {
    std::size_t at = header_size;
    while (at < size) {
        if (size - at < attribute_header) return false;
        const unsigned type = word_at(data + at);
        const std::size_t length = (word_at(data + at + 2) + std::size_t{3}) / 4 * 4;
        at += attribute_header;
        if (size - at < length) return false;
        at += length;
        if (!is_known(type) && count < unknown.size()) unknown[count++] = type;
    }
    return true;
}

// Section 15.2: the cookie, and for IPv6 the transaction behind it, over the address.
void write_address(Writer& writer, const std::uint8_t* request, const Address& source) {
    const bool ipv6 = source.any.sa_family == AF_INET6;
    std::array<std::uint8_t, 16> bytes{};
    const std::size_t size = ipv6 ? 16 : 4;
    const void* address = ipv6 ? static_cast<const void*>(&source.v6.sin6_addr) : &source.v4.sin_addr;
    std::memcpy(bytes.data(), address, size);
    for (std::size_t at = 0; at < size; ++at) bytes[at] ^= request[4 + at];
    writer.word(xor_mapped_address);
    writer.word(static_cast<unsigned>(4 + size));
    writer.word(ipv6 ? 2 : 1);
    writer.word(source.port() ^ word_at(cookie.data()));
    writer.append(bytes.data(), size);
}

void write_error(Writer& writer, const Unknown& unknown, std::size_t count) {
    writer.word(error_code);
    writer.word(4);
    writer.word(0);
    writer.word(4 << 8 | 20);  // 420
    writer.word(unknown_attributes);
    writer.word(static_cast<unsigned>(2 * count));
    for (std::size_t at = 0; at < count; ++at) writer.word(unknown[at]);
    if (count % 2 != 0) writer.word(0);
}

}  // namespace

bool is_stun(const std::uint8_t* data, std::size_t size) {
    return size >= header_size && (data[0] & 0xc0) == 0 && std::equal(cookie.begin(), cookie.end(), data + 4);
}

StunAnswer answer_binding(const std::uint8_t* data, std::size_t size, const Address& source) {
    StunAnswer answer;
    if (!is_stun(data, size) || !source.set() || word_at(data) != binding_request) return answer;
    Unknown unknown{};
    std::size_t count = 0;
    const bool fits = word_at(data + 2) == size - header_size && size % 4 == 0;
    answer.malformed = !fits || !read_attributes(data, size, unknown, count);
    if (answer.malformed) return answer;
    Writer writer(answer, count == 0 ? binding_success : binding_error, data);
    if (count == 0) {
        write_address(writer, data, source);
    } else {
        write_error(writer, unknown, count);
    }
    writer.finish();
    return answer;
}

}  // namespace callwright
