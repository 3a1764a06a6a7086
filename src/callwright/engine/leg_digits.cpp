// Digits that we send to a leg: as RFC 4733 events by its line, or as INFO requests, one after the other.
#include <pjsip_ua.h>
#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <string>

#include "engine.hpp"
#include "leg.hpp"
#include "message.hpp"
#include "rtp/line.hpp"

namespace callwright {

namespace {

constexpr std::size_t MOST_KEYS = 128;  // that may wait, as in EventSender

}  // namespace

void Legs::send_digits(std::uint64_t id, const std::string& digits, unsigned duration, const std::string& method) {
    Leg* leg = find(id);
    if (leg == nullptr) return;
    const std::shared_ptr<Line> line = line_of(id);
    const Line::Format format = line ? line->format() : Line::Format();
    const bool events = format.tx_event_type >= 0;
    if (format.clock_rate == 0 && method != "info") {
        engine_.fail(id, "send_digits: the leg has no media");
    } else if (method == "rfc4733" && !events) {
        engine_.fail(id, "send_digits: the peer has not agreed to telephone-event");
    } else if (events && method != "info") {
        if (!line->send_digits(digits, duration)) engine_.fail(id, "send_digits: too many digits wait");
    } else {
        send_info_digits(*leg, digits, duration);
    }
}

// One after the other has been answered: over UDP they might overtake one another.
void Legs::send_info_digits(Leg& leg, const std::string& digits, unsigned duration) {
    if (leg.keys.size() + digits.size() > MOST_KEYS) {
        engine_.fail(leg.id, "send_digits: too many digits wait");
        return;
    }
    for (std::size_t i = 0; i < digits.size(); ++i) leg.keys.push_back({digits[i], duration, i + 1 == digits.size()});
    if (!leg.key_out) send_next_key(leg);
}

void Legs::send_next_key(Leg& leg) {
    while (!leg.keys.empty()) {
        const std::string digit(1, leg.keys.front().digit);
        pjsua_call_send_dtmf_param parameters;  // of pjsua: application/dtmf-relay
        pjsua_call_send_dtmf_param_default(&parameters);
        parameters.method = PJSUA_DTMF_METHOD_SIP_INFO;
        parameters.digits = borrow(digit);
        parameters.duration = leg.keys.front().duration;
        if (pjsua_call_send_dtmf(leg.call, &parameters) == PJ_SUCCESS) {
            leg.key_out = true;
            return;
        }
        engine_.fail(leg.id, "send_digits: the INFO request cannot be sent");
        finish_key(leg);
    }
}

// The front one is over, however it was answered.
void Legs::finish_key(Leg& leg) {
    leg.key_out = false;
    const bool last = leg.keys.front().last;
    leg.keys.pop_front();
    if (last) engine_.digits().report_sent(leg.id);
}

void Legs::key_answered(Leg& leg) {
    if (!leg.key_out) return;
    finish_key(leg);
    send_next_key(leg);
}

}  // namespace callwright
