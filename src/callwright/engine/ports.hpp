// The commands about ports, as the public surface has them. Any thread but the engine's and the media thread; each
// returns at once, the work is done by a job.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "engine.hpp"
#include "frames.hpp"
#include "ring.hpp"
#include "sound.hpp"
#include "tone.hpp"
#include "writer.hpp"

namespace callwright {

class Ports {
  public:
    struct RecorderOptions {
        int channels = 1;
        int sample_rate = 8000;
        double max_duration = 0;  // seconds, as is silence; 0: none
        double silence = 0;
        bool append = false;
        double gain = 0;  // dB
    };

    explicit Ports(Engine& engine);
    ~Ports();
    Ports(const Ports&) = delete;
    Ports& operator=(const Ports&) = delete;

    // Engine thread, once every port was closed and removed while the media thread still runs: returns when the
    // recordings are complete, or have not become so in time.
    void close();

    // These throw std::invalid_argument, and std::runtime_error once the engine is closed.
    std::uint64_t player(std::vector<SoundPtr> sounds, std::uint64_t sink, int loop, std::uint64_t stop_on_digit);
    std::uint64_t tone(const std::vector<ToneSpec>& specs, std::uint64_t sink, int loop, double level_dbov);
    std::uint64_t dtmf_tone(const std::string& digits, std::uint64_t sink, int on, int off);
    // Also throws std::system_error.
    std::vector<std::uint64_t> recorder(const std::string& path, const RecorderOptions& options);
    std::uint64_t source(std::uint64_t sink, int capacity_ms);
    std::uint64_t tap(int capacity_ms, int notify_ms);
    // The one that the leg has already, when there is one.
    std::uint64_t detect_digits(std::uint64_t leg);
    // A node that hears many and is heard by many.
    std::uint64_t bus();

    // Nothing happens when the port is gone.
    void pause(std::uint64_t recorder, bool on, bool silence);
    std::size_t write(std::uint64_t source, const std::int16_t* samples, std::size_t count);
    void clear(std::uint64_t source);
    std::vector<std::int16_t> read_tap(std::uint64_t tap);
    void stop(std::uint64_t port);  // or a bus

    // --- for the ports ---
    Engine& engine() noexcept { return engine_; }
    // The source or tap takes no more commands.
    void forget(std::uint64_t id);
    void forget_detector(std::uint64_t id);
    // Engine thread: the leg is gone, and what exists for it only goes as well.
    void leg_ended(std::uint64_t leg);
    // Any thread; a recorder exists.
    void wake_writer() noexcept { writer_->wake(); }

  private:
    using Ring = std::variant<std::shared_ptr<SourceRing>, std::shared_ptr<TapRing>>;

    void require_open() const;
    void place(std::unique_ptr<Port> port, std::uint64_t sink);
    std::uint64_t play(std::vector<ToneSegment> segments, std::uint64_t sink, int loop);
    Recording::Options recording_options(const RecorderOptions& options, const WaveFile& file);
    void start_writer();
    std::uint64_t detector_of(std::uint64_t leg) const;  // 0: none
    template <typename Kind>
    std::shared_ptr<Kind> ring(std::uint64_t id);

    Engine& engine_;
    std::atomic<bool> closed_{false};

    std::mutex rings_mutex_;  // held for look-ups only
    std::unordered_map<std::uint64_t, Ring> rings_;

    std::mutex nodes_mutex_;  // held for look-ups only
    std::unordered_map<std::uint64_t, std::uint64_t> detectors_;  // the leg of each
    std::unordered_set<std::uint64_t> buses_;

    std::mutex writer_mutex_;
    std::shared_ptr<FrameStore> frames_;
    std::unique_ptr<Writer> writer_;
};

}  // namespace callwright
