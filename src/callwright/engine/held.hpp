// Requests of an asking realm that have not proven anything yet: each is kept as it came, until Python has asked those
// who know its user. Retransmissions meet it here; nothing is answered before.
#pragma once

#include <pjsip.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "auth.hpp"

namespace callwright {

class Engine;

// Engine thread, but for counting.
class Held {
  public:
    static constexpr double longest_delay = 15.0;  // seconds

    explicit Held(Engine& engine) : engine_(engine) {}

    // Sends HELD. False when there are too many already, of all sources or of this one.
    bool keep(pjsip_rx_data* rdata);
    bool holds(const pjsip_rx_data* rdata) const;
    // Who proves himself now is let in at once, all others are answered after the delay, in milliseconds. Unknown: no-op.
    void judge(std::uint64_t id, Stage stage, long delay);
    // 503 to all.
    void close();

    std::size_t size() const { return size_.load(std::memory_order_relaxed); }
    std::uint64_t kept() const { return kept_.load(std::memory_order_relaxed); }

  private:
    struct Release {
        void operator()(pjsip_rx_data* rdata) const { pjsip_rx_data_free_cloned(rdata); }
    };
    using Copy = std::unique_ptr<pjsip_rx_data, Release>;
    struct Request {
        std::uint64_t id;
        Copy rdata;
        std::string transaction;
        std::string source;
        Stage stage = Stage::UNKNOWN;  // when its time is up
        pj_timer_entry timer{};
    };

    static std::string transaction_of(const pjsip_rx_data* rdata);
    static void on_timer(pj_timer_heap_t* heap, pj_timer_entry* entry);

    void schedule(Request& request, long milliseconds);
    std::unique_ptr<Request> release(std::uint64_t id);
    void conclude(std::uint64_t id);
    void report(std::uint64_t id, const pjsip_rx_data* rdata);

    Engine& engine_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Request>> requests_;
    std::unordered_map<std::string, std::uint64_t> by_transaction_;
    std::unordered_map<std::string, unsigned> by_source_;
    std::atomic<std::size_t> size_{0};
    std::atomic<std::uint64_t> kept_{0};
};

}  // namespace callwright
