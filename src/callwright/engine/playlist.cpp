#include "playlist.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace callwright {

Playlist::Playlist(std::vector<SoundPtr> sounds, unsigned loop) : sounds_(std::move(sounds)), loop_(loop) {}

// False at the end of the last round. Empty sounds are passed over.
bool Playlist::next_sound() noexcept {
    while (offset_ == sounds_[sound_]->size()) {
        offset_ = 0;
        if (++sound_ < sounds_.size()) {
            continue;
        }
        sound_ = 0;
        if (loop_ != 0 && ++rounds_ == loop_) {
            return false;
        }
    }
    return true;
}

Playlist::Taken Playlist::samples(std::int16_t* out, unsigned count) noexcept {
    unsigned done = 0;
    bool more = true;
    while (more && done < count) {
        const Sound& sound = *sounds_[sound_];
        const std::size_t part = std::min<std::size_t>(count - done, sound.size() - offset_);
        std::memcpy(out + done, sound.samples() + offset_, part * sizeof *out);
        done += static_cast<unsigned>(part);
        offset_ += part;
        more = next_sound();
    }
    return {done, done, !more};
}

// The position is kept at the sounds' clock rate: one that lies between two samples of 8 kHz goes on with the later.
Playlist::Taken Playlist::g711(Law law, std::uint8_t* out, unsigned count) noexcept {
    const std::size_t ratio = sounds_.front()->clock_rate() / Sound::G711_RATE;
    unsigned done = 0;
    std::uint64_t passed = 0;
    bool more = true;
    while (more && done < count) {
        const Sound& sound = *sounds_[sound_];
        const std::size_t at = (offset_ + ratio - 1) / ratio;
        const std::size_t part = std::min<std::size_t>(count - done, sound.g711_size() - at);
        sound.g711(law, at, part, out + done);
        const std::size_t next = std::min((at + part) * ratio, sound.size());
        passed += next - offset_;
        offset_ = next;
        done += static_cast<unsigned>(part);
        more = next_sound();
    }
    return {done, passed, !more};
}

}  // namespace callwright
