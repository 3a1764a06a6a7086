// Hears a leg and reports the DTMF digits in its audio.
#pragma once

#include <cstdint>

#include "../port.hpp"
#include "dtmf_receiver.hpp"

namespace callwright {

class Ports;

// What it finds goes to Digits, as what comes by RFC 4733 and INFO does: there a key press that the peer sends in two
// ways is reported once. Lives until it is stopped, or its leg ends.
class Detector final : public Port {
  public:
    Detector(Ports& ports, std::uint64_t id, std::uint64_t leg);
    ~Detector() override;

    void write(const std::int16_t* samples, std::uint64_t timestamp) noexcept override;

  private:
    Ports& ports_;
    const std::uint64_t leg_;
    DtmfReceiver receiver_;
};

}  // namespace callwright
