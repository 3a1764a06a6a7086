// RFC 4733 events as a peer sends them, lost, late and repeated packets and all: one press each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "packet.hpp"

namespace callwright {

class EventReceiver {
  public:
    // rate: of the RTP clock, Hz.
    explicit EventReceiver(unsigned rate = 8000) noexcept : rate_(rate) {}

    // A packet with an event. True: a key went down that was not reported before.
    bool receive(const RtpPacket& packet, const TelephoneEvent& event) noexcept;
    // Asked of every packet with an event: whether it belongs to the series of the one before. Some gateways send their
    // digits under another SSRC than the sound's, in between its packets: there one alone may be a stray, two are none.
    bool follows(const RtpPacket& packet) noexcept;
    // What the last press has lasted so far, ms.
    unsigned duration_ms() const noexcept;
    // Another clock: timestamps have nothing to do with those before.
    void restart(unsigned rate) noexcept;

  private:
    struct Event {
        bool known = false;
        bool ended = false;
        std::uint8_t code = 0;
        std::uint32_t ssrc = 0;       // whose timestamps these are
        std::uint32_t began = 0;      // timestamp of its first packet that came
        std::uint32_t timestamp = 0;  // of its latest segment
        std::uint32_t duration = 0;   // of its latest segment, ticks; longer than 16 bits where the field wrapped
    };

    Event* find(const RtpPacket& packet, const TelephoneEvent& event) noexcept;
    bool continues(const Event& last, const RtpPacket& packet, const TelephoneEvent& event) const noexcept;
    static void extend(Event& known, const RtpPacket& packet, const TelephoneEvent& event) noexcept;

    unsigned rate_;
    std::array<Event, 8> events_{};  // packets of an older one may still come
    std::size_t last_ = 0;
    std::uint32_t ssrc_ = 0;  // of the last packet
    std::uint16_t sequence_ = 0;
};

}  // namespace callwright
