#include "codecs.hpp"

#include <pjmedia-codec/opus.h>
#include <pjsua-lib/pjsua.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <string_view>

#include "message.hpp"

namespace callwright {

namespace {

constexpr std::array<Codec, 8> catalogue{{
    {"PCMU", "PCMU", 8000, 1, 0, "PCMU/8000/1", 8000},
    {"PCMA", "PCMA", 8000, 1, 8, "PCMA/8000/1", 8000},
    {"G722", "G722", 8000, 1, 9, "G722/16000/1", 8000},
    {"opus", "opus", 48000, 2, 111, "opus/48000/2", 0},
    {"GSM", "GSM", 8000, 1, 3, "GSM/8000/1", 1650},
    {"L16/8000", "L16", 8000, 1, 112, "L16/8000/1", 16000},
    {"L16/16000", "L16", 16000, 1, 113, "L16/16000/1", 32000},
    {"G729", "G729", 8000, 1, 18, "G729/8000/1", 1000},
}};

// RFC 4733 has an event's clock be that of the audio beside it.
struct EventFormat {
    unsigned rtp_rate;
    unsigned payload_type;
};
constexpr std::array<EventFormat, 3> event_formats{{{8000, 101}, {16000, 102}, {48000, 110}}};
constexpr unsigned other_events = 103;  // payload type of an event whose clock is none of these

// RFC 3551 table 4, and ours for another clock.
constexpr unsigned noise_8000 = 13;
constexpr unsigned other_noise = 105;

// Of a packet's sound. pjmedia's buffer has 1,468 bytes for it; an Ethernet frame 1,440, with IPv6, UDP, RTP and the
// tag of SRTP before and behind.
constexpr unsigned largest_payload = 1420;

// Loss for which Opus adds redundancy; it adds none for 0.
constexpr unsigned expected_loss_percent = 10;
constexpr unsigned first_dynamic = 96;

bool equal(std::string_view one, std::string_view other) {
    return one.size() == other.size() && std::equal(one.begin(), one.end(), other.begin(), [](char a, char b) {
               return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
           });
}

void add_attribute(pj_pool_t* pool, pjmedia_sdp_media* media, const char* name, const std::string& value) {
    const pj_str_t text = borrow(value);
    pjmedia_sdp_media_add_attr(media, pjmedia_sdp_attr_create(pool, name, &text));
}

void add_format(pj_pool_t* pool, pjmedia_sdp_media* media, unsigned payload_type, const std::string& mapping,
                const std::string& parameters) {
    const std::string number = std::to_string(payload_type);
    const pj_str_t text = borrow(number);
    // pjmedia reads the number as a C string.
    pj_strdup_with_null(pool, &media->desc.fmt[media->desc.fmt_count++], &text);
    add_attribute(pool, media, "rtpmap", number + " " + mapping);
    if (!parameters.empty()) add_attribute(pool, media, "fmtp", number + " " + parameters);
}

// Of a format that has an rtpmap; "" and 0 for one without.
struct Mapping {
    std::string encoding;
    unsigned rate = 0;
};

Mapping mapping_of(const pjmedia_sdp_media* media, const pj_str_t& format) {
    const auto* attribute = pjmedia_sdp_media_find_attr2(media, "rtpmap", &format);
    pjmedia_sdp_rtpmap mapping;
    if (attribute == nullptr || pjmedia_sdp_attr_get_rtpmap(attribute, &mapping) != PJ_SUCCESS) return {};
    return {text_of(mapping.enc_name), mapping.clock_rate};
}

// The clock of the telephone-event of a line: `wanted` when there is one, else the first; 0: there is none.
unsigned event_rate_of(const pjmedia_sdp_media* media, const std::vector<unsigned>& wanted) {
    unsigned first = 0;
    for (unsigned i = 0; i < media->desc.fmt_count; ++i) {
        const Mapping mapping = mapping_of(media, media->desc.fmt[i]);
        if (!equal(mapping.encoding, "telephone-event")) continue;
        if (std::find(wanted.begin(), wanted.end(), mapping.rate) != wanted.end()) return mapping.rate;
        if (first == 0) first = mapping.rate;
    }
    return first;
}

unsigned event_type_of(unsigned rate) {
    const auto* known = std::find_if(event_formats.begin(), event_formats.end(),
                                     [&](const EventFormat& event) { return event.rtp_rate == rate; });
    return known == event_formats.end() ? other_events : known->payload_type;
}

void require(pj_status_t status, const std::string& what) {
    if (status != PJ_SUCCESS) throw std::runtime_error(what);
}

}  // namespace

CodecList codecs_of(const std::vector<std::string>& names) {
    CodecList list;
    for (const std::string& name : names) {
        const auto* found =
            std::find_if(catalogue.begin(), catalogue.end(), [&](const Codec& codec) { return equal(codec.name, name); });
        if (found == catalogue.end()) throw std::invalid_argument("codecs: \"" + name + "\" is none");
        if (std::find(list.begin(), list.end(), &*found) != list.end()) {
            throw std::invalid_argument("codecs: " + name + " stands twice");
        }
        list.push_back(&*found);
    }
    return list;
}

Codecs::Codecs(unsigned clock_rate, unsigned ptime, const OpusSettings& opus, bool noise)
    : clock_rate_(clock_rate), ptime_(ptime), opus_(opus), noise_(noise) {}

void Codecs::enable() const {
    std::array<pjsua_codec_info, 64> known;
    auto count = static_cast<unsigned>(known.size());
    require(pjsua_enum_codecs(known.data(), &count), "the codecs are unknown");
    std::size_t enabled = 0;
    for (unsigned i = 0; i < count; ++i) {
        const std::string id = text_of(known[i].codec_id);
        const auto* ours =
            std::find_if(catalogue.begin(), catalogue.end(), [&](const Codec& codec) { return equal(codec.id, id); });
        const bool wanted = ours != catalogue.end();
        const pj_uint8_t priority = wanted ? PJMEDIA_CODEC_PRIO_NORMAL : PJMEDIA_CODEC_PRIO_DISABLED;
        require(pjsua_codec_set_priority(&known[i].codec_id, priority), id + ": no priority");
        if (!wanted) continue;
        set_parameters(*ours, known[i].codec_id);
        ++enabled;
    }
    if (enabled != catalogue.size()) throw std::runtime_error("pjproject was built without one of the codecs");
}

// What a stream does of itself, when the peer's description leaves it open.
void Codecs::set_parameters(const Codec& codec, const pj_str_t& id) const {
    pjmedia_codec_param parameters;
    require(pjsua_codec_get_param(&id, &parameters), std::string(codec.name) + ": no parameters");
    parameters.setting.vad = 0;
    if (equal(codec.name, "opus")) {
        pjmedia_codec_opus_config config;
        require(pjmedia_codec_opus_get_config(&config), "opus: no configuration");
        config.sample_rate = opus_rate();
        config.channel_cnt = 1;
        config.bit_rate = opus_.bitrate;
        config.complexity = opus_.complexity;
        config.packet_loss = opus_.fec ? expected_loss_percent : 0;
        require(pjmedia_codec_opus_set_default_param(&config, &parameters), "opus: the settings do not fit");
        require(pjsua_codec_get_param(&id, &parameters), "opus: no parameters");
    }
    const unsigned ptime = std::min(ptime_, longest(codec));
    const unsigned frames = std::max(1U, (ptime + parameters.info.frm_ptime / 2) / parameters.info.frm_ptime);
    parameters.setting.frm_per_pkt = static_cast<pj_uint8_t>(frames);
    require(pjsua_codec_set_param(&id, &parameters), std::string(codec.name) + ": the parameters do not fit");
}

// Opus itself runs at the mixer's clock where it can: nothing is resampled then.
unsigned Codecs::opus_rate() const { return clock_rate_ == 8000 || clock_rate_ == 16000 ? clock_rate_ : 48000; }

std::string Codecs::parameters_of(const Codec& codec) const {
    if (equal(codec.name, "G729")) return "annexb=no";
    if (!equal(codec.name, "opus")) return {};
    std::string text;
    if (opus_rate() != 48000) {
        const std::string rate = std::to_string(opus_rate());
        text = "maxplaybackrate=" + rate + ";sprop-maxcapturerate=" + rate + ";";
    }
    if (opus_.bitrate != 0) text += "maxaveragebitrate=" + std::to_string(opus_.bitrate) + ";";
    if (opus_.dtx) text += "usedtx=1;";
    return text + "useinbandfec=" + (opus_.fec ? "1" : "0");
}

unsigned Codecs::longest(const Codec& codec) const {
    const unsigned bytes = codec.bytes_per_second != 0 ? codec.bytes_per_second : opus_.bitrate / 8;
    if (bytes == 0) return longest_ptime;
    return std::clamp(largest_payload * 1000 / bytes / 10 * 10, shortest_ptime, longest_ptime);
}

void Codecs::write(pj_pool_t* pool, pjmedia_sdp_media* media, const CodecList& codecs,
                   const pjmedia_sdp_media* offer) const {
    for (const char* name : {"rtpmap", "fmtp", "ptime", "maxptime"}) pjmedia_sdp_media_remove_all_attr(media, name);
    media->desc.fmt_count = 0;
    std::vector<unsigned> rates, noises;
    unsigned most = longest_ptime;
    for (const Codec* codec : codecs) {
        std::string mapping = std::string(codec->encoding) + "/" + std::to_string(codec->rtp_rate);
        if (codec->channels > 1) mapping += "/" + std::to_string(codec->channels);
        add_format(pool, media, codec->payload_type, mapping, parameters_of(*codec));
        if (std::find(rates.begin(), rates.end(), codec->rtp_rate) == rates.end()) rates.push_back(codec->rtp_rate);
        const bool noise = offer == nullptr ? noise_ : noise_type(offer, codec->rtp_rate) >= 0;
        const bool known = std::find(noises.begin(), noises.end(), codec->rtp_rate) != noises.end();
        // Opus has its own.
        if (noise && !known && !equal(codec->name, "opus")) noises.push_back(codec->rtp_rate);
        most = std::min(most, longest(*codec));
    }
    for (const unsigned rate : noises) {
        add_format(pool, media, rate == 8000 ? noise_8000 : other_noise, "CN/" + std::to_string(rate), {});
    }
    // Many have telephone-event/8000 alone, whatever they speak (RFC 7160 section 4.2 has them keep to one clock).
    if (offer != nullptr) rates = {event_rate_of(offer, rates)};
    for (const unsigned rate : rates) {
        if (rate == 0) continue;
        add_format(pool, media, event_type_of(rate), "telephone-event/" + std::to_string(rate), "0-16");
    }
    add_attribute(pool, media, "ptime", std::to_string(std::min(ptime_, most)));
    add_attribute(pool, media, "maxptime", std::to_string(most));
}

int Codecs::noise_type(const pjmedia_sdp_media* media, unsigned rate) {
    for (unsigned i = 0; i < media->desc.fmt_count; ++i) {
        const auto number = static_cast<unsigned>(pj_strtoul(&media->desc.fmt[i]));
        const Mapping mapping = mapping_of(media, media->desc.fmt[i]);
        const bool fixed = number == noise_8000 && rate == 8000;
        if (fixed || (equal(mapping.encoding, "CN") && mapping.rate == rate)) return static_cast<int>(number);
    }
    return -1;
}

unsigned Codecs::event_rate(const pjmedia_sdp_media* media, int payload_type) {
    for (unsigned i = 0; i < media->desc.fmt_count; ++i) {
        if (static_cast<int>(pj_strtoul(&media->desc.fmt[i])) != payload_type) continue;
        const Mapping mapping = mapping_of(media, media->desc.fmt[i]);
        return equal(mapping.encoding, "telephone-event") ? mapping.rate : 0;
    }
    return 0;
}

const Codec* Codecs::of(const pjmedia_codec_info& stream) {
    const std::string encoding = text_of(stream.encoding_name);
    // Of two with one name the clock tells; that of a stream of opus or G.722 is not the one of a=rtpmap.
    const auto* found = std::find_if(catalogue.begin(), catalogue.end(), [&](const Codec& codec) {
        return equal(codec.encoding, encoding) && (encoding != "L16" || codec.rtp_rate == stream.clock_rate);
    });
    return found == catalogue.end() ? nullptr : &*found;
}

CodecList Codecs::common(const pjmedia_sdp_media* offer, const CodecList& codecs, bool their_order) {
    CodecList offered;
    for (unsigned i = 0; i < offer->desc.fmt_count; ++i) {
        const Codec* codec = find(offer, offer->desc.fmt[i]);
        if (std::find(codecs.begin(), codecs.end(), codec) != codecs.end()) offered.push_back(codec);
    }
    if (their_order) return offered;
    CodecList ours;
    for (const Codec* codec : codecs) {
        if (std::find(offered.begin(), offered.end(), codec) != offered.end()) ours.push_back(codec);
    }
    return ours;
}

const Codec* Codecs::find(const pjmedia_sdp_media* media, const pj_str_t& format) {
    const auto number = static_cast<unsigned>(pj_strtoul(&format));
    if (number < first_dynamic) {
        const auto* fixed = std::find_if(catalogue.begin(), catalogue.end(),
                                         [&](const Codec& codec) { return codec.payload_type == number; });
        return fixed == catalogue.end() ? nullptr : &*fixed;
    }
    const auto* attribute = pjmedia_sdp_media_find_attr2(media, "rtpmap", &format);
    pjmedia_sdp_rtpmap mapping;
    if (attribute == nullptr || pjmedia_sdp_attr_get_rtpmap(attribute, &mapping) != PJ_SUCCESS) return nullptr;
    const std::string encoding = text_of(mapping.enc_name);
    const unsigned channels = mapping.param.slen == 0 ? 1 : static_cast<unsigned>(pj_strtoul(&mapping.param));
    const auto* named = std::find_if(catalogue.begin(), catalogue.end(), [&](const Codec& codec) {
        return codec.payload_type >= first_dynamic && equal(codec.encoding, encoding) &&
               codec.rtp_rate == mapping.clock_rate && codec.channels == channels;
    });
    return named == catalogue.end() ? nullptr : &*named;
}

}  // namespace callwright
