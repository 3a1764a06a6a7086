// Which codecs there are, in which order a leg wants them, and how they stand in a session description.
#pragma once

#include <pjmedia.h>

#include <string>
#include <vector>

namespace callwright {

struct Codec {
    const char* name;          // as configured: "PCMU", "L16/16000"
    const char* encoding;      // of a=rtpmap
    unsigned rtp_rate;         // of a=rtpmap; G722 says 8000 by mistake of RFC 1890, and stays with it
    unsigned channels;         // of a=rtpmap
    unsigned payload_type;     // in our offers
    const char* id;            // pjmedia's
    unsigned bytes_per_second; // of its sound; 0: it varies
};

// By preference, the best first; entries of the catalogue, so that pointers can be compared.
using CodecList = std::vector<const Codec*>;

// Throws std::invalid_argument: a name is unknown or stands twice.
CodecList codecs_of(const std::vector<std::string>& names);

struct OpusSettings {
    unsigned bitrate = 0;  // bit/s, 6000 to 510000; 0: the encoder chooses
    unsigned complexity = 5;
    bool fec = true;
    bool dtx = false;
};

// Lengths of a packet in ms.
constexpr unsigned shortest_ptime = 10;
constexpr unsigned longest_ptime = 60;

// What is the same for every leg of an engine. Engine thread.
class Codecs {
  public:
    // noise: comfort noise is offered.
    Codecs(unsigned clock_rate, unsigned ptime, const OpusSettings& opus, bool noise);

    // All of the catalogue is known to pjmedia from now on, with our settings. Throws std::runtime_error.
    void enable() const;
    // The formats of an audio line are replaced by these, comfort noise and telephone-event at each of their clock rates
    // after them, and our ptime. offer: the line that it answers, whose comfort noise is taken, and its telephone-event
    // whatever its clock; null when it is an offer. Strings live in `pool`.
    void write(pj_pool_t* pool, pjmedia_sdp_media* media, const CodecList& codecs, const pjmedia_sdp_media* offer) const;
    // The longest packet of a codec that we send and ask for, ms: it fits into a datagram that no network takes apart.
    unsigned longest(const Codec& codec) const;
    // The payload type of comfort noise (RFC 3389) at a clock rate in a line; -1: there is none.
    static int noise_type(const pjmedia_sdp_media* media, unsigned rate);
    // The clock rate of a telephone-event by its payload type; 0: it is none.
    static unsigned event_rate(const pjmedia_sdp_media* media, int payload_type);
    // The codec of a format of an audio line; null when it is none of ours.
    static const Codec* find(const pjmedia_sdp_media* media, const pj_str_t& format);
    // That of a stream; null when it is none of ours.
    static const Codec* of(const pjmedia_codec_info& stream);
    // Those of a list that an offered line has, in the list's order or in the offer's.
    static CodecList common(const pjmedia_sdp_media* offer, const CodecList& codecs, bool their_order);

  private:
    std::string parameters_of(const Codec& codec) const;
    unsigned opus_rate() const;
    void set_parameters(const Codec& codec, const pj_str_t& id) const;

    unsigned clock_rate_;
    unsigned ptime_;
    OpusSettings opus_;
    bool noise_;
};

}  // namespace callwright
