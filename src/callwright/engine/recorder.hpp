// Recording, the mixer's side: frames of one or two inputs are brought together tick by tick on the media thread and
// handed to the writer (writer.hpp) without waiting for it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "frames.hpp"
#include "port.hpp"
#include "signal.hpp"
#include "voice.hpp"

namespace callwright {

class Ports;

// What the media thread hands over for each tick of 20 ms.
struct Tick {
    static constexpr unsigned MAX_CHANNELS = 2;

    std::array<std::uint32_t, MAX_CHANNELS> frames{FrameStore::NONE, FrameStore::NONE};  // NONE: silence
    std::uint32_t lost = 0;   // ticks before this one that could not be handed over: silence
    std::uint32_t count = 0;  // samples of this tick; less than a frame at the limit only
};

// One recording: what its inputs, on the media thread, and the writer share.
class Recording {
  public:
    struct Options {
        std::uint64_t id = 0;
        unsigned channels = 1;
        std::uint64_t limit = 0;    // samples at the engine's clock rate; always set: a WAV file has an end
        std::uint64_t silence = 0;  // likewise; 0: none
    };
    enum class Pause { NONE, SILENCE, SKIP };

    Recording(Engine& engine, FrameStore& store, const Options& options);
    ~Recording();

    // --- media thread ---
    // A frame of one input, nullptr: silence. False once the recording is over: the input should leave.
    bool put(unsigned channel, const std::int16_t* samples, std::uint64_t timestamp) noexcept;

    // --- any thread ---
    void stop() noexcept { stopping_.store(true, std::memory_order_release); }
    void pause(Pause pause) noexcept { pause_.store(pause, std::memory_order_release); }
    // An input has left the mixer; the last one seals the recording.
    void input_gone() noexcept;
    bool sealed() const noexcept { return inputs_.load(std::memory_order_acquire) == 0; }

    // --- writer ---
    // The oldest tick not taken yet. False: none now, and when sealed() was true before the call, none ever.
    bool next(Tick& tick) noexcept;
    // Once sealed and after the last tick: how many were lost after it. Gives back what an unfinished tick holds.
    std::uint32_t finish() noexcept;
    // SILENCE is sent by the media thread; it must find the next one made.
    void refill() { silence_event_.arm(EventKind::SILENCE, options_.id); }
    std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }
    const Voice& voice() const noexcept { return voice_; }
    const Options& options() const noexcept { return options_; }
    unsigned frame() const noexcept { return frame_; }

  private:
    static constexpr std::uint32_t RING_TICKS = 512;  // 10 s

    void open_tick(std::uint64_t timestamp) noexcept;
    void fill(unsigned channel, const std::int16_t* samples) noexcept;
    void commit() noexcept;
    void hand_over() noexcept;

    Engine& engine_;
    FrameStore& store_;
    const Options options_;
    const unsigned frame_;

    // The media thread's: the tick that is being brought together.
    Tick tick_;
    std::uint64_t timestamp_ = 0;
    bool open_ = false;
    bool over_ = false;
    Pause paused_ = Pause::NONE;
    std::array<bool, Tick::MAX_CHANNELS> filled_{};
    std::uint64_t energy_ = 0;  // of the louder input
    bool short_of_frames_ = false;
    std::uint64_t position_ = 0;
    std::uint32_t lost_ = 0;
    Voice voice_;
    Signal<> silence_event_;
    Signal<> limit_event_;

    std::array<Tick, RING_TICKS> ring_;
    std::atomic<std::uint32_t> head_{0};  // ticks handed over
    std::atomic<std::uint32_t> tail_{0};  // ticks taken

    std::atomic<bool> stopping_{false};
    std::atomic<Pause> pause_{Pause::NONE};
    std::atomic<unsigned> inputs_;
    std::atomic<std::uint64_t> dropped_{0};
};

// One channel of a recording on the mixer. Whichever of them is stopped stops the recording.
class RecorderInput final : public Port {
  public:
    // `inputs`: the ids of all channels of the recording.
    RecorderInput(Ports& ports, std::vector<std::uint64_t> inputs, unsigned channel,
                  std::shared_ptr<Recording> recording);
    ~RecorderInput() override;

    void close() override;
    void end() override;
    void pause(bool on, bool silence) override;

  private:
    void write(const std::int16_t* samples, std::uint64_t timestamp) noexcept override;
    void gone() noexcept override;

    Ports& ports_;
    const std::vector<std::uint64_t> inputs_;
    const unsigned channel_;
    const std::shared_ptr<Recording> recording_;
    std::atomic<bool> gone_{false};
};

}  // namespace callwright
