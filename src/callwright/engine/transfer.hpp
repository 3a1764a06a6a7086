// Transfers: REFER both ways within a leg's dialog, and the subscription that each makes (RFC 3515).
#pragma once

#include <pjsip.h>
#include <pjsip_simple.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "event.hpp"

namespace callwright {

class Engine;
class Leg;

// What a leg's peer may ask for; nothing unless somebody has said so.
struct Referrals {
    bool blind = false;     // to anybody
    bool attended = false;  // to the peer of another leg (RFC 5589 section 7)
};

// Engine thread, but for counting.
class Transfers {
  public:
    explicit Transfers(Engine& engine) : engine_(engine) {}
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;

    // Asks the leg's peer to call the target (a name-addr). TRANSFER events bear `id`, also after the leg's end.
    void refer(std::uint64_t id, std::uint64_t leg, const std::string& target, const Headers& headers);
    // A REFER of the leg's peer: answered here, whatever it says.
    void take(Leg& leg, pjsip_dialog* dialog, pjsip_transaction* transaction, pjsip_rx_data* rdata);
    // Tells who has referred how it goes. Unknown: no-op.
    void notify(std::uint64_t id, int code, const std::string& reason);
    // Nobody asks for the outcome any more, or nobody will tell it.
    void forget(std::uint64_t id);
    void close();

    std::size_t size() const { return count_.load(std::memory_order_relaxed); }

  private:
    struct Subscription {
        pjsip_evsub* sub = nullptr;
        bool ours = false;      // we have referred
        bool answered = false;  // our REFER
        bool over = false;      // the last has been told
    };

    static void on_state(pjsip_evsub* sub, pjsip_event* event);
    static void on_transaction(pjsip_evsub* sub, pjsip_transaction* transaction, pjsip_event* event);
    static void on_notify(pjsip_evsub* sub, pjsip_rx_data* rdata, int* code, pj_str_t** reason, pjsip_hdr* headers,
                          pjsip_msg_body** body);

    std::uint64_t id_of(const pjsip_evsub* sub) const;
    void keep(std::uint64_t id, const Subscription& subscription);
    void drop(std::uint64_t id);
    void tell(std::uint64_t id, const char* by, int code, const std::string& text, bool last);
    void end(std::uint64_t id, Subscription& subscription, const pjsip_event* event);
    bool send(std::uint64_t id, pjsip_dialog* dialog, const std::string& target, const Headers& headers);
    std::uint64_t accept(pjsip_dialog* dialog, pjsip_transaction* transaction, pjsip_rx_data* rdata);

    Engine& engine_;
    std::unordered_map<std::uint64_t, Subscription> subscriptions_;
    std::atomic<std::size_t> count_{0};
};

// The leg whose dialog a Replaces names (RFC 3891 section 3): 0 when it is none of ours.
std::uint64_t leg_replaced_by(const std::string& replaces);

}  // namespace callwright
