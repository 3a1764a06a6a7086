#include "glare.hpp"

#include <pjsua-lib/pjsua.h>

#include "engine.hpp"
#include "leg.hpp"

namespace callwright {

namespace {

// In units of 10 ms: who chose the Call-ID waits longer than the other ever does.
constexpr int unit_ms = 10;
constexpr int owner_first = 210;
constexpr int owner_last = 400;
constexpr int other_last = 200;

}  // namespace

void Glare::retry(std::uint64_t leg, bool ours) {
    const auto [place, fresh] = waiting_.try_emplace(leg);
    if (!fresh) return;
    Waiting& waiting = place->second;
    waiting.glare = this;
    waiting.leg = leg;
    pj_timer_entry_init(&waiting.timer, 0, &waiting, &Glare::on_timer);
    std::uniform_int_distribution<int> pick(ours ? owner_first : 0, ours ? owner_last : other_last);
    const int ms = pick(random_) * unit_ms;
    const pj_time_val delay{ms / 1000, ms % 1000};
    pjsip_endpt_schedule_timer(pjsua_get_pjsip_endpt(), &waiting.timer, &delay);
}

void Glare::forget(std::uint64_t leg) {
    const auto found = waiting_.find(leg);
    if (found == waiting_.end()) return;
    pjsip_endpt_cancel_timer(pjsua_get_pjsip_endpt(), &found->second.timer);
    waiting_.erase(found);
}

void Glare::on_timer(pj_timer_heap_t*, pj_timer_entry* entry) {
    const auto* waiting = static_cast<Waiting*>(entry->user_data);
    Glare& glare = *waiting->glare;
    const std::uint64_t leg = waiting->leg;
    glare.waiting_.erase(leg);
    glare.engine_.legs().offer_hold(leg);
}

}  // namespace callwright
