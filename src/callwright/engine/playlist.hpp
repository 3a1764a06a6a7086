// Sounds one after the other without a gap, the whole list so many times: where it stands, and what comes next, as
// samples or as G.711.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sound.hpp"

namespace callwright {

// Media thread only. Both ways of taking share the position: between one call and the next either may be used.
class Playlist {
  public:
    struct Taken {
        unsigned count;         // of what was asked for, fewer only at the end
        std::uint64_t samples;  // at the sounds' clock rate: how far the position went
        bool last;              // nothing is left
    };

    // `sounds`: of one clock rate, which is a multiple of 8 kHz, and at least one sample in all. loop 0: for ever.
    Playlist(std::vector<SoundPtr> sounds, unsigned loop);

    Taken samples(std::int16_t* out, unsigned count) noexcept;
    // `count` samples at 8 kHz.
    Taken g711(Law law, std::uint8_t* out, unsigned count) noexcept;

  private:
    bool next_sound() noexcept;

    const std::vector<SoundPtr> sounds_;
    const unsigned loop_;
    std::size_t sound_ = 0;   // index of the one that plays
    std::size_t offset_ = 0;  // samples of it that were played
    unsigned rounds_ = 0;     // times that the list was played to its end
};

}  // namespace callwright
