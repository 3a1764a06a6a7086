// What a leg may negotiate: of its trunk, its user or its call.
#pragma once

#include <string>
#include <vector>

#include "codecs.hpp"

namespace callwright {

// RFC 3711 for the audio.
enum class Srtp { OFF, OPTIONAL, REQUIRED };

// Where the keys of our offers come from (RFC 4568, RFC 5764). An answer takes what was offered.
enum class Keying { SDES, DTLS };

// Provisional responses that are acknowledged (RFC 3262).
enum class Reliable { OFF, SUPPORTED, REQUIRED };

struct Policy {
    CodecList codecs;
    bool their_order = false;  // of an offer the first of these that its sender names is taken, not the first of ours
    Srtp srtp = Srtp::OFF;
    Keying keying = Keying::SDES;
    Reliable reliable = Reliable::SUPPORTED;
    bool timer = true;         // of the session (RFC 4028), where the engine has them
    bool symmetric = false;    // requests within a dialog go where the peer's come from, whatever its Contact names
    bool marks_events = true;  // the first packet of an RFC 4733 event
};

// A policy as it is written; what is empty is as in the policy that it amends.
struct PolicyText {
    std::vector<std::string> codecs;
    std::string srtp;      // "off" | "optional" | "required"
    std::string keying;    // "sdes" | "dtls"
    std::string reliable;  // "off" | "supported" | "required"
    std::vector<std::string> quirks = {};  // "no-session-timer" | "symmetric-port" | "dtmf-without-marker"

    // Throws std::invalid_argument.
    Policy amend(Policy policy) const;
};

}  // namespace callwright
