// A leg's stream as the mixer sees it: 20 ms frames at the engine's clock rate, whatever codec, clock rate, ptime and
// channels the stream has.
#pragma once

#include <pjmedia.h>

#include <cstdint>
#include <vector>

#include "frame_resampler.hpp"

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
    // From a packet of comfort noise (RFC 3389): the next silence is filled with noise of this level, until audio
    // comes again. dbov: its first byte, negative; at most -30 are taken, -127 is silence.
    void comfort(int dbov) noexcept;

  private:
    void pull() noexcept;
    bool decode(std::int16_t* samples) noexcept;
    void push() noexcept;
    void noise(std::int16_t* samples) noexcept;

    pjmedia_port* const port_;
    const unsigned frame_;     // samples of 20 ms at the engine's clock rate
    const unsigned channels_;  // of the stream, interleaved
    const unsigned packet_;    // samples of the stream's frame, of one channel

    FrameResampler from_peer_;
    std::vector<std::int16_t> received_;  // at the stream's clock rate, oldest first
    unsigned waiting_ = 0;                // in received_
    unsigned audible_ = 0;                // in received_: from here on silence

    FrameResampler to_peer_;
    std::vector<std::int16_t> queued_;  // at the engine's clock rate, oldest first
    unsigned queue_ = 0;                // in queued_
    unsigned sounding_ = 0;             // in queued_: from here on silence

    std::vector<std::int16_t> stream_;  // a frame of the stream, all channels

    std::int32_t noise_peak_ = 0;  // 0: none
    bool noisy_ = false;           // the last frame was noise
    std::uint32_t noise_seed_ = 1;
};

}  // namespace callwright
