// What leaves: one series of packets, whatever feeds it.
#include <opus/opus.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "../engine.hpp"
#include "../mix/crew.hpp"
#include "../mix/leg_audio.hpp"
#include "../player.hpp"
#include "line.hpp"

namespace callwright {

namespace {

constexpr unsigned BEAT_MS = 20;
constexpr unsigned PATIENCE = 5;       // frames, or packets, for which a change waits for the new source
constexpr unsigned SILENT_WRITES = 6;  // frames of which a codec's packet consists, at most
constexpr std::size_t DTX_PAYLOAD = 2;  // bytes: of Opus, and it need not be sent (RFC 6716 section 3.2.1)
constexpr std::uint8_t MU_SILENCE = 0xFF, A_SILENCE = 0xD5;
constexpr unsigned MAX_SAMPLES = 480;  // 60 ms of G.711

}  // namespace

// ---------------------------------------------------------------------------------------------- changes

void Line::idle() {
    Hold hold(*this);
    change(Egress::IDLE);
}

void Line::play(std::shared_ptr<Player> player) {
    Hold hold(*this);
    player_ = std::move(player);
    outgoing_ = EgressClock::new_series();
    change(Egress::PLAY);
}

void Line::mix() {
    Hold hold(*this);
    if (egress_ != Egress::MIX && wanted_ != Egress::MIX && audio_) audio_->reset();
    change(Egress::MIX);
}

void Line::listen(bool on) {
    Hold hold(*this);
    // What waits of the time before is not to be heard now; what is on its way to the peer stays.
    if (on && !listening_ && audio_ && egress_ != Egress::MIX) audio_->reset();
    listening_ = on;
}

// mix <-> relay wait for the new source; everything else is at once.
void Line::change(Egress egress) noexcept {
    wanted_ = egress;
    waited_ = 0;
    const bool waits = (egress_ == Egress::RELAY && egress == Egress::MIX) ||
                       (egress_ == Egress::MIX && egress == Egress::RELAY);
    if (!waits) become(egress);
    update_beat();
}

void Line::become(Egress egress) noexcept {
    if (egress_ != egress) outgoing_ = EgressClock::new_series();
    egress_ = egress;
    wanted_ = egress;
    waited_ = 0;
    if (egress != Egress::PLAY) player_.reset();
    count_feed();
}

void Line::count_feed() noexcept {
    const int feed = open_ ? static_cast<int>(egress_) : -1;
    if (feed == counted_feed_) return;
    auto& feeding = engine_.media().totals().feeding;
    if (counted_feed_ >= 0) feeding[static_cast<std::size_t>(counted_feed_)].take();
    if (feed >= 0) feeding[static_cast<std::size_t>(feed)].add();
    counted_feed_ = feed;
}

void Line::update_beat() noexcept {
    Hold hold(*this);
    const bool paced = egress_ == Egress::PLAY || (egress_ == Egress::IDLE && sending());
    const bool needed = joined_ && (paced || digits_out_.busy());
    if (needed == beating_) return;
    if (!needed) {
        engine_.media().never(this);
        beating_ = false;
        return;
    }
    credit_ms_ = format_.ptime - std::min(format_.ptime, BEAT_MS);  // the first packet goes with the first beat
    try {
        engine_.media().every_frame(this, Wheel::BESIDE);
        beating_ = true;
    } catch (const std::bad_alloc&) {
        beating_ = false;  // the next change tries again
    }
}

// ---------------------------------------------------------------------------------------------- relay

void Line::relay_to(const std::shared_ptr<Line>& to, bool events) {
    if (!joined_ || !to->joined_) return;
    if (relays_to_ != to.get()) drop_relay();
    if (to->relayer_ != nullptr && to->relayer_ != this) to->relayer_->drop_relay();
    relays_to_ = to.get();
    to->relayer_ = this;
    relay_events_ = events;
    {
        Hold hold(*this);
        arrivals_ = EgressClock::new_series();
    }
    Hold hold(*to);
    to->told_too_long_ = false;
    to->change(Egress::RELAY);
}

void Line::drop_relay() noexcept {
    if (relays_to_ != nullptr && relays_to_->relayer_ == this) relays_to_->relayer_ = nullptr;
    relays_to_ = nullptr;
}

// False: nothing is relayed here any more.
bool Line::take_forward(const Line* from, Forward& forward, Nanos now) noexcept {
    Hold hold(*this);
    if (relayer_ != from || ended_) return false;
    if (egress_ != Egress::RELAY && wanted_ == Egress::RELAY) become(Egress::RELAY);
    if (egress_ != Egress::RELAY) return false;
    const int type = type_of(forward.content);
    if (!sending() || type < 0 || digits_out_.speaks()) return true;
    EgressClock::Stamp stamp;
    const RtpPacket& packet = forward.packet;
    const bool sound = forward.content == Content::SOUND;
    if (format_.longest != 0 && sound && too_long(forward.data + packet.header, packet.payload)) tell_too_long();
    if (!clock_.follow(forward.series, packet.sequence, packet.timestamp, packet.marker, now, stamp)) return true;
    // Contributing sources and extensions mean nothing to this peer: the payload moves up to a plain header.
    Datagram& datagram = forward.datagram;
    datagram.data = forward.data + packet.header - RtpPacket::HEADER;
    ++relayed_;
    engine_.media().totals().relayed.add();
    send(std::move(datagram), packet.payload, stamp, static_cast<unsigned>(type), now);
    return true;
}

// By which number our peer takes a packet; -1: it has not agreed to any.
int Line::type_of(Content content) const noexcept {
    switch (content) {
        case Content::EVENT: return format_.tx_event_type;
        case Content::NOISE: return format_.tx_noise_type;
        case Content::SOUND: break;
    }
    return static_cast<int>(format_.tx_payload_type);
}

// Of opus the first byte of a packet tells (RFC 6716 section 3.1).
bool Line::too_long(const std::uint8_t* payload, std::size_t size) const noexcept {
    if (format_.bytes_per_second != 0) return size * 1000 > std::size_t{format_.longest} * format_.bytes_per_second;
    return format_.codec == "opus" &&
           opus_packet_get_nb_samples(payload, static_cast<opus_int32>(size), 8000) >
               static_cast<int>(format_.longest * 8);
}

// Packets of another length are the mixer's to make.
void Line::tell_too_long() noexcept {
    if (told_too_long_) return;
    told_too_long_ = true;
    try {
        engine_.post([&engine = engine_, leg = leg_] { engine.patch().mix_at(leg); });
    } catch (const std::bad_alloc&) {
        told_too_long_ = false;  // the next one tells
    }
}

// ---------------------------------------------------------------------------------------------- mixer and stream

bool Line::read(std::int16_t* samples) noexcept {
    Hold hold(*this);
    return audio_ != nullptr && audio_->read(samples);
}

void Line::write(const std::int16_t* samples) noexcept {
    if (egress_ != Egress::MIX && wanted_ != Egress::MIX) return;  // the mixer writes to whoever is in it
    Hold hold(*this);
    if (!audio_) return;
    if (egress_ != wanted_) {
        const bool patient = ++waited_ <= PATIENCE;
        if (wanted_ == Egress::MIX && (samples != nullptr || !patient)) become(Egress::MIX);
        if (wanted_ == Egress::RELAY && !patient) become(Egress::RELAY);
    }
    if (egress_ != Egress::MIX || !open_) return;
    writing_ = true;
    audio_->write(samples);
    writing_ = false;
}

// The stream has encoded a packet, of the mixer's audio or of silence. One that is destroyed sends the end of its own
// digits as well, on the engine's thread: it has none.
pj_status_t Line::take_encoded(const void* packet, std::size_t size) noexcept {
    if (engine_.media().on_thread()) return send_encoded(packet, size);
    if (Crew::at_work()) keep_encoded(packet, size);  // inside write(), whose lock it is
    return PJ_SUCCESS;
}

void Line::keep_encoded(const void* packet, std::size_t size) noexcept {
    if (!writing_ || size > Datagram::ROOM) return;
    const auto* data = static_cast<const std::uint8_t*>(packet);
    try {
        kept_.reserve(kept_.size() + 2 + size);
        kept_.push_back(static_cast<std::uint8_t>(size >> 8));
        kept_.push_back(static_cast<std::uint8_t>(size & 0xFF));
        kept_.insert(kept_.end(), data, data + size);
    } catch (const std::bad_alloc&) {  // this packet is lost, and nothing else
    }
}

void Line::send_kept() noexcept {
    if (kept_.empty()) return;  // written by the crew, whose round is over
    Hold hold(*this);
    writing_ = true;
    for (std::size_t at = 0; at < kept_.size();) {
        const std::size_t size = std::size_t{kept_[at]} << 8 | kept_[at + 1];
        send_encoded(kept_.data() + at + 2, size);
        at += 2 + size;
    }
    writing_ = false;
    kept_.clear();
}

pj_status_t Line::send_encoded(const void* packet, std::size_t size) noexcept {
    Hold hold(*this);
    RtpPacket parsed;
    const auto* data = static_cast<const std::uint8_t*>(packet);
    if (!writing_ || !sending() || digits_out_.speaks() || size > Datagram::ROOM || !parse_rtp(data, size, parsed)) {
        return PJ_SUCCESS;
    }
    if (parsed.payload <= DTX_PAYLOAD && !insists_ && format_.codec == "opus") {
        rests_ = true;
        clock_.skip(outgoing_);
        return PJ_SUCCESS;
    }
    Datagram datagram = engine_.media().datagrams().buffer();
    if (!datagram) return PJ_SUCCESS;
    const Nanos now = monotonic_now();
    const bool begins = parsed.marker || rests_;
    rests_ = false;
    EgressClock::Stamp stamp;
    if (!clock_.follow(outgoing_, parsed.sequence, parsed.timestamp, begins, now, stamp)) return PJ_SUCCESS;
    std::memcpy(datagram.data + RtpPacket::HEADER, data + parsed.header, parsed.payload);
    send(std::move(datagram), parsed.payload, stamp, format_.tx_payload_type, now);
    return PJ_SUCCESS;
}

// ---------------------------------------------------------------------------------------------- beats

void Line::beat(Nanos now, unsigned frames) noexcept {
    Hold hold(*this);
    if (format_.ptime != 0) {
        credit_ms_ += BEAT_MS * frames;
        for (; credit_ms_ >= format_.ptime; credit_ms_ -= format_.ptime) send_next(now);
    }
    // The stream of another codec makes its packets itself.
    for (unsigned frame = 0; egress_ == Egress::IDLE && !format_.g711() && frame < frames; ++frame) encode_silence();
    update_beat();
}

// One packet's time: of a digit, else of the sound that is paced here.
void Line::send_next(Nanos now) noexcept {
    const bool event = send_event(now);
    if (egress_ == Egress::PLAY && player_ && play_packet(event, now)) return;
    if (egress_ == Egress::PLAY) become(Egress::IDLE);
    if (egress_ == Egress::IDLE && !event && format_.g711()) send_silence(now);
}

// False: the player has come to its end. withheld: its time goes by unheard.
bool Line::play_packet(bool withheld, Nanos now) noexcept {
    if (!open_ || !format_.g711()) return true;  // it waits for the media that it can speak
    const Law law = format_.codec == "PCMA" ? Law::A : Law::MU;
    const unsigned samples = std::min(format_.ptime * 8, MAX_SAMPLES);
    Datagram datagram = engine_.media().datagrams().buffer();
    std::array<std::uint8_t, MAX_SAMPLES> lost;  // no memory: the time goes by all the same
    std::uint8_t* payload = datagram ? datagram.data + RtpPacket::HEADER : lost.data();
    bool audible = false;
    if (player_->encoded(payload, samples, law, audible) == 0) return false;
    if (!datagram || !sending() || withheld) return true;
    const EgressClock::Stamp stamp = clock_.next(outgoing_, samples, now);
    send(std::move(datagram), samples, stamp, format_.tx_payload_type, now);
    return true;
}

// False: it is sound's turn.
bool Line::send_event(Nanos now) noexcept {
    if (!open_ || format_.tx_event_type < 0) digits_out_.clear();
    EventSender::Packet packet;
    const bool speaks = digits_out_.beat(format_.event_rate, format_.ptime, packet);
    for (unsigned sent = digits_out_.take_sent(); sent != 0; --sent) engine_.digits().report_sent(leg_);
    if (!speaks) return false;
    clock_.next_segment(static_cast<std::uint32_t>(std::uint64_t{packet.segment} * format_.clock_rate /
                                                   std::max(1U, format_.event_rate)));
    const EgressClock::Stamp stamp = clock_.event(packet.begins, format_.clock_rate * format_.ptime / 1000, now);
    Datagram datagram = engine_.media().datagrams().buffer();
    if (!datagram || !sending()) return true;
    write_event(datagram.data + RtpPacket::HEADER, packet.event);
    send(std::move(datagram), TelephoneEvent::SIZE, stamp, static_cast<unsigned>(format_.tx_event_type), now);
    return true;
}

// A leg that nobody feeds sends silence all the same: it opens NAT on the way and keeps it open, and a peer that hears
// nothing knows that the network, and not the application, is to blame.
void Line::send_silence(Nanos now) noexcept {
    if (!sending() || digits_out_.speaks()) return;
    if (!format_.g711()) {
        const std::uint64_t before = tx_packets_;
        insists_ = true;
        for (unsigned i = 0; i < SILENT_WRITES && tx_packets_ == before; ++i) encode_silence();
        insists_ = false;
        return;
    }
    Datagram datagram = engine_.media().datagrams().buffer();
    if (!datagram) return;
    const unsigned samples = std::min(format_.ptime * 8, MAX_SAMPLES);
    std::memset(datagram.data + RtpPacket::HEADER, format_.codec == "PCMA" ? A_SILENCE : MU_SILENCE, samples);
    // Between packets with numbers of their own it is another source.
    const auto series = egress_ == Egress::IDLE ? outgoing_ : EgressClock::new_series();
    const EgressClock::Stamp stamp = clock_.next(series, samples, now);
    send(std::move(datagram), samples, stamp, format_.tx_payload_type, now);
}

// 20 ms of it, by the stream.
void Line::encode_silence() noexcept {
    if (!audio_ || !sending() || digits_out_.speaks()) return;
    writing_ = true;
    audio_->write(nullptr);
    writing_ = false;
}

// ---------------------------------------------------------------------------------------------- to the sockets

bool Line::sending() const noexcept {
    return open_ && started_ && !ended_ && format_.sends && lock_.destination().set();
}

// The payload lies behind a header's room.
void Line::send(Datagram datagram, std::size_t payload, const EgressClock::Stamp& stamp, unsigned payload_type,
                Nanos now) noexcept {
    RtpPacket packet;
    packet.marker = stamp.marker && (marks_events_ || static_cast<int>(payload_type) != format_.tx_event_type);
    packet.payload_type = static_cast<std::uint8_t>(payload_type);
    packet.sequence = stamp.sequence;
    packet.timestamp = stamp.timestamp;
    packet.ssrc = ssrc_;
    write_rtp(datagram.data, packet);
    datagram.size = RtpPacket::HEADER + payload;
    ++tx_packets_;
    tx_bytes_ += payload;
    if (tx_first_at_ == 0) tx_first_at_ = now;
    tx_last_at_ = now;
    if (direct_ && joined_) {
        engine_.media().datagrams().send(sockets_.rtp, lock_.destination(), std::move(datagram));
    } else if (base_ != nullptr && pjmedia_transport_send_rtp(base_, datagram.data, datagram.size) != PJ_SUCCESS) {
        ++tx_refused_;
        engine_.media().totals().refused.add();
    }
}

// For SRTP, and for reports: any thread that holds the lock.
void Line::put_out(Channel channel, const void* packet, std::size_t size, const Address& to) noexcept {
    if (!started_ || ended_ || !to.set() || size > Datagram::ROOM) return;
    const int socket = channel == RTP ? sockets_.rtp : sockets_.rtcp;
    MediaThread& media = engine_.media();
    if (media.on_thread() && joined_) {
        Datagram datagram = media.datagrams().buffer();
        if (!datagram) return;
        std::memcpy(datagram.data, packet, size);
        datagram.size = size;
        media.datagrams().send(socket, to, std::move(datagram));
    } else if (::sendto(socket, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL, &to.any, to.length()) < 0) {
        ++tx_refused_;
    }
}

}  // namespace callwright
