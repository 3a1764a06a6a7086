#include "offers.hpp"

#include <pjsip_ua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <algorithm>
#include <stdexcept>

#include "advertised.hpp"
#include "engine.hpp"
#include "leg.hpp"
#include "message.hpp"
#include "tls.hpp"

namespace callwright {

namespace {

// After the dialogs (32 and 48), before pjsua's own handlers (64).
constexpr int before_pjsua = PJSIP_MOD_PRIORITY_APPLICATION - 2;

constexpr unsigned most_of_opus = 510000;  // bit/s

// Codes of RFC 3261 section 20.43.
constexpr int network_protocol = 300;
constexpr int transport_protocol = 302;
constexpr int media_type = 304;
constexpr int media_format = 305;

bool is_audio(const pjmedia_sdp_media* media) {
    return pj_stricmp2(&media->desc.media, "audio") == 0 && media->desc.port != 0;
}

const pjmedia_sdp_attr* find(const pjmedia_sdp_session* sdp, const pjmedia_sdp_media* media, const char* name) {
    const auto* attribute = pjmedia_sdp_media_find_attr2(media, name, nullptr);
    return attribute != nullptr ? attribute : pjmedia_sdp_attr_find2(sdp->attr_count, sdp->attr, name, nullptr);
}

const pjmedia_sdp_conn* connection_of(const pjmedia_sdp_session* sdp, const pjmedia_sdp_media* media) {
    return media->conn != nullptr ? media->conn : sdp->conn;
}

// The first audio line that is in use; null when there is none.
const pjmedia_sdp_media* audio_of(const pjmedia_sdp_session* sdp) {
    for (unsigned i = 0; i < sdp->media_count; ++i) {
        if (is_audio(sdp->media[i])) return sdp->media[i];
    }
    return nullptr;
}

// Text is refused in any case: as if it had never been offered, so that pjsua takes no ports for it.
void withdraw_text(pjmedia_sdp_session* sdp) {
    for (unsigned i = 0; i < sdp->media_count; ++i) {
        if (pj_stricmp2(&sdp->media[i]->desc.media, "text") == 0) sdp->media[i]->desc.port = 0;
    }
}

bool offers_ipv6(const pjsip_rx_data* rdata) {
    const auto* offer = pjsip_rdata_get_sdp_info(const_cast<pjsip_rx_data*>(rdata))->sdp;
    const auto* audio = offer == nullptr ? nullptr : audio_of(offer);
    if (audio == nullptr) return (rdata->tp_info.transport->key.type & PJSIP_TRANSPORT_IPV6) != 0;
    const auto* connection = connection_of(offer, audio);
    return connection != nullptr && pj_stricmp2(&connection->addr_type, "IP6") == 0;
}

// Where the offer's sound is wanted; not set without an offer.
Address offered_at(const pjsip_rx_data* rdata) {
    const auto* offer = pjsip_rdata_get_sdp_info(const_cast<pjsip_rx_data*>(rdata))->sdp;
    const auto* audio = offer == nullptr ? nullptr : audio_of(offer);
    const auto* connection = audio == nullptr ? nullptr : connection_of(offer, audio);
    return connection == nullptr ? Address() : Address::at(text_of(connection->addr), audio->desc.port);
}

const Codec* first_codec(const pjmedia_sdp_media* media) {
    for (unsigned i = 0; i < media->desc.fmt_count; ++i) {
        if (const Codec* codec = Codecs::find(media, media->desc.fmt[i])) return codec;
    }
    return nullptr;
}

// What the peer's a=fmtp asks of our encoder (RFC 7587 section 6.1), as far as pjmedia does not see to it.
void follow_peer(pjmedia_codec_param& parameters) {
    // A higher limit of the peer's would be no limit.
    parameters.info.max_bps = most_of_opus;
    const auto& asked = parameters.setting.enc_fmtp;
    const bool redundancy = std::any_of(asked.param, asked.param + asked.cnt, [](const auto& parameter) {
        return pj_stricmp2(&parameter.name, "useinbandfec") == 0 && pj_strtoul(&parameter.val) != 0;
    });
    // Once DTX is in use the encoder adds redundancy for the loss that is expected, whoever asked for it.
    if (!redundancy) parameters.setting.packet_loss = 0;
}

// What a call talks in; null when that is not known yet.
const Codec* current_codec(const pjsua_call& call) {
    const pjmedia_sdp_session* active = nullptr;
    if (call.inv == nullptr || call.inv->neg == nullptr ||
        pjmedia_sdp_neg_get_state(call.inv->neg) != PJMEDIA_SDP_NEG_STATE_DONE ||
        pjmedia_sdp_neg_get_active_local(call.inv->neg, &active) != PJ_SUCCESS) {
        return nullptr;
    }
    const auto* audio = audio_of(active);
    return audio == nullptr ? nullptr : first_codec(audio);
}

// The audio of an offer whose answer waits to be sent; null when none does.
const pjmedia_sdp_media* offered(const pjsua_call& call) {
    const pjmedia_sdp_session* offer = nullptr;
    if (call.inv == nullptr || call.inv->neg == nullptr ||
        pjmedia_sdp_neg_get_state(call.inv->neg) != PJMEDIA_SDP_NEG_STATE_WAIT_NEGO ||
        pjmedia_sdp_neg_get_neg_remote(call.inv->neg, &offer) != PJ_SUCCESS) {
        return nullptr;
    }
    return audio_of(offer);
}

// What that answer will have.
const Codec* coming_codec(const pjsua_call& call, const Policy& policy) {
    const auto* audio = offered(call);
    const CodecList common = audio == nullptr ? CodecList() : Codecs::common(audio, policy.codecs, policy.their_order);
    return common.empty() ? nullptr : common.front();
}

void put_first(const Codec* codec, CodecList& codecs) {
    const auto found = std::find(codecs.begin(), codecs.end(), codec);
    if (found != codecs.end()) std::rotate(codecs.begin(), found, found + 1);
}

// Who talks in one codec goes on in it, when an offer of ours does not concern the codec.
CodecList current_first(const pjsua_call& call, CodecList codecs) {
    put_first(current_codec(call), codecs);
    return codecs;
}

}  // namespace

std::string hold_of(pjsua_call_id id) {
    const pjsua_call& call = pjsua_var.calls[id];
    if (call.audio_idx < 0) return "none";
    switch (call.media[call.audio_idx].state) {
        case PJSUA_CALL_MEDIA_LOCAL_HOLD: return "local";
        case PJSUA_CALL_MEDIA_REMOTE_HOLD: return "remote";
        default: return "none";
    }
}

std::string srtp_of(pjsua_call_id id) {
    const pjsua_call& call = pjsua_var.calls[id];
    const pjmedia_sdp_session* local = nullptr;
    const pjmedia_sdp_session* remote = nullptr;
    const auto* negotiation = call.inv == nullptr ? nullptr : call.inv->neg;
    if (negotiation == nullptr || call.audio_idx < 0 ||
        pjmedia_sdp_neg_get_active_local(call.inv->neg, &local) != PJ_SUCCESS ||
        pjmedia_sdp_neg_get_active_remote(call.inv->neg, &remote) != PJ_SUCCESS) {
        return "none";
    }
    const auto index = static_cast<unsigned>(call.audio_idx);
    if (index >= local->media_count || index >= remote->media_count) return "none";
    const auto protocol = pjmedia_sdp_transport_get_proto(&local->media[index]->desc.transport);
    if (PJMEDIA_TP_PROTO_HAS_FLAG(protocol, PJMEDIA_TP_PROTO_DTLS)) return "dtls";
    const bool keys = find(local, local->media[index], "crypto") != nullptr &&
                      find(remote, remote->media[index], "crypto") != nullptr;
    return keys ? "sdes" : "none";
}

Line::Beside beside_of(pjsua_call_id id, unsigned index, const pjmedia_stream_info& stream) {
    const pjsua_call& call = pjsua_var.calls[id];
    const pjmedia_sdp_session* local = nullptr;
    const pjmedia_sdp_session* remote = nullptr;
    if (call.inv == nullptr || call.inv->neg == nullptr ||
        pjmedia_sdp_neg_get_active_local(call.inv->neg, &local) != PJ_SUCCESS ||
        pjmedia_sdp_neg_get_active_remote(call.inv->neg, &remote) != PJ_SUCCESS || index >= local->media_count ||
        index >= remote->media_count) {
        return {};
    }
    Line::Beside beside;
    beside.event_rate = Codecs::event_rate(local->media[index], stream.rx_event_pt);
    const Codec* codec = Codecs::of(stream.fmt);
    if (codec == nullptr) return beside;
    const int received = Codecs::noise_type(local->media[index], codec->rtp_rate);
    const int sent = Codecs::noise_type(remote->media[index], codec->rtp_rate);
    if (received >= 0 && sent >= 0) {
        beside.noise_received = received;
        beside.noise_sent = sent;
    }
    return beside;
}

Offers::Offers(Engine& engine)
    : engine_(engine),
      codecs_(engine.clock_rate(), engine.options().ptime, engine.options().opus, engine.options().comfort_noise),
      usual_(engine.options().policy) {}

void Offers::install(pjsua_callback& callbacks) const {
    callbacks.on_acc_find_for_incoming = &Offers::on_account;
    callbacks.on_call_sdp_created = &Offers::on_description;
    callbacks.on_call_rx_offer = &Offers::on_offer;
    callbacks.on_stream_precreate = &Offers::on_stream;
}

void Offers::install(pjsip_endpoint* endpoint) {
    endpoint_ = endpoint;
    static char name[] = "callwright-offers";
    module_.name = pj_str(name);
    module_.id = -1;
    module_.priority = before_pjsua;
    module_.on_rx_request = &Offers::on_request;
    if (pjsip_endpt_register_module(endpoint, &module_) != PJ_SUCCESS) {
        throw std::runtime_error("the offers' module cannot be registered");
    }
}

void Offers::trust(std::vector<std::pair<Prefix, Policy>> sources) {
    std::stable_sort(sources.begin(), sources.end(),
                     [](const auto& one, const auto& other) { return one.first.bits() > other.first.bits(); });
    std::lock_guard<std::mutex> lock(mutex_);
    sources_.swap(sources);
}

// No name has a line end.
std::string Offers::key_of(std::string_view user, std::string_view realm) {
    return std::string(realm).append("\n").append(user);
}

void Offers::trust_users(UserPolicies users) {
    std::lock_guard<std::mutex> lock(mutex_);
    users_.swap(users);
}

Policy Offers::of_request(const pjsip_rx_data* rdata) {
    const Identity identity = engine_.gate().identity_of(rdata);
    std::lock_guard<std::mutex> lock(mutex_);
    if (!identity.user.empty()) {
        const auto known = users_.find(key_of(identity.user, identity.realm));
        if (known != users_.end()) return known->second;
    }
    for (const auto& [prefix, policy] : sources_) {
        if (prefix.holds(rdata->pkt_info.src_addr)) return policy;
    }
    return usual_;
}

// The first INVITE of a dialog. An offer that fits nothing is refused before anybody spends a call on it.
pj_bool_t Offers::on_request(pjsip_rx_data* rdata) {
    const auto& info = rdata->msg_info;
    if (info.msg->line.req.method.id != PJSIP_INVITE_METHOD || info.to->tag.slen != 0) return PJ_FALSE;
    Offers& offers = Engine::current()->offers();
    offers.incoming_ = offers.of_request(rdata);
    offers.incoming_place_ = offers.place_of(rdata);
    const auto* sdp = pjsip_rdata_get_sdp_info(rdata);
    if (sdp->sdp == nullptr || sdp->sdp_err != PJ_SUCCESS || sdp->sdp->media_count == 0) return PJ_FALSE;
    const auto unfit = offers.judge(sdp->sdp, offers.incoming_, offers.incoming_place_);
    if (!unfit) {
        withdraw_text(sdp->sdp);
        return PJ_FALSE;
    }
    offers.refuse(rdata, *unfit);
    return PJ_TRUE;
}

void Offers::refuse(pjsip_rx_data* rdata, const Unfit& unfit) {
    ++refused_;
    pjsip_hdr headers;
    pj_list_init(&headers);
    const pj_str_t text = borrow(unfit.text);
    pj_list_push_back(&headers, pjsip_warning_hdr_create(rdata->tp_info.pool, unfit.code, pjsip_endpt_name(endpoint_), &text));
    pjsip_endpt_respond_stateless(endpoint_, rdata, PJSIP_SC_NOT_ACCEPTABLE_HERE, nullptr, &headers, nullptr);
}

Place Offers::place_of(const pjsip_rx_data* invite) const {
    const std::size_t listener = engine_.legs().accounts().listener_of(invite->tp_info.transport);
    const bool ipv6 = engine_.interfaces().family(listener, offers_ipv6(invite));
    return engine_.interfaces().place(listener, ipv6, Address::of(&invite->pkt_info.src_addr), offered_at(invite));
}

std::optional<Unfit> Offers::judge(const pjmedia_sdp_session* offer, const Policy& policy, const Place& place) const {
    std::optional<Unfit> worst = Unfit{media_type, "no audio"};
    for (unsigned i = 0; i < offer->media_count; ++i) {
        if (!is_audio(offer->media[i])) continue;
        worst = judge_line(offer, offer->media[i], policy, place);
        if (!worst) break;
    }
    return worst;
}

std::optional<Unfit> Offers::judge_line(const pjmedia_sdp_session* offer, const pjmedia_sdp_media* media,
                                        const Policy& policy, const Place& place) const {
    const auto* connection = connection_of(offer, media);
    const bool ipv6 = connection != nullptr && pj_stricmp2(&connection->addr_type, "IP6") == 0;
    if (place.own.empty() || place.ipv6() != ipv6) return Unfit{network_protocol, ipv6 ? "no IPv6 here" : "no IPv4 here"};
    const auto protocol = pjmedia_sdp_transport_get_proto(&media->desc.transport);
    if (!PJMEDIA_TP_PROTO_HAS_FLAG(protocol, PJMEDIA_TP_PROTO_RTP_AVP)) {
        return Unfit{transport_protocol, "RTP is spoken here"};
    }
    const bool secure = PJMEDIA_TP_PROTO_HAS_FLAG(protocol, PJMEDIA_TP_PROFILE_SRTP);
    if (secure && policy.srtp == Srtp::OFF) return Unfit{transport_protocol, "no SRTP here"};
    if (!secure && policy.srtp == Srtp::REQUIRED) return Unfit{transport_protocol, "SRTP is required"};
    const bool dtls = PJMEDIA_TP_PROTO_HAS_FLAG(protocol, PJMEDIA_TP_PROTO_DTLS);
    if (secure && find(offer, media, dtls ? "fingerprint" : "crypto") == nullptr) {
        return Unfit{transport_protocol, "SRTP without a key"};
    }
    for (unsigned i = 0; i < media->desc.fmt_count; ++i) {
        const Codec* codec = Codecs::find(media, media->desc.fmt[i]);
        if (std::find(policy.codecs.begin(), policy.codecs.end(), codec) != policy.codecs.end()) return std::nullopt;
    }
    return Unfit{media_format, "no codec in common"};
}

void Offers::on_account(const pjsip_rx_data* rdata, pjsua_acc_id* account) {
    Engine& engine = *Engine::current();
    const Offers& offers = engine.offers();
    *account = engine.legs().accounts().receiving(rdata, offers.incoming_, offers.incoming_place_.ipv6());
}

void Offers::on_description(pjsua_call_id call, pjmedia_sdp_session* sdp, pj_pool_t* pool,
                            const pjmedia_sdp_session* remote) {
    Engine& engine = *Engine::current();
    const Offers& offers = engine.offers();
    const Leg* leg = engine.legs().of_call(call);
    const Policy& policy = leg == nullptr ? offers.incoming_ : leg->policy;
    const pjsua_call& state = pjsua_var.calls[call];
    offers.write(pool, sdp, remote == nullptr ? current_first(state, policy.codecs) : policy.codecs,
                 policy.their_order, remote);
    const Place& place = leg == nullptr ? offers.incoming_place_ : leg->place;
    if (!place.told.empty()) advertise(pool, sdp, place.told);
    if (remote != nullptr && state.inv != nullptr && state.inv->neg != nullptr) {
        pjmedia_sdp_neg_set_prefer_remote_codec_order(state.inv->neg, PJ_FALSE);
        // What we write has one codec; comfort noise beside it would not be answered otherwise.
        pjmedia_sdp_neg_set_answer_multiple_codecs(state.inv->neg, PJ_TRUE);
    }
    if (leg != nullptr && state.inv == nullptr && state.async_call.dlg != nullptr) {
        expect_server(state.async_call.dlg, leg->server);
    }
}

// A new offer within the dialog: what it lacks would only be found by an answer that fails.
void Offers::on_offer(pjsua_call_id call, const pjmedia_sdp_session* offer, void*, pjsip_status_code* code,
                      pjsua_call_setting*) {
    Engine& engine = *Engine::current();
    const Leg* leg = engine.legs().of_call(call);
    // No audio at all is a way of asking for silence, and pjsua's to answer.
    if (leg == nullptr || audio_of(offer) == nullptr) return;
    if (engine.offers().judge(offer, leg->policy, leg->place)) *code = PJSIP_SC_NOT_ACCEPTABLE_HERE;
}

// A peer may ask for packets that no network carries, and say how long they may be.
void Offers::on_stream(pjsua_call_id, pjsua_on_stream_precreate_param* created) {
    auto& stream = created->stream_info.info.aud;
    const Codec* codec = Codecs::of(stream.fmt);
    if (codec == nullptr || stream.param == nullptr || stream.param->info.frm_ptime == 0) return;
    if (text_of(stream.fmt.encoding_name) == "opus") follow_peer(*stream.param);
    unsigned longest = Engine::current()->offers().codecs_.longest(*codec);
    if (stream.tx_maxptime != 0) longest = std::min<unsigned>(longest, stream.tx_maxptime);
    const unsigned most = std::max(1U, longest / stream.param->info.frm_ptime);
    auto& frames = stream.param->setting.frm_per_pkt;
    frames = static_cast<pj_uint8_t>(std::min<unsigned>(frames, most));
}

bool Offers::prefer_codec_of(const Leg& leg, Leg& other) {
    if (leg.call == PJSUA_INVALID_ID) return false;
    const pjsua_call& call = pjsua_var.calls[leg.call];
    const Codec* current = current_codec(call);
    if (current == nullptr) current = coming_codec(call, leg.policy);
    CodecList& codecs = other.policy.codecs;
    const bool known = std::find(codecs.begin(), codecs.end(), current) != codecs.end();
    const auto* offer = other.call == PJSUA_INVALID_ID ? nullptr : offered(pjsua_var.calls[other.call]);
    if (!known || (offer != nullptr && Codecs::common(offer, {current}, false).empty())) return false;
    if (offer != nullptr) other.policy.their_order = false;
    put_first(current, codecs);
    return true;
}

void Offers::write(pj_pool_t* pool, pjmedia_sdp_session* sdp, const CodecList& codecs, bool their_order,
                   const pjmedia_sdp_session* offer) const {
    for (unsigned i = 0; i < sdp->media_count; ++i) {
        if (!is_audio(sdp->media[i])) continue;
        const auto* offered = offer == nullptr || i >= offer->media_count ? nullptr : offer->media[i];
        CodecList chosen = codecs;
        if (offered != nullptr) {
            const CodecList common = Codecs::common(offered, codecs, their_order);
            if (!common.empty()) chosen = {common.front()};
        }
        codecs_.write(pool, sdp->media[i], chosen, offered);
    }
}

std::optional<Unfit> Offers::answer_with(pjsua_call_id call, const Policy& policy, const Place& place) const {
    pjsip_inv_session* session = pjsua_var.calls[call].inv;
    if (session == nullptr || session->neg == nullptr) return std::nullopt;
    if (pjmedia_sdp_neg_get_state(session->neg) != PJMEDIA_SDP_NEG_STATE_WAIT_NEGO) return std::nullopt;
    const pjmedia_sdp_session* offer = nullptr;
    const pjmedia_sdp_session* answer = nullptr;
    if (pjmedia_sdp_neg_get_neg_remote(session->neg, &offer) != PJ_SUCCESS ||
        pjmedia_sdp_neg_get_neg_local(session->neg, &answer) != PJ_SUCCESS) {
        return std::nullopt;
    }
    if (auto unfit = judge(offer, policy, place)) return unfit;
    auto* changed = pjmedia_sdp_session_clone(session->pool_prov, answer);
    write(session->pool_prov, changed, policy.codecs, policy.their_order, offer);
    if (pjsip_inv_set_sdp_answer(session, changed) != PJ_SUCCESS) return Unfit{media_format, "no codec in common"};
    return std::nullopt;
}

}  // namespace callwright
