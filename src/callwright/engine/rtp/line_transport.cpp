#include "line_transport.hpp"

#include <sys/socket.h>

#include <cstring>

#include "../engine.hpp"
#include "line.hpp"

namespace callwright {

namespace {

const pj_str_t RTCP_MUX = {const_cast<char*>("rtcp-mux"), 8};

Line& line_of(pjmedia_transport* transport) { return *static_cast<Line*>(transport->user_data); }

pj_sockaddr sockaddr_of(const Address& address) {
    pj_sockaddr result{};
    std::memcpy(&result, &address.any, address.length());
    return result;
}

Address usable(const pj_sockaddr& address) {
    return pj_sockaddr_has_addr(&address) && pj_sockaddr_get_port(&address) != 0 ? Address::of(&address) : Address();
}

// RTP is said to be plain; what SRTP above us makes of it is not ours to check.
bool is_avp(const pjmedia_sdp_session* session, unsigned index) {
    if (session == nullptr) return true;
    pj_uint32_t protocol = pjmedia_sdp_transport_get_proto(&session->media[index]->desc.transport);
    PJMEDIA_TP_PROTO_TRIM_FLAG(protocol, PJMEDIA_TP_PROFILE_RTCP_FB);
    return protocol == PJMEDIA_TP_PROTO_RTP_AVP;
}

}  // namespace

struct BottomTransport {
    static pj_status_t get_info(pjmedia_transport* transport, pjmedia_transport_info* info) {
        Line& line = line_of(transport);
        Line::Hold hold(line);
        info->sock_info.rtp_sock = line.sockets_.rtp;
        info->sock_info.rtp_addr_name = sockaddr_of(line.sockets_.rtp_address);
        info->sock_info.rtcp_sock = line.sockets_.rtcp;
        const Address& rtcp = line.mux_ ? line.sockets_.rtp_address : line.sockets_.rtcp_address;
        info->sock_info.rtcp_addr_name = sockaddr_of(rtcp);
        if (line.lock_.source().set()) info->src_rtp_name = sockaddr_of(line.lock_.source());
        if (line.rtcp_source_.set()) info->src_rtcp_name = sockaddr_of(line.rtcp_source_);
        // DTLS asks where the packet that it is given came from, which nobody has judged yet.
        if (line.engine_.media().on_thread() && line.passing_ != nullptr) {
            pj_sockaddr& source = line.passing_->channel == Line::RTP ? info->src_rtp_name : info->src_rtcp_name;
            source = sockaddr_of(line.passing_->datagram->from);
        }
        if (info->specific_info_cnt < PJ_ARRAY_SIZE(info->spc_info)) {
            pjmedia_transport_specific_info& specific = info->spc_info[info->specific_info_cnt++];
            specific.type = PJMEDIA_TRANSPORT_TYPE_UDP;
            specific.cbsize = 0;
            specific.tp = transport;
        }
        return PJ_SUCCESS;
    }

    static pj_status_t attach2(pjmedia_transport* transport, pjmedia_transport_attach_param* param) {
        Line& line = line_of(transport);
        Line::Hold hold(line);
        if (line.ended_) return PJ_EINVALIDOP;
        line.direct_ = param->user_data == &line;
        line.upper_ = Line::Attachment{param->user_data, param->rtp_cb, param->rtp_cb2, param->rtcp_cb};
        line.mux_ = pj_sockaddr_has_addr(&param->rem_addr) && pj_sockaddr_cmp(&param->rem_addr, &param->rem_rtcp) == 0;
        const Address described = usable(param->rem_addr);
        if (described != line.lock_.described()) line.rtcp_source_ = Address();
        line.lock_.open(described, monotonic_now());
        line.described_rtcp_ = usable(param->rem_rtcp);
        return PJ_SUCCESS;
    }

    static pj_status_t attach(pjmedia_transport* transport, void* user, const pj_sockaddr_t* rtp,
                              const pj_sockaddr_t* rtcp, unsigned length, void (*rtp_cb)(void*, void*, pj_ssize_t),
                              void (*rtcp_cb)(void*, void*, pj_ssize_t)) {
        pjmedia_transport_attach_param param{};
        pj_sockaddr_cp(&param.rem_addr, rtp);
        if (rtcp != nullptr && pj_sockaddr_has_addr(rtcp)) pj_sockaddr_cp(&param.rem_rtcp, rtcp);
        param.addr_len = length;
        param.user_data = user;
        param.rtp_cb = rtp_cb;
        param.rtcp_cb = rtcp_cb;
        return attach2(transport, &param);
    }

    static void detach(pjmedia_transport* transport, void*) {
        Line& line = line_of(transport);
        Line::Hold hold(line);
        line.direct_ = false;
        line.upper_ = Line::Attachment{};
    }

