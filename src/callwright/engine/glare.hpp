// Offers of ours that met one of the peer's, and are made again (RFC 3261 section 14.1).
#pragma once

#include <pjsip.h>

#include <cstdint>
#include <random>
#include <unordered_map>

namespace callwright {

class Engine;

// Engine thread.
class Glare {
  public:
    explicit Glare(Engine& engine) : engine_(engine) {}
    Glare(const Glare&) = delete;
    Glare& operator=(const Glare&) = delete;

    // After the RFC's random time, Legs::offer_hold() of this leg; once, however often it is asked for meanwhile.
    // `ours`: whether we chose the dialog's Call-ID.
    void retry(std::uint64_t leg, bool ours);
    void forget(std::uint64_t leg);

  private:
    struct Waiting {
        pj_timer_entry timer{};
        Glare* glare = nullptr;
        std::uint64_t leg = 0;
    };

    static void on_timer(pj_timer_heap_t* heap, pj_timer_entry* entry);

    Engine& engine_;
    std::unordered_map<std::uint64_t, Waiting> waiting_;
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace callwright
