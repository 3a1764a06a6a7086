// A leg's stream as the mixer sees it: 20 ms frames at the engine's clock rate, whatever codec, clock rate, ptime and
// channels the stream has.
#pragma once

#include <pjmedia.h>

#include <cstdint>

namespace callwright {

// Used under its line's mutex.
class LegAudio {
  public:
    // port: of the pjmedia stream; it must outlive this. clock_rate: the engine's, Hz.
    LegAudio(pjmedia_port* port, unsigned clock_rate);

    // The next 20 ms from the peer (jitter buffer, decoder, concealment). False: silence, nothing was written.
    bool read(std::int16_t* samples) noexcept;
    // 20 ms for the peer: encoded and handed to the stream's transport packet by packet; nullptr: silence is encoded.
    void write(const std::int16_t* samples) noexcept;
    // Forgets what waits in between (after the mixer left and comes back).
    void reset() noexcept;
};

}  // namespace callwright
