// Requests of ours outside INVITE dialogs: each is one client transaction (RFC 3261 section 17.1.2) with one RESPONSE.
#pragma once

#include <pjsip.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "event.hpp"

namespace callwright {

class Engine;

struct RequestOrder {
    std::string method;
    std::string uri;
    Headers headers;
    std::string content_type;
    std::string body;
    std::string next_hop;
    unsigned timeout_ms = 0;
    std::string destination;  // the URI of the address that it is sent to: check_order() finds it
};

// Throws std::invalid_argument. Any thread, while the library is up.
void check_order(RequestOrder& order);

class Outgoing {
  public:
    explicit Outgoing(Engine& engine) : engine_(engine) {}

    // Any thread; the order has been checked.
    std::uint64_t request(RequestOrder order);
    // Requests that have had no RESPONSE. Any thread.
    std::size_t size() const { return waiting_.load(std::memory_order_relaxed); }

    // --- engine thread ---
    // Throws std::runtime_error.
    void install(pjsip_endpoint* endpoint);
    // 503 to all that wait.
    void close();

  private:
    // From the command to its RESPONSE, which its end sends when nothing else has: a dropped job is answered, too.
    class Ticket {
      public:
        Ticket(Outgoing& outgoing, std::uint64_t id) : outgoing_(outgoing), id_(id) { ++outgoing_.waiting_; }
        ~Ticket();
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;

        std::uint64_t id() const { return id_; }
        // Once. `response`: what has come, or null.
        void answer(int code, std::string reason, const pjsip_rx_data* response = nullptr);

      private:
        Outgoing& outgoing_;
        std::uint64_t id_;
        bool answered_ = false;
    };
    using TicketOwner = std::shared_ptr<Ticket>;

    struct Pending {
        TicketOwner ticket;
        pjsip_transaction* transaction = nullptr;
        pj_timer_entry timer{};
    };

    static void on_transaction(pjsip_transaction* transaction, pjsip_event* event);
    static void on_timeout(pj_timer_heap_t* heap, pj_timer_entry* entry);

    void send(const TicketOwner& ticket, const RequestOrder& order);
    void begin(const TicketOwner& ticket, pjsip_tx_data* message, const pjsip_tpselector& way, unsigned timeout_ms);
    TicketOwner release(std::uint64_t id);

    Engine& engine_;
    pjsip_endpoint* endpoint_ = nullptr;
    pjsip_module module_{};
    std::unordered_map<std::uint64_t, std::unique_ptr<Pending>> pending_;
    std::atomic<std::size_t> waiting_{0};
};

}  // namespace callwright
