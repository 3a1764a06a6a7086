#include "media_thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace callwright {

namespace {

constexpr unsigned jobs_a_turn = 256;

}  // namespace

MediaThread::MediaThread(const std::string& backend) {
    std::promise<void> started;
    thread_ = std::thread([this, &backend, &started] { start(backend, started); });
    try {
        started.get_future().get();
    } catch (...) {
        thread_.join();
        throw;
    }
}

MediaThread::~MediaThread() { close(); }

void MediaThread::close() {
    std::lock_guard<std::mutex> lock(close_mutex_);
    if (!thread_.joinable()) return;
    // The order matters: a job that is posted now is still run, none after it.
    post([this] { ending_ = true; });
    thread_.join();
    ended_ = true;
    jobs_.drop(std::exchange(oldest_, nullptr));
}

void MediaThread::start(const std::string& backend, std::promise<void>& started) {
    pthread_setname_np(pthread_self(), "callwright-rtp");
    thread_id_ = std::this_thread::get_id();
    try {
        datagrams_ = Datagrams::open(backend);
    } catch (...) {
        started.set_exception(std::current_exception());
        return;
    }
    raise_priority();
    started.set_value();
    loop();
    datagrams_->close();
}

void MediaThread::raise_priority() noexcept {
    int policy = SCHED_OTHER;
    sched_param parameters{};
    if (pthread_getschedparam(pthread_self(), &policy, &parameters) == 0 && policy != SCHED_OTHER) {
        priority_ = "inherited";
        return;
    }
    // Not real-time: under overload that would leave signalling nothing, on one core or on two.
    if (setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), NICE) == 0) {
        priority_ = "nice -10";
    }
}

void MediaThread::loop() noexcept {
    while (!ending_) {
        const bool busy = oldest_ != nullptr || !jobs_.empty();
        datagrams_->turn(busy ? 0 : std::min(frames_.due(), seconds_.due()));
        run_beats();
        run_jobs();
        note_turn(monotonic_now() - datagrams_->woken());
    }
}

void MediaThread::run_beats() noexcept {
    const Nanos now = monotonic_now();
    const Wheel::Ran ran = frames_.run(now);
    if (ran.late != 0) late_.fetch_add(ran.late, std::memory_order_relaxed);
    if (ran.lost != 0) lost_.fetch_add(ran.lost, std::memory_order_relaxed);
    seconds_.run(now);
}

void MediaThread::post(std::unique_ptr<Job> job) noexcept {
    // The thread itself looks for jobs before it waits.
    if (jobs_.push(std::move(job)) && !on_thread()) datagrams_->wake();
    if (ended_) jobs_.drop();
}

// Some at a time: beats come in between.
void MediaThread::run_jobs() noexcept {
    take_jobs();
    for (unsigned i = 0; i < jobs_a_turn && oldest_ != nullptr && !ending_; i++) {
        std::unique_ptr<Job> job(std::exchange(oldest_, oldest_->next));
        try {
            job->run();
        } catch (const std::exception&) {  // memory has run out: this command is lost, the calls are not
            failed_.fetch_add(1, std::memory_order_relaxed);
        }
        jobs_.done();
    }
}

// Behind those that were taken before.
void MediaThread::take_jobs() noexcept {
    Job* const taken = jobs_.take();
    if (taken == nullptr) return;
    (oldest_ == nullptr ? oldest_ : newest_->next) = taken;
    newest_ = taken;
    while (newest_->next != nullptr) newest_ = newest_->next;
}

void MediaThread::note_turn(Nanos took) noexcept {
    const auto us = static_cast<std::uint64_t>(std::max<Nanos>(0, took) / 1000);
    if (us > longest_turn_.load(std::memory_order_relaxed)) longest_turn_.store(us, std::memory_order_relaxed);
}

MediaThread::Figures MediaThread::figures() const noexcept {
    return {late_.load(std::memory_order_relaxed), lost_.load(std::memory_order_relaxed),
            failed_.load(std::memory_order_relaxed), priority_};
}

}  // namespace callwright
