// How the engine comes up: pjlib, the SIP endpoint with our modules, transports, codecs, the bridge's clock.
#include <arpa/inet.h>
#include <pjmedia.h>
#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "engine.hpp"
#include "gate.hpp"
#include "leg.hpp"
#include "message.hpp"
#include "mix/mixer.hpp"
#include "request.hpp"
#include "rtp/media_thread.hpp"

namespace callwright {

namespace {

// A flood must not push a BYE out of the kernel's queue.
constexpr int receive_buffer = 4 * 1024 * 1024;

void check(pj_status_t status, const char* what) {
    if (status == PJ_SUCCESS) return;
    std::array<char, PJ_ERR_MSG_SIZE> text;
    const pj_str_t why = pj_strerror(status, text.data(), text.size());
    throw std::runtime_error(std::string(what) + ": " + text_of(why));
}

bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> binary;
    const auto is = [&](int family) { return inet_pton(family, host.c_str(), binary.data()) == 1; };
    return is(AF_INET) || is(AF_INET6);
}

bool is_ipv6(const std::string& host) { return host.find(':') != std::string::npos; }

}  // namespace

void check_options(const EngineOptions& options) {
    const auto require = [](bool fine, const char* what) {
        if (!fine) throw std::invalid_argument(what);
    };
    require(!options.listen.empty() && options.listen.size() <= 8, "listen: one to eight transports");
    for (const Listen& listen : options.listen) {
        require(listen.transport == "udp" || listen.transport == "tcp", "listen: a transport is \"udp\" or \"tcp\"");
        require(is_address(listen.host), "listen: a host is an IP address");
        require(listen.port >= 0 && listen.port <= 65535, "listen: a port is 0 to 65535");
    }
    require(is_address(options.media_address), "media_address is an IP address");
    require(options.rtp_first >= 1024 && options.rtp_last <= 65535 && options.rtp_last > options.rtp_first,
            "rtp_ports: a range within 1024 to 65535");
    require(options.rtp_first + options.rtp_first % 2 < options.rtp_last, "rtp_ports: no even port with its neighbour");
    const unsigned rate = options.clock_rate;
    require(rate == 8000 || rate == 16000 || rate == 32000 || rate == 48000, "clock_rate: 8000, 16000, 32000 or 48000");
    require(options.max_legs >= 1 && options.max_calls() <= PJSUA_MAX_CALLS, "max_legs: at least 1, at most 2700");
    require(options.log_level >= 0 && options.log_level <= 6, "log_level: 0 to 6");
    require(options.rtp_io == "auto" || options.rtp_io == "io_uring" || options.rtp_io == "epoll",
            "rtp_io: \"auto\", \"io_uring\" or \"epoll\"");
    require(options.media_timeout >= 1 && options.hold_timeout >= 1, "media_timeout, hold_timeout: at least 1 s");
    check_text(options.user_agent, "user_agent");
}

void Engine::start() {
    start_library();
    start_media_thread();
    start_wakeup();
    for (const Listen& listen : options_.listen) start_transport(listen);
    check(pjsua_start(), "pjsua does not start");
    start_media();
}

void Engine::start_library() {
    // Before pjlib says its first word, which would go to the terminal.
    pj_log_set_level(options_.log_level);
    pj_log_set_decor(PJ_LOG_HAS_SENDER);
    pj_log_set_log_func(&Engine::on_log);
    check(pjsua_create(), "pjsua cannot be created");
    pools_ = pjsua_get_pool_factory();
    pool_ = pjsua_pool_create("callwright", 4096, 4096);
    pjsua_config agent;
    pjsua_config_default(&agent);
    agent.thread_cnt = 0;  // this thread polls
    agent.max_calls = options_.max_calls();
    agent.user_agent = borrow(options_.user_agent);
    agent.nat_type_in_sdp = 0;
    agent.enable_unsolicited_mwi = PJ_FALSE;
    agent.cb.on_transport_state = &Gate::on_transport;
    legs_->install(agent.cb);
    pjsua_logging_config log;
    pjsua_logging_config_default(&log);
    log.level = log.console_level = static_cast<unsigned>(options_.log_level);
    log.msg_logging = options_.log_level >= 4 ? PJ_TRUE : PJ_FALSE;
    log.decor = PJ_LOG_HAS_SENDER;
    log.cb = &Engine::on_log;
    pjsua_media_config media;
    pjsua_media_config_default(&media);
    media.clock_rate = media.snd_clock_rate = options_.clock_rate;
    media.audio_frame_ptime = 20;
    media.max_media_ports = options_.max_calls() + 2;  // pjmedia's bridge stays empty: this is its least size
    media.no_vad = PJ_TRUE;
    media.ec_tail_len = 0;
    media.snd_auto_close_time = -1;
    check(pjsua_init(&agent, &log, &media), "pjsua cannot be initialised");
    // RFC 3261 section 18.1.1 wants TCP for a long request; the caller names the transport here.
    pjsip_cfg()->endpt.disable_tcp_switch = PJ_TRUE;
    gate_->install(pjsua_get_pjsip_endpt());
    requests_->install(pjsua_get_pjsip_endpt());
    std::lock_guard<std::mutex> lock(library_mutex_);
    library_up_ = true;
}

