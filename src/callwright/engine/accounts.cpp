#include "accounts.hpp"

#include <pjsip_ua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "engine.hpp"
#include "flow.hpp"
#include "interfaces.hpp"
#include "message.hpp"

namespace callwright {

namespace {

bool is_ipv6(pjsip_transport_type_e type) { return (type & PJSIP_TRANSPORT_IPV6) != 0; }

pjsip_transport_type_e of_ipv4(pjsip_transport_type_e type) {
    return static_cast<pjsip_transport_type_e>(type & ~PJSIP_TRANSPORT_IPV6);
}

pjmedia_srtp_use use_of(Srtp srtp) {
    switch (srtp) {
        case Srtp::OPTIONAL: return PJMEDIA_SRTP_OPTIONAL;
        case Srtp::REQUIRED: return PJMEDIA_SRTP_MANDATORY;
        case Srtp::OFF: break;
    }
    return PJMEDIA_SRTP_DISABLED;
}

pjsua_100rel_use use_of(Reliable reliable) {
    switch (reliable) {
        case Reliable::REQUIRED: return PJSUA_100REL_MANDATORY;
        case Reliable::SUPPORTED: return PJSUA_100REL_OPTIONAL;
        case Reliable::OFF: break;
    }
    return PJSUA_100REL_NOT_USED;
}

// Where a request to a URI goes.
struct Target {
    pjsip_transport_type_e type = PJSIP_TRANSPORT_UDP;  // without the family
    bool ipv6 = false;
    bool sips = false;
    Address peer;  // not set when the URI has a name
};

Target target_of(const std::string& uri) {
    Target target;
    pj_pool_t* pool = pjsua_pool_create("target", 512, 512);
    std::string text = uri;
    pjsip_uri* parsed = pjsip_parse_uri(pool, text.data(), text.size(), 0);
    if (parsed != nullptr && (PJSIP_URI_SCHEME_IS_SIP(parsed) || PJSIP_URI_SCHEME_IS_SIPS(parsed))) {
        const auto* address = static_cast<const pjsip_sip_uri*>(pjsip_uri_get_uri(parsed));
        target.sips = PJSIP_URI_SCHEME_IS_SIPS(parsed);
        if (target.sips || pj_stricmp2(&address->transport_param, "tls") == 0) {
            target.type = PJSIP_TRANSPORT_TLS;
        } else if (pj_stricmp2(&address->transport_param, "tcp") == 0) {
            target.type = PJSIP_TRANSPORT_TCP;
        }
        target.ipv6 = pj_strchr(&address->host, ':') != nullptr;
        const int port = address->port != 0 ? address->port : pjsip_transport_get_default_port_for_type(target.type);
        target.peer = Address::at(text_of(address->host), static_cast<unsigned>(port));
    }
    pj_pool_release(pool);
    return target;
}

std::string uri_of(pjsip_transport_type_e type, bool sips, const std::string& host, int port) {
    std::array<char, PJ_INET6_ADDRSTRLEN + 10> address{};
    const pj_str_t name = borrow(host);
    pj_addr_str_print(&name, port, address.data(), address.size(), 1);
    std::string uri = std::string(sips ? "<sips:" : "<sip:") + address.data();
    if (of_ipv4(type) != PJSIP_TRANSPORT_UDP) uri += std::string(";transport=") + pjsip_transport_get_type_name(type);
    return uri + ">";
}

}  // namespace

void Accounts::add(pjsua_transport_id transport, pjsip_transport_type_e type) {
    listeners_.push_back({transport, type});
    // The first one becomes pjsua's own default.
    of(listeners_.size() - 1, false, {}, is_ipv6(type));
}

Way Accounts::towards(const std::string& uri, const std::string& hop, const Policy& policy) {
    Target target = target_of(hop);
    // The scheme is of the whole way, whatever the next step of it is written like (RFC 3261 section 26.2.2).
    if (target_of(uri).sips) {
        target.sips = true;
        target.type = PJSIP_TRANSPORT_TLS;
    }
    const int family = target.ipv6 ? PJSIP_TRANSPORT_IPV6 : 0;
    const std::size_t chosen = choose(static_cast<pjsip_transport_type_e>(target.type | family), target.peer);
    // No transport fits: the request fails and says so.
    const bool none = chosen == listeners_.size();
    const bool media_ipv6 = engine_.interfaces().family(none ? 0 : chosen, target.ipv6);
    if (none) return {accounts_.front().id, 0, media_ipv6, target.peer, {}};
    const pjsua_acc_id account = of(chosen, target.sips, policy, media_ipv6).id;
    return {account, chosen, media_ipv6, target.peer, contact(chosen, target.sips, target.peer)};
}

std::size_t Accounts::choose(pjsip_transport_type_e type, const Address& peer) {
    std::vector<std::size_t> fit;
    for (std::size_t place = 0; place < listeners_.size(); ++place) {
        if (listeners_[place].type == type) fit.push_back(place);
    }
    if (fit.empty()) return listeners_.size();
    if (fit.size() == 1 || !peer.set()) return fit.front();
    const std::size_t known = last_heard(type, peer);
    if (known != listeners_.size()) return known;
    const std::string local = engine_.interfaces().towards(peer);
    const auto is_there = [&](std::size_t place) { return engine_.options().listen[place].host == local; };
    const auto is_everywhere = [&](std::size_t place) {
        return Address::at(engine_.options().listen[place].host, 0).wildcard();
    };
    auto found = std::find_if(fit.begin(), fit.end(), is_there);
    if (found == fit.end()) found = std::find_if(fit.begin(), fit.end(), is_everywhere);
    return found == fit.end() ? fit.front() : *found;
}

std::size_t Accounts::last_heard(pjsip_transport_type_e type, const Address& peer) {
    if (of_ipv4(type) == PJSIP_TRANSPORT_UDP) {
        const std::size_t* listener = heard_.find(peer.text());
        return listener == nullptr ? listeners_.size() : *listener;
    }
    pj_sockaddr remote{};
    std::memcpy(&remote, &peer.any, peer.length());
    const pjsip_transport* flow = engine_.flows().find(type, remote);
    return flow == nullptr ? listeners_.size() : listener_of(flow);
}

std::string Accounts::local_host(const pjsip_rx_data* rdata) const {
    return engine_.interfaces().contact(listener_of(rdata->tp_info.transport), Address::of(&rdata->pkt_info.src_addr));
}

void Accounts::heard(const pjsip_rx_data* rdata) {
    const auto type = static_cast<pjsip_transport_type_e>(rdata->tp_info.transport->key.type);
    const auto same = [&](const Listener& listener) { return listener.type == type; };
    // With one there is nothing to choose.
    if (of_ipv4(type) != PJSIP_TRANSPORT_UDP || std::count_if(listeners_.begin(), listeners_.end(), same) < 2) return;
    heard_.at(Address::of(&rdata->pkt_info.src_addr).text()) = listener_of(rdata->tp_info.transport);
}

std::size_t Accounts::listener_of(const pjsip_transport* transport) const {
    const bool datagram = (transport->flag & PJSIP_TRANSPORT_DATAGRAM) != 0;
    for (std::size_t place = 0; place < listeners_.size(); ++place) {
        const auto& data = pjsua_var.tpdata[listeners_[place].transport].data;
        const bool ours = datagram ? data.tp == transport : data.factory == transport->factory;
        if (listeners_[place].type == transport->key.type && ours) return place;
    }
    return 0;
}

pjsua_acc_id Accounts::receiving(const pjsip_rx_data* rdata, const Policy& policy, bool media_ipv6) {
    const pjsip_transport* transport = rdata->tp_info.transport;
    const bool sips = PJSIP_URI_SCHEME_IS_SIPS(rdata->msg_info.msg->line.req.uri) &&
                      (transport->flag & PJSIP_TRANSPORT_SECURE) != 0;
    const std::size_t place = listener_of(transport);
    Account& account = of(place, sips, policy, media_ipv6);
    // pjsua would open a connection to the sender's Contact, to find out what it answers this one with.
    const bool reliable = (transport->flag & PJSIP_TRANSPORT_RELIABLE) != 0;
    account.contact = reliable ? uri_of(listeners_[place].type, sips, local_host(rdata),
                                        pjsua_var.tpdata[listeners_[place].transport].local_name.port)
                               : contact(place, sips, Address::of(&rdata->pkt_info.src_addr));
    pjsua_var.acc[account.id].contact = borrow(account.contact);
    return account.id;
}

// A transport on a wildcard has one name for all peers, the address of some interface.
std::string Accounts::contact(std::size_t place, bool sips, const Address& peer) const {
    const Listen& listen = engine_.options().listen[place];
    if (!listen.advertised.empty() || !Address::at(listen.host, 0).wildcard()) return {};
    return uri_of(listeners_[place].type, sips, engine_.interfaces().contact(place, peer),
                  pjsua_var.tpdata[listeners_[place].transport].local_name.port);
}

Accounts::Account& Accounts::of(std::size_t place, bool sips, const Policy& policy, bool media_ipv6) {
    const Listener& listener = listeners_[place];
    auto found = std::find_if(accounts_.begin(), accounts_.end(), [&](const Account& account) {
        return account.transport == listener.transport && account.sips == sips && account.srtp == policy.srtp &&
               account.keying == policy.keying;
    });
    if (found == accounts_.end()) {
        const pjsua_acc_id id = make(listener, sips, policy);
        found = accounts_.insert(accounts_.end(), {listener.transport, sips, policy.srtp, policy.keying, id, {}});
    }
    aim(found->id, policy, media_ipv6);
    return *found;
}

pjsua_acc_id Accounts::make(const Listener& listener, bool sips, const Policy& policy) {
    const auto& name = pjsua_var.tpdata[listener.transport].local_name;
    const std::string uri = uri_of(listener.type, sips, text_of(name.host), name.port);
    pjsua_acc_config settings;
    pjsua_acc_config_default(&settings);
    settings.id = borrow(uri);
    settings.transport_id = listener.transport;
    settings.lock_codec = 0;  // an answer with two codecs needs no further re-INVITE: both are decoded
    settings.ka_interval = 0;
    settings.use_rfc5626 = PJ_FALSE;
    settings.contact_use_src_port = PJ_FALSE;
    settings.allow_contact_rewrite = settings.allow_via_rewrite = settings.allow_sdp_nat_rewrite = PJ_FALSE;
    settings.use_srtp = use_of(policy.srtp);
    settings.srtp_secure_signaling = 0;  // keys in a description that is not encrypted are the operator's choice
    const auto first = policy.keying == Keying::DTLS ? PJMEDIA_SRTP_KEYING_DTLS_SRTP : PJMEDIA_SRTP_KEYING_SDES;
    const auto second = policy.keying == Keying::DTLS ? PJMEDIA_SRTP_KEYING_SDES : PJMEDIA_SRTP_KEYING_DTLS_SRTP;
    settings.srtp_opt.keying_count = 2;
    settings.srtp_opt.keying[0] = first;
    settings.srtp_opt.keying[1] = second;
    const unsigned expires = engine_.options().session_expires;
    if (expires != 0) settings.timer_setting.sess_expires = expires;
    if (expires != 0) settings.timer_setting.min_se = engine_.options().min_session_expires;
    pjsua_acc_id id = PJSUA_INVALID_ID;
    if (pjsua_acc_add(&settings, accounts_.empty() ? PJ_TRUE : PJ_FALSE, &id) != PJ_SUCCESS) {
        throw std::runtime_error("no account for the transport");
    }
    pjsua_var.acc[id].tp_type = listener.type;
    return id;
}

void Accounts::show_connection(pjsua_acc_id id, bool on) {
    pjsua_var.acc[id].cfg.contact_use_src_port = on ? PJ_TRUE : PJ_FALSE;
}

void Accounts::aim(pjsua_acc_id id, const Policy& policy, bool media_ipv6) {
    auto& settings = pjsua_var.acc[id].cfg;
    settings.ipv6_media_use = media_ipv6 ? PJSUA_IPV6_ENABLED_USE_IPV6_ONLY : PJSUA_IPV6_DISABLED;
    settings.require_100rel = use_of(policy.reliable);
    const bool timer = policy.timer && engine_.options().session_expires != 0;
    settings.use_timer = timer ? PJSUA_SIP_TIMER_OPTIONAL : PJSUA_SIP_TIMER_INACTIVE;
}

}  // namespace callwright
