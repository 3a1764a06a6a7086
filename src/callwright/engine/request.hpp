// Requests outside a call's dialog: Python answers REGISTER, SUBSCRIBE, NOTIFY, MESSAGE and PUBLISH; what nobody handles
// is refused.
#pragma once

#include <pjsip.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "event.hpp"

namespace callwright {

class Engine;

struct Response {
    int code = 0;
    std::string reason;
    Headers headers;
    std::string content_type;
    std::string body;
};

// Engine thread, but for counting.
class Requests {
  public:
    explicit Requests(Engine& engine) : engine_(engine) {}

    // Throws std::runtime_error.
    void install(pjsip_endpoint* endpoint);
    // Unknown: no-op (answered, or ended by its transaction).
    void respond(std::uint64_t id, const Response& response);
    // 503 to all that wait.
    void close();
    // Whether it is of a dialog that Python keeps, or of none: its To has a tag, and no call knows it.
    static bool is_of_no_call(const pjsip_rx_data* rdata);

    std::size_t size() const { return waiting_.load(std::memory_order_relaxed); }
    std::uint64_t received() const { return received_.load(std::memory_order_relaxed); }

  private:
    struct Pending {
        std::uint64_t id;
        pjsip_transaction* transaction;
        pjsip_tx_data* response;  // made when the request came: it carries what the request dictates
        pj_timer_entry timer;
    };

    static pj_bool_t on_request(pjsip_rx_data* rdata);
    static pj_bool_t on_tagged(pjsip_rx_data* rdata);
    static void on_transaction(pjsip_transaction* transaction, pjsip_event* event);
    static void on_timeout(pj_timer_heap_t* heap, pj_timer_entry* entry);

    void take(pjsip_rx_data* rdata);
    void refuse(pjsip_rx_data* rdata, int code);
    // Answers OPTIONS.
    void describe(pjsip_rx_data* rdata);
    bool wait_for_answer(pjsip_rx_data* rdata);
    void report(std::uint64_t id, const pjsip_rx_data* rdata, std::string tag);
    std::unique_ptr<Pending> release(std::uint64_t id);

    Engine& engine_;
    pjsip_endpoint* endpoint_ = nullptr;
    pjsip_module module_{};
    pjsip_module tagged_{};
    std::unordered_map<std::uint64_t, std::unique_ptr<Pending>> pending_;
    std::atomic<std::size_t> waiting_{0};
    std::atomic<std::uint64_t> received_{0};
};

}  // namespace callwright
