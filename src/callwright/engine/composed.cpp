#include "composed.hpp"

#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "engine.hpp"
#include "flow.hpp"
#include "interfaces.hpp"
#include "leg.hpp"
#include "message.hpp"
#include "offers.hpp"

namespace callwright {

namespace {

constexpr std::size_t max_headers = 64;
// Of headers and body: what the stack adds fits in the rest of a packet.
constexpr std::size_t max_message = PJSIP_MAX_PKT_LEN - 1024;

struct Release {
    void operator()(pj_pool_t* pool) const { pj_pool_release(pool); }
};

// For one parse on a thread that pjlib does not know, whose other pools ask who they are. Ample for the text's copy;
// what a parser cannot store beyond it is refused by the parser.
class Scratch {
  public:
    operator pj_pool_t*() { return pool_; }

  private:
    static constexpr std::size_t size = 16 * PJSIP_MAX_PKT_LEN;
    std::unique_ptr<char[]> memory_{new char[size]};
    pj_pool_t* pool_ = pj_pool_create_on_buf("order", memory_.get(), size);
};

bool is(const std::string& name, std::string_view other) { return equal_names(full_name(name), other); }

const std::string* find(const Headers& headers, std::string_view name) {
    const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& one) { return is(one.first, name); });
    return found == headers.end() ? nullptr : &found->second;
}

// Those that the stack must understand; everything else is text to it.
bool is_structural(const std::string& name) {
    constexpr std::array<std::string_view, 6> names{"From", "To", "Call-ID", "CSeq", "Max-Forwards", "Route"};
    return std::any_of(names.begin(), names.end(), [&](std::string_view one) { return is(name, one); });
}

bool is_of_the_stack(const std::string& name) {
    return is(name, "Via") || is(name, "Content-Length") || is(name, "Content-Type");
}

// Null when the value is none of this header's. Several values of Route come linked.
pjsip_hdr* parse_header(pj_pool_t* pool, std::string_view name, const std::string& value) {
    pj_str_t copy;
    const pj_str_t text = borrow(value);
    pj_strdup_with_null(pool, &copy, &text);
    const pj_str_t key{const_cast<char*>(name.data()), static_cast<pj_ssize_t>(name.size())};
    int length = 0;
    auto* header = static_cast<pjsip_hdr*>(
        pjsip_parse_hdr(pool, &key, copy.ptr, static_cast<pj_size_t>(copy.slen), &length));
    return length == static_cast<int>(copy.slen) ? header : nullptr;
}

template <typename Header>
Header* parsed(pj_pool_t* pool, const Headers& headers, std::string_view name) {
    const std::string* value = find(headers, name);
    return value == nullptr ? nullptr : reinterpret_cast<Header*>(parse_header(pool, name, *value));
}

pjsip_sip_uri* parse_sip_uri(pj_pool_t* pool, const std::string& text) {
    pj_str_t copy;
    const pj_str_t given = borrow(text);
    pj_strdup_with_null(pool, &copy, &given);
    auto* uri = pjsip_parse_uri(pool, copy.ptr, static_cast<pj_size_t>(copy.slen), 0);
    return uri == nullptr ? nullptr : static_cast<pjsip_sip_uri*>(pjsip_uri_get_uri(uri));
}

bool is_literal(const pj_str_t& host) {
    std::array<char, 16> binary;
    std::string text = text_of(host);
    const pj_str_t copy = borrow(text);
    return pj_inet_pton(pj_AF_INET(), &copy, binary.data()) == PJ_SUCCESS ||
           pj_inet_pton(pj_AF_INET6(), &copy, binary.data()) == PJ_SUCCESS;
}

void check_structure(const RequestOrder& order) {
    for (const auto& [name, value] : order.headers) {
        if (!is_structural(name)) continue;
        const auto full = full_name(name);
        Scratch pool;
        const auto* header = parse_header(pool, full, value);
        const bool wrong_method = header != nullptr && header->type == PJSIP_H_CSEQ &&
                                  text_of(reinterpret_cast<const pjsip_cseq_hdr*>(header)->method.name) != order.method;
        if (header == nullptr || wrong_method) throw std::invalid_argument("header " + name + " cannot be parsed: " + value);
        if (is(name, "Route")) continue;
        const auto same = [&](const auto& other) { return equal_names(full_name(other.first), full); };
        if (std::count_if(order.headers.begin(), order.headers.end(), same) > 1) {
            throw std::invalid_argument("header " + name + " twice");
        }
    }
}

