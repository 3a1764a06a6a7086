#include "request.hpp"

#include <pjsip_ua.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "capabilities.hpp"
#include "engine.hpp"
#include "gate.hpp"
#include "leg.hpp"
#include "message.hpp"

namespace callwright {

namespace {

constexpr std::size_t max_pending = 10000;
constexpr pj_time_val answer_timeout{5, 0};
constexpr int retry_after = 5;

// Before the dialogs (32 and 48), which refuse a tag that they do not know; after the transactions (16).
constexpr int before_dialogs = PJSIP_MOD_PRIORITY_UA_PROXY_LAYER - 1;
// After the dialogs, before pjsua's own handlers (64).
constexpr int before_pjsua = PJSIP_MOD_PRIORITY_APPLICATION - 1;

bool is_ours(const pjsip_method& method) {
    constexpr std::array<std::string_view, 5> ours{"REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE"};
    return std::find(ours.begin(), ours.end(), text_of(method.name)) != ours.end();
}

std::int64_t expires_of(const pjsip_msg* message) {
    auto* header = static_cast<pjsip_expires_hdr*>(pjsip_msg_find_hdr(message, PJSIP_H_EXPIRES, nullptr));
    return header == nullptr ? -1 : static_cast<std::int64_t>(header->ivalue);
}

// What is answered to a method that nobody handles outside a dialog (RFC 3261 sections 8.2.1 and 12.2.2); 0 to leave
// it to pjsip.
int refusal_of(const pjsip_method& method) {
    if (method.id == PJSIP_INVITE_METHOD || method.id == PJSIP_ACK_METHOD || method.id == PJSIP_CANCEL_METHOD) return 0;
    constexpr std::array<std::string_view, 4> of_a_dialog{"BYE", "INFO", "PRACK", "UPDATE"};
    const std::string name = text_of(method.name);
    if (std::find(of_a_dialog.begin(), of_a_dialog.end(), name) != of_a_dialog.end()) {
        return PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
    }
    return name == "REFER" ? PJSIP_SC_METHOD_NOT_ALLOWED : PJSIP_SC_NOT_IMPLEMENTED;
}

}  // namespace

void Requests::install(pjsip_endpoint* endpoint) {
    endpoint_ = endpoint;
    static char name[] = "callwright-requests";
    module_.name = pj_str(name);
    module_.id = -1;
    module_.priority = before_pjsua;
    module_.on_rx_request = &Requests::on_request;
    module_.on_tsx_state = &Requests::on_transaction;
    static char tagged_name[] = "callwright-tagged";
    tagged_.name = pj_str(tagged_name);
    tagged_.id = -1;
    tagged_.priority = before_dialogs;
    tagged_.on_rx_request = &Requests::on_tagged;
    if (pjsip_endpt_register_module(endpoint, &module_) != PJ_SUCCESS ||
        pjsip_endpt_register_module(endpoint, &tagged_) != PJ_SUCCESS) {
        throw std::runtime_error("the request handler cannot be registered");
    }
}

bool Requests::is_of_no_call(const pjsip_rx_data* rdata) {
    const auto& info = rdata->msg_info;
    return info.to->tag.slen != 0 && is_ours(info.msg->line.req.method) &&
           pjsip_ua_find_dialog(&info.cid->id, &info.to->tag, &info.from->tag, PJ_FALSE) == nullptr;
}

pj_bool_t Requests::on_tagged(pjsip_rx_data* rdata) {
    if (!is_of_no_call(rdata)) return PJ_FALSE;
    Engine::current()->requests().take(rdata);
    return PJ_TRUE;
}

pj_bool_t Requests::on_request(pjsip_rx_data* rdata) {
    const auto& method = rdata->msg_info.msg->line.req.method;
    Requests& requests = Engine::current()->requests();
    if (rdata->msg_info.to->tag.slen != 0 || pjsip_rdata_get_dlg(rdata) != nullptr) {
        // A REGISTER is never of a dialog, and pjsip's user agent layer passes it by.
        if (method.id != PJSIP_REGISTER_METHOD) return PJ_FALSE;
        requests.refuse(rdata, PJSIP_SC_METHOD_NOT_ALLOWED);
        return PJ_TRUE;
    }
    if (is_ours(method)) {
        requests.take(rdata);
        return PJ_TRUE;
    }
    if (method.id == PJSIP_OPTIONS_METHOD) {
        requests.describe(rdata);
        return PJ_TRUE;
    }
    const int refusal = refusal_of(method);
    if (refusal != 0) requests.refuse(rdata, refusal);
    return refusal != 0 ? PJ_TRUE : PJ_FALSE;
}

void Requests::take(pjsip_rx_data* rdata) {
    if (pending_.size() >= max_pending || !wait_for_answer(rdata)) refuse(rdata, PJSIP_SC_SERVICE_UNAVAILABLE);
}

void Requests::describe(pjsip_rx_data* rdata) {
    pjsip_tx_data* answer = nullptr;
    if (pjsip_endpt_create_response(endpoint_, rdata, PJSIP_SC_OK, nullptr, &answer) != PJ_SUCCESS) return;
    tell_capabilities(endpoint_, answer, engine_.gate().authenticator().on());
    add_headers(answer, {{"User-Agent", engine_.options().user_agent}});
    pjsip_response_addr address;
    pj_status_t status = pjsip_get_response_addr(answer->pool, rdata, &address);
    if (status == PJ_SUCCESS) status = pjsip_endpt_send_response(endpoint_, &address, answer, nullptr, nullptr);
    if (status != PJ_SUCCESS) pjsip_tx_data_dec_ref(answer);
}

void Requests::refuse(pjsip_rx_data* rdata, int code) {
    pj_pool_t* pool = rdata->tp_info.pool;
    pjsip_hdr headers;
    pj_list_init(&headers);
    const auto* allow = pjsip_endpt_get_capability(endpoint_, PJSIP_H_ALLOW, nullptr);
    if (code == PJSIP_SC_SERVICE_UNAVAILABLE) {
        pj_list_push_back(&headers, pjsip_retry_after_hdr_create(pool, retry_after));
    } else if (allow != nullptr) {
        pj_list_push_back(&headers, pjsip_hdr_clone(pool, allow));
    }
    pjsip_endpt_respond_stateless(endpoint_, rdata, code, nullptr, &headers, nullptr);
}

bool Requests::wait_for_answer(pjsip_rx_data* rdata) {
    pjsip_tx_data* response = nullptr;
    if (pjsip_endpt_create_response(endpoint_, rdata, PJSIP_SC_OK, nullptr, &response) != PJ_SUCCESS) return false;
    pjsip_transaction* transaction = nullptr;
    if (pjsip_tsx_create_uas2(&module_, rdata, nullptr, &transaction) != PJ_SUCCESS) {
        pjsip_tx_data_dec_ref(response);
        return false;
    }
    pj_str_t& tag = PJSIP_MSG_TO_HDR(response->msg)->tag;
    if (rdata->msg_info.to->tag.slen == 0) pj_create_unique_string(response->pool, &tag);
    auto pending = std::make_unique<Pending>();
    pending->id = engine_.next_id();
    pending->transaction = transaction;
    pending->response = response;
    pj_timer_entry_init(&pending->timer, 0, pending.get(), &Requests::on_timeout);
    pjsip_endpt_schedule_timer(endpoint_, &pending->timer, &answer_timeout);
    transaction->mod_data[module_.id] = pending.get();
    const std::uint64_t id = pending->id;
    pending_.emplace(id, std::move(pending));
    waiting_ = pending_.size();
    ++received_;
    pjsip_tsx_recv_msg(transaction, rdata);
    report(id, rdata, text_of(tag));
    return true;
}

void Requests::report(std::uint64_t id, const pjsip_rx_data* rdata, std::string tag) {
    const pjsip_msg* message = rdata->msg_info.msg;
    auto event = std::make_unique<Event>(EventKind::REQUEST, id, 0, text_of(message->line.req.method.name));
    describe_request(*event, rdata, engine_.legs().accounts().local_host(rdata));
    engine_.gate().describe_sender(*event, rdata);
    const pjsip_msg_body* body = message->body;
    event->with("content_type", body == nullptr ? std::string() : content_type_of(*body));
    event->with("body", body == nullptr ? std::string() : std::string(static_cast<const char*>(body->data), body->len));
    event->with("expires", expires_of(message));
    event->with("cseq", std::int64_t{rdata->msg_info.cseq->cseq});
    event->with("to_tag", std::move(tag));
    engine_.push(std::move(event));
}

std::unique_ptr<Requests::Pending> Requests::release(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return nullptr;
    auto pending = std::move(found->second);
    pending_.erase(found);
    waiting_ = pending_.size();
    pjsip_endpt_cancel_timer(endpoint_, &pending->timer);
    pending->transaction->mod_data[module_.id] = nullptr;
    return pending;
}

void Requests::respond(std::uint64_t id, const Response& response) {
    auto pending = release(id);
    if (pending == nullptr) return;
    pjsip_tx_data* message = pending->response;
    auto& line = message->msg->line.status;
    line.code = response.code;
    const pj_str_t reason = borrow(response.reason);
    line.reason = *pjsip_get_status_text(response.code);
    if (!response.reason.empty()) pj_strdup(message->pool, &line.reason, &reason);
    add_headers(message, response.headers);
    if (!response.body.empty()) message->msg->body = make_body(message->pool, response.content_type, response.body);
    // When the send fails the reference is the caller's, and the transaction ends by itself.
    if (pjsip_tsx_send_msg(pending->transaction, message) != PJ_SUCCESS) {
        pjsip_tx_data_dec_ref(message);
        engine_.fail(id, "the response cannot be sent");
    }
}

void Requests::on_transaction(pjsip_transaction* transaction, pjsip_event*) {
    if (transaction->state < PJSIP_TSX_STATE_TERMINATED) return;
    Requests& requests = Engine::current()->requests();
    const auto* waiting = static_cast<const Pending*>(transaction->mod_data[requests.module_.id]);
    if (waiting == nullptr) return;
    // The transport failed before an answer: nobody is there to receive it.
    const auto pending = requests.release(waiting->id);
    pjsip_tx_data_dec_ref(pending->response);
}

void Requests::on_timeout(pj_timer_heap_t*, pj_timer_entry* entry) {
    const auto* pending = static_cast<const Pending*>(entry->user_data);
    Response late;
    late.code = PJSIP_SC_SERVICE_UNAVAILABLE;
    late.headers = {{"Retry-After", std::to_string(retry_after)}};
    Engine::current()->requests().respond(pending->id, late);
}

void Requests::close() {
    while (!pending_.empty()) {
        Response gone;
        gone.code = PJSIP_SC_SERVICE_UNAVAILABLE;
        respond(pending_.begin()->first, gone);
    }
}

}  // namespace callwright
