#include "gate.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "engine.hpp"
#include "flow.hpp"
#include "held.hpp"
#include "keep_alive.hpp"
#include "leg.hpp"
#include "offers.hpp"
#include "request.hpp"

namespace callwright {

namespace {

// Between the transport layer (8) and the transaction layer (16).
constexpr int before_transactions = 12;
// Seconds after which a refused peer may try again.
constexpr int retry_after = 5;
// A proxy needs a handful; a NAT in front of an office has one for each phone.
constexpr unsigned max_connections_per_source = 1024;

// A datagram that ends before its body does (RFC 3261 section 18.3).
bool is_cut_short(const decltype(pjsip_rx_data::msg_info)& info) {
    if (info.clen == nullptr || info.ctype == nullptr || info.clen->len <= 0) return false;
    return info.msg->body == nullptr || info.msg->body->len < static_cast<unsigned>(info.clen->len);
}

bool is_reliable(const pjsip_transport* transport) { return (transport->flag & PJSIP_TRANSPORT_RELIABLE) != 0; }

}  // namespace

Prefix Prefix::parse(const std::string& text) {
    const auto slash = text.find('/');
    const std::string address = text.substr(0, slash);
    Prefix prefix;
    prefix.family_ = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
    const unsigned width = prefix.family_ == AF_INET ? 32 : 128;
    if (inet_pton(prefix.family_, address.c_str(), prefix.address_.data()) != 1) {
        throw std::invalid_argument("not an address or prefix: \"" + text + "\"");
    }
    prefix.bits_ = width;
    if (slash == std::string::npos) return prefix;
    const std::string bits = text.substr(slash + 1);
    const bool digits = !bits.empty() && bits.size() <= 3 && bits.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || std::stoul(bits) > width) throw std::invalid_argument("not an address or prefix: \"" + text + "\"");
    prefix.bits_ = static_cast<unsigned>(std::stoul(bits));
    return prefix;
}

bool Prefix::holds(const pj_sockaddr& address) const {
    if (address.addr.sa_family != family_) return false;
    const auto* bytes = static_cast<const std::uint8_t*>(pj_sockaddr_get_addr(&address));
    if (std::memcmp(bytes, address_.data(), bits_ / 8) != 0) return false;
    if (bits_ % 8 == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xff00 >> (bits_ % 8));
    return ((bytes[bits_ / 8] ^ address_[bits_ / 8]) & mask) == 0;
}

void Gate::install(pjsip_endpoint* endpoint) {
    endpoint_ = endpoint;
    static char name[] = "callwright-gate";
    module_.name = pj_str(name);
    module_.id = -1;
    module_.priority = before_transactions;
    module_.on_rx_request = &Gate::on_request;
    if (pjsip_endpt_register_module(endpoint, &module_) != PJ_SUCCESS) {
        throw std::runtime_error("the gate cannot be registered");
    }
    pjsip_tpmgr_set_drop_data_cb(pjsip_endpt_get_tpmgr(endpoint), &Gate::on_dropped);
}

void Gate::admit(std::vector<Prefix> sources) {
    std::lock_guard<std::mutex> lock(mutex_);
    sources_.swap(sources);
}

bool Gate::is_admitted(const pj_sockaddr& source) {
    std::lock_guard<std::mutex> lock(mutex_);
    return std::any_of(sources_.begin(), sources_.end(), [&](const Prefix& prefix) { return prefix.holds(source); });
}

void Gate::limit(unsigned requests_per_second, unsigned burst, std::size_t backlog) {
    std::lock_guard<std::mutex> lock(mutex_);
    tokens_.emplace(requests_per_second, burst, Clock::now());
    backlog_ = backlog;
    // Strangers have as much again: what they ask takes nothing from trunks and users.
    authenticator_.limit(requests_per_second, burst);
}