void check_names(const RequestOrder& order) {
    if (order.headers.size() > max_headers) throw std::invalid_argument("more than 64 headers");
    std::size_t size = order.uri.size() + order.content_type.size() + order.body.size();
    for (const auto& [name, value] : order.headers) {
        if (!is_token(name)) throw std::invalid_argument("not a header name: \"" + name + "\"");
        if (is_of_the_stack(name)) throw std::invalid_argument(name + " is written by the SIP stack");
        check_text(value, ("header " + name).c_str());
        size += name.size() + value.size() + 4;
    }
    if (size > max_message) {
        throw std::invalid_argument("headers and body are longer than " + std::to_string(max_message) + " bytes");
    }
}

void check_method(const std::string& method) {
    if (!is_token(method)) throw std::invalid_argument("not a method: \"" + method + "\"");
    for (const std::string_view of_a_call : {"INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE"}) {
        if (equal_names(method, of_a_call)) throw std::invalid_argument(method + " belongs to a call");
    }
}

// The next hop, or the first Route, or the URI itself: an address, for a look-up would hold all signalling.
std::string destination_of(const RequestOrder& order) {
    std::string destination = order.next_hop.empty() ? order.uri : order.next_hop;
    if (order.next_hop.empty()) {
        Scratch pool;
        if (const auto* route = parsed<pjsip_route_hdr>(pool, order.headers, "Route")) {
            destination = text_of(route->name_addr.uri, PJSIP_URI_IN_ROUTING_HDR);
        }
    }
    check_uri(destination, false);
    Scratch pool;
    const pjsip_sip_uri* uri = parse_sip_uri(pool, destination);
    const auto& host = uri->maddr_param.slen != 0 ? uri->maddr_param : uri->host;
    if (!is_literal(host)) throw std::invalid_argument("a next hop is needed: no address is " + destination);
    return destination;
}

// MESSAGE and PUBLISH set up nothing that could be reached later (RFC 3428 section 5, RFC 3903 section 4).
bool wants_contact(const std::string& method) { return method != "MESSAGE" && method != "PUBLISH"; }

}  // namespace

void check_order(RequestOrder& order) {
    check_method(order.method);
    check_names(order);
    check_text(order.content_type, "content_type");
    if (!order.body.empty() && order.content_type.find('/') == std::string::npos) {
        throw std::invalid_argument("a body needs a content type");
    }
    check_uri(order.uri, false);
    if (!order.next_hop.empty()) check_uri(order.next_hop, false);
    check_structure(order);
    order.destination = destination_of(order);
}

Composed::Composed(Engine& engine, const RequestOrder& order) : engine_(engine) {
    const Way way = engine.legs().accounts().towards(order.uri, order.destination, engine.offers().usual());
    account_ = way.account;
    // pjsua would open a connection to find out, and not by the name that its server must prove.
    contact_host_ = engine.interfaces().contact(way.listener, way.peer);
    start(order);
    try {
        add_rest(order);
        find_way(order);
    } catch (...) {
        pjsip_tx_data_dec_ref(message_);
        throw;
    }
}

Composed::~Composed() { pjsip_tx_data_dec_ref(message_); }

void Composed::start(const RequestOrder& order) {
    const std::unique_ptr<pj_pool_t, Release> pool(pjsua_pool_create("order", 4096, 4096));
    pjsip_method method;
    const pj_str_t name = borrow(order.method);
    pjsip_method_init(&method, pool.get(), &name);
    pjsip_sip_uri* uri = parse_sip_uri(pool.get(), order.uri);
    // What stands behind its "?" would become headers that nobody has looked at.
    pj_list_init(&uri->header_param);
    auto* from = parsed<pjsip_from_hdr>(pool.get(), order.headers, "From");
    if (from == nullptr) {
        from = pjsip_from_hdr_create(pool.get());
        from->uri = reinterpret_cast<pjsip_uri*>(pjsip_name_addr_create(pool.get()));
        reinterpret_cast<pjsip_name_addr*>(from->uri)->uri =
            reinterpret_cast<pjsip_uri*>(parse_sip_uri(pool.get(), text_of(pjsua_var.acc[account_].cfg.id)));
    }
    auto* to = parsed<pjsip_to_hdr>(pool.get(), order.headers, "To");
    if (to == nullptr) {
        to = pjsip_to_hdr_create(pool.get());
        auto* address = pjsip_name_addr_create(pool.get());
        address->uri = reinterpret_cast<pjsip_uri*>(uri);
        to->uri = reinterpret_cast<pjsip_uri*>(address);
    }
    const auto* call_id = parsed<pjsip_cid_hdr>(pool.get(), order.headers, "Call-ID");
    const auto* cseq = parsed<pjsip_cseq_hdr>(pool.get(), order.headers, "CSeq");
    const pj_status_t status = pjsip_endpt_create_request_from_hdr(
        pjsua_get_pjsip_endpt(), &method, reinterpret_cast<pjsip_uri*>(uri), from, to, nullptr, call_id,
        cseq == nullptr ? 1 : cseq->cseq, nullptr, &message_);
    if (status != PJ_SUCCESS) throw std::runtime_error("no memory for a request");
}

