// The one thread that moves audio: it reads and writes every RTP socket, runs the mixer and the players, and never
// waits for Python, for SIP or for a disc.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "datagrams.hpp"

namespace callwright {

// What has something to do every 20 ms, or every second.
class Beat {
  public:
    virtual ~Beat() = default;
    // frames: 1, or more after the thread was held up: what was missed is made good, 25 at most (half a second).
    virtual void beat(Nanos now, unsigned frames) noexcept = 0;
};

class MediaThread {
  public:
    static constexpr Nanos FRAME = 20'000'000;
    static constexpr unsigned PHASES = 20;  // of 1 ms: what beats together sends together

    struct Job {
        std::function<void()> run;
        Job* next = nullptr;  // the queue's
    };

    // Starts the thread. Throws std::system_error. backend: see Datagrams::open.
    explicit MediaThread(const std::string& backend);
    // Ends it; jobs that were posted before are run.
    ~MediaThread();
    void close();

    // Any thread. In order of posting; after close() a job is destroyed without running.
    void post(std::function<void()> job) { post(std::unique_ptr<Job>(new Job{std::move(job), nullptr})); }
    void post(std::unique_ptr<Job> job) noexcept;
    bool on_thread() const noexcept;
    std::size_t jobs() const noexcept;

    // --- media thread only ---
    Datagrams& datagrams() noexcept;
    // In the phase that has the fewest; `phase` (0 to 19) when it is given. Once each.
    void every_frame(Beat* beat, int phase = -1);
    void never(Beat* beat) noexcept;  // no further beat, also when called from a beat
    // Once a second, each at its own time; `frames` is the number of seconds.
    void every_second(Beat* beat);
    void never_each_second(Beat* beat) noexcept;

    struct Figures {
        std::uint64_t late_beats = 0;   // frames that began more than 10 ms late
        std::uint64_t lost_beats = 0;   // frames given up beyond 25
        std::uint64_t longest_turn_us = 0;  // since the last look
    };
    // Any thread.
    Figures figures() noexcept;
    Datagrams::Counters counters() const noexcept;
    const char* backend() const noexcept;
};

}  // namespace callwright
