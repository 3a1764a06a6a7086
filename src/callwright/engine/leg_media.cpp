// A leg's media: its line, and the stream that pjsua makes on it.
#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <cerrno>
#include <utility>

#include "engine.hpp"
#include "leg.hpp"
#include "message.hpp"
#include "offers.hpp"
#include "rtp/line.hpp"

namespace callwright {

namespace {

std::int64_t ptime_of(const pjmedia_stream_info& info) {
    return info.param == nullptr ? 20 : std::int64_t{info.param->info.frm_ptime} * info.param->setting.frm_per_pkt;
}

std::string address_of(const pj_sockaddr& address) {
    if (!pj_sockaddr_has_addr(&address)) return {};
    std::array<char, PJ_INET6_ADDRSTRLEN + 10> text{};
    return pj_sockaddr_print(&address, text.data(), text.size(), 3);
}

// Whether SRTP was negotiated: pjsua puts its transport around ours in any case.
bool is_secure(const pjsua_call& call, unsigned index) {
    const pjmedia_sdp_session* local = nullptr;
    if (call.inv == nullptr || pjmedia_sdp_neg_get_active_local(call.inv->neg, &local) != PJ_SUCCESS) return true;
    if (index >= local->media_count) return true;
    const pjmedia_sdp_media* media = local->media[index];
    pj_str_t savp;
    pj_cstr(&savp, "SAVP");
    // Keys may also be negotiated under the plain name, when SRTP is optional.
    const bool keys = pjmedia_sdp_attr_find2(media->attr_count, media->attr, "crypto", nullptr) != nullptr;
    return keys || pj_strstr(&media->desc.transport, &savp) != nullptr;
}

}  // namespace

pj_status_t Legs::on_make_transport(pjsua_call_id call, unsigned, int ip_version, pjmedia_transport** transport) {
    Legs& legs = Engine::current()->legs();
    const Leg* leg = legs.of_call(call);
    const Place& place = leg == nullptr ? legs.engine_.offers().incoming_place() : leg->place;
    if (place.own.empty()) return PJ_STATUS_FROM_OS(ENETUNREACH);
    if (place.ipv6() != (ip_version == 6)) return PJ_EAFNOTSUP;
    const auto pair = legs.rtp_ports_.open(call, place.own);
    if (!pair) return PJ_ETOOMANY;
    // Lives until pjsua closes its transport.
    const auto line = Line::make(legs.engine_, pair->rtp_socket, pair->rtcp_socket, pair->rtp, pair->rtcp);
    *transport = line->bottom();
    return PJ_SUCCESS;
}

pjmedia_transport* Legs::on_stream_transport(pjsua_call_id call_id, unsigned index, pjmedia_transport* below) {
    const pjsua_call& call = pjsua_var.calls[call_id];
    pjmedia_transport* bottom = call.media[index].tp_orig;
    Line* line = Line::of_bottom(bottom);
    if (line == nullptr) return below;
    return line->top(is_secure(call, index) ? below : bottom);
}

void Legs::on_stream_created(pjsua_call_id call, pjsua_on_stream_created_param* created) {
    created->port = nullptr;  // not for pjmedia's bridge
    Legs& legs = Engine::current()->legs();
    const Leg* leg = legs.of_call(call);
    Line* line = Line::of_top(pjmedia_stream_get_transport(created->stream));
    pjmedia_stream_info info;
    if (leg == nullptr || line == nullptr || pjmedia_stream_get_info(created->stream, &info) != PJ_SUCCESS) return;
    line->know_host(leg->peer);
    line->mark_events(leg->policy.marks_events);
    line->open_stream(leg->id, created->stream, info, beside_of(call, created->stream_idx, info));
    {
        const std::lock_guard<std::mutex> lock(legs.lines_mutex_);
        legs.lines_[leg->id] = line->shared_from_this();
    }
    legs.engine_.patch().set_line(leg->id, line->shared_from_this());
}

void Legs::on_stream_destroyed(pjsua_call_id call, pjmedia_stream* stream, unsigned) {
    Legs& legs = Engine::current()->legs();
    if (Line* line = Line::of_top(pjmedia_stream_get_transport(stream))) line->close_stream();
    if (const Leg* leg = legs.of_call(call)) legs.engine_.patch().set_line(leg->id, nullptr);
}

void Legs::on_media_state(pjsua_call_id call) {
    Legs& legs = Engine::current()->legs();
    const Leg* leg = legs.of_call(call);
    if (leg != nullptr) legs.update_media(*leg);
}

void Legs::update_media(const Leg& leg) {
    const pjsua_call& call = pjsua_var.calls[leg.call];
    const pjsua_call_media* media = call.audio_idx < 0 ? nullptr : &call.media[call.audio_idx];
    const bool active = media != nullptr && media->strm.a.stream != nullptr && media->state != PJSUA_CALL_MEDIA_NONE &&
                        media->state != PJSUA_CALL_MEDIA_ERROR;
    if (!active) engine_.patch().set_line(leg.id, nullptr);
    auto event = std::make_unique<Event>(EventKind::MEDIA, leg.id, active ? 1 : 0);
    pjmedia_stream_info info{};
    if (active) pjmedia_stream_get_info(media->strm.a.stream, &info);
    event->with("codec", active ? text_of(info.fmt.encoding_name) : std::string());
    event->with("clock_rate", active ? std::int64_t{info.fmt.clock_rate} : std::int64_t{0});
    event->with("ptime", active ? ptime_of(info) : std::int64_t{0});
    event->with("remote", active ? address_of(info.rem_addr) : std::string());
    event->with("hold", hold_of(leg.call));
    event->with("srtp", srtp_of(leg.call));
    event->with("telephone_event", active && info.tx_event_pt > 0);
    engine_.push(std::move(event));
}

void Legs::note_peer(Leg& leg, const pjsip_rx_data* rdata) {
    if (rdata == nullptr) return;
    leg.peer = Address::of(&rdata->pkt_info.src_addr);
    if (const auto line = line_of(leg.id)) line->know_host(leg.peer);
}

void Legs::release_media(pjsua_call_id call) { rtp_ports_.release(call); }

std::shared_ptr<Line> Legs::line_of(std::uint64_t leg) const {
    const std::lock_guard<std::mutex> lock(lines_mutex_);
    const auto found = lines_.find(leg);
    return found == lines_.end() ? nullptr : found->second;
}

std::string Legs::statistics(std::uint64_t leg) const {
    const auto line = line_of(leg);
    return line ? line->statistics() : std::string();
}

std::string Legs::take_statistics(std::uint64_t leg) {
    std::string text = statistics(leg);
    const std::lock_guard<std::mutex> lock(lines_mutex_);
    lines_.erase(leg);
    return text;
}

}  // namespace callwright
