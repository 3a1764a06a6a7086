#include "line.hpp"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "../codecs.hpp"
#include "../engine.hpp"
#include "../mix/leg_audio.hpp"
#include "../player.hpp"
#include "line_transport.hpp"

namespace callwright {

namespace {

std::uint32_t random32() { return static_cast<std::uint32_t>(pj_rand()) << 16 ^ static_cast<std::uint32_t>(pj_rand()); }

Address address_of(const pj_sockaddr& address) {
    return pj_sockaddr_has_addr(&address) && pj_sockaddr_get_port(&address) != 0 ? Address::of(&address) : Address();
}

unsigned ptime_of(const pjmedia_stream_info& info) {
    const unsigned ptime = info.param == nullptr
                               ? 20
                               : unsigned{info.param->info.frm_ptime} * info.param->setting.frm_per_pkt;
    return std::min(std::max(ptime, 10u), 60u);
}

int event_type(int type) { return type > 0 && type < 128 ? type : -1; }

}  // namespace

Line::Hold::Hold(const Line& line) : line_(line), media_thread_(line.engine_.media().on_thread()) {
    nested_ = media_thread_ && line.held_;
    if (nested_) return;
    line.mutex_.lock();
    if (media_thread_) line.held_ = true;
}

Line::Hold::~Hold() {
    if (nested_) return;
    if (media_thread_) line_.held_ = false;
    line_.mutex_.unlock();
}

Line::Line(Engine& engine, const Sockets& sockets)
    : engine_(engine),
      sockets_(sockets),
      ssrc_(random32()),
      clock_(static_cast<std::uint16_t>(pj_rand()), random32()),
      random_(random32()) {}

Line::~Line() {
    if (given_ < 1) ::close(sockets_.rtp);
    if (given_ < 2) ::close(sockets_.rtcp);
}

std::shared_ptr<Line> Line::make(Engine& engine, int rtp_socket, int rtcp_socket, const Address& rtp,
                                 const Address& rtcp) {
    auto line = std::make_shared<Line>(engine, Sockets{rtp_socket, rtcp_socket, rtp, rtcp});
    pj_pool_t* pool = pj_pool_create(engine.pools(), "line", 512, 512, nullptr);
    pj_grp_lock_t* lock = nullptr;
    const pj_status_t status = pool == nullptr ? PJ_ENOMEM : pj_grp_lock_create(pool, nullptr, &lock);
    if (pool != nullptr) pj_pool_release(pool);  // the lock has its own
    if (status != PJ_SUCCESS) throw std::bad_alloc();
    pj_grp_lock_add_ref(lock);
    pj_grp_lock_add_handler(lock, nullptr, line.get(), &Line::on_destroyed);
    set_up(line->bottom_, "line", bottom_operations(), line.get(), lock);
    set_up(line->top_, "line-top", top_operations(), line.get(), lock);
    line->transport_self_ = line;
    engine.media().post([line] { line->join(); });
    return line;
}

pjmedia_transport* Line::bottom() noexcept { return &bottom_; }

pjmedia_transport* Line::top(pjmedia_transport* base) noexcept {
    Hold hold(*this);
    base_ = base;
    return &top_;
}

Line* Line::of_bottom(pjmedia_transport* transport) noexcept {
    const bool ours = transport != nullptr && transport->op == bottom_operations();
    return ours ? static_cast<Line*>(transport->user_data) : nullptr;
}

Line* Line::of_top(pjmedia_transport* transport) noexcept {
    const bool ours = transport != nullptr && transport->op == top_operations();
    return ours ? static_cast<Line*>(transport->user_data) : nullptr;
}

// Packets are read from now on, and dropped until there is a stream: none of them is stale audio later.
// Without the memory for that the job fails: the leg stays deaf, and is told to have lost its media.
void Line::join() {
    thread_self_ = shared_from_this();
    engine_.media().every_second(&seconds_);
    for (const Channel channel : {RTP, RTCP}) {
        ++given_;
        engine_.media().datagrams().add(channel == RTP ? sockets_.rtp : sockets_.rtcp, this, channel);
        ++added_;
    }
    joined_ = true;
}

// The media thread lets the line go; when that thread has ended, the job is destroyed without running: nothing calls
// the line any more then.
struct Line::Leaving {
    explicit Leaving(std::shared_ptr<Line> line_) : line(std::move(line_)) {}
    ~Leaving() {
        if (!done) const std::shared_ptr<Line> self = std::move(line->thread_self_);
    }
    void run() {
        done = true;
        line->leave();
    }