pj_bool_t Gate::on_request(pjsip_rx_data* rdata) {
    Engine& engine = *Engine::current();
    if (is_reliable(rdata->tp_info.transport)) engine.keep_alives().note(rdata->tp_info.transport);
    // An answer goes to where its request came from, not wherever a maddr says (RFC 3261 section 18.2.2).
    rdata->msg_info.via->maddr_param.slen = 0;
    Gate& gate = engine.gate();
    const Verdict verdict = gate.judge(rdata);
    if (verdict == Verdict::PASS) return PJ_FALSE;
    gate.refuse(rdata, verdict);
    return PJ_TRUE;
}

Gate::Verdict Gate::judge(pjsip_rx_data* rdata) {
    const auto& info = rdata->msg_info;
    const auto& method = info.msg->line.req.method;
    if (pjsip_method_cmp(&info.cseq->method, &method) != 0 || is_cut_short(info)) return Verdict::MALFORMED;
    const bool of_a_call = info.to->tag.slen != 0 && !Requests::is_of_no_call(rdata);
    if (of_a_call || method.id == PJSIP_CANCEL_METHOD) return Verdict::PASS;
    if (method.id == PJSIP_ACK_METHOD) return Verdict::DROP;
    if (known(rdata)) return Verdict::PASS;
    if (engine_.held().holds(rdata)) return Verdict::DROP;
    const bool invite = method.id == PJSIP_INVITE_METHOD;
    if (invite) ++counters_.invites;
    return judge_source(rdata, invite, Stage::FIRST);
}

Gate::Verdict Gate::judge_source(pjsip_rx_data* rdata, bool invite, Stage stage) {
    const bool users = authenticator_.on();
    const bool trunk = is_admitted(rdata->pkt_info.src_addr);
    const bool asks = rdata->msg_info.msg->line.req.method.id == PJSIP_OPTIONS_METHOD;
    if (!users && trunk && !invite) return judge_load(rdata, false);
    if (!users && asks) return judge_stranger(rdata);
    const bool of_a_user = users && Authenticator::is_of_a_user(rdata->msg_info.msg->line.req.method);
    if (trunk && !of_a_user) return judge_load(rdata, invite);
    if (users) return judge_user(rdata, invite, trunk, stage);
    ++counters_.refused_source;
    return Verdict::FORBIDDEN;
}

Gate::Verdict Gate::judge_user(pjsip_rx_data* rdata, bool invite, bool trunk, Stage stage) {
    const auto judgement = authenticator_.judge(rdata, trunk, stage);
    switch (judgement.finding) {
        case Authenticator::Finding::CHALLENGE: return Verdict::CHALLENGE;
        case Authenticator::Finding::STALE: return Verdict::STALE;
        case Authenticator::Finding::MALFORMED: return Verdict::MALFORMED;
        case Authenticator::Finding::SILENCE: return Verdict::DROP;
        case Authenticator::Finding::BUSY: return Verdict::OVERLOAD;
        case Authenticator::Finding::HELD: return judge_room().value_or(Verdict::HOLD);
        case Authenticator::Finding::UNDECIDED: return Verdict::FULL;
        case Authenticator::Finding::PROVEN: break;
    }
    const Verdict verdict = judge_load(rdata, invite);
    // A request that is not let in may come again as it is: its nonce count is not used up.
    if (verdict != Verdict::PASS) return verdict;
    authenticator_.accept(rdata, judgement, module_.id);
    engine_.legs().accounts().heard(rdata);
    return verdict;
}

bool Gate::settle(pjsip_rx_data* rdata, Stage stage) {
    const bool invite = rdata->msg_info.msg->line.req.method.id == PJSIP_INVITE_METHOD;
    const Verdict verdict = judge_source(rdata, invite, stage);
    if (verdict == Verdict::HOLD) return false;
    if (verdict != Verdict::PASS) {
        refuse(rdata, verdict);
        return true;
    }
    pjsip_process_rdata_param onward;
    pjsip_process_rdata_param_default(&onward);
    onward.silent = PJ_TRUE;
    onward.start_mod = &module_;
    onward.idx_after_start = 1;
    pjsip_endpt_process_rx_data(endpoint_, rdata, &onward, nullptr);
    return true;
}

