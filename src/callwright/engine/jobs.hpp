// Work that one thread does for the others: many producers, one consumer, no lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace callwright {

struct Job {
    std::function<void()> run;
    Job* next = nullptr;  // the queue's
};

class JobQueue {
  public:
    JobQueue() = default;
    ~JobQueue() { drop(); }
    JobQueue(const JobQueue&) = delete;
    JobQueue& operator=(const JobQueue&) = delete;

    // Any thread. True when the queue was empty: only then has the consumer to be woken.
    bool push(std::unique_ptr<Job> job) noexcept {
        size_.fetch_add(1, std::memory_order_relaxed);
        Job* mine = job.release();
        Job* head = newest_.load(std::memory_order_relaxed);
        do {
            mine->next = head;
        } while (!newest_.compare_exchange_weak(head, mine, std::memory_order_release, std::memory_order_relaxed));
        return head == nullptr;
    }
    bool empty() const noexcept { return newest_.load(std::memory_order_relaxed) == nullptr; }
    // Jobs pushed and not yet given back by done(); any thread.
    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

    // All that there are, the oldest first, linked by `next`: the caller's from now on, done() for each.
    Job* take() noexcept {
        Job* newest = newest_.exchange(nullptr, std::memory_order_acquire);
        Job* oldest = nullptr;
        while (newest != nullptr) {
            Job* next = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = next;
        }
        return oldest;
    }
    void done() noexcept { size_.fetch_sub(1, std::memory_order_relaxed); }
    // Destroys what is there, and `taken` before it, without running it.
    void drop(Job* taken = nullptr) noexcept {
        destroy(taken);
        destroy(take());
    }

  private:
    void destroy(Job* job) noexcept {
        while (job != nullptr) {
            const std::unique_ptr<Job> dropped(std::exchange(job, job->next));
            done();
        }
    }

    std::atomic<Job*> newest_{nullptr};
    std::atomic<std::size_t> size_{0};
};

}  // namespace callwright
