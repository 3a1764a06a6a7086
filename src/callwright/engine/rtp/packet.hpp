// RTP and RFC 4733 as bytes: what came is untrusted, so that everything is bounded here and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>

namespace callwright {

// What shares the sockets of a leg (RFC 7983 section 7, RFC 5761 section 4).
enum class PacketKind { RTP, RTCP, OTHER };

PacketKind kind_of(const std::uint8_t* data, std::size_t size) noexcept;
// A record of DTLS, among what is OTHER.
bool is_dtls(const std::uint8_t* data, std::size_t size) noexcept;

// RFC 3550 section 5.1.
struct RtpPacket {
    static constexpr std::size_t HEADER = 12;  // bytes, of one without sources and extension

    bool marker = false;
    std::uint8_t payload_type = 0;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t ssrc = 0;
    std::size_t header = HEADER;  // bytes before the payload: contributing sources and extension with it
    std::size_t payload = 0;      // bytes of it, padding left out
};

// False: not RTP, or its lengths contradict one another.
bool parse_rtp(const std::uint8_t* data, std::size_t size, RtpPacket& packet) noexcept;
// The twelve bytes of a header without sources, extension and padding.
void write_rtp(std::uint8_t* data, const RtpPacket& packet) noexcept;

// RFC 4733 section 2.3.
struct TelephoneEvent {
    static constexpr std::size_t SIZE = 4;

    std::uint8_t code = 0;  // 0 to 15: 0-9 * # A-D
    bool end = false;
    std::uint8_t volume = 0;  // dBm0 below zero
    std::uint16_t duration = 0;  // ticks of the RTP clock
};

bool parse_event(const std::uint8_t* payload, std::size_t size, TelephoneEvent& event) noexcept;
void write_event(std::uint8_t* payload, const TelephoneEvent& event) noexcept;
// '\0': not a key of a telephone (a hook flash, a modem's tone).
char digit_of(std::uint8_t code) noexcept;
// -1: not a digit.
int code_of(char digit) noexcept;

// Big-endian words.
std::uint16_t get16(const std::uint8_t* data) noexcept;
std::uint32_t get32(const std::uint8_t* data) noexcept;
void put16(std::uint8_t* data, std::uint16_t value) noexcept;
void put32(std::uint8_t* data, std::uint32_t value) noexcept;

}  // namespace callwright