// Where there are no users a stranger may ask what we can do, and nothing else; it takes nothing from the trunks.
Gate::Verdict Gate::judge_stranger(pjsip_rx_data* rdata) {
    if (const auto verdict = judge_room()) return *verdict;
    return authenticator_.within_limit(rdata) ? Verdict::PASS : Verdict::OVERLOAD;
}

// Why nothing at all is taken now; nullopt when it is.
std::optional<Gate::Verdict> Gate::judge_room() {
    if (shut_) return Verdict::FULL;
    if (engine_.events().backlog() <= backlog_) return std::nullopt;
    ++counters_.refused_backlog;
    return Verdict::OVERLOAD;
}

Gate::Verdict Gate::judge_load(const pjsip_rx_data* rdata, bool invite) {
    if (const auto verdict = judge_room()) return *verdict;
    if (!take_token()) {
        ++counters_.refused_rate;
        return Verdict::OVERLOAD;
    }
    if (invite && !engine_.legs().prepare(engine_.offers().place_of(rdata))) {
        ++counters_.refused_full;
        return Verdict::FULL;
    }
    return Verdict::PASS;
}

// A retransmission belongs to its transaction, which has been admitted.
bool Gate::known(const pjsip_rx_data* rdata) const {
    pj_str_t key;
    const auto* method = &rdata->msg_info.cseq->method;
    if (pjsip_tsx_create_key(rdata->tp_info.pool, &key, PJSIP_ROLE_UAS, method, rdata) != PJ_SUCCESS) return false;
    // This is the only thread that ends transactions, and the pointer is not used.
    pjsip_transaction* transaction = pjsip_tsx_layer_find_tsx2(&key, PJ_FALSE);
    return transaction != nullptr;
}

bool Gate::take_token() {
    std::lock_guard<std::mutex> lock(mutex_);
    return !tokens_ || tokens_->take(Clock::now());
}

void Gate::refuse(pjsip_rx_data* rdata, Verdict verdict) {
    switch (verdict) {
        case Verdict::MALFORMED:
            ++counters_.malformed;
            if (rdata->msg_info.msg->line.req.method.id == PJSIP_ACK_METHOD) break;
            respond(rdata, PJSIP_SC_BAD_REQUEST, false);
            break;
        case Verdict::CHALLENGE: challenge(rdata, false); break;
        case Verdict::STALE: challenge(rdata, true); break;
        case Verdict::HOLD:
            if (!engine_.held().keep(rdata)) refuse(rdata, Verdict::OVERLOAD);
            break;
        case Verdict::FORBIDDEN: respond(rdata, PJSIP_SC_FORBIDDEN, false); break;
        case Verdict::FULL: respond(rdata, PJSIP_SC_SERVICE_UNAVAILABLE, true); break;
        case Verdict::OVERLOAD:
            // RFC 3261 section 21.5.4 lets a server that overflows drop the request; over UDP an answer would only
            // feed the flood, over TCP silence would make the peer wait.
            if (is_reliable(rdata->tp_info.transport)) respond(rdata, PJSIP_SC_SERVICE_UNAVAILABLE, true);
            break;
        case Verdict::DROP:
        case Verdict::PASS: break;
    }
}

void Gate::respond(pjsip_rx_data* rdata, int code, bool retry_later) {
    pjsip_hdr headers;
    pj_list_init(&headers);
    if (retry_later) {
        pj_list_push_back(&headers, pjsip_retry_after_hdr_create(rdata->tp_info.pool, retry_after));
    }
    pjsip_endpt_respond_stateless(endpoint_, rdata, code, nullptr, retry_later ? &headers : nullptr, nullptr);
}

