// How the engine comes up: pjlib, the SIP endpoint with our modules, transports, codecs, the media thread.
#include <arpa/inet.h>
#include <pjmedia.h>
#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "capabilities.hpp"
#include "engine.hpp"
#include "gate.hpp"
#include "leg.hpp"
#include "message.hpp"
#include "mix/crew.hpp"
#include "mix/mixer.hpp"
#include "offers.hpp"
#include "outgoing.hpp"
#include "request.hpp"
#include "rtp/address.hpp"
#include "rtp/media_thread.hpp"

namespace callwright {

namespace {

constexpr unsigned most_mixers = 15;

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

bool is_wildcard(const std::string& host) { return Address::at(host, 0).wildcard(); }

void require(bool fine, const char* what) {
    if (!fine) throw std::invalid_argument(what);
}

void check_transports(const EngineOptions& options) {
    require(!options.listen.empty() && options.listen.size() <= 8, "listen: one to eight transports");
    std::size_t secured = 0;
    for (const Listen& listen : options.listen) {
        const bool tls = listen.transport == "tls";
        require(tls || listen.transport == "udp" || listen.transport == "tcp",
                "listen: a transport is \"udp\", \"tcp\" or \"tls\"");
        require(is_address(listen.host), "listen: a host is an IP address");
        require(listen.advertised.empty() || is_address(listen.advertised), "advertised: an IP address");
        require(listen.media.empty() || (is_address(listen.media) && is_ipv6(listen.media) == is_ipv6(listen.host) &&
                                         !is_wildcard(listen.media)),
                "media: an IP address of this machine, of the family of its transport");
        require(listen.media_advertised.empty() || is_address(listen.media_advertised),
                "media: an IP address is advertised");
        require(listen.port >= 0 && listen.port <= 65535, "listen: a port is 0 to 65535");
        if (tls) ++secured;
    }
    require(options.tls.size() == secured, "tls: one entry for each \"tls\" transport");
    for (const TlsSettings& settings : options.tls) {
        require(!settings.certificate.empty(), "tls: a listener needs a certificate");
        check_tls(settings);
    }
}

void check_media(const EngineOptions& options) {
    require(is_address(options.media_address), "media_address is an IP address");
    if (!options.media_address6.empty()) {
        require(is_address(options.media_address6) && is_ipv6(options.media_address6) && !is_ipv6(options.media_address),
                "media_address6 is an IPv6 address beside an IPv4 one");
    }
    require(options.advertised_address.empty() || is_address(options.advertised_address),
            "advertised_address is an IP address");
    require(options.rtp_first >= 1024 && options.rtp_last <= 65535 && options.rtp_last > options.rtp_first,
            "rtp_ports: a range within 1024 to 65535");
    require(options.rtp_first + options.rtp_first % 2 < options.rtp_last, "rtp_ports: no even port with its neighbour");
    require(!options.policy.codecs.empty(), "codecs: at least one");
    require(options.ptime >= shortest_ptime && options.ptime <= longest_ptime && options.ptime % 10 == 0,
            "ptime: 10, 20, 30, 40, 50 or 60");
    require(options.opus.bitrate == 0 || (options.opus.bitrate >= 6000 && options.opus.bitrate <= 510000),
            "opus_bitrate: 0, or 6000 to 510000");
    require(options.opus.complexity <= 10, "opus_complexity: 0 to 10");
    require(options.jitter_least >= 20 && options.jitter_least <= options.jitter_most && options.jitter_most <= 400,
            "jitter_buffer: (least, most), 20 to 400 ms");
}

}  // namespace

void check_options(const EngineOptions& options) {
    check_transports(options);
    check_media(options);
    const unsigned rate = options.clock_rate;
    require(rate == 8000 || rate == 16000 || rate == 32000 || rate == 48000, "clock_rate: 8000, 16000, 32000 or 48000");
    require(options.max_legs >= 1 && options.max_calls() <= PJSUA_MAX_CALLS, "max_legs: at least 1, at most 2700");
    require(options.log_level >= 0 && options.log_level <= 6, "log_level: 0 to 6");
    require(options.rtp_io == "auto" || options.rtp_io == "io_uring" || options.rtp_io == "epoll",
            "rtp_io: \"auto\", \"io_uring\" or \"epoll\"");
    require(options.mixers >= -1 && options.mixers <= static_cast<int>(most_mixers), "mixers: -1 to 15");
    require(options.mixing_us <= 20000, "mixing_us: at most 20000");
    require(options.media_timeout >= 1 && options.hold_timeout >= 1, "media_timeout, hold_timeout: at least 1 s");
    // RFC 4028 section 5: the shortest that anybody may ask for is 90 s.
    require(options.min_session_expires >= 90, "min_session_expires: at least 90");
    require(options.session_expires == 0 || options.session_expires >= options.min_session_expires,
            "session_expires: 0, or at least min_session_expires");
    check_text(options.user_agent, "user_agent");
}

void Engine::start() {
    start_library();
    legs_->replacements().install(pjsua_get_pjsip_endpt());
    offers_->install(pjsua_get_pjsip_endpt());
    start_media_thread();
    start_wakeup();
    for (const Listen& listen : options_.listen) start_transport(listen);
    check(pjsua_start(), "pjsua does not start");
    correct_capabilities(pjsua_get_pjsip_endpt());
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
    // Without a depth to begin with the buffer would never fit itself to the line.
    media.jb_init = media.jb_min_pre = static_cast<int>(options_.jitter_least);
    media.jb_max_pre = static_cast<int>(options_.jitter_most);
    check(pjsua_init(&agent, &log, &media), "pjsua cannot be initialised");
    // RFC 3261 section 18.1.1 wants TCP for a long request; the caller names the transport here.
    pjsip_cfg()->endpt.disable_tcp_switch = PJ_TRUE;
    gate_->install(pjsua_get_pjsip_endpt());
    requests_->install(pjsua_get_pjsip_endpt());
    outgoing_->install(pjsua_get_pjsip_endpt());
    legs_->kept_hops().install(pjsua_get_pjsip_endpt());
    std::lock_guard<std::mutex> lock(library_mutex_);
    library_up_ = true;
}

void Engine::start_media_thread() {
    Line::media_timeout_s = options_.media_timeout;
    Line::hold_timeout_s = options_.hold_timeout;
    SourceLock::late_from_anywhere = options_.late_from_anywhere;
    media_ = std::make_unique<MediaThread>(options_.rtp_io);
    crew_ = std::make_unique<Crew>(options_.mixers < 0 ? std::min(Crew::spare_cores(), most_mixers)
                                                        : static_cast<unsigned>(options_.mixers),
                                   &Engine::begin_mixing);
    mixer_ = std::make_unique<Mixer>(media_.get(), samples_per_frame(), crew_.get(),
                                     Mixer::Span{Nanos{options_.mixing_us} * 1000, Nanos{options_.mixing_us} * 250});
    patch_.start(*media_, *mixer_);
    // It calls streams and SRTP, whose locks ask pjlib who they are.
    media_->post([this] {
        pj_bzero(media_thread_, sizeof(media_thread_));
        pj_thread_t* thread = nullptr;
        pj_thread_register("callwright-rtp", media_thread_, &thread);
    });
}

// On each thread of the crew: streams' locks ask pjlib who they are.
void Engine::begin_mixing() {
    static thread_local pj_thread_desc description;
    pj_thread_t* thread = nullptr;
    pj_bzero(description, sizeof(description));
    pj_thread_register("callwright-mix", description, &thread);
    pthread_setname_np(pthread_self(), "callwright-mix");
    setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), MediaThread::NICE);
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

void Engine::start_media() {
    offers_->enable_codecs();
    pjsua_set_no_snd_dev();  // and so no clock: the media thread has it
}

void Engine::on_log(int level, const char* data, int length) {
    Engine* engine = current();
    if (engine != nullptr) engine->log_.write(level, data, length);
}

}  // namespace callwright
