#include "accounts.hpp"

#include <pjsip_ua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <stdexcept>

#include "engine.hpp"
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
    }
    pj_pool_release(pool);
    return target;
}

}  // namespace

void Accounts::add(pjsua_transport_id transport, pjsip_transport_type_e type) {
    listeners_.push_back({transport, type});
    // The first one becomes pjsua's own default.
    of(listeners_.back(), false, {}, is_ipv6(type));
}

pjsua_acc_id Accounts::towards(const std::string& uri, const std::string& hop, const Policy& policy) {
    Target target = target_of(hop);
    // The scheme is of the whole way, whatever the next step of it is written like (RFC 3261 section 26.2.2).
    if (target_of(uri).sips) {
        target.sips = true;
        target.type = PJSIP_TRANSPORT_TLS;
    }
    const Listener* chosen = nullptr;
    for (const Listener& listener : listeners_) {
        if (of_ipv4(listener.type) != target.type || is_ipv6(listener.type) != target.ipv6) continue;
        chosen = &listener;
        break;
    }
    // No transport fits: the INVITE fails and says so.
    if (chosen == nullptr) return accounts_.front().id;
    return of(*chosen, target.sips, policy, target.ipv6);
}

pjsua_acc_id Accounts::receiving(const pjsip_rx_data* rdata, const Policy& policy, bool media_ipv6) {
    const pjsip_transport* transport = rdata->tp_info.transport;
    const bool sips = PJSIP_URI_SCHEME_IS_SIPS(rdata->msg_info.msg->line.req.uri) &&
                      (transport->flag & PJSIP_TRANSPORT_SECURE) != 0;
    for (const Listener& listener : listeners_) {
        const auto& data = pjsua_var.tpdata[listener.transport].data;
        const bool datagram = (transport->flag & PJSIP_TRANSPORT_DATAGRAM) != 0;
        const bool ours = datagram ? data.tp == transport : data.factory == transport->factory;
        if (listener.type == transport->key.type && ours) return of(listener, sips, policy, media_ipv6);
    }
    return accounts_.front().id;
}

pjsua_acc_id Accounts::of(const Listener& listener, bool sips, const Policy& policy, bool media_ipv6) {
    pjsua_acc_id id = PJSUA_INVALID_ID;
    for (const Account& account : accounts_) {
        const bool fits = account.transport == listener.transport && account.sips == sips &&
                          account.srtp == policy.srtp && account.keying == policy.keying;
        if (fits) id = account.id;
    }
    if (id == PJSUA_INVALID_ID) {
        id = make(listener, sips, policy);
        accounts_.push_back({listener.transport, sips, policy.srtp, policy.keying, id});
    }
    aim(id, policy, media_ipv6);
    return id;
}

pjsua_acc_id Accounts::make(const Listener& listener, bool sips, const Policy& policy) {
    const auto& name = pjsua_var.tpdata[listener.transport].local_name;
    std::array<char, PJ_INET6_ADDRSTRLEN + 10> address{};
    pj_addr_str_print(&name.host, name.port, address.data(), address.size(), 1);
    std::string uri = std::string(sips ? "<sips:" : "<sip:") + address.data();
    const bool udp = of_ipv4(listener.type) == PJSIP_TRANSPORT_UDP;
    if (!udp) uri += std::string(";transport=") + pjsip_transport_get_type_name(listener.type);
    uri += ">";
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

void Accounts::aim(pjsua_acc_id id, const Policy& policy) { aim(id, policy, is_ipv6(pjsua_var.acc[id].tp_type)); }

void Accounts::aim(pjsua_acc_id id, const Policy& policy, bool media_ipv6) {
    auto& settings = pjsua_var.acc[id].cfg;
    const std::string& address = engine_.options().media_address_of(media_ipv6);
    settings.ipv6_media_use =
        address.find(':') == std::string::npos ? PJSUA_IPV6_DISABLED : PJSUA_IPV6_ENABLED_USE_IPV6_ONLY;
    settings.require_100rel = use_of(policy.reliable);
    const bool timer = policy.timer && engine_.options().session_expires != 0;
    settings.use_timer = timer ? PJSUA_SIP_TIMER_OPTIONAL : PJSUA_SIP_TIMER_INACTIVE;
}

}  // namespace callwright
