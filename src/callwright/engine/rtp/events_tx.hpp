// RFC 4733 events to a peer: digits one after the other, in the place of packets of sound.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "packet.hpp"

namespace callwright {

class EventSender {
  public:
    static constexpr unsigned ENDS = 3;  // the last packet is said three times (RFC 4733 section 2.5.1.4)
    // From a key that goes up to the next that goes down, at least; 3GPP TS 26.114 G.2 asks for 65. What the repeated
    // end leaves of it, but one packet at least, is sound: some receivers look at an event only when the payload type
    // changes.
    static constexpr unsigned PAUSE_MS = 80;
    static constexpr unsigned MIN_MS = 40, MAX_MS = 5000;
    static constexpr std::size_t ROOM = 128;   // digits that may wait

    struct Packet {
        TelephoneEvent event;
        bool begins = false;        // the first of its event
        std::uint32_t segment = 0;  // ticks by which the event's timestamp moves on before this packet
    };

    // False: not all are digits, or they do not fit; nothing was queued.
    bool push(const std::string& digits, unsigned duration_ms) noexcept;
    // Whether beat() is needed: digits wait, or one was just sent.
    bool busy() const noexcept { return count_ != 0 || pause_ != 0; }
    // Whether sound is withheld: a digit is on its way.
    bool speaks() const noexcept { return heard_ms_ != 0; }
    // For each packet that may go out. False: it is one of sound. rate: of the RTP clock, Hz; ptime: ms in a packet.
    bool beat(unsigned rate, unsigned ptime, Packet& packet) noexcept;
    // Nothing waits any more; what was pushed counts as sent.
    void clear() noexcept;
    // How many push() have been sent since the last look, the pause after their last digit included.
    unsigned take_sent() noexcept;

  private:
    struct Digit {
        std::uint8_t code;
        std::uint16_t duration_ms;
        bool last;  // of those that were pushed together
    };

    void finish(unsigned ptime) noexcept;

    std::array<Digit, ROOM> digits_{};
    std::size_t first_ = 0, count_ = 0;
    unsigned heard_ms_ = 0;       // of the digit that is being sent
    unsigned ends_ = 0;           // sent of it
    std::uint32_t segments_ = 0;  // ticks of it that lie in segments before
    unsigned pause_ = 0;          // packets of sound that are left
    bool after_last_ = false;     // of the pause
    unsigned sent_ = 0;
};

}  // namespace callwright
