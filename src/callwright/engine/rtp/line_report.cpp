// What a line does once a second: reports, time limits, and packets that keep the way open.
#include <algorithm>
#include <array>
#include <utility>

#include "../engine.hpp"
#include "../mix/leg_audio.hpp"
#include "../player.hpp"
#include "line.hpp"

namespace callwright {

namespace {

constexpr Nanos SECOND = 1'000'000'000;
constexpr Nanos KEEP_ALIVE = 5 * SECOND;
constexpr Nanos SECURITY_INTERVAL = 10 * SECOND;

}  // namespace

void Line::second(Nanos now, unsigned seconds) noexcept {
    Hold hold(*this);
    report_foreign(now);
    if (!open_) return;
    report_in_ -= static_cast<int>(seconds);
    if (report_in_ <= 0) {
        send_report(now);
        count_jitter_buffer();
        // RFC 3550 section 6.2: at random between a half and one and a half times the interval of 5 s.
        random_ = random_ * 1'664'525 + 1'013'904'223;
        report_in_ = 3 + static_cast<int>((random_ >> 16) % 5);
    }
    if (now - tx_last_at_ >= KEEP_ALIVE) send_silence(now);
    watch_timeout(now);
}

void Line::watch_timeout(Nanos now) noexcept {
    // On hold one side is silent by agreement, and many are then silent altogether.
    const bool talks = format_.sends && format_.receives;
    const unsigned limit = talks ? media_timeout_s : hold_timeout_s;
    if (limit == 0 || now - silent_since_ < limit * SECOND) return;
    silent_since_ = now;
    auto event = std::make_unique<Event>(EventKind::MEDIA_LOST, leg_, 0,
                                         "no RTP came for " + std::to_string(limit) + " s");
    event->with("ever", first_at_ != 0);
    engine_.push(std::move(event));
}

void Line::report_foreign(Nanos now) noexcept {
    if (refused_.foreign == foreign_reported_ || leg_ == 0) return;
    if (foreign_reported_at_ != 0 && now - foreign_reported_at_ < SECURITY_INTERVAL) return;
    const std::uint64_t count = refused_.foreign - foreign_reported_;
    foreign_reported_ = refused_.foreign;
    foreign_reported_at_ = now;
    auto event = std::make_unique<Event>(EventKind::SECURITY, leg_, 0,
                                         "RTP from " + foreign_.text() + ", which is not the peer, was dropped");
    event->with("kind", std::string("rtp-source"));
    event->with("source_host", foreign_.host());
    event->with("source_port", static_cast<std::int64_t>(foreign_.port()));
    event->with("packets", static_cast<std::int64_t>(count));
    engine_.push(std::move(event));
}

Address Line::report_destination() const noexcept {
    if (mux_) return lock_.destination();
    if (rtcp_source_.set()) return rtcp_source_;
    const Address& rtp = lock_.destination();
    if (described_rtcp_.set() && rtp.set() && rtp.same_host(described_rtcp_)) return described_rtcp_;
    // Behind a NAT that keeps neighbouring ports together, at best.
    Address guess = rtp;
    in_port_t& port = guess.any.sa_family == AF_INET6 ? guess.v6.sin6_port : guess.v4.sin_port;
    if (guess.set()) port = htons(static_cast<std::uint16_t>(guess.port() + 1));
    return guess;
}

std::size_t Line::write_report(std::uint8_t* data, bool bye, Nanos now) noexcept {
    const Report::Sent sent{ssrc_, clock_.timestamp(now), tx_packets_, tx_bytes_};
    return report_.write(data, sent, reception_, cname_, bye, now);
}

void Line::send_report(Nanos now) noexcept {
    if (!started_ || base_ == nullptr) return;
    std::array<std::uint8_t, Report::ROOM> packet;
    const std::size_t size = write_report(packet.data(), false, now);
    pjmedia_transport_send_rtcp(base_, packet.data(), size);
}

// Engine thread: the media stops, and SRTP still encrypts. Without the lock, as anything that calls SRTP there.
void Line::say_goodbye() {
    std::array<std::uint8_t, Report::ROOM> packet;
    std::size_t size = 0;
    pjmedia_transport* base = nullptr;
    {
        Hold hold(*this);
        if (!ever_open_ || !started_ || ended_) return;
        base = base_;
        size = write_report(packet.data(), true, monotonic_now());
    }
    if (base != nullptr) pjmedia_transport_send_rtcp(base, packet.data(), size);
}

// Those of the present stream on top of the ones before. pjmedia looks under its own lock.
void Line::note_jitter_buffer(LineFigures::JitterBuffer& total) const {
    pjmedia_jb_state state{};
    if (stream_ == nullptr || pjmedia_stream_get_stat_jbuf(stream_, &state) != PJ_SUCCESS) return;
    total.size_ms = state.prefetch * frame_ms_;
    total.min_ms = state.min_delay;
    total.max_ms = std::max(total.max_ms, state.max_delay);
    total.average_ms = state.avg_delay;
    total.lost += state.lost;
    total.discarded += state.discard;
    total.empty += state.empty;
}

// What came on top since the last time.
void Line::count_jitter_buffer() noexcept {
    LineFigures::JitterBuffer now = jitter_buffers_;
    note_jitter_buffer(now);
    LineTotals& totals = engine_.media().totals();
    const auto add = [](LineTotals::Counter& counter, std::uint64_t count, std::uint64_t counted) {
        if (count > counted) counter.add(count - counted);
    };
    add(totals.jitter_lost, now.lost, counted_buffers_.lost);
    add(totals.jitter_discarded, now.discarded, counted_buffers_.discarded);
    add(totals.jitter_empty, now.empty, counted_buffers_.empty);
    counted_buffers_ = now;
}

LineFigures Line::figures() const {
    LineFigures figures;
    Hold hold(*this);
    figures.codec = format_.codec;
    figures.ptime = format_.ptime;
    figures.sends = format_.sends;
    figures.receives = format_.receives;
    figures.described = lock_.described();
    figures.source = lock_.source();
    figures.destination = lock_.destination();
    figures.foreign = foreign_;
    figures.signalling = lock_.signalling();
    figures.reception = reception_;
    figures.heard = report_.heard();
    figures.refused = refused_;
    figures.buffer = jitter_buffers_;
    note_jitter_buffer(figures.buffer);
    figures.forged = passed_up_ - came_back_;
    figures.digits = digits_heard_;
    figures.comfort = comfort_;
    figures.tx_reported = tx_reported_;
    figures.first_reported = first_reported_;
    figures.first_highest = first_highest_;
    figures.tx_packets = tx_packets_;
    figures.tx_bytes = tx_bytes_;
    figures.tx_refused = tx_refused_;
    figures.relayed = relayed_;
    figures.now = monotonic_now();
    figures.opened_at = opened_at_;
    figures.described_at = described_at_;
    figures.established_at = established_at_;
    figures.first_at = first_at_;
    figures.last_at = last_at_;
    figures.comfort_at = comfort_at_;
    figures.tx_first_at = tx_first_at_;
    figures.tx_last_at = tx_last_at_;
    return figures;
}

std::string Line::statistics() const {
    const LineFigures figures = this->figures();
    return figures.opened_at == 0 ? std::string() : figures.json();
}

}  // namespace callwright