void Gate::challenge(pjsip_rx_data* rdata, bool stale) {
    pjsip_hdr headers;
    pj_list_init(&headers);
    authenticator_.challenge(rdata, stale, headers);
    pjsip_endpt_respond_stateless(endpoint_, rdata, PJSIP_SC_UNAUTHORIZED, nullptr, &headers, nullptr);
}

bool Gate::reaches(const std::string& hop) const {
    std::array<char, 4096> memory;
    pj_pool_t* pool = pj_pool_create_on_buf("hop", memory.data(), memory.size());
    std::string text = hop;
    auto* parsed = pjsip_parse_uri(pool, text.data(), text.size(), 0);
    if (parsed == nullptr) return false;
    const auto* uri = static_cast<const pjsip_sip_uri*>(pjsip_uri_get_uri(parsed));
    const bool tls = pj_stricmp2(&uri->transport_param, "tls") == 0;
    if (!tls && pj_stricmp2(&uri->transport_param, "tcp") != 0) return true;
    pj_sockaddr peer;
    const int family = pj_strchr(&uri->host, ':') == nullptr ? pj_AF_INET() : pj_AF_INET6();
    if (pj_sockaddr_init(family, &peer, &uri->host, static_cast<pj_uint16_t>(uri->port)) != PJ_SUCCESS) return false;
    return std::any_of(connections_.begin(), connections_.end(), [&](const auto& entry) {
        const bool secure = (entry.first->flag & PJSIP_TRANSPORT_SECURE) != 0;
        return secure == tls && !entry.first->is_shutdown && pj_sockaddr_cmp(&entry.first->key.rem_addr, &peer) == 0;
    });
}

bool Gate::admits_keep_alive(const pj_sockaddr& source) {
    return !shut_ && authenticator_.answers(source, is_admitted(source));
}

void Gate::describe_sender(Event& event, const pjsip_rx_data* rdata) const {
    const Identity identity = identity_of(rdata);
    event.with("user", std::string(identity.user));
    event.with("realm", std::string(identity.realm));
}

void Gate::on_dropped(pjsip_tp_dropped_data* dropped) {
    Engine& engine = *Engine::current();
    if (dropped->status == PJ_EIGNORED) {
        engine.keep_alives().take_line_ends(*dropped);
        return;
    }
    if (dropped->tp->is_shutdown) return;  // the rest of a stream that was given up
    ++engine.gate().counters_.malformed;
    // What follows on this stream would be read from the middle of a message.
    if (dropped->status == PJSIP_ERXOVERFLOW) pjsip_transport_shutdown2(dropped->tp, PJ_TRUE);
}

void Gate::on_transport(pjsip_transport* transport, pjsip_transport_state state, const pjsip_transport_state_info*) {
    if (!is_reliable(transport)) return;
    Engine& engine = *Engine::current();
    engine.flows().follow(transport, state);
    if (state == PJSIP_TP_STATE_DESTROY) engine.keep_alives().forget(transport);
    if (transport->dir == PJSIP_TP_DIR_INCOMING) engine.gate().count_connection(transport, state);
}

void Gate::count_connection(pjsip_transport* transport, pjsip_transport_state state) {
    if (state == PJSIP_TP_STATE_CONNECTED) {
        std::array<char, PJ_INET6_ADDRSTRLEN> text{};
        pj_sockaddr_print(&transport->key.rem_addr, text.data(), text.size(), 0);
        const std::string source(text.data());
        if (!connections_.emplace(transport, source).second) return;
        if (++connections_by_source_[source] <= max_connections_per_source) return;
        ++counters_.refused_connections;
        pjsip_transport_shutdown2(transport, PJ_TRUE);
        return;
    }
    if (state != PJSIP_TP_STATE_DISCONNECTED && state != PJSIP_TP_STATE_DESTROY) return;
    const auto found = connections_.find(transport);
    if (found == connections_.end()) return;
    const auto count = connections_by_source_.find(found->second);
    if (--count->second == 0) connections_by_source_.erase(count);
    connections_.erase(found);
}

}  // namespace callwright
