// RFC 4733 events to a peer: digits one after the other, a packet each 20 ms.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "packet.hpp"

namespace callwright {

class EventSender {
  public:
    static constexpr unsigned FRAME_MS = 20;
    static constexpr unsigned ENDS = 3;        // the last packet is said three times (RFC 4733 section 2.5.1.4)
    static constexpr unsigned PAUSE_MS = 80;   // from a key that goes up to the next that goes down
    static constexpr unsigned MIN_MS = 40, MAX_MS = 5000;
    static constexpr std::size_t ROOM = 128;   // digits that may wait

    struct Packet {
        TelephoneEvent event;
        bool begins = false;        // the first of its event
        std::uint32_t segment = 0;  // ticks by which the event's timestamp moves on before this packet
    };

    // False: not all are digits, or they do not fit; nothing was queued.
    bool push(const std::string& digits, unsigned duration_ms) noexcept;
    // Whether audio is withheld: a digit or the pause after it is on its way.
    bool busy() const noexcept { return count_ != 0 || pause_ != 0; }
    // Each 20 ms. False: no packet goes out this time. rate: of the RTP clock, Hz.
    bool beat(unsigned rate, Packet& packet) noexcept;
    void clear() noexcept;

  private:
    struct Digit {
        std::uint8_t code;
        std::uint16_t duration_ms;
    };

    void finish() noexcept;

    std::array<Digit, ROOM> digits_{};
    std::size_t first_ = 0, count_ = 0;
    unsigned heard_ms_ = 0;       // of the digit that is being sent
    unsigned ends_ = 0;           // sent of it
    std::uint32_t segments_ = 0;  // ticks of it that lie in segments before
    unsigned pause_ = 0;          // beats left
};

}  // namespace callwright
