// What happened, and the one lock-free bridge on which it reaches Python.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace callwright {

enum class EventKind : int {
    INCOMING = 1,
    TRYING,
    PROGRESS,
    ESTABLISHED,
    MEDIA,
    DIGIT,
    ENDED,
    REQUEST,
    PLAYED,
    SILENCE,
    LIMIT,
    RECORDED,
    TAPPED,
    DRAINED,
    FAILED,
    LOG,
    SECURITY,
    MEDIA_LOST,
    DIGITS_SENT,
    RESPONSE,
    FLOW_CLOSED,
    TRANSFER,
    REFER,
    HELD,
};

using Headers = std::vector<std::pair<std::string, std::string>>;
// Text is UTF-8 or, when a peer sent something else, is decoded with surrogate escapes on access.
using Field = std::variant<bool, std::int64_t, double, std::string, Headers>;

struct Event {
    explicit Event(EventKind kind_, std::uint64_t id_ = 0, int code_ = 0, std::string text_ = {})
        : kind(kind_), id(id_), code(code_), text(std::move(text_)) {}

    // Keys are string literals: only the pointer is kept.
    template <typename Value>
    Event& with(const char* key, Value&& value) {
        detail.emplace_back(key, std::forward<Value>(value));
        return *this;
    }

    EventKind kind;
    std::uint64_t id;
    int code;
    std::string text;
    std::vector<std::pair<const char*, Field>> detail;
    Event* next = nullptr;  // the queue's
};

// Many producers (SIP, RTP, clock and writer threads), one consumer (the thread that drains). A push is one
// compare-and-swap; the eventfd is written only when the queue was seen empty.
class EventQueue {
  public:
    EventQueue();
    ~EventQueue();
    EventQueue(const EventQueue&) = delete;
    EventQueue& operator=(const EventQueue&) = delete;

    int fd() const noexcept { return fd_; }
    void push(std::unique_ptr<Event> event) noexcept;
    // The oldest events in order of push, at most `limit`; the eventfd is cleared when none is left.
    std::vector<std::unique_ptr<Event>> drain(std::size_t limit);
    std::size_t backlog() const noexcept { return backlog_.load(std::memory_order_relaxed); }

  private:
    void take_all() noexcept;

    int fd_;
    std::atomic<Event*> pushed_{nullptr};  // newest first
    std::atomic<std::size_t> backlog_{0};
    Event* ready_ = nullptr;  // oldest first; the consumer's
};

}  // namespace callwright