    static pj_status_t send_rtp(pjmedia_transport* transport, const void* packet, pj_size_t size) {
        Line& line = line_of(transport);
        Line::Hold hold(line);
        line.put_out(Line::RTP, packet, size, line.lock_.destination());
        return PJ_SUCCESS;
    }

    static pj_status_t send_rtcp2(pjmedia_transport* transport, const pj_sockaddr_t* to, unsigned, const void* packet,
                                  pj_size_t size) {
        Line& line = line_of(transport);
        Line::Hold hold(line);
        line.put_out(line.mux_ ? Line::RTP : Line::RTCP, packet, size,
                     to == nullptr ? line.report_destination() : Address::of(to));
        return PJ_SUCCESS;
    }

    static pj_status_t send_rtcp(pjmedia_transport* transport, const void* packet, pj_size_t size) {
        return send_rtcp2(transport, nullptr, 0, packet, size);
    }

    static pj_status_t media_create(pjmedia_transport* transport, pj_pool_t*, unsigned options,
                                    const pjmedia_sdp_session*, unsigned) {
        Line& line = line_of(transport);
        Line::Hold hold(line);
        line.media_options_ = options;
        line.mux_offered_ = (options & PJMEDIA_TPMED_RTCP_MUX) != 0;
        return PJ_SUCCESS;
    }

    static pj_status_t encode_sdp(pjmedia_transport* transport, pj_pool_t* pool, pjmedia_sdp_session* local,
                                  const pjmedia_sdp_session* remote, unsigned index) {
        Line& line = line_of(transport);
        Line::Hold hold(line);
        const bool checks = (line.media_options_ & PJMEDIA_TPMED_NO_TRANSPORT_CHECKING) == 0;
        if (checks && (!is_avp(local, index) || !is_avp(remote, index))) {
            pjmedia_sdp_media_deactivate(pool, local->media[index]);
            return PJMEDIA_SDP_EINPROTO;
        }
        if (line.mux_offered_) encode_mux(line, pool, local->media[index], remote, index);
        return PJ_SUCCESS;
    }

    // RFC 5761 section 5.1.1: offered beside a=rtcp, or answered in its place.
    static void encode_mux(Line& line, pj_pool_t* pool, pjmedia_sdp_media* media, const pjmedia_sdp_session* remote,
                           unsigned index) {
        const pjmedia_sdp_media* wish = remote == nullptr ? nullptr : remote->media[index];
        line.mux_ = wish != nullptr &&
                    pjmedia_sdp_attr_find(wish->attr_count, wish->attr, &RTCP_MUX, nullptr) != nullptr;
        pjmedia_sdp_attr_remove_all(&media->attr_count, media->attr, "rtcp");
        if (!line.mux_) {
            const pj_sockaddr rtcp = sockaddr_of(line.sockets_.rtcp_address);
            pjmedia_sdp_attr* attribute = pjmedia_sdp_attr_create_rtcp(pool, &rtcp);
            if (attribute != nullptr) pjmedia_sdp_attr_add(&media->attr_count, media->attr, attribute);
        }
        if (line.mux_ || remote == nullptr) {
            pjmedia_sdp_attr* attribute = PJ_POOL_ZALLOC_T(pool, pjmedia_sdp_attr);
            attribute->name = RTCP_MUX;
            pjmedia_sdp_attr_add(&media->attr_count, media->attr, attribute);
        }
    }

    static pj_status_t media_start(pjmedia_transport* transport, pj_pool_t*, const pjmedia_sdp_session*,
                                   const pjmedia_sdp_session*, unsigned) {
        Line& line = line_of(transport);
        Line::Hold hold(line);
        line.started_ = true;
        return PJ_SUCCESS;
    }

    static pj_status_t media_stop(pjmedia_transport* transport) {
        Line& line = line_of(transport);
        line.say_goodbye();
        Line::Hold hold(line);
        line.started_ = false;
        return PJ_SUCCESS;
    }

    static pj_status_t simulate_lost(pjmedia_transport*, pjmedia_dir, unsigned) { return PJ_SUCCESS; }

    static pj_status_t destroy(pjmedia_transport* transport) {
        line_of(transport).end();
        return PJ_SUCCESS;
    }
};

// What the stream sends goes into the line; the rest is SRTP's or the bottom's.
struct TopTransport {
    static pjmedia_transport* base_of(pjmedia_transport* transport) {
        Line& line = line_of(transport);
        Line::Hold hold(line);
        return line.base_;
    }

    static pj_status_t get_info(pjmedia_transport* transport, pjmedia_transport_info* info) {
        return pjmedia_transport_get_info(base_of(transport), info);
    }

