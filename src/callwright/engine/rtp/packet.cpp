#include "packet.hpp"

#include <cctype>
#include <cstring>

namespace callwright {

namespace {

constexpr char KEYS[] = "0123456789*#ABCD";
constexpr std::size_t KEY_COUNT = sizeof KEYS - 1;

}  // namespace

std::uint16_t get16(const std::uint8_t* data) noexcept {
    return static_cast<std::uint16_t>(data[0] << 8 | data[1]);
}

std::uint32_t get32(const std::uint8_t* data) noexcept {
    return std::uint32_t{get16(data)} << 16 | get16(data + 2);
}

void put16(std::uint8_t* data, std::uint16_t value) noexcept {
    data[0] = static_cast<std::uint8_t>(value >> 8);
    data[1] = static_cast<std::uint8_t>(value);
}

void put32(std::uint8_t* data, std::uint32_t value) noexcept {
    put16(data, static_cast<std::uint16_t>(value >> 16));
    put16(data + 2, static_cast<std::uint16_t>(value));
}

PacketKind kind_of(const std::uint8_t* data, std::size_t size) noexcept {
    if (size < 8 || data[0] >> 6 != 2) return PacketKind::OTHER;
    if (data[1] >= 192 && data[1] <= 223) return PacketKind::RTCP;
    return size < RtpPacket::HEADER ? PacketKind::OTHER : PacketKind::RTP;
}

bool is_dtls(const std::uint8_t* data, std::size_t size) noexcept { return size != 0 && data[0] > 19 && data[0] < 64; }

bool parse_rtp(const std::uint8_t* data, std::size_t size, RtpPacket& packet) noexcept {
    if (size < RtpPacket::HEADER || data[0] >> 6 != 2) return false;
    std::size_t header = RtpPacket::HEADER + 4 * std::size_t{data[0] & 0x0Fu};
    if ((data[0] & 0x10) != 0) {
        if (header + 4 > size) return false;
        header += 4 + 4 * std::size_t{get16(data + header + 2)};
    }
    if (header > size) return false;
    std::size_t payload = size - header;
    if ((data[0] & 0x20) != 0) {
        if (payload == 0) return false;
        const std::size_t padding = data[size - 1];
        if (padding == 0 || padding > payload) return false;
        payload -= padding;
    }
    packet.marker = (data[1] & 0x80) != 0;
    packet.payload_type = data[1] & 0x7F;
    packet.sequence = get16(data + 2);
    packet.timestamp = get32(data + 4);
    packet.ssrc = get32(data + 8);
    packet.header = header;
    packet.payload = payload;
    return true;
}

void write_rtp(std::uint8_t* data, const RtpPacket& packet) noexcept {
    data[0] = 0x80;
    data[1] = static_cast<std::uint8_t>((packet.marker ? 0x80 : 0) | (packet.payload_type & 0x7F));
    put16(data + 2, packet.sequence);
    put32(data + 4, packet.timestamp);
    put32(data + 8, packet.ssrc);
}

bool parse_event(const std::uint8_t* payload, std::size_t size, TelephoneEvent& event) noexcept {
    if (size < TelephoneEvent::SIZE) return false;
    event.code = payload[0];
    event.end = (payload[1] & 0x80) != 0;
    event.volume = payload[1] & 0x3F;
    event.duration = get16(payload + 2);
    return true;
}

void write_event(std::uint8_t* payload, const TelephoneEvent& event) noexcept {
    payload[0] = event.code;
    payload[1] = static_cast<std::uint8_t>((event.end ? 0x80 : 0) | (event.volume & 0x3F));
    put16(payload + 2, event.duration);
}

char digit_of(std::uint8_t code) noexcept { return code < KEY_COUNT ? KEYS[code] : '\0'; }

int code_of(char digit) noexcept {
    const int key = std::toupper(static_cast<unsigned char>(digit));
    const void* found = key == 0 ? nullptr : std::memchr(KEYS, key, KEY_COUNT);
    return found == nullptr ? -1 : static_cast<int>(static_cast<const char*>(found) - KEYS);
}

}  // namespace callwright
