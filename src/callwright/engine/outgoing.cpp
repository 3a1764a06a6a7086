#include "outgoing.hpp"

#include <array>
#include <stdexcept>

#include "composed.hpp"
#include "engine.hpp"
#include "message.hpp"

namespace callwright {

namespace {

constexpr std::size_t max_waiting = 10000;

std::string words_of(pj_status_t status) {
    std::array<char, PJ_ERR_MSG_SIZE> text;
    return text_of(pj_strerror(status, text.data(), text.size()));
}

}  // namespace

Outgoing::Ticket::~Ticket() {
    if (!answered_) answer(PJSIP_SC_SERVICE_UNAVAILABLE, "the engine is closed");
    --outgoing_.waiting_;
}

void Outgoing::Ticket::answer(int code, std::string reason, const pjsip_rx_data* response) {
    answered_ = true;
    auto event = std::make_unique<Event>(EventKind::RESPONSE, id_, code, std::move(reason));
    describe_response(*event, response);
    outgoing_.engine_.push(std::move(event));
}

void Outgoing::install(pjsip_endpoint* endpoint) {
    endpoint_ = endpoint;
    static char name[] = "callwright-outgoing";
    module_.name = pj_str(name);
    module_.id = -1;
    module_.priority = PJSIP_MOD_PRIORITY_APPLICATION - 1;
    module_.on_tsx_state = &Outgoing::on_transaction;
    if (pjsip_endpt_register_module(endpoint, &module_) != PJ_SUCCESS) {
        throw std::runtime_error("the sender of requests cannot be registered");
    }
}

std::uint64_t Outgoing::request(RequestOrder order) {
    const std::uint64_t id = engine_.next_id();
    auto ticket = std::make_shared<Ticket>(*this, id);
    if (size() > max_waiting) {
        ticket->answer(PJSIP_SC_SERVICE_UNAVAILABLE, "too many requests wait for their responses");
        return id;
    }
    engine_.post([this, ticket = std::move(ticket), order = std::move(order)] { send(ticket, order); });
    return id;
}

void Outgoing::send(const TicketOwner& ticket, const RequestOrder& order) {
    try {
        const Composed composed(engine_, order);
        begin(ticket, composed.message(), composed.way(), order.timeout_ms);
    } catch (const std::runtime_error& error) {
        ticket->answer(PJSIP_SC_SERVICE_UNAVAILABLE, error.what());
    }
}

void Outgoing::begin(const TicketOwner& ticket, pjsip_tx_data* message, const pjsip_tpselector& way,
                     unsigned timeout_ms) {
    pjsip_transaction* transaction = nullptr;
    pj_status_t status = pjsip_tsx_create_uac2(&module_, message, nullptr, &transaction);
    if (status == PJ_SUCCESS) status = pjsip_tsx_set_transport(transaction, &way);
    if (status != PJ_SUCCESS) {
        if (transaction != nullptr) pjsip_tsx_terminate(transaction, PJSIP_SC_SERVICE_UNAVAILABLE);
        throw std::runtime_error(words_of(status));
    }
    auto pending = std::make_unique<Pending>();
    pending->ticket = ticket;
    pending->transaction = transaction;
    pj_timer_entry_init(&pending->timer, 0, pending.get(), &Outgoing::on_timeout);
    const pj_time_val timeout{static_cast<long>(timeout_ms / 1000), static_cast<long>(timeout_ms % 1000)};
    pjsip_endpt_schedule_timer(endpoint_, &pending->timer, &timeout);
    transaction->mod_data[module_.id] = pending.get();
    pending_.emplace(ticket->id(), std::move(pending));
    // The transaction takes a reference only when it succeeds; `Composed` keeps its own.
    pjsip_tx_data_add_ref(message);
    status = pjsip_tsx_send_msg(transaction, message);
    if (status == PJ_SUCCESS) return;
    pjsip_tx_data_dec_ref(message);
    const auto unsent = release(ticket->id());
    pjsip_tsx_terminate(transaction, PJSIP_SC_SERVICE_UNAVAILABLE);
    if (unsent != nullptr) throw std::runtime_error(words_of(status));
}

Outgoing::TicketOwner Outgoing::release(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return nullptr;
    const auto pending = std::move(found->second);
    pending_.erase(found);
    pjsip_endpt_cancel_timer(endpoint_, &pending->timer);
    pending->transaction->mod_data[module_.id] = nullptr;
    return pending->ticket;
}

void Outgoing::on_transaction(pjsip_transaction* transaction, pjsip_event* event) {
    // A provisional response changes nothing but the pace of retransmissions.
    if (transaction->state < PJSIP_TSX_STATE_COMPLETED) return;
    Outgoing& outgoing = Engine::current()->outgoing();
    const auto* pending = static_cast<const Pending*>(transaction->mod_data[outgoing.module_.id]);
    if (pending == nullptr) return;
    const auto ticket = outgoing.release(pending->ticket->id());
    const pjsip_rx_data* response = received(event);
    ticket->answer(transaction->status_code, text_of(transaction->status_text), response);
}

void Outgoing::on_timeout(pj_timer_heap_t*, pj_timer_entry* entry) {
    const auto* pending = static_cast<const Pending*>(entry->user_data);
    pjsip_transaction* transaction = pending->transaction;
    const auto ticket = Engine::current()->outgoing().release(pending->ticket->id());
    ticket->answer(PJSIP_SC_REQUEST_TIMEOUT, "no response came in time");
    pjsip_tsx_terminate(transaction, PJSIP_SC_REQUEST_TIMEOUT);
}

void Outgoing::close() {
    while (!pending_.empty()) {
        pjsip_transaction* transaction = pending_.begin()->second->transaction;
        const auto ticket = release(pending_.begin()->first);
        ticket->answer(PJSIP_SC_SERVICE_UNAVAILABLE, "the engine is closed");
        pjsip_tsx_terminate(transaction, PJSIP_SC_SERVICE_UNAVAILABLE);
    }
}

}  // namespace callwright
