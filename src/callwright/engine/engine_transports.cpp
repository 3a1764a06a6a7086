// The SIP transports: bound, given their certificates, and known to the legs.
#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "engine.hpp"
#include "keep_alive.hpp"
#include "leg.hpp"
#include "message.hpp"

namespace callwright {

namespace {

// A flood must not push a BYE out of the kernel's queue.
constexpr int receive_buffer = 4 * 1024 * 1024;

pjsip_transport_type_e type_of(const Listen& listen) {
    auto type = PJSIP_TRANSPORT_UDP;
    if (listen.transport == "tcp") type = PJSIP_TRANSPORT_TCP;
    if (listen.transport == "tls") type = PJSIP_TRANSPORT_TLS;
    const bool ipv6 = listen.host.find(':') != std::string::npos;
    return ipv6 ? static_cast<pjsip_transport_type_e>(type | PJSIP_TRANSPORT_IPV6) : type;
}

BindError bind_error(const Listen& listen, pj_status_t status) {
    const bool ipv6 = listen.host.find(':') != std::string::npos;
    const bool of_system = status >= PJ_ERRNO_START_SYS && status < PJ_ERRNO_START_USER;
    const std::string name = listen.transport + ":" + (ipv6 ? "[" + listen.host + "]" : listen.host);
    return {of_system ? PJ_STATUS_TO_OS(status) : EIO, name + ":" + std::to_string(listen.port)};
}

}  // namespace

void Engine::start_transport(const Listen& listen) {
    const auto type = type_of(listen);
    pjsua_transport_config config;
    pjsua_transport_config_default(&config);
    config.port = static_cast<unsigned>(listen.port);
    config.bound_addr = borrow(listen.host);
    config.public_addr = borrow(listen.advertised);
    int size = receive_buffer;
    if (listen.transport == "udp") {
        auto& option = config.sockopt_params.options[config.sockopt_params.cnt++];
        option = {pj_SOL_SOCKET(), pj_SO_RCVBUF(), &size, sizeof(size)};
    } else if (listen.transport == "tls") {
        const TlsSettings& settings = options_.tls[tls_files_.size()];
        tls_files_.push_back(std::make_unique<TlsFiles>(settings));
        tls_files_.back()->apply(config.tls_setting);
        config.tls_setting.verify_server = options_.verify_server ? PJ_TRUE : PJ_FALSE;
        config.tls_setting.verify_client = settings.verify_client ? PJ_TRUE : PJ_FALSE;
        config.tls_setting.require_client_cert = settings.verify_client ? PJ_TRUE : PJ_FALSE;
    }
    pjsua_transport_id transport = PJSUA_INVALID_ID;
    const pj_status_t status = pjsua_transport_create(type, &config, &transport);
    if (status != PJ_SUCCESS) throw bind_error(listen, status);
    pjsua_transport_info info;
    if (pjsua_transport_get_info(transport, &info) != PJ_SUCCESS) throw std::runtime_error("the transport is unknown");
    if (listen.transport == "udp") {
        keep_alives_->serve(pjsip_udp_transport_get_socket(pjsua_var.tpdata[transport].data.tp));
    }
    bound_.push_back(listen);
    bound_.back().port = info.local_name.port;
    legs_->accounts().add(transport, type);
}

void Engine::certify(std::size_t transport, const std::string& certificate, const std::string& private_key,
                     const std::string& ca) {
    if (transport >= options_.tls.size()) throw std::invalid_argument("there is no such \"tls\" transport");
    if (certificate.empty()) throw std::invalid_argument("tls: a listener needs a certificate");
    const TlsSettings settings{certificate, private_key, ca, options_.tls[transport].verify_client};
    if (ca.empty() != options_.tls[transport].ca.empty()) throw std::invalid_argument("ca: it stays what it is, set or not");
    check_tls(settings);
    // A job that is dropped takes its promise along, which ends the wait as well.
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> replaced = done->get_future();
    post([this, transport, settings, done = std::move(done)] {
        tls_files_[transport]->replace(settings);
        done->set_value();
    });
    replaced.wait();
}

void Engine::certify_names(const std::vector<NamedCertificate>& names) { tls_names_.replace(names); }

}  // namespace callwright
