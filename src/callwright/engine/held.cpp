#include "held.hpp"

#include <pjsua-lib/pjsua.h>

#include <string_view>
#include <utility>

#include "engine.hpp"
#include "gate.hpp"
#include "message.hpp"

namespace callwright {

namespace {

// Of all sources together, some 15 kB each; and of one: a NAT has many phones behind it.
constexpr std::size_t most = 1000;
constexpr unsigned most_of_source = 64;
// When Python has said nothing by then, nobody can tell.
constexpr long patience = 15000;
constexpr std::size_t max_agent = 256;

std::string agent_of(const pjsip_rx_data* rdata) {
    static const pj_str_t name{const_cast<char*>("User-Agent"), 10};
    const auto* header = static_cast<const pjsip_generic_string_hdr*>(
        pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &name, nullptr));
    return header == nullptr ? std::string() : text_of(header->hvalue).substr(0, max_agent);
}

}  // namespace

std::string Held::transaction_of(const pjsip_rx_data* rdata) {
    pj_str_t key;
    const auto* method = &rdata->msg_info.cseq->method;
    auto* request = const_cast<pjsip_rx_data*>(rdata);
    const pj_status_t status = pjsip_tsx_create_key(rdata->tp_info.pool, &key, PJSIP_ROLE_UAS, method, request);
    return status == PJ_SUCCESS ? text_of(key) : std::string();
}

bool Held::holds(const pjsip_rx_data* rdata) const {
    return !by_transaction_.empty() && by_transaction_.count(transaction_of(rdata)) != 0;
}

bool Held::keep(pjsip_rx_data* rdata) {
    const std::string source = Authenticator::source_of(rdata->pkt_info.src_addr);
    const auto counted = by_source_.find(source);
    const bool full = counted != by_source_.end() && counted->second >= most_of_source;
    if (full || requests_.size() >= most) return false;
    auto request = std::make_unique<Request>();
    pjsip_rx_data* copy = nullptr;
    if (pjsip_rx_data_clone(rdata, 0, &copy) != PJ_SUCCESS) return false;
    request->rdata.reset(copy);
    request->id = engine_.next_id();
    request->transaction = transaction_of(copy);
    request->source = source;
    pj_timer_entry_init(&request->timer, 0, request.get(), &Held::on_timer);
    schedule(*request, patience);
    const std::uint64_t id = request->id;
    by_transaction_[request->transaction] = id;
    ++by_source_[source];
    requests_.emplace(id, std::move(request));
    size_ = requests_.size();
    ++kept_;
    report(id, copy);
    return true;
}

void Held::schedule(Request& request, long milliseconds) {
    pj_time_val delay{milliseconds / 1000, milliseconds % 1000};
    pjsip_endpt_schedule_timer(pjsua_get_pjsip_endpt(), &request.timer, &delay);
}

void Held::report(std::uint64_t id, const pjsip_rx_data* rdata) {
    const Identity claimed = engine_.gate().authenticator().claimed(rdata);
    auto event = std::make_unique<Event>(EventKind::HELD, id, 0, text_of(rdata->msg_info.msg->line.req.method.name));
    event->with("user", std::string(claimed.user));
    event->with("realm", std::string(claimed.realm));
    event->with("source_host", std::string(rdata->pkt_info.src_name));
    event->with("source_port", std::int64_t{rdata->pkt_info.src_port});
    event->with("transport", transport_name(rdata->tp_info.transport));
    event->with("call_id", text_of(rdata->msg_info.cid->id));
    event->with("user_agent", agent_of(rdata));
    engine_.push(std::move(event));
}

void Held::judge(std::uint64_t id, Stage stage, long delay) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    Request& request = *found->second;
    request.stage = stage;
    if (delay == 0) {
        conclude(id);
    } else if (engine_.gate().settle(request.rdata.get(), Stage::AGAIN)) {
        release(id);
    } else {
        pjsip_endpt_cancel_timer(pjsua_get_pjsip_endpt(), &request.timer);
        schedule(request, delay);
    }
}

void Held::conclude(std::uint64_t id) {
    const auto request = release(id);
    if (request != nullptr) engine_.gate().settle(request->rdata.get(), request->stage);
}

std::unique_ptr<Held::Request> Held::release(std::uint64_t id) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return nullptr;
    auto request = std::move(found->second);
    requests_.erase(found);
    size_ = requests_.size();
    by_transaction_.erase(request->transaction);
    const auto counted = by_source_.find(request->source);
    if (--counted->second == 0) by_source_.erase(counted);
    pjsip_endpt_cancel_timer(pjsua_get_pjsip_endpt(), &request->timer);
    return request;
}

void Held::on_timer(pj_timer_heap_t*, pj_timer_entry* entry) {
    Engine::current()->held().conclude(static_cast<const Request*>(entry->user_data)->id);
}

void Held::close() {
    while (!requests_.empty()) {
        requests_.begin()->second->stage = Stage::UNKNOWN;
        conclude(requests_.begin()->first);
    }
}

}  // namespace callwright
