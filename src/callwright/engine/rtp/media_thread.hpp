// The one thread that moves audio: it reads and writes every RTP socket, runs the mixer and the players, and never
// waits for Python, for SIP or for a disc.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "../jobs.hpp"
#include "datagrams.hpp"
#include "line_totals.hpp"
#include "wheel.hpp"

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
    static constexpr int NICE = -10;        // where the system permits it
    static constexpr unsigned PHASES = 20;  // of 1 ms: what beats together sends together

    using Job = callwright::Job;

    // Starts the thread. Throws std::system_error. backend: see Datagrams::open.
    explicit MediaThread(const std::string& backend);
    // Ends it; jobs that were posted before are run, and every socket is closed. Not on the thread itself. Idempotent.
    void close();
    ~MediaThread();
    MediaThread(const MediaThread&) = delete;
    MediaThread& operator=(const MediaThread&) = delete;

    // Any thread, also its own. In order of posting; after close() a job is destroyed without running.
    void post(std::function<void()> job) { post(std::unique_ptr<Job>(new Job{std::move(job), nullptr})); }
    void post(std::unique_ptr<Job> job) noexcept;
    bool on_thread() const noexcept { return std::this_thread::get_id() == thread_id_; }
    // Waiting.
    std::size_t jobs() const noexcept { return jobs_.size(); }

    // --- media thread only ---
    Datagrams& datagrams() noexcept { return *datagrams_; }
    // `phase`: see Wheel::add. Once each.
    void every_frame(Beat* beat, int phase = Wheel::FEWEST) { frames_.add(beat, phase, monotonic_now()); }
    void never(Beat* beat) noexcept { frames_.remove(beat); }  // no further beat, also when called from a beat
    // Once a second, each at its own time; `frames` is the number of seconds.
    void every_second(Beat* beat) { seconds_.add(beat, -1, monotonic_now()); }
    void never_each_second(Beat* beat) noexcept { seconds_.remove(beat); }

    struct Figures {
        std::uint64_t late_beats = 0;       // frames that began more than 10 ms late
        std::uint64_t lost_beats = 0;       // frames given up beyond 25
        std::uint64_t failed_jobs = 0;      // that threw: memory has run out
        // What the thread was permitted: "nice -10", "normal"; "inherited" when the process had more already.
        const char* priority = "";
    };
    // Any thread.
    Figures figures() const noexcept;
    // Microseconds, since the last look.
    std::uint64_t take_longest_turn() noexcept { return longest_turn_.exchange(0, std::memory_order_relaxed); }
    Datagrams::Counters counters() const noexcept { return datagrams_->counters(); }
    // Of the lines that it serves.
    LineTotals& totals() noexcept { return totals_; }
    const char* backend() const noexcept { return datagrams_->backend(); }
    // Why it is not io_uring although "auto" was asked for; "" when it is.
    const char* why_not() const noexcept { return datagrams_->why_not().c_str(); }

  private:
    void start(const std::string& backend, std::promise<void>& started);
    void raise_priority() noexcept;
    void loop() noexcept;
    void run_beats() noexcept;
    void run_jobs() noexcept;
    void take_jobs() noexcept;
    void note_turn(Nanos took) noexcept;

    std::unique_ptr<Datagrams> datagrams_;
    LineTotals totals_;
    Wheel frames_{FRAME, PHASES};
    Wheel seconds_{1'000'000'000, 50};
    const char* priority_ = "normal";
    bool ending_ = false;      // the thread's
    Job* oldest_ = nullptr;    // jobs that were taken, the thread's
    Job* newest_ = nullptr;

    JobQueue jobs_;
    std::atomic<bool> ended_{false};
    std::atomic<std::uint64_t> late_{0}, lost_{0}, failed_{0}, longest_turn_{0};

    std::mutex close_mutex_;
    std::thread::id thread_id_;
    std::thread thread_;
};

}  // namespace callwright
