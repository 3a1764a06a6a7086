// STUN as a keep-alive: Binding requests, and their answers, as bytes (RFC 5389; RFC 5626 section 3.5.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "rtp/address.hpp"

namespace callwright {

struct StunAnswer {
    std::array<std::uint8_t, 48> bytes{};
    std::size_t size = 0;  // 0: there is none
    bool malformed = false;
};

// Whether a datagram is STUN's: no SIP message begins like that.
bool is_stun(const std::uint8_t* data, std::size_t size);
// What a Binding request from an address is answered: the address (XOR-MAPPED-ADDRESS), or 420 when it asks for what we
// do not know. Nothing to an indication, a response, another method or anything malformed.
StunAnswer answer_binding(const std::uint8_t* data, std::size_t size, const Address& source);

}  // namespace callwright
