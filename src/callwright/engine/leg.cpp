#include "leg.hpp"

#include <pjsip_ua.h>
#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <string_view>

#include "engine.hpp"
#include "gate.hpp"
#include "info.hpp"
#include "message.hpp"
#include "offers.hpp"
#include "ports.hpp"

namespace callwright {

namespace {

const pjsua_call& state_of(pjsua_call_id call) { return pjsua_var.calls[call]; }

bool carries_sdp(const pjsip_rx_data* rdata) {
    return rdata != nullptr && pjsip_rdata_get_sdp_info(const_cast<pjsip_rx_data*>(rdata))->sdp != nullptr;
}

// What a dialog that ended without our doing says of itself.
Reply verdict_of(const Leg& leg, const pjsip_event* event) {
    const bool was_established = leg.state() == Leg::State::CONFIRMED;
    if (event == nullptr || event->type != PJSIP_EVENT_TSX_STATE) {
        return {was_established ? PJSIP_SC_OK : PJSIP_SC_SERVICE_UNAVAILABLE, {}, {}};
    }
    const auto* transaction = event->body.tsx_state.tsx;
    if (transaction->method.id == PJSIP_BYE_METHOD) {
        if (transaction->role != PJSIP_ROLE_UAC) return {PJSIP_SC_OK, {}, {}};
        // The stack's own BYE: the ACK never came, or nobody refreshed the session (RFC 4028 section 10).
        return {PJSIP_SC_REQUEST_TIMEOUT, was_established ? "the session expired" : "", {}};
    }
    const int code = transaction->status_code;
    if (code < 300) return {was_established ? PJSIP_SC_OK : PJSIP_SC_REQUEST_TERMINATED, {}, {}};
    return {code, text_of(transaction->status_text), {}};
}

// An INFO of ours has its final response, or will never have one.
bool ends_info(const pjsip_transaction& transaction, const pjsip_event& event) {
    if (transaction.role != PJSIP_ROLE_UAC || pj_stricmp2(&transaction.method.name, "INFO") != 0) return false;
    return transaction.state == PJSIP_TSX_STATE_COMPLETED ||
           (transaction.state == PJSIP_TSX_STATE_TERMINATED &&
            event.body.tsx_state.prev_state != PJSIP_TSX_STATE_COMPLETED);
}

}  // namespace

bool Leg::set_state(State next) {
    if (next == state_) return true;
    // A dialog only moves forward (RFC 3261 section 13); an answer may come without a provisional response.
    const bool inbound_start = next == State::CALLING || next == State::INCOMING;
    if (inbound_start || next < state_) return false;
    state_ = next;
    return true;
}

Legs::Legs(Engine& engine)
    : engine_(engine),
      rtp_ports_(engine.options().rtp_first, engine.options().rtp_last, engine.interfaces().known()),
      accounts_(engine),
      glare_(engine),
      transfers_(engine) {}

void Legs::install(pjsua_callback& callbacks) {
    callbacks.on_incoming_call = &Legs::on_incoming;
    callbacks.on_rejected_incoming_call = &Legs::on_rejected;
    callbacks.on_call_state = &Legs::on_state;
    callbacks.on_call_tsx_state = &Legs::on_transaction;
    callbacks.on_call_media_state = &Legs::on_media_state;
    callbacks.on_stream_created2 = &Legs::on_stream_created;
    callbacks.on_stream_destroyed = &Legs::on_stream_destroyed;
    callbacks.on_make_media_transport = &Legs::on_make_transport;
    callbacks.on_stream_transport = &Legs::on_stream_transport;
    callbacks.on_call_transfer_request2 = &Legs::on_transfer;
    callbacks.on_call_replace_request2 = &Legs::on_replace;
    engine_.offers().install(callbacks);
}

bool Legs::prepare(const Place& place) {
    return !shut_ && legs_.size() < engine_.options().max_legs && rtp_ports_.free(place.own) != 0 &&
           pjsua_call_get_count() < engine_.options().max_calls();
}

Leg* Legs::find(std::uint64_t id) {
    const auto found = legs_.find(id);
    return found == legs_.end() ? nullptr : &found->second;
}

Leg* Legs::of_call(pjsua_call_id call) {
    return find(reinterpret_cast<std::uintptr_t>(pjsua_call_get_user_data(call)));
}

Leg& Legs::add(std::uint64_t id, bool outbound) {
    Leg& leg = legs_.try_emplace(id, id, outbound).first->second;
    count_ = legs_.size();
    engine_.patch().add_leg(id);
    engine_.digits().open(id);
    return leg;
}

void Legs::on_incoming(pjsua_acc_id, pjsua_call_id call, pjsip_rx_data* rdata) {
    Engine& engine = *Engine::current();
    Leg& leg = engine.legs().add(engine.next_id(), false);
    leg.call = call;
    leg.policy = engine.offers().incoming();
    leg.place = engine.offers().incoming_place();
    engine.legs().note_peer(leg, rdata);
    // Never a second pair of ports, for a text stream that no answer of ours has.
    pjsua_var.calls[call].opt.txt_cnt = 0;
    pjsip_dialog* dialog = state_of(call).inv->dlg;
    // A user's phone may sit behind a NAT, where its Contact leads nowhere; and it may lie.
    if (engine.gate().is_of_a_user(rdata)) {
        keep_hop(dialog, source_of(rdata));
    } else if (leg.policy.symmetric) {
        route_by(dialog, source_of(rdata));
    }
    pjsua_call_set_user_data(call, reinterpret_cast<void*>(static_cast<std::uintptr_t>(leg.id)));
    auto event = std::make_unique<Event>(EventKind::INCOMING, leg.id);
    describe_request(*event, rdata, engine.legs().accounts().local_host(rdata));
    engine.gate().describe_sender(*event, rdata);
    event->with("offer", carries_sdp(rdata));
    event->with("replaced", static_cast<std::int64_t>(engine.legs().replacements().incoming()));
    event->with("early_only", engine.legs().replacements().early_only());
    engine.push(std::move(event));
}

void Legs::on_rejected(const pjsua_on_rejected_incoming_call_param* rejected) {
    Engine::current()->legs().release_media(rejected->call_id);
}

void Legs::on_state(pjsua_call_id call, pjsip_event* event) {
    Legs& legs = Engine::current()->legs();
    Leg* leg = legs.of_call(call);
    if (leg == nullptr) return;
    leg->call = call;
    legs.change_state(*leg, event);
}

void Legs::change_state(Leg& leg, const pjsip_event* event) {
    const auto* session = state_of(leg.call).inv;
    // A user event is pjsua's way to say that the call is over although its dialog is not.
    const bool over = event->type == PJSIP_EVENT_USER || session == nullptr;
    if (leg.outbound && !over && session->state < PJSIP_INV_STATE_CONFIRMED) {
        const auto* response = received(event);
        note_peer(leg, response);
        if (leg.policy.symmetric && response != nullptr) leg.hop = source_of(response);
        // The response has just given the dialog its routes; the ACK comes after this.
        if (session->state >= PJSIP_INV_STATE_EARLY) route_by(session->dlg, leg.hop);
    }
    switch (over ? PJSIP_INV_STATE_DISCONNECTED : session->state) {
        case PJSIP_INV_STATE_EARLY: leg.set_state(Leg::State::EARLY); break;
        case PJSIP_INV_STATE_CONNECTING:
            leg.set_state(Leg::State::CONNECTING);
            if (leg.outbound) leg.answer = headers_of(received(event));
            break;
        case PJSIP_INV_STATE_CONFIRMED: established(leg); break;
        case PJSIP_INV_STATE_DISCONNECTED: end(leg, event); break;
        case PJSIP_INV_STATE_NULL:
        case PJSIP_INV_STATE_CALLING:
        case PJSIP_INV_STATE_INCOMING: break;
    }
}

void Legs::established(Leg& leg) {
    if (leg.state() == Leg::State::CONFIRMED || !leg.set_state(Leg::State::CONFIRMED)) return;
    if (const auto line = line_of(leg.id)) line->establish();
    auto event = std::make_unique<Event>(EventKind::ESTABLISHED, leg.id, PJSIP_SC_OK, "OK");
    event->with("headers", std::move(leg.answer));
    event->with("call_id", text_of(state_of(leg.call).inv->dlg->call_id->id));
    leg.answer.clear();
    engine_.push(std::move(event));
}

void Legs::end(Leg& leg, const pjsip_event* event) {
    const Reply reply = leg.hung_up ? leg.farewell : verdict_of(leg, event);
    forget(leg, reply, leg.hung_up ? nullptr : received(event));
}

void Legs::forget(Leg& leg, const Reply& reply, const pjsip_rx_data* last) {
    leg.set_state(Leg::State::ENDED);
    engine_.patch().remove(leg.id);
    engine_.digits().close(leg.id);
    engine_.ports().leg_ended(leg.id);
    glare_.forget(leg.id);
    kept_hops_.release(leg.kept);
    const auto* status = pjsip_get_status_text(reply.code);
    auto ended = std::make_unique<Event>(EventKind::ENDED, leg.id, reply.code,
                                         reply.reason.empty() ? text_of(*status) : reply.reason);
    std::string call_id;
    if (leg.call != PJSUA_INVALID_ID) {
        const auto* session = state_of(leg.call).inv;
        if (session != nullptr) call_id = text_of(session->dlg->call_id->id);
        release_media(leg.call);
        pjsua_call_set_user_data(leg.call, nullptr);
    }
    ended->with("by", std::string(leg.hung_up ? "local" : "remote"));
    ended->with("headers", headers_of(last));
    ended->with("call_id", std::move(call_id));
    ended->with("statistics", take_statistics(leg.id));
    legs_.erase(leg.id);
    count_ = legs_.size();
    engine_.push(std::move(ended));
}

void Legs::on_transaction(pjsua_call_id call, pjsip_transaction* transaction, pjsip_event* event) {
    Legs& legs = Engine::current()->legs();
    Leg* leg = legs.of_call(call);
    if (leg != nullptr && ends_info(*transaction, *event)) legs.key_answered(*leg);
    if (leg == nullptr || received(event) == nullptr) return;
    const bool provisional = transaction->state == PJSIP_TSX_STATE_PROCEEDING;
    const bool inviting = transaction->role == PJSIP_ROLE_UAC && transaction->method.id == PJSIP_INVITE_METHOD;
    if (inviting && provisional) {
        if (leg->state() < Leg::State::CONNECTING) legs.progress(*leg, event);
    } else if (inviting && transaction->state == PJSIP_TSX_STATE_COMPLETED) {
        if (transaction->status_code == PJSIP_SC_REQUEST_PENDING) legs.glare_.retry(leg->id, leg->outbound);
    } else if (transaction->role == PJSIP_ROLE_UAS && transaction->state == PJSIP_TSX_STATE_TRYING) {
        legs.receive_request(*leg, transaction, event);
    }
}

void Legs::progress(const Leg& leg, const pjsip_event* event) {
    const auto* rdata = received(event);
    const auto& line = rdata->msg_info.msg->line.status;
    if (line.code == PJSIP_SC_TRYING) {
        engine_.push(std::make_unique<Event>(EventKind::TRYING, leg.id, line.code));
        return;
    }
    auto progress = std::make_unique<Event>(EventKind::PROGRESS, leg.id, line.code, text_of(line.reason));
    progress->with("early_media", carries_sdp(rdata));
    progress->with("call_id", text_of(rdata->msg_info.cid->id));
    progress->with("local_tag", text_of(rdata->msg_info.from->tag));
    progress->with("remote_tag", text_of(rdata->msg_info.to->tag));
    engine_.push(std::move(progress));
}

void Legs::receive_request(Leg& leg, pjsip_transaction* transaction, pjsip_event* event) {
    pjsip_rx_data* rdata = event->body.tsx_state.src.rdata;
    if (pjsip_method_cmp(&transaction->method, pjsip_get_refer_method()) == 0) {
        transfers_.take(leg, state_of(leg.call).inv->dlg, transaction, rdata);
        return;
    }
    const InDialogAnswer answer = answer_in_dialog(rdata);
    if (answer.code == 0) return;
    if (answer.digit != 0) engine_.digits().receive_info(leg.id, answer.digit, answer.duration);
    pjsip_tx_data* response = nullptr;
    pjsip_dialog* dialog = state_of(leg.call).inv->dlg;
    if (pjsip_dlg_create_response(dialog, rdata, answer.code, nullptr, &response) != PJ_SUCCESS) return;
    if (transaction->method.id == PJSIP_OPTIONS_METHOD || answer.code == PJSIP_SC_METHOD_NOT_ALLOWED ||
        answer.code == PJSIP_SC_NOT_IMPLEMENTED) {
        const auto* allow = pjsip_endpt_get_capability(dialog->endpt, PJSIP_H_ALLOW, nullptr);
        if (allow != nullptr) pjsip_msg_add_hdr(response->msg, static_cast<pjsip_hdr*>(pjsip_hdr_clone(response->pool, allow)));
    }
    pjsip_dlg_send_response(dialog, transaction, response);
    // pjsua looks at the body next, and would read the digit and answer once more.
    rdata->msg_info.msg->body = nullptr;
}

// Only what `Transfers` has not answered, and that is nothing.
void Legs::on_transfer(pjsua_call_id, const pj_str_t*, pjsip_status_code* code, pjsua_call_setting*) {
    *code = PJSIP_SC_DECLINE;
}

void Legs::on_replace(pjsua_call_id, pjsip_rx_data*, int* code, pj_str_t*, pjsua_call_setting*) {
    *code = PJSIP_SC_DECLINE;
}

}  // namespace callwright