    static pj_status_t attach2(pjmedia_transport* transport, pjmedia_transport_attach_param* param) {
        Line& line = line_of(transport);
        pjmedia_transport* base = nullptr;
        {
            Line::Hold hold(line);
            base = line.base_;
            if (base == nullptr || line.ended_) return PJ_EINVALIDOP;
            line.stream_callbacks_ = Line::Attachment{param->user_data, param->rtp_cb, param->rtp_cb2, param->rtcp_cb};
        }
        pjmedia_transport_attach_param below = *param;
        below.user_data = &line;
        below.rtp_cb = nullptr;
        below.rtp_cb2 = &Line::on_upper_rtp;
        below.rtcp_cb = &Line::on_upper_rtcp;
        return pjmedia_transport_attach2(base, &below);
    }

    static void detach(pjmedia_transport* transport, void*) {
        Line& line = line_of(transport);
        pjmedia_transport* base = nullptr;
        {
            Line::Hold hold(line);  // from here on no callback of the stream runs
            line.stream_callbacks_ = Line::Attachment{};
            base = line.ended_ ? nullptr : line.base_;
        }
        if (base != nullptr) pjmedia_transport_detach(base, &line);
    }

    static pj_status_t send_rtp(pjmedia_transport* transport, const void* packet, pj_size_t size) {
        Line& line = line_of(transport);
        return line.take_encoded(packet, size);
    }

    // The line makes its own reports.
    static pj_status_t send_rtcp(pjmedia_transport*, const void*, pj_size_t) { return PJ_SUCCESS; }
    static pj_status_t send_rtcp2(pjmedia_transport*, const pj_sockaddr_t*, unsigned, const void*, pj_size_t) {
        return PJ_SUCCESS;
    }

    static pj_status_t media_create(pjmedia_transport* transport, pj_pool_t* pool, unsigned options,
                                    const pjmedia_sdp_session* remote, unsigned index) {
        return pjmedia_transport_media_create(base_of(transport), pool, options, remote, index);
    }
    static pj_status_t encode_sdp(pjmedia_transport* transport, pj_pool_t* pool, pjmedia_sdp_session* local,
                                  const pjmedia_sdp_session* remote, unsigned index) {
        return pjmedia_transport_encode_sdp(base_of(transport), pool, local, remote, index);
    }
    static pj_status_t media_start(pjmedia_transport* transport, pj_pool_t* pool, const pjmedia_sdp_session* local,
                                   const pjmedia_sdp_session* remote, unsigned index) {
        return pjmedia_transport_media_start(base_of(transport), pool, local, remote, index);
    }
    static pj_status_t media_stop(pjmedia_transport* transport) {
        return pjmedia_transport_media_stop(base_of(transport));
    }
    static pj_status_t simulate_lost(pjmedia_transport*, pjmedia_dir, unsigned) { return PJ_SUCCESS; }
    // Its base is destroyed by itself, and the line with that.
    static pj_status_t destroy(pjmedia_transport*) { return PJ_SUCCESS; }
};

pjmedia_transport_op* bottom_operations() noexcept {
    static pjmedia_transport_op operations = {
        &BottomTransport::get_info,    &BottomTransport::attach,        &BottomTransport::detach,
        &BottomTransport::send_rtp,    &BottomTransport::send_rtcp,     &BottomTransport::send_rtcp2,
        &BottomTransport::media_create, &BottomTransport::encode_sdp,   &BottomTransport::media_start,
        &BottomTransport::media_stop,  &BottomTransport::simulate_lost, &BottomTransport::destroy,
        &BottomTransport::attach2};
    return &operations;
}

pjmedia_transport_op* top_operations() noexcept {
    static pjmedia_transport_op operations = {
        &TopTransport::get_info,     nullptr,                      &TopTransport::detach,
        &TopTransport::send_rtp,     &TopTransport::send_rtcp,     &TopTransport::send_rtcp2,
        &TopTransport::media_create, &TopTransport::encode_sdp,    &TopTransport::media_start,
        &TopTransport::media_stop,   &TopTransport::simulate_lost, &TopTransport::destroy,
        &TopTransport::attach2};
    return &operations;
}

void set_up(pjmedia_transport& transport, const char* name, pjmedia_transport_op* operations, Line* line,
            pj_grp_lock_t* lock) noexcept {
    pj_ansi_strxcpy(transport.name, name, sizeof transport.name);
    transport.type = PJMEDIA_TRANSPORT_TYPE_UDP;
    transport.op = operations;
    transport.user_data = line;
    transport.grp_lock = lock;
}

}  // namespace callwright
