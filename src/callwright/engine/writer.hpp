// Recording, the disc's side: one thread writes the files of all recorders of an engine.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "frames.hpp"
#include "recorder.hpp"
#include "resampler.hpp"
#include "wave.hpp"

namespace callwright {

// The file of one recording. Writer thread only, but for the construction.
class RecordingFile {
  public:
    struct Target {
        std::string path;
        unsigned clock_rate = 0;  // of the ticks
        unsigned sample_rate = 0;
        double gain = 0;  // dB
    };

    RecordingFile(std::shared_ptr<Recording> recording, std::shared_ptr<FrameStore> store,
                  std::unique_ptr<WaveFile> file, Target target, std::shared_ptr<const ResamplingFilter> filter);

    // Takes what has come. True when the recording is over and the file closed.
    bool advance();
    // RECORDED, once it is over.
    std::unique_ptr<Event> report() const;
    // RECORDED of a file that the disc does not let go. Any thread.
    std::unique_ptr<Event> report_abandoned() const;
    std::uint64_t id() const noexcept { return recording_->options().id; }

  private:
    void take(const Tick& tick);
    void take_silence(std::uint64_t samples);
    void flush(std::size_t least);
    std::int16_t amplified(std::int16_t sample) const noexcept;
    void finish();
    std::unique_ptr<Event> report(std::uint64_t frames, const std::string& error) const;

    const std::shared_ptr<Recording> recording_;
    const std::shared_ptr<FrameStore> store_;
    const std::unique_ptr<WaveFile> file_;
    const Target target_;
    const float factor_;  // of the gain
    const std::uint64_t frames_before_;  // in the file when it was opened
    std::vector<Resampler> resamplers_;  // one a channel, as are the samples that wait to be written
    std::vector<std::vector<std::int16_t>> pending_;
    std::vector<std::int16_t> interleaved_;
    std::uint64_t taken_ = 0;  // samples at the engine's clock rate
};

class Writer {
  public:
    // The engine outlives close(), and gets RECORDED before it returns true.
    explicit Writer(EventQueue& events);
    // A thread that the disc holds is left behind with all that it uses.
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    void add(std::shared_ptr<RecordingFile> file);
    // Any thread, also the media thread: a recording was sealed.
    void wake() noexcept;
    // Waits until every file is complete and the thread has ended. When that takes longer, the files that are left are
    // reported as they stand. No event comes afterwards.
    void close(std::chrono::milliseconds patience);

  private:
    struct State;
    static void run(std::shared_ptr<State> state);
    static bool advance_all(State& state, bool& idle);

    std::shared_ptr<State> state_;
    std::thread thread_;
};

}  // namespace callwright
