// What comes: checked, counted, and handed to the digits, the stream and the relay.
#include <cstring>
#include <utility>

#include "../engine.hpp"
#include "../mix/leg_audio.hpp"
#include "../player.hpp"
#include "line.hpp"

namespace callwright {

namespace {

constexpr unsigned COMFORT_NOISE = 13;  // RFC 3389

}  // namespace

void Line::on_datagram(int channel, Datagram datagram, Nanos now) noexcept {
    Forward forward;
    bool direct = false;
    {
        Hold hold(*this);
        if (ended_) return;
        direct = direct_;
        if (direct) {
            const PacketKind kind = kind_of(datagram.data, datagram.size);
            if (channel == RTCP || (kind == PacketKind::RTCP && mux_)) {
                receive_rtcp(datagram.data, datagram.size, datagram.from, channel == RTP, now);
            } else if (kind == PacketKind::RTP) {
                receive_rtp(datagram, datagram.data, datagram.size, now, forward);
            } else {
                refuse_malformed();
            }
        }
    }
    if (!direct) pass_up(static_cast<Channel>(channel), datagram, now, forward);
    hand_on(forward, now);
}

// To SRTP, which calls back into the line with what it let pass. Without the lock: SRTP has its own.
void Line::pass_up(Channel channel, Datagram& datagram, Nanos now, Forward& forward) noexcept {
    Attachment upper;
    const bool handshake = is_dtls(datagram.data, datagram.size);
    const std::uint64_t before = came_back_;
    {
        Hold hold(*this);
        if (ended_ || direct_) return;
        upper = upper_;
        if (upper.user == nullptr || upper.rtp2 == nullptr || upper.rtcp == nullptr) {
            refuse_early();
            return;
        }
        if (handshake && !may_shake_hands(datagram.from)) {
            // Before there is a description it may well be the peer, which will say it again.
            if (lock_.described().set()) {
                refuse_foreign(datagram.from);
            } else {
                refuse_early();
            }
            return;
        }
        pj_grp_lock_add_ref(bottom_.grp_lock);  // SRTP stays while it is called
        if (channel == RTP && !handshake) ++passed_up_;
    }
    Passing passing{channel, &datagram, &forward, now};
    passing_ = &passing;
    if (channel == RTP) {
        pj_sockaddr from{};
        std::memcpy(&from, &datagram.from.any, datagram.from.length());
        pjmedia_tp_cb_param param{};
        param.user_data = upper.user;
        param.pkt = datagram.data;
        param.size = static_cast<pj_ssize_t>(datagram.size);
        param.src_addr = &from;
        upper.rtp2(&param);
    } else {
        upper.rtcp(upper.user, datagram.data, static_cast<pj_ssize_t>(datagram.size));
    }
    passing_ = nullptr;
    if (channel == RTP && !handshake && came_back_ == before) engine_.media().totals().forged.add();
    pj_grp_lock_dec_ref(bottom_.grp_lock);
}

// A handshake begins before anything is authenticated, and OpenSSL cannot take back what it was told: nobody but the
// peer may speak to it. Its host is what the description says, or where its signalling or its SRTP comes from.
bool Line::may_shake_hands(const Address& from) const noexcept {
    return lock_.knows_host(from) || (lock_.signalling().set() && from.same_host(lock_.signalling()));
}

void Line::on_upper_rtp(pjmedia_tp_cb_param* param) {
    auto* line = static_cast<Line*>(param->user_data);
    // SRTP that is being detached may call with what it has just forgotten.
    if (line == nullptr || param->size <= 0 || !line->engine_.media().on_thread() || line->passing_ == nullptr) return;
    const Passing& passing = *line->passing_;
    auto* data = static_cast<std::uint8_t*>(param->pkt);
    const auto size = static_cast<std::size_t>(param->size);
    Hold hold(*line);
    ++line->came_back_;
    if (kind_of(data, size) == PacketKind::RTP) {
        line->receive_rtp(*passing.datagram, data, size, passing.now, *passing.forward);
    } else {
        line->refuse_malformed();
    }
}

void Line::on_upper_rtcp(void* user, void* packet, pj_ssize_t size) {
    auto* line = static_cast<Line*>(user);
    if (line == nullptr || size <= 0 || !line->engine_.media().on_thread() || line->passing_ == nullptr) return;
    const Passing& passing = *line->passing_;
    Hold hold(*line);
    line->receive_rtcp(static_cast<std::uint8_t*>(packet), static_cast<std::size_t>(size), passing.datagram->from,
                       line->mux_, passing.now);
}

// data: in the datagram, or where SRTP has put it.
void Line::receive_rtp(Datagram& datagram, std::uint8_t* data, std::size_t size, Nanos now, Forward& forward) noexcept {
    RtpPacket packet;
    if (!open_) return refuse_early();
    if (!parse_rtp(data, size, packet)) return refuse_malformed();
    if (!lock_.admit(datagram.from, packet.ssrc, packet.sequence, now)) {
        refuse_foreign(datagram.from);
        return;
    }
    const Content content = content_of(packet.payload_type);
    const bool event = content == Content::EVENT;
    if (content == Content::SOUND && packet.payload_type != format_.rx_payload_type &&
        packet.payload_type != format_.tx_payload_type) {
        ++refused_.unexpected;
        engine_.media().totals().unexpected.add();
        return;
    }
    const Reception::Verdict verdict = reception_.receive(packet, !event, now);
    note_arrival(now);
    const bool follows = event && digits_in_.follows(packet);
    if (follows && verdict == Reception::Verdict::SUSPICIOUS) receive_event(packet, data);
    if (verdict == Reception::Verdict::DUPLICATE || verdict == Reception::Verdict::SUSPICIOUS) return;
    if (verdict == Reception::Verdict::RESTARTED) arrivals_ = EgressClock::new_series();
    if (event) receive_event(packet, data);
    if (content == Content::NOISE) receive_noise(packet, data, now);
    if (packet.payload == 0) return;
    if (content == Content::SOUND && listening_) to_stream(data, size);
    if (relays_to_ != nullptr && (!event || relay_events_)) {
        forward_packet(datagram, data, size, packet, content, forward);
    }
}

void Line::receive_noise(const RtpPacket& packet, const std::uint8_t* data, Nanos now) noexcept {
    ++comfort_;
    comfort_at_ = now;
    if (packet.payload != 0 && audio_) audio_->comfort(-static_cast<int>(data[packet.header] & 0x7F));
}

// Comfort noise of telephones needs no agreement, so common is it: only a peer that has agreed gets any from us.
Line::Content Line::content_of(unsigned payload_type) const noexcept {
    const int type = static_cast<int>(payload_type);
    if (type == format_.rx_event_type || type == format_.tx_event_type) return Content::EVENT;
    if (payload_type == COMFORT_NOISE || type == format_.rx_noise_type) return Content::NOISE;
    return Content::SOUND;
}

void Line::note_arrival(Nanos now) noexcept {
    if (first_at_ == 0) first_at_ = now;
    last_at_ = now;
    silent_since_ = now;
}

void Line::receive_event(const RtpPacket& packet, const std::uint8_t* data) noexcept {
    TelephoneEvent event;
    if (!parse_event(data + packet.header, packet.payload, event)) return refuse_malformed();
    const char digit = digit_of(event.code);
    if (digit == '\0' || !digits_in_.receive(packet, event)) return;
    ++digits_heard_;
    engine_.digits().receive_event(leg_, digit, digits_in_.duration_ms());
}

void Line::to_stream(std::uint8_t* data, std::size_t size) noexcept {
    if (stream_callbacks_.rtp2 == nullptr) return;
    // A peer may send by its own number although ours was told to it.
    data[1] = static_cast<std::uint8_t>((data[1] & 0x80) | (format_.rx_payload_type & 0x7F));
    pjmedia_tp_cb_param param{};
    param.user_data = stream_callbacks_.user;
    param.pkt = data;
    param.size = static_cast<pj_ssize_t>(size);
    param.src_addr = nullptr;  // whose source was judged already
    stream_callbacks_.rtp2(&param);
}

void Line::forward_packet(Datagram& datagram, std::uint8_t* data, std::size_t size, const RtpPacket& packet,
                          Content content, Forward& forward) noexcept {
    if (data >= datagram.data && data + size <= datagram.data + Datagram::ROOM) {
        forward.datagram = std::move(datagram);
        forward.data = data;
    } else {
        forward.datagram = engine_.media().datagrams().buffer();
        if (!forward.datagram) return;
        std::memcpy(forward.datagram.data, data, size);
        forward.data = forward.datagram.data;
    }
    forward.to = relays_to_;
    forward.packet = packet;
    forward.series = arrivals_;
    forward.content = content;
}

void Line::hand_on(Forward& forward, Nanos now) noexcept {
    if (forward.to != nullptr && !forward.to->take_forward(this, forward, now)) drop_relay();
}

void Line::receive_rtcp(const std::uint8_t* data, std::size_t size, const Address& from, bool shared,
                        Nanos now) noexcept {
    if (!open_) return refuse_early();
    if (shared ? !(from == lock_.source()) && !lock_.knows_host(from) : !lock_.knows_host(from)) {
        refuse_foreign(from);
        return;
    }
    const std::uint64_t before = report_.heard().reports;
    if (!report_.read(data, size, ssrc_, format_.clock_rate, now)) return refuse_malformed();
    note_report(before);
    if (!shared) rtcp_source_ = from;
}

// before: how many of its reports had told of ours.
void Line::note_report(std::uint64_t before) noexcept {
    tx_reported_ = tx_packets_;
    if (before != 0 || report_.heard().reports == 0) return;
    first_reported_ = tx_packets_;
    first_highest_ = report_.heard().highest;
}

void Line::refuse_foreign(const Address& from) noexcept {
    ++refused_.foreign;
    engine_.media().totals().foreign.add();
    foreign_ = from;
}

void Line::refuse_malformed() noexcept {
    ++refused_.malformed;
    engine_.media().totals().malformed.add();
}

void Line::refuse_early() noexcept {
    ++refused_.early;
    engine_.media().totals().early.add();
}

}  // namespace callwright
