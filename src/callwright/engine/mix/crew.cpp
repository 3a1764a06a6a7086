#include "crew.hpp"

#include <sched.h>

#include <algorithm>

namespace callwright {

namespace {

thread_local bool hired = false;

}  // namespace

unsigned Crew::spare_cores() noexcept {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 0;
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&cores)) - 1);
}

bool Crew::at_work() noexcept { return hired; }

Crew::Crew(unsigned hands, const std::function<void()>& begin) : hands_(hands) {
    threads_.reserve(hands);
    try {
        for (unsigned i = 0; i < hands; ++i) threads_.emplace_back([this, begin] { serve(begin); });
    } catch (...) {
        close();
        throw;
    }
}

Crew::~Crew() { close(); }

void Crew::close() noexcept {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        ended_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

void Crew::each(std::size_t count, Work work, void* subject) noexcept {
    if (threads_.empty() || count <= SHARE) {
        for (std::size_t i = 0; i < count; ++i) work(subject, i);
        return;
    }
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        work_ = work;
        subject_ = subject;
        count_ = count;
        next_.store(0, std::memory_order_relaxed);
        ++round_;
        open_ = true;
    }
    wake_.notify_all();
    take();
    std::unique_lock<std::mutex> lock(mutex_);
    open_ = false;
    done_.wait(lock, [this] { return busy_ == 0; });
}

void Crew::serve(const std::function<void()>& begin) {
    hired = true;
    begin();
    std::uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
        wake_.wait(lock, [&] { return ended_ || (open_ && round_ != seen); });
        if (ended_) return;
        seen = round_;
        ++busy_;
        lock.unlock();
        take();
        lock.lock();
        if (--busy_ == 0 && !open_) done_.notify_one();
    }
}

void Crew::take() noexcept {
    for (;;) {
        const std::size_t first = next_.fetch_add(SHARE, std::memory_order_relaxed);
        if (first >= count_) return;
        const std::size_t last = std::min(first + SHARE, count_);
        for (std::size_t i = first; i < last; ++i) work_(subject_, i);
    }
}

}  // namespace callwright
