// sources: stun.cpp rtp/address.cpp
// A datagram that may be STUN's: whatever it says, the answer fits its request, and is never much longer.

#include "stun.hpp"

#include <netinet/in.h>

#include <cstring>

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(5060);
    const callwright::Address source = callwright::Address::of(&address);

    const bool stun = callwright::is_stun(data, size);
    const callwright::StunAnswer answer = callwright::answer_binding(data, size, source);
    REQUIRE(stun || (answer.size == 0 && !answer.malformed));
    REQUIRE(answer.size == 0 || !answer.malformed);
    REQUIRE(answer.size <= answer.bytes.size() && answer.size % 4 == 0);
    if (answer.size == 0) return 0;
    REQUIRE(answer.size >= 32 && answer.size <= size + 24);
    REQUIRE(answer.bytes[0] == 1 && (answer.bytes[1] == 0x01 || answer.bytes[1] == 0x11));
    REQUIRE(answer.bytes[2] == 0 && answer.bytes[3] == answer.size - 20);
    REQUIRE(std::memcmp(answer.bytes.data() + 4, data + 4, 16) == 0);
    return 0;
}
