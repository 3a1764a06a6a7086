#include "kept_hops.hpp"

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>

#include "engine.hpp"
#include "leg.hpp"
#include "message.hpp"

namespace callwright {

namespace {

// Between the transport layer (8) and the transaction layer (16), behind which a dialog learns its routes.
constexpr int before_transactions = 13;
// Of an INVITE that has been given up: 32 s for its answer to come, and as long again for the answer's retransmissions.
constexpr std::chrono::seconds remembered{64};

using Bytes = std::array<std::uint8_t, 17>;  // the family and the address

// Empty for a name.
std::optional<Bytes> address_of(const pj_str_t& host) {
    std::string text = text_of(host);
    if (text.size() > 2 && text.front() == '[') text = text.substr(1, text.size() - 2);
    for (const int family : {AF_INET, AF_INET6}) {
        Bytes bytes{static_cast<std::uint8_t>(family)};
        if (inet_pton(family, text.c_str(), bytes.data() + 1) == 1) return bytes;
    }
    return std::nullopt;
}

// Where pjsip would send by a route: its maddr comes before its host (RFC 3261 section 19.1.1).
std::optional<Bytes> address_of(const pjsip_routing_hdr& route) {
    const pjsip_uri* uri = route.name_addr.uri;
    if (uri == nullptr || !(PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri))) return std::nullopt;
    const auto* address = static_cast<const pjsip_sip_uri*>(pjsip_uri_get_uri(uri));
    return address_of(address->maddr_param.slen != 0 ? address->maddr_param : address->host);
}

// Whether a proxy that says that it is on the way is where the hop is.
bool is_at(const pjsip_routing_hdr* route, const pjsip_routing_hdr& hop) {
    if (route == nullptr) return false;
    const auto place = address_of(*route);
    return place && place == address_of(hop);
}

// A hop that is not sips: would end a dialog that is.
pjsip_routing_hdr* hidden_route(pj_pool_t* pool, const std::string& hop, bool secure) {
    const bool plain = secure && hop.compare(0, 4, "sip:") == 0;
    return make_route(pool, (plain ? "sips:" + hop.substr(4) : hop) + ";lr;hide");
}

// The Record-Route of the proxy that is nearest to who has sent the request; null for none.
const pjsip_routing_hdr* nearest(const pjsip_msg* response) {
    const auto* end = &response->hdr;
    for (const auto* header = end->prev; header != end; header = header->prev) {
        if (header->type == PJSIP_H_RECORD_ROUTE) return reinterpret_cast<const pjsip_routing_hdr*>(header);
    }
    return nullptr;
}

}  // namespace

void keep_hop(pjsip_dialog* dialog, const std::string& hop) {
    pjsip_routing_hdr* route = hidden_route(dialog->pool, hop, dialog->secure != PJ_FALSE);
    const bool proxied = !pj_list_empty(&dialog->route_set);
    if (proxied && is_at(dialog->route_set.next, *route)) return;
    pj_list_push_front(&dialog->route_set, route);
}

void KeptHops::install(pjsip_endpoint* endpoint) {
    static char name[] = "callwright-hops";
    module_.name = pj_str(name);
    module_.id = -1;
    module_.priority = before_transactions;
    module_.on_rx_response = &KeptHops::on_response;
    if (pjsip_endpt_register_module(endpoint, &module_) != PJ_SUCCESS) {
        throw std::runtime_error("the module of kept hops cannot be registered");
    }
}

void KeptHops::keep(const std::string& call_id, const std::string& hop, bool secure) {
    forget_old();
    hops_.insert_or_assign(call_id, Hop{hop, secure});
}

void KeptHops::release(const std::string& call_id) {
    if (hops_.find(call_id) == hops_.end()) return;
    leaving_.emplace_back(Clock::now() + remembered, call_id);
    forget_old();
}

void KeptHops::forget_old() {
    const auto now = Clock::now();
    while (!leaving_.empty() && leaving_.front().first <= now) {
        hops_.erase(leaving_.front().second);
        leaving_.pop_front();
    }
}

pj_bool_t KeptHops::on_response(pjsip_rx_data* rdata) {
    const KeptHops& kept = Engine::current()->legs().kept_hops();
    const auto found = kept.hops_.find(text_of(rdata->msg_info.cid->id));
    if (found != kept.hops_.end()) add_hop(rdata, found->second);
    return PJ_FALSE;
}

// A response's last Record-Route is the first route of the dialog that it makes, also of one that pjsip makes and ends by
// itself: here the hop is in time for all of them.
void KeptHops::add_hop(pjsip_rx_data* rdata, const Hop& hop) {
    pjsip_routing_hdr* route = hidden_route(rdata->tp_info.pool, hop.uri, hop.secure);
    if (is_at(nearest(rdata->msg_info.msg), *route)) return;
    pjsip_routing_hdr_set_rr(route);
    pj_list_push_back(&rdata->msg_info.msg->hdr, route);
}

}  // namespace callwright
