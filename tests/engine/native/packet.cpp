// sources: rtp/packet.cpp
// RTP, RTCP and RFC 4733 as bytes, the broken ones first.
#include "rtp/packet.hpp"

#include <cstring>
#include <initializer_list>
#include <vector>

#include "check.hpp"

using namespace callwright;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes packet(std::initializer_list<int> first, std::size_t size) {
    Bytes bytes(size, 0);
    std::size_t at = 0;
    for (const int byte : first) bytes[at++] = static_cast<std::uint8_t>(byte);
    return bytes;
}

bool parses(const Bytes& bytes, RtpPacket& parsed) {
    // Of the exact size, so that a sanitizer sees a step beyond it.
    std::vector<std::uint8_t> exact(bytes);
    exact.shrink_to_fit();
    return parse_rtp(exact.data(), exact.size(), parsed);
}

void test_a_plain_packet() {
    Bytes bytes = packet({0x80, 0x80 | 8, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8}, 172);
    RtpPacket parsed;
    CHECK(parses(bytes, parsed));
    CHECK(parsed.marker);
    CHECK_EQUAL(parsed.payload_type, 8);
    CHECK_EQUAL(parsed.sequence, 0x1234);
    CHECK_EQUAL(parsed.timestamp, 0x01020304);
    CHECK_EQUAL(parsed.ssrc, 0x05060708);
    CHECK_EQUAL(parsed.header, 12);
    CHECK_EQUAL(parsed.payload, 160);
}

void test_sources_extension_and_padding_are_stepped_over() {
    RtpPacket parsed;
    // Two contributing sources.
    CHECK(parses(packet({0x82, 0}, 12 + 8 + 5), parsed));
    CHECK_EQUAL(parsed.header, 20);
    CHECK_EQUAL(parsed.payload, 5);
    // An extension of three words behind one source.
    Bytes extended = packet({0x91, 0}, 12 + 4 + 4 + 12 + 7);
    extended[12 + 4 + 3] = 3;
    CHECK(parses(extended, parsed));
    CHECK_EQUAL(parsed.header, 32);
    CHECK_EQUAL(parsed.payload, 7);
    // Padding: the last byte counts itself.
    Bytes padded = packet({0xA0, 0}, 12 + 10);
    padded.back() = 4;
    CHECK(parses(padded, parsed));
    CHECK_EQUAL(parsed.payload, 6);
    padded.back() = 10;
    CHECK(parses(padded, parsed));
    CHECK_EQUAL(parsed.payload, 0);
}

void test_lengths_that_contradict_one_another() {
    RtpPacket parsed;
    for (std::size_t size = 0; size < 12; ++size) CHECK(!parses(packet({}, size), parsed));
    CHECK(!parses(packet({0x00, 0}, 172), parsed));       // version 0
    CHECK(!parses(packet({0x40, 0}, 172), parsed));       // version 1
    CHECK(!parses(packet({0x8F, 0}, 12 + 59), parsed));   // fifteen sources, of which the last is cut
    CHECK(!parses(packet({0x90, 0}, 15), parsed));        // an extension without its length
    Bytes huge = packet({0x90, 0}, 400);
    huge[14] = 0xFF, huge[15] = 0xFF;                     // an extension of 64 Ki words
    CHECK(!parses(huge, parsed));
    Bytes padded = packet({0xA0, 0}, 12 + 10);
    padded.back() = 0;                                    // padding that does not even count itself
    CHECK(!parses(padded, parsed));
    padded.back() = 11;                                   // more than there is
    CHECK(!parses(padded, parsed));
    CHECK(!parses(packet({0xA0, 0}, 12), parsed));        // padding of nothing
}

void test_what_is_written_is_parsed_alike() {
    RtpPacket out;
    out.marker = true;
    out.payload_type = 101;
    out.sequence = 65535;
    out.timestamp = 0xFFFFFFFF;
    out.ssrc = 0xDEADBEEF;
    Bytes bytes(12);
    write_rtp(bytes.data(), out);
    RtpPacket in;
    CHECK(parses(bytes, in));
    CHECK(in.marker);
    CHECK_EQUAL(in.payload_type, 101);
    CHECK_EQUAL(in.sequence, 65535);
    CHECK_EQUAL(in.timestamp, 0xFFFFFFFF);
    CHECK_EQUAL(in.ssrc, 0xDEADBEEF);
}

void test_kinds() {
    const auto kind = [](std::initializer_list<int> first, std::size_t size) {
        const Bytes bytes = packet(first, size);
        return kind_of(bytes.data(), bytes.size());
    };
    CHECK(kind({0x80, 0}, 12) == PacketKind::RTP);
    CHECK(kind({0x80, 0}, 11) == PacketKind::OTHER);
    CHECK(kind({0x80, 0x80 | 101}, 16) == PacketKind::RTP);
    CHECK(kind({0x80, 200}, 28) == PacketKind::RTCP);
    CHECK(kind({0x81, 201}, 8) == PacketKind::RTCP);
    CHECK(kind({0x81, 205}, 12) == PacketKind::RTCP);
    CHECK(kind({0x00, 0x01}, 20) == PacketKind::OTHER);  // STUN
    CHECK(kind({22, 254}, 60) == PacketKind::OTHER);     // DTLS
    CHECK(kind({}, 0) == PacketKind::OTHER);
}

void test_events() {
    const Bytes bytes = packet({11, 0x80 | 10, 0x03, 0x20}, 4);
    TelephoneEvent event;
    CHECK(parse_event(bytes.data(), bytes.size(), event));
    CHECK_EQUAL(event.code, 11);
    CHECK(event.end);
    CHECK_EQUAL(event.volume, 10);
    CHECK_EQUAL(event.duration, 800);
    CHECK(!parse_event(bytes.data(), 3, event));
    Bytes written(4);
    write_event(written.data(), event);
    CHECK(written == bytes);
    for (const char digit : std::string("0123456789*#ABCD")) {
        CHECK_EQUAL(digit_of(static_cast<std::uint8_t>(code_of(digit))), digit);
    }
    CHECK_EQUAL(code_of('a'), 12);
    CHECK_EQUAL(code_of('w'), -1);
    CHECK_EQUAL(code_of('\0'), -1);
    CHECK_EQUAL(digit_of(16), '\0');
    CHECK_EQUAL(digit_of(255), '\0');
}

}  // namespace

int main() {
    test_a_plain_packet();
    test_sources_extension_and_padding_are_stepped_over();
    test_lengths_that_contradict_one_another();
    test_what_is_written_is_parsed_alike();
    test_kinds();
    test_events();
}
