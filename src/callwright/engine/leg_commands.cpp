// What Python asks of legs.
#include <pjsip_ua.h>
#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <string>

#include "engine.hpp"
#include "gate.hpp"
#include "leg.hpp"
#include "message.hpp"
#include "offers.hpp"

namespace callwright {

namespace {

constexpr int flow_failed = 430;  // RFC 5626 section 11.5

std::string words_of(pj_status_t status) {
    std::array<char, PJ_ERR_MSG_SIZE> text;
    return text_of(pj_strerror(status, text.data(), text.size()));
}

// Whom a URI names, and whether over TLS.
struct Server {
    std::string host;
    bool tls = false;
};

Server server_of(const std::string& uri) {
    pj_pool_t* pool = pjsua_pool_create("server", 512, 512);
    std::string text = uri;
    Server server;
    pjsip_uri* parsed = pjsip_parse_uri(pool, text.data(), text.size(), 0);
    if (parsed != nullptr && (PJSIP_URI_SCHEME_IS_SIP(parsed) || PJSIP_URI_SCHEME_IS_SIPS(parsed))) {
        const auto* address = static_cast<const pjsip_sip_uri*>(pjsip_uri_get_uri(parsed));
        server = {text_of(address->host),
                  PJSIP_URI_SCHEME_IS_SIPS(parsed) || pj_stricmp2(&address->transport_param, "tls") == 0};
    }
    pj_pool_release(pool);
    return server;
}

// A call has no dialog any more between its end and its slot's reuse.
pjsip_inv_session* session_of(const Leg& leg) {
    return leg.call == PJSUA_INVALID_ID ? nullptr : pjsua_var.calls[leg.call].inv;
}

}  // namespace

void Legs::originate(std::uint64_t id, const Order& order) {
    const std::string& hop = order.next_hop.empty() ? order.uri : order.next_hop;
    const Way way = accounts_.towards(order.uri, hop, order.policy);
    const Place place = engine_.interfaces().place(way.listener, way.media_ipv6, way.peer);
    const bool room = prepare(place);
    Leg& placed = add(id, true);
    if (!room) {
        placed.hung_up = true;
        forget(placed, {PJSIP_SC_SERVICE_UNAVAILABLE, "no room for a further leg", {}}, nullptr);
        return;
    }
    placed.policy = order.policy;
    placed.place = place;
    if (const Leg* other = find(order.like)) engine_.offers().prefer_codec_of(*other, placed);
    const Server server = server_of(order.uri);
    if (server.tls) placed.server = server.host;
    if (order.keep_hop && !engine_.gate().reaches(order.next_hop)) {
        placed.hung_up = true;
        forget(placed, {flow_failed, "the connection is closed", {}}, nullptr);
        return;
    }
    begin(placed, order, way);
}

void Legs::begin(const Leg& placed, const Order& order, const Way& way) {
    const std::uint64_t id = placed.id;
    MessageData message(order.headers);
    message->local_uri = borrow(order.local_uri);
    message->contact_uri = borrow(way.contact);
    if (!order.next_hop.empty()) message.send_to(order.next_hop);
    for (const std::string& proxy : order.route) message.send_through(proxy);
    const pj_str_t target = borrow(order.uri);
    auto* user_data = reinterpret_cast<void*>(static_cast<std::uintptr_t>(id));
    pjsua_call_setting setting;
    pjsua_call_setting_default(&setting);
    setting.txt_cnt = 0;  // or each call would take a pair of ports for a text stream that is never offered
    if (!order.offer) setting.flag |= PJSUA_CALL_NO_SDP_OFFER;
    pjsua_call_id call = PJSUA_INVALID_ID;
    accounts_.show_connection(way.account, !order.keep_hop);
    const pj_status_t status = pjsua_call_make_call(way.account, &target, &setting, user_data, message.get(), &call);
    accounts_.show_connection(way.account, false);
    Leg* leg = find(id);
    if (leg == nullptr) return;  // its failure has been reported by a callback
    if (status != PJ_SUCCESS) {
        forget(*leg, {PJSIP_SC_SERVICE_UNAVAILABLE, words_of(status), {}}, nullptr);
        return;
    }
    leg->call = call;
    const pjsip_inv_session* session = session_of(*leg);
    if (order.keep_hop && session != nullptr) {
        leg->kept = text_of(session->dlg->call_id->id);
        kept_hops_.keep(leg->kept, order.next_hop, session->dlg->secure != PJ_FALSE);
    }
    set_credentials(*leg, order.credentials);
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

void Legs::answer(std::uint64_t id, const Reply& reply, const CodecList& codecs, std::uint64_t like) {
    Leg* leg = find(id);
    if (leg == nullptr) return;
    if (leg->outbound || leg->state() >= Leg::State::CONNECTING) {
        engine_.fail(id, "answer: the leg does not wait for an answer");
        return;
    }
    if (!codecs.empty()) {
        leg->policy.codecs = codecs;
        leg->policy.their_order = false;
    }
    const Leg* other = find(like);
    const bool alike = other != nullptr && engine_.offers().prefer_codec_of(*other, *leg);
    if (!codecs.empty() || alike) {
        if (const auto unfit = engine_.offers().answer_with(leg->call, leg->policy, leg->place)) {
            const std::string warning = std::to_string(unfit->code) + " callwright \"" + unfit->text + "\"";
            hang_up(id, {PJSIP_SC_NOT_ACCEPTABLE_HERE, {}, {{"Warning", warning}}});
            return;
        }
    }
    // An INVITE without an offer gets its media only now.
    accounts_.aim(pjsua_var.calls[leg->call].acc_id, leg->policy, leg->place.ipv6());
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
    Leg* leg = find(id);
    if (leg == nullptr) return;
    if (leg->state() != Leg::State::CONFIRMED) {
        engine_.fail(id, "hold: the leg is not established");
        return;
    }
    leg->held = on;
    offer_hold(id);
}

void Legs::permit(std::uint64_t id, Referrals referrals) {
    if (Leg* leg = find(id)) leg->referrals = referrals;
}

void Legs::offer_hold(std::uint64_t id) {
    const Leg* leg = find(id);
    const auto* session = leg == nullptr ? nullptr : session_of(*leg);
    if (session == nullptr || leg->state() != Leg::State::CONFIRMED) return;
    // One offer at a time, whoever made it (RFC 3261 section 14.1).
    if (session->invite_tsx != nullptr) {
        glare_.retry(id, leg->outbound);
        return;
    }
    const pj_status_t status = leg->held ? pjsua_call_set_hold(leg->call, nullptr)
                                         : pjsua_call_reinvite(leg->call, PJSUA_CALL_UNHOLD, nullptr);
    if (status != PJ_SUCCESS) engine_.fail(id, "hold: " + words_of(status));
}

}  // namespace callwright
