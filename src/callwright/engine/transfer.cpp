#include "transfer.hpp"

#include <pjsip_ua.h>
#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "engine.hpp"
#include "leg.hpp"
#include "message.hpp"

namespace callwright {

namespace {

constexpr std::size_t longest_reason = 80;  // pjsip writes the fragment into 128 bytes

const pj_str_t* find_field(const pjsip_msg* message, const char* name, const char* compact, unsigned* count) {
    pj_str_t full;
    pj_str_t brief;
    pj_cstr(&full, name);
    pj_cstr(&brief, compact);
    const pj_str_t* value = nullptr;
    *count = 0;
    auto* found = static_cast<pjsip_generic_string_hdr*>(pjsip_msg_find_hdr_by_names(message, &full, &brief, nullptr));
    while (found != nullptr) {
        if (++*count == 1) value = &found->hvalue;
        found = static_cast<pjsip_generic_string_hdr*>(pjsip_msg_find_hdr_by_names(message, &full, &brief, found->next));
    }
    return value;
}

std::string field_of(const pjsip_msg* message, const char* name, const char* compact) {
    unsigned count = 0;
    const pj_str_t* value = find_field(message, name, compact, &count);
    return value == nullptr ? std::string() : text_of(*value);
}

// What a message/sipfrag body says (RFC 3420): its status line; 0 when it is none.
std::pair<int, std::string> status_of(const pjsip_msg_body* body) {
    constexpr std::string_view version = "SIP/2.0 ";
    const std::string_view text(static_cast<const char*>(body->data), body->len);
    const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
    if (line.size() < version.size() + 3 || line.substr(0, version.size()) != version) return {0, {}};
    int code = 0;
    for (const char c : line.substr(version.size(), 3)) {
        if (std::isdigit(static_cast<unsigned char>(c)) == 0) return {0, {}};
        code = code * 10 + (c - '0');
    }
    const auto reason = line.substr(version.size() + 3);
    const auto first = reason.find_first_not_of(' ');
    return {code < 100 ? 0 : code, first == std::string_view::npos ? std::string() : std::string(reason.substr(first))};
}

bool is_fragment(const pjsip_msg_body& body) {
    return pj_stricmp2(&body.content_type.type, "message") == 0 && pj_stricmp2(&body.content_type.subtype, "sipfrag") == 0;
}

bool is_terminated(const pjsip_msg* message) {
    const std::string state_name = "Subscription-State";
    const pj_str_t name = borrow(state_name);
    const auto* state = static_cast<pjsip_sub_state_hdr*>(pjsip_msg_find_hdr_by_name(message, &name, nullptr));
    return state != nullptr && pj_stricmp2(&state->sub_state, "terminated") == 0;
}

// Whom a REFER names.
struct Target {
    std::string uri;
    bool attended = false;       // it names a dialog to be replaced
    std::uint64_t replaced = 0;  // the leg, when that dialog is ours
};

// 400 or 416 in place of a target that is none.
int read_target(pj_pool_t* pool, const pj_str_t& value, Target& target) {
    std::string text = text_of(value);
    const auto closing = text.find('>');
    if (closing != std::string::npos) text.resize(closing + 1);  // parameters of the field say nothing here
    if (text.size() >= PJSIP_MAX_URL_SIZE) return PJSIP_SC_BAD_REQUEST;
    pj_str_t copy;
    const pj_str_t borrowed = borrow(text);
    pj_strdup_with_null(pool, &copy, &borrowed);
    pjsip_uri* parsed = pjsip_parse_uri(pool, copy.ptr, static_cast<pj_size_t>(copy.slen), PJSIP_PARSE_URI_AS_NAMEADDR);
    if (parsed == nullptr) return PJSIP_SC_BAD_REQUEST;
    auto* inner = static_cast<pjsip_uri*>(pjsip_uri_get_uri(parsed));
    if (PJSIP_URI_SCHEME_IS_SIP(inner) || PJSIP_URI_SCHEME_IS_SIPS(inner)) {
        auto* sip = reinterpret_cast<pjsip_sip_uri*>(inner);
        for (pjsip_param* one = sip->header_param.next; one != &sip->header_param; one = one->next) {
            if (pj_stricmp2(&one->name, "Replaces") != 0) continue;
            target.attended = true;
            target.replaced = leg_replaced_by(text_of(one->value));
            if (target.replaced != 0) break;
        }
    } else if (!PJSIP_URI_SCHEME_IS_TEL(inner)) {
        return PJSIP_SC_UNSUPPORTED_URI_SCHEME;
    }
    target.uri = text_of(parsed, PJSIP_URI_IN_OTHER);
    return target.uri.empty() ? PJSIP_SC_BAD_REQUEST : 0;
}

pjsip_inv_session* session_of(const Leg& leg) {
    return leg.call == PJSUA_INVALID_ID ? nullptr : pjsua_var.calls[leg.call].inv;
}

void* mark_of(std::uint64_t id) { return reinterpret_cast<void*>(static_cast<std::uintptr_t>(id)); }

}  // namespace

std::uint64_t leg_replaced_by(const std::string& replaces) {
    std::string call_id;
    std::string to_tag;
    std::string from_tag;
    std::size_t start = 0;
    while (start <= replaces.size()) {
        const auto end = std::min(replaces.find(';', start), replaces.size());
        const std::string part = replaces.substr(start, end - start);
        const auto equals = part.find('=');
        if (start == 0) {
            call_id = part;
        } else if (equals != std::string::npos) {
            const std::string value = part.substr(equals + 1);
            if (part.compare(0, equals, "to-tag") == 0) to_tag = value;
            if (part.compare(0, equals, "from-tag") == 0) from_tag = value;
        }
        start = end + 1;
    }
    if (call_id.empty() || to_tag.empty() || from_tag.empty()) return 0;
    const pj_str_t id = borrow(call_id);
    const pj_str_t local = borrow(to_tag);
    const pj_str_t remote = borrow(from_tag);
    pjsip_dialog* dialog = pjsip_ua_find_dialog(&id, &local, &remote, PJ_FALSE);
    const auto* call = dialog == nullptr ? nullptr : static_cast<pjsua_call*>(dialog->mod_data[pjsua_var.mod.id]);
    const Leg* leg = call == nullptr ? nullptr : Engine::current()->legs().of_call(call->index);
    return leg == nullptr ? 0 : leg->id;
}

std::uint64_t Transfers::id_of(const pjsip_evsub* sub) const {
    return reinterpret_cast<std::uintptr_t>(pjsip_evsub_get_mod_data(sub, static_cast<unsigned>(pjsua_var.mod.id)));
}

void Transfers::keep(std::uint64_t id, const Subscription& subscription) {
    pjsip_evsub_set_mod_data(subscription.sub, static_cast<unsigned>(pjsua_var.mod.id), mark_of(id));
    subscriptions_[id] = subscription;
    count_ = subscriptions_.size();
}

void Transfers::drop(std::uint64_t id) {
    const auto found = subscriptions_.find(id);
    if (found == subscriptions_.end()) return;
    pjsip_evsub_set_mod_data(found->second.sub, static_cast<unsigned>(pjsua_var.mod.id), nullptr);
    subscriptions_.erase(found);
    count_ = subscriptions_.size();
}

void Transfers::forget(std::uint64_t id) {
    const auto found = subscriptions_.find(id);
    if (found == subscriptions_.end()) return;
    pjsip_evsub* sub = found->second.sub;
    drop(id);
    pjsip_evsub_terminate(sub, PJ_FALSE);
}

void Transfers::close() {
    while (!subscriptions_.empty()) forget(subscriptions_.begin()->first);
}

void Transfers::tell(std::uint64_t id, const char* by, int code, const std::string& text, bool last) {
    auto event = std::make_unique<Event>(EventKind::TRANSFER, id, code, text);
    event->with("by", std::string(by));
    event->with("last", last);
    engine_.push(std::move(event));
}

// --- ours

void Transfers::refer(std::uint64_t id, std::uint64_t leg_id, const std::string& target, const Headers& headers) {
    const Leg* leg = engine_.legs().find(leg_id);
    pjsip_inv_session* session = leg == nullptr ? nullptr : session_of(*leg);
    if (session == nullptr || leg->state() != Leg::State::CONFIRMED) {
        tell(id, "answer", PJSIP_SC_CALL_TSX_DOES_NOT_EXIST, "the leg is not established", true);
        return;
    }
    if (send(id, session->dlg, target, headers)) return;
    // A callback may have reported the failure already.
    const bool known = subscriptions_.count(id) != 0;
    forget(id);
    if (known) tell(id, "answer", PJSIP_SC_SERVICE_UNAVAILABLE, "the REFER cannot be sent", true);
}

bool Transfers::send(std::uint64_t id, pjsip_dialog* dialog, const std::string& target, const Headers& headers) {
    pjsip_evsub_user callbacks{};
    callbacks.on_evsub_state = &Transfers::on_state;
    callbacks.on_tsx_state = &Transfers::on_transaction;
    callbacks.on_rx_notify = &Transfers::on_notify;
    pjsip_evsub* sub = nullptr;
    if (pjsip_xfer_create_uac(dialog, &callbacks, &sub) != PJ_SUCCESS) {
        tell(id, "answer", PJSIP_SC_INTERNAL_SERVER_ERROR, "no subscription for the REFER", true);
        return true;
    }
    Subscription subscription;
    subscription.sub = sub;
    subscription.ours = true;
    keep(id, subscription);
    const pj_str_t name_addr = borrow(target);
    pjsip_tx_data* message = nullptr;
    if (pjsip_xfer_initiate(sub, &name_addr, &message) != PJ_SUCCESS) return false;
    const Headers by{{"Referred-By", text_of(dialog->local.info_str)}};
    add_headers(message, by);
    add_headers(message, headers);
    return pjsip_xfer_send_request(sub, message) == PJ_SUCCESS;
}

void Transfers::on_transaction(pjsip_evsub* sub, pjsip_transaction* transaction, pjsip_event*) {
    Transfers& transfers = Engine::current()->legs().transfers();
    const std::uint64_t id = transfers.id_of(sub);
    const auto found = transfers.subscriptions_.find(id);
    if (found == transfers.subscriptions_.end() || !found->second.ours || found->second.answered) return;
    const bool answer = transaction->role == PJSIP_ROLE_UAC && transaction->state == PJSIP_TSX_STATE_COMPLETED &&
                        pjsip_method_cmp(&transaction->method, pjsip_get_refer_method()) == 0 &&
                        transaction->status_code / 100 == 2;
    if (!answer) return;
    found->second.answered = true;
    transfers.tell(id, "answer", transaction->status_code, text_of(transaction->status_text), false);
}

void Transfers::on_notify(pjsip_evsub* sub, pjsip_rx_data* rdata, int* code, pj_str_t**, pjsip_hdr*, pjsip_msg_body**) {
    Transfers& transfers = Engine::current()->legs().transfers();
    const std::uint64_t id = transfers.id_of(sub);
    const auto found = transfers.subscriptions_.find(id);
    const pjsip_msg* message = rdata->msg_info.msg;
    if (found == transfers.subscriptions_.end() || found->second.over || message->body == nullptr) return;
    if (!is_fragment(*message->body)) {
        *code = PJSIP_SC_UNSUPPORTED_MEDIA_TYPE;
        return;
    }
    const auto [status, reason] = status_of(message->body);
    if (status == 0) {
        *code = PJSIP_SC_BAD_REQUEST;
        return;
    }
    found->second.over = status >= 200 || is_terminated(message);
    transfers.tell(id, "notify", status, reason, found->second.over);
}

// Of either side's subscription.
void Transfers::on_state(pjsip_evsub* sub, pjsip_event* event) {
    Transfers& transfers = Engine::current()->legs().transfers();
    const std::uint64_t id = transfers.id_of(sub);
    const auto found = transfers.subscriptions_.find(id);
    if (found == transfers.subscriptions_.end()) return;
    const auto state = pjsip_evsub_get_state(sub);
    if (state == PJSIP_EVSUB_STATE_TERMINATED) {
        transfers.end(id, found->second, event);
        return;
    }
    if (!found->second.ours) return;
    const pjsip_rx_data* rdata = state == PJSIP_EVSUB_STATE_ACCEPTED ? received(event) : nullptr;
    const bool unreported = rdata != nullptr && field_of(rdata->msg_info.msg, "Refer-Sub", "Refer-Sub") == "false";
    if (unreported) transfers.tell(id, "silent", 0, "no reports", true);
    if (unreported || found->second.over) transfers.forget(id);
}

void Transfers::end(std::uint64_t id, Subscription& subscription, const pjsip_event* event) {
    if (subscription.ours && !subscription.over) {
        const bool failed = !subscription.answered;
        const bool told = event != nullptr && event->type == PJSIP_EVENT_TSX_STATE;
        const auto* transaction = told ? event->body.tsx_state.tsx : nullptr;
        const int code = transaction == nullptr ? PJSIP_SC_REQUEST_TIMEOUT : transaction->status_code;
        tell(id, failed ? "answer" : "end", failed ? code : 0,
             failed && transaction != nullptr ? text_of(transaction->status_text) : "no final report", true);
    }
    drop(id);
}

// --- the peer's

void Transfers::take(Leg& leg, pjsip_dialog* dialog, pjsip_transaction* transaction, pjsip_rx_data* rdata) {
    const pjsip_msg* message = rdata->msg_info.msg;
    unsigned count = 0;
    const pj_str_t* value = find_field(message, "Refer-To", "r", &count);
    Target target;
    int code = count == 1 ? read_target(rdata->tp_info.pool, *value, target) : PJSIP_SC_BAD_REQUEST;
    // A dialog of somebody else's is his whom the target names, where that may be anybody.
    const bool attended = target.replaced != 0 || (target.attended && !leg.referrals.blind);
    const bool allowed = leg.state() == Leg::State::CONFIRMED && target.replaced != leg.id &&
                         (attended ? leg.referrals.attended : leg.referrals.blind);
    if (code == 0 && !allowed) code = PJSIP_SC_DECLINE;
    std::uint64_t id = 0;
    if (code == 0) {
        leg.referrals = {};  // one at a time
        id = accept(dialog, transaction, rdata);
        code = PJSIP_SC_ACCEPTED;
    } else {
        pjsip_dlg_respond(dialog, rdata, code, nullptr, nullptr, nullptr);
    }
    auto event = std::make_unique<Event>(EventKind::REFER, leg.id, code, target.uri);
    event->with("transfer", static_cast<std::int64_t>(id));
    event->with("attended", attended);
    event->with("replaced", static_cast<std::int64_t>(target.replaced));
    event->with("referred_by", field_of(message, "Referred-By", "b"));
    engine_.push(std::move(event));
}

// 202 and the first report. 0: the peer wants no reports (RFC 4488), or there can be none.
std::uint64_t Transfers::accept(pjsip_dialog* dialog, pjsip_transaction* transaction, pjsip_rx_data* rdata) {
    const std::string wish = field_of(rdata->msg_info.msg, "Refer-Sub", "Refer-Sub");
    pjsip_evsub_user callbacks{};
    callbacks.on_evsub_state = &Transfers::on_state;
    pjsip_evsub* sub = nullptr;
    const bool reports = wish.empty() || wish.compare(0, 4, "true") == 0;
    if (!reports || pjsip_xfer_create_uas(dialog, &callbacks, rdata, &sub) != PJ_SUCCESS) {
        pjsip_tx_data* response = nullptr;
        if (pjsip_dlg_create_response(dialog, rdata, PJSIP_SC_ACCEPTED, nullptr, &response) != PJ_SUCCESS) return 0;
        add_headers(response, {{"Refer-Sub", "false"}});
        pjsip_dlg_send_response(dialog, transaction, response);
        return 0;
    }
    const std::uint64_t id = engine_.next_id();
    Subscription subscription;
    subscription.sub = sub;
    keep(id, subscription);
    pjsip_xfer_accept(sub, rdata, PJSIP_SC_ACCEPTED, nullptr);
    notify(id, PJSIP_SC_TRYING, {});
    return id;
}

void Transfers::notify(std::uint64_t id, int code, const std::string& reason) {
    const auto found = subscriptions_.find(id);
    if (found == subscriptions_.end() || found->second.ours) return;
    pjsip_evsub* sub = found->second.sub;
    const std::string brief = reason.substr(0, longest_reason);
    const pj_str_t text = borrow(brief);
    const auto state = code < 200 ? PJSIP_EVSUB_STATE_ACTIVE : PJSIP_EVSUB_STATE_TERMINATED;
    pjsip_tx_data* message = nullptr;
    if (pjsip_xfer_notify(sub, state, code, brief.empty() ? nullptr : &text, &message) == PJ_SUCCESS &&
        pjsip_xfer_send_request(sub, message) == PJ_SUCCESS) {
        return;
    }
    forget(id);
    engine_.fail(id, "notify: the NOTIFY cannot be sent");
}

}  // namespace callwright
