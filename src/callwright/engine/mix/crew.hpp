// Threads that share the work of a moment: decoding and encoding of many legs, when one thread would take too long.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace callwright {

// One thread's: whoever calls each().
class Crew {
  public:
    // Cores that this process may use, less the caller's.
    static unsigned spare_cores() noexcept;
    // Whether the calling thread is one of a crew.
    static bool at_work() noexcept;

    // hands: threads beside the caller; 0: it does everything itself. Each calls `begin` first. Throws std::system_error.
    Crew(unsigned hands, const std::function<void()>& begin);
    ~Crew();
    // Ends the threads; each() is not called any more. Idempotent.
    void close() noexcept;
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    using Work = void (*)(void* subject, std::size_t index) noexcept;
    // work(subject, 0 ... count - 1), each once, in any order and on any of the threads; done when it returns. What the
    // caller has written before is seen by all, and what they have written is seen by the caller afterwards.
    void each(std::size_t count, Work work, void* subject) noexcept;

    unsigned hands() const noexcept { return hands_; }

  private:
    // Neighbours lie together in memory, and one at a time would have the threads quarrel over the counter.
    static constexpr std::size_t SHARE = 4;

    void serve(const std::function<void()>& begin);
    void take() noexcept;

    const unsigned hands_;
    std::mutex mutex_;
    std::condition_variable wake_, done_;
    // --- under mutex_ ---
    std::uint64_t round_ = 0;
    bool open_ = false;  // the round may still be joined
    bool ended_ = false;
    unsigned busy_ = 0;  // threads in the round
    // --- of the round: written while nobody is in it ---
    Work work_ = nullptr;
    void* subject_ = nullptr;
    std::size_t count_ = 0;
    std::atomic<std::size_t> next_{0};

    std::vector<std::thread> threads_;
};

}  // namespace callwright
