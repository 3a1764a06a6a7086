#include "event.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace callwright {

EventQueue::EventQueue() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

EventQueue::~EventQueue() {
    take_all();
    while (ready_ != nullptr) delete std::exchange(ready_, ready_->next);
    ::close(fd_);
}

void EventQueue::push(std::unique_ptr<Event> event) noexcept {
    backlog_.fetch_add(1, std::memory_order_relaxed);
    Event* mine = event.release();
    Event* head = pushed_.load(std::memory_order_relaxed);
    do {
        mine->next = head;
    } while (!pushed_.compare_exchange_weak(head, mine, std::memory_order_release, std::memory_order_relaxed));
    if (head != nullptr) return;
    // The counter cannot overflow and the descriptor is ours, so the only failure is a signal.
    while (eventfd_write(fd_, 1) != 0 && errno == EINTR) {
    }
}

std::vector<std::unique_ptr<Event>> EventQueue::drain(std::size_t limit) {
    std::vector<std::unique_ptr<Event>> events;
    // Cleared before the queue is taken: a push that finds the queue empty after that writes again.
    eventfd_t ignored;
    while (eventfd_read(fd_, &ignored) != 0 && errno == EINTR) {
    }
    take_all();
    while (ready_ != nullptr && events.size() < limit) {
        events.emplace_back(std::exchange(ready_, ready_->next));
    }
    backlog_.fetch_sub(events.size(), std::memory_order_relaxed);
    if (ready_ != nullptr) {
        while (eventfd_write(fd_, 1) != 0 && errno == EINTR) {
        }
    }
    return events;
}

void EventQueue::take_all() noexcept {
    Event* newest = pushed_.exchange(nullptr, std::memory_order_acquire);
    Event* oldest = nullptr;
    while (newest != nullptr) {
        Event* next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    Event** end = &ready_;
    while (*end != nullptr) end = &(*end)->next;
    *end = oldest;
}

}  // namespace callwright
