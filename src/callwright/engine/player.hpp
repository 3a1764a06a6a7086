// Ports that play something to its end and say so with PLAYED: prompts here, tones in tone.hpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "playlist.hpp"
#include "port.hpp"
#include "signal.hpp"

namespace callwright {

// What playing has in common: the position, the three ways to end, and PLAYED exactly once.
class Playback : public Port {
  public:
    ~Playback() override;

    // Native stop: silent from this moment on, before Python hears of the digit.
    void on_digit(std::uint64_t leg, char digit, unsigned duration) override;
    void close() override;
    // The first digit of `leg` from now on ends it. Once, before it is placed.
    void stop_on_digit_of(std::uint64_t leg);

    // PLAYED of a playback that had nothing to play.
    static void report_empty(Engine& engine, std::uint64_t id);

  protected:
    struct Rendered {
        unsigned count;  // samples written, fewer than asked for only at the end
        bool audible;    // false: all of them are zero
        bool last;       // nothing is left after these
    };

    Playback(Engine& engine, std::uint64_t id);
    // Media thread: the next samples; at least one while the last result was not `last`.
    virtual Rendered render(std::int16_t* samples, unsigned count) noexcept = 0;
    // It was stopped, or has come to its end.
    bool silent() const noexcept { return silent_.load(std::memory_order_acquire); }
    // Media thread: `count` samples were played; `last`: it ends with them.
    void advance(std::uint64_t count, bool last) noexcept;

  private:
    bool read(std::int16_t* samples) noexcept final;
    void report(const char* how, char digit) noexcept;

    Signal<> played_;
    std::atomic<std::uint64_t> position_{0};  // samples of the engine's clock rate that were played
    std::atomic<bool> silent_{false};
    std::atomic<char> digit_{0};
    std::uint64_t watched_ = 0;
};

// Sounds one after the other without a gap, the whole list `loop` times (0: for ever).
class Player final : public Playback {
  public:
    // `sounds` hold at least one sample in all.
    Player(Engine& engine, std::uint64_t id, std::vector<SoundPtr> sounds, unsigned loop);

    // Media thread: the next `count` samples at 8 kHz as G.711, in place of read(), with which it shares the position:
    // between one call and the next either may be taken. Returns the samples of sound; the rest of `payload` is
    // silence, all of it (0, not `audible`) once the player has come to its end or was stopped. The end is told as
    // read() tells it.
    unsigned encoded(std::uint8_t* payload, unsigned count, Law law, bool& audible) noexcept;

  private:
    Rendered render(std::int16_t* samples, unsigned count) noexcept override;

    Playlist playlist_;
};

}  // namespace callwright