void Engine::start_media_thread() {
    Line::media_timeout_s = options_.media_timeout;
    Line::hold_timeout_s = options_.hold_timeout;
    media_ = std::make_unique<MediaThread>(options_.rtp_io);
    mixer_ = std::make_unique<Mixer>(media_.get(), samples_per_frame());
    patch_.start(*media_, *mixer_);
    // It calls streams and SRTP, whose locks ask pjlib who they are.
    media_->post([this] {
        pj_bzero(media_thread_, sizeof(media_thread_));
        pj_thread_t* thread = nullptr;
        pj_thread_register("callwright-rtp", media_thread_, &thread);
    });
}

void Engine::start_wakeup() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, wakeup_.data()) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    pj_ioqueue_callback callbacks{};
    callbacks.on_read_complete = &Engine::on_wakeup;
    auto* queue = pjsip_endpt_get_ioqueue(pjsua_get_pjsip_endpt());
    check(pj_ioqueue_register_sock(pool_, queue, wakeup_[0], this, &callbacks, &wakeup_key_), "no wake-up socket");
    wakeup_[0] = -1;  // the key's now
    pj_ioqueue_op_key_init(&wakeup_op_, sizeof(wakeup_op_));
    on_wakeup(wakeup_key_, &wakeup_op_, 0);
}

void Engine::on_wakeup(pj_ioqueue_key_t* key, pj_ioqueue_op_key_t* op, pj_ssize_t) {
    auto* engine = static_cast<Engine*>(pj_ioqueue_get_user_data(key));
    pj_status_t status;
    do {
        auto length = static_cast<pj_ssize_t>(engine->wakeup_buffer_.size());
        status = pj_ioqueue_recv(key, op, engine->wakeup_buffer_.data(), &length, 0);
    } while (status == PJ_SUCCESS);
}

void Engine::start_transport(const Listen& listen) {
    const bool ipv6 = is_ipv6(listen.host);
    const bool tcp = listen.transport == "tcp";
    auto type = tcp ? PJSIP_TRANSPORT_TCP : PJSIP_TRANSPORT_UDP;
    if (ipv6) type = static_cast<pjsip_transport_type_e>(type | PJSIP_TRANSPORT_IPV6);
    pjsua_transport_config config;
    pjsua_transport_config_default(&config);
    config.port = static_cast<unsigned>(listen.port);
    config.bound_addr = borrow(listen.host);
    int size = receive_buffer;
    if (!tcp) {
        auto& option = config.sockopt_params.options[config.sockopt_params.cnt++];
        option = {pj_SOL_SOCKET(), pj_SO_RCVBUF(), &size, sizeof(size)};
    }
    pjsua_transport_id transport = PJSUA_INVALID_ID;
    const pj_status_t status = pjsua_transport_create(type, &config, &transport);
    if (status != PJ_SUCCESS) {
        const bool of_system = status >= PJ_ERRNO_START_SYS && status < PJ_ERRNO_START_USER;
        const std::string name = listen.transport + ":" + (ipv6 ? "[" + listen.host + "]" : listen.host);
        throw BindError(of_system ? PJ_STATUS_TO_OS(status) : EIO, name + ":" + std::to_string(listen.port));
    }
    pjsua_transport_info info;
    check(pjsua_transport_get_info(transport, &info), "the transport is unknown");
    bound_.push_back({listen.transport, listen.host, info.local_name.port});
    pjsua_acc_id account = PJSUA_INVALID_ID;
    check(pjsua_acc_add_local(transport, bound_.size() == 1, &account), "no account for the transport");
    auto& settings = pjsua_var.acc[account].cfg;
    settings.require_100rel = PJSUA_100REL_NOT_USED;
    settings.lock_codec = 0;  // an answer with two codecs needs no further re-INVITE: both are decoded
    settings.ka_interval = 0;
    settings.allow_contact_rewrite = settings.allow_via_rewrite = settings.allow_sdp_nat_rewrite = PJ_FALSE;
    settings.ipv6_media_use = is_ipv6(options_.media_address) ? PJSUA_IPV6_ENABLED_PREFER_IPV6 : PJSUA_IPV6_DISABLED;
    legs_->add_account(account, type);
}

void Engine::start_media() {
    std::array<pjsua_codec_info, 64> codecs;
    unsigned count = static_cast<unsigned>(codecs.size());
    check(pjsua_enum_codecs(codecs.data(), &count), "the codecs are unknown");
    for (unsigned i = 0; i < count; ++i) {
        const std::string name = text_of(codecs[i].codec_id);
        const bool pcmu = name.rfind("PCMU/", 0) == 0;
        const bool pcma = name.rfind("PCMA/", 0) == 0;
        const pj_uint8_t priority = pcmu ? PJMEDIA_CODEC_PRIO_HIGHEST : pcma ? PJMEDIA_CODEC_PRIO_NEXT_HIGHER : 0;
        check(pjsua_codec_set_priority(&codecs[i].codec_id, priority), "a codec's priority cannot be set");
    }
    pjsua_set_no_snd_dev();  // and so no clock: the media thread has it
}

void Engine::on_log(int level, const char* data, int length) {
    Engine* engine = current();
    if (engine != nullptr) engine->log_.write(level, data, length);
}

}  // namespace callwright