void Composed::add_rest(const RequestOrder& order) {
    pjsip_msg* text = message_->msg;
    pj_pool_t* pool = message_->pool;
    if (!order.next_hop.empty()) {
        pj_list_push_back(&text->hdr, parse_header(pool, "Route", "<" + order.next_hop + ";lr;hide>"));
    }
    Headers rest;
    for (const auto& [name, value] : order.headers) {
        if (is(name, "Route")) {
            pj_list_insert_nodes_before(&text->hdr, parse_header(pool, "Route", value));
        } else if (is(name, "Max-Forwards")) {
            pjsip_msg_find_remove_hdr(text, PJSIP_H_MAX_FORWARDS, nullptr);
            pjsip_msg_add_hdr(text, parse_header(pool, "Max-Forwards", value));
        } else if (!is_structural(name)) {
            rest.emplace_back(name, value);
        }
    }
    if (find(rest, "User-Agent") == nullptr) rest.emplace_back("User-Agent", engine_.options().user_agent);
    add_headers(message_, rest);
    if (wants_contact(order.method) && find(rest, "Contact") == nullptr) add_contact();
    if (!order.body.empty()) text->body = make_body(pool, order.content_type, order.body);
}

void Composed::add_contact() {
    pj_pool_t* pool = message_->pool;
    const auto& listener = pjsua_var.tpdata[pjsua_var.acc[account_].cfg.transport_id];
    auto* uri = pjsip_sip_uri_create(pool, PJSIP_URI_SCHEME_IS_SIPS(message_->msg->line.req.uri));
    uri->port = listener.local_name.port;
    const auto type = static_cast<pjsip_transport_type_e>(listener.type & ~PJSIP_TRANSPORT_IPV6);
    if (type == PJSIP_TRANSPORT_TCP) uri->transport_param = pj_str(const_cast<char*>("tcp"));
    if (type == PJSIP_TRANSPORT_TLS) uri->transport_param = pj_str(const_cast<char*>("tls"));
    const pj_str_t own = borrow(contact_host_);
    pj_strdup(pool, &uri->host, &own);
    auto* from = static_cast<pjsip_uri*>(pjsip_uri_get_uri(PJSIP_MSG_FROM_HDR(message_->msg)->uri));
    if (PJSIP_URI_SCHEME_IS_SIP(from) || PJSIP_URI_SCHEME_IS_SIPS(from)) {
        uri->user = reinterpret_cast<const pjsip_sip_uri*>(from)->user;
    }
    auto* address = pjsip_name_addr_create(pool);
    address->uri = reinterpret_cast<pjsip_uri*>(uri);
    auto* contact = pjsip_contact_hdr_create(pool);
    contact->uri = reinterpret_cast<pjsip_uri*>(address);
    pjsip_msg_add_hdr(message_->msg, reinterpret_cast<pjsip_hdr*>(contact));
}

// An open connection is used again; over TLS only by the name that its server has proved, unless the peer opened it or
// the URI names nobody who could prove anything.
void Composed::find_way(const RequestOrder& order) {
    pjsua_init_tpselector(account_, &way_);
    pjsip_host_info goal;
    if (pjsip_get_request_dest(message_, &goal) != PJ_SUCCESS) throw std::runtime_error("no way to " + order.destination);
    if ((goal.flag & PJSIP_TRANSPORT_RELIABLE) == 0) return;
    const auto* uri = static_cast<pjsip_sip_uri*>(pjsip_uri_get_uri(message_->msg->line.req.uri));
    const bool secure = (goal.flag & PJSIP_TRANSPORT_SECURE) != 0;
    if (secure) pj_strdup(message_->pool, &message_->dest_info.name, &uri->host);
    const int port = goal.addr.port != 0 ? goal.addr.port : pjsip_transport_get_default_port_for_type(goal.type);
    const bool ipv6 = (goal.type & PJSIP_TRANSPORT_IPV6) != 0;
    pj_sockaddr remote;
    pj_sockaddr_init(ipv6 ? pj_AF_INET6() : pj_AF_INET(), &remote, &goal.addr.host, static_cast<pj_uint16_t>(port));
    pjsip_transport* flow = engine_.flows().find(goal.type, remote);
    if (flow == nullptr) return;
    const bool named = pj_stricmp(&flow->remote_name.host, &uri->host) == 0;
    if (secure && flow->dir != PJSIP_TP_DIR_INCOMING && !named && !is_literal(uri->host)) return;
    way_.type = PJSIP_TPSELECTOR_TRANSPORT;
    way_.u.transport = flow;
}

}  // namespace callwright
