// What Python asks of legs.
#include <pjsip_ua.h>
#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <string>

#include "engine.hpp"
#include "leg.hpp"
#include "message.hpp"

namespace callwright {

namespace {

std::string words_of(pj_status_t status) {
    std::array<char, PJ_ERR_MSG_SIZE> text;
    return text_of(pj_strerror(status, text.data(), text.size()));
}

// A call has no dialog any more between its end and its slot's reuse.
pjsip_inv_session* session_of(const Leg& leg) {
    return leg.call == PJSUA_INVALID_ID ? nullptr : pjsua_var.calls[leg.call].inv;
}

}  // namespace

pjsua_acc_id Legs::account_for(const std::string& uri) const {
    pj_pool_t* pool = pjsua_pool_create("target", 512, 512);
    std::string text = uri;
    bool reliable = false;
    bool ipv6 = false;
    pjsip_uri* parsed = pjsip_parse_uri(pool, text.data(), text.size(), 0);
    if (parsed != nullptr && (PJSIP_URI_SCHEME_IS_SIP(parsed) || PJSIP_URI_SCHEME_IS_SIPS(parsed))) {
        const auto* target = static_cast<const pjsip_sip_uri*>(pjsip_uri_get_uri(parsed));
        reliable = pj_stricmp2(&target->transport_param, "tcp") == 0;
        ipv6 = pj_strchr(&target->host, ':') != nullptr;
    }
    pj_pool_release(pool);
    for (const Account& account : accounts_) {
        if (account.reliable == reliable && account.ipv6 == ipv6) return account.id;
    }
    return accounts_.front().id;  // no transport fits: the INVITE fails and says so
}

void Legs::originate(std::uint64_t id, const std::string& uri, const std::string& next_hop,
                     const std::string& local_uri, const Headers& headers, const Credentials& credentials) {
    const bool room = prepare();
    Leg& placed = add(id, true);
    if (!room) {
        placed.hung_up = true;
        forget(placed, {PJSIP_SC_SERVICE_UNAVAILABLE, "no room for a further leg", {}}, nullptr);
        return;
    }
    MessageData message(headers);
    message->local_uri = borrow(local_uri);
    if (!next_hop.empty()) message.send_to(next_hop);
    const pj_str_t target = borrow(uri);
    auto* user_data = reinterpret_cast<void*>(static_cast<std::uintptr_t>(id));
    pjsua_call_id call = PJSUA_INVALID_ID;
    const pj_status_t status =
        pjsua_call_make_call(account_for(next_hop.empty() ? uri : next_hop), &target, nullptr, user_data, message.get(), &call);
    Leg* leg = find(id);
    if (leg == nullptr) return;  // its failure has been reported by a callback
    if (status != PJ_SUCCESS) {
        forget(*leg, {PJSIP_SC_SERVICE_UNAVAILABLE, words_of(status), {}}, nullptr);
        return;
    }
    leg->call = call;
    set_credentials(*leg, credentials);
}

// On the dialog, not the account: an account's credentials answer challenges in calls that it received as well.
void Legs::set_credentials(const Leg& leg, const Credentials& credentials) {
    pjsip_inv_session* session = session_of(leg);
    if (credentials.username.empty() || session == nullptr) return;
    pjsip_cred_info info{};
    const std::string realm = credentials.realm.empty() ? "*" : credentials.realm;
    const std::string scheme = "digest";
    info.realm = borrow(realm);
    info.scheme = borrow(scheme);
    info.username = borrow(credentials.username);
    info.data_type = PJSIP_CRED_DATA_PLAIN_PASSWD;
    info.data = borrow(credentials.password);
    pjsip_auth_clt_set_credentials(&session->dlg->auth_sess, 1, &info);
}

void Legs::answer(std::uint64_t id, const Reply& reply) {
    Leg* leg = find(id);
    if (leg == nullptr) return;
    if (leg->outbound || leg->state() >= Leg::State::CONNECTING) {
        engine_.fail(id, "answer: the leg does not wait for an answer");
        return;
    }
    const MessageData message(reply.headers);
    const pj_str_t reason = borrow(reply.reason);
    const pj_status_t status =
        pjsua_call_answer2(leg->call, nullptr, static_cast<unsigned>(reply.code), &reason, message.get());
    if (status == PJ_SUCCESS || find(id) == nullptr) return;
    engine_.fail(id, "answer: " + words_of(status));
    if (reply.code >= 200) hang_up(id, {PJSIP_SC_SERVICE_UNAVAILABLE, {}, {}});
}

void Legs::hang_up(std::uint64_t id, const Reply& reply) {
    Leg* leg = find(id);
    if (leg == nullptr) return;
    const bool answered = leg->state() >= Leg::State::CONNECTING;
    leg->hung_up = true;
    leg->farewell.reason = reply.reason;
    if (answered) {
        leg->farewell.code = PJSIP_SC_OK;
    } else if (leg->outbound) {
        leg->farewell.code = PJSIP_SC_REQUEST_TERMINATED;
    } else {
        leg->farewell.code = reply.code >= 300 ? reply.code : PJSIP_SC_DECLINE;
    }
    const MessageData message(reply.headers);
    const pj_str_t reason = borrow(reply.reason);
    const auto code = static_cast<unsigned>(leg->farewell.code);
    const pjsua_call_id call = leg->call;
    // pjsua reports the end at once and finishes the transaction behind our back, 32 s at the longest.
    const pj_status_t status =
        pjsua_call_hangup(call, code, reply.reason.empty() ? nullptr : &reason, message.get());
    leg = find(id);
    if (leg != nullptr) forget(*leg, {PJSIP_SC_REQUEST_TERMINATED, words_of(status), {}}, nullptr);
}

void Legs::hang_up_all() {
    while (!legs_.empty()) hang_up(legs_.begin()->first, {PJSIP_SC_SERVICE_UNAVAILABLE, {}, {}});
}

void Legs::hold(std::uint64_t id, bool on) {
    const Leg* leg = find(id);
    if (leg == nullptr) return;
    if (leg->state() != Leg::State::CONFIRMED) {
        engine_.fail(id, "hold: the leg is not established");
        return;
    }
    const pj_status_t status = on ? pjsua_call_set_hold(leg->call, nullptr)
                                  : pjsua_call_reinvite(leg->call, PJSUA_CALL_UNHOLD, nullptr);
    if (status != PJ_SUCCESS) engine_.fail(id, "hold: " + words_of(status));
}

void Legs::send_digits(std::uint64_t id, const std::string& digits, unsigned duration) {
    const Leg* leg = find(id);
    if (leg == nullptr) return;
    const std::shared_ptr<Line> line = line_of(id);
    if (!line) {
        engine_.fail(id, "send_digits: the leg has no media");
        return;
    }
    if (line->send_digits(digits, duration)) return;
    // Without telephone-event: one INFO a digit (pjsua: application/dtmf-relay).
    pjsua_call_send_dtmf_param parameters;
    pjsua_call_send_dtmf_param_default(&parameters);
    parameters.method = PJSUA_DTMF_METHOD_SIP_INFO;
    parameters.digits = borrow(digits);
    parameters.duration = duration;
    const pj_status_t status = pjsua_call_send_dtmf(leg->call, &parameters);
    if (status != PJ_SUCCESS) engine_.fail(id, "send_digits: " + words_of(status));
}

}  // namespace callwright