    std::shared_ptr<Line> line;
    bool done = false;
};

void Line::leave() noexcept {
    const std::shared_ptr<Line> self = std::move(thread_self_);
    joined_ = false;
    MediaThread& media = engine_.media();
    if (added_ >= 1) media.datagrams().remove(sockets_.rtp);
    if (added_ >= 2) media.datagrams().remove(sockets_.rtcp);
    media.never_each_second(&seconds_);
    if (beating_) media.never(this);
    beating_ = false;
    drop_relay();
    if (relayer_ != nullptr) relayer_->drop_relay();
    Hold hold(*this);
    player_.reset();
    digits_out_.clear();
}

// Engine thread: pjmedia closes the transport.
void Line::end() {
    {
        Hold hold(*this);
        if (ended_) return;
        ended_ = true;
        open_ = false;
        count_feed();
        direct_ = false;
        upper_ = Attachment{};
        stream_callbacks_ = Attachment{};
    }
    engine_.media().post([job = std::make_shared<Leaving>(shared_from_this())] { job->run(); });
    pj_grp_lock_dec_ref(bottom_.grp_lock);
}

void Line::on_destroyed(void* line) {
    const std::shared_ptr<Line> self = std::move(static_cast<Line*>(line)->transport_self_);
}

void Line::open_stream(std::uint64_t leg, pjmedia_stream* stream, const pjmedia_stream_info& info,
                       const Beside& beside) {
    pjmedia_port* port = nullptr;
    if (pjmedia_stream_get_port(stream, &port) != PJ_SUCCESS) port = nullptr;
    auto audio = port == nullptr ? nullptr : std::make_unique<LegAudio>(port, engine_.clock_rate());
    {
        Hold hold(*this);
        const Nanos now = monotonic_now();
        leg_ = leg;
        stream_ = stream;
        audio_ = std::move(audio);
        apply(info, beside);
        lock_.open(address_of(info.rem_addr), now);
        open_ = ever_open_ = true;
        count_feed();
        if (opened_at_ == 0) opened_at_ = now;
        described_at_ = now;
        silent_since_ = now;
    }
    engine_.media().post([self = shared_from_this()] { self->update_beat(); });
}

void Line::apply(const pjmedia_stream_info& info, const Beside& beside) {
    Format format;
    format.codec.assign(info.fmt.encoding_name.ptr, static_cast<std::size_t>(info.fmt.encoding_name.slen));
    const Codec* codec = Codecs::of(info.fmt);
    // RFC 3551 section 4.5.2, RFC 7587 section 4.1: the RTP clocks of G.722 and Opus are not those of their audio.
    format.clock_rate = codec == nullptr ? info.fmt.clock_rate : codec->rtp_rate;
    format.channels = info.fmt.channel_cnt;
    format.tx_payload_type = info.tx_pt;
    format.rx_payload_type = info.rx_pt;
    format.tx_event_type = event_type(info.tx_event_pt);
    format.rx_event_type = event_type(info.rx_event_pt);
    format.ptime = ptime_of(info);
    format.longest = info.tx_maxptime;
    if (codec != nullptr) format.bytes_per_second = codec->bytes_per_second;
    format.event_rate = beside.event_rate == 0 ? format.clock_rate : beside.event_rate;
    format.tx_noise_type = beside.noise_sent;
    format.rx_noise_type = beside.noise_received;
    format.sends = (info.dir & PJMEDIA_DIR_ENCODING) != 0;
    format.receives = (info.dir & PJMEDIA_DIR_DECODING) != 0;
    if (info.param != nullptr && info.param->info.frm_ptime != 0) frame_ms_ = info.param->info.frm_ptime;
    if (format.event_rate != format_.event_rate) digits_in_.restart(format.event_rate);
    reception_.format(format.clock_rate);
    clock_.format(format.clock_rate, format.ptime);
    format_ = std::move(format);
    if (info.ssrc != 0) ssrc_ = info.ssrc;  // the description says it
    if (cname_.empty()) cname_.assign(info.cname.ptr, static_cast<std::size_t>(info.cname.slen));
    outgoing_ = EgressClock::new_series();
    arrivals_ = EgressClock::new_series();
}

void Line::close_stream() {
    std::unique_ptr<LegAudio> audio;  // goes when the lock is free
    Hold hold(*this);
    count_jitter_buffer();
    note_jitter_buffer(jitter_buffers_);
    stream_ = nullptr;
    audio = std::move(audio_);
    open_ = false;
    count_feed();
}

void Line::know_host(const Address& host) {
    Hold hold(*this);
    lock_.know_signalling(host);
}

void Line::establish() {
    Hold hold(*this);
    established_at_ = monotonic_now();
}

void Line::mark_events(bool on) {
    Hold hold(*this);
    marks_events_ = on;
}

Line::Format Line::format() const {
    Hold hold(*this);
    return open_ ? format_ : Format();
}

bool Line::send_digits(const std::string& digits, unsigned duration_ms) {
    {
        Hold hold(*this);
        if (!open_ || format_.tx_event_type < 0 || !digits_out_.push(digits, duration_ms)) return false;
    }
    engine_.media().post([self = shared_from_this()] { self->update_beat(); });
    return true;
}

}  // namespace callwright
