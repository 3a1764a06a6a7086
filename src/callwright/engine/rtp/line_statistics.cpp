// The figures of a leg's media, as ENDED tells them: one JSON object.
//
//   codec          name in SDP, of the last stream
//   rx             packets, bytes (of payload) that came, over all streams of the leg
//     lost           packets that never came, by their sequence; late ones are not lost
//     discarded      frames that came too late for the jitter buffer, and packets that belonged to no series
//     reordered, duplicated     packets
//     jitter_ms, jitter_max_ms  as RFC 3550 smooths it: the mean over the call, and the highest
//     foreign        packets from elsewhere than the peer, dropped
//     malformed, unexpected, early, forged    packets dropped: no RTP; of a payload type that was not negotiated;
//                    outside a stream; not let pass by SRTP
//     jumps          new series: another SSRC, or a jump of sequence or timestamps
//     bursts, longest_burst     runs of lost packets, and the packets of the longest
//     first_ms       from the first description to the first packet; -1: none came
//     last_ms        since the last packet; -1: none came
//     source         "host:port" that the packets came from; "" none
//     digits         RFC 4733 digits
//   tx             packets, bytes sent
//     lost, jitter_ms, jitter_max_ms    as the peer's RTCP reports say
//     first_ms, last_ms         as of rx
//     refused        packets that SRTP or the kernel did not take
//     destination    "host:port" that the packets go to; "" nowhere
//   rtt_ms         round trip by RTCP, the latest; 0: the peer's reports did not allow to tell
//   jitter_buffer  size_ms now; min_ms, max_ms, avg_delay_ms that frames waited; lost, discarded, empty: frames
//   mos            rx, tx: ITU-T G.107, 1 to 4.5; 0: nothing to judge
//   relayed        packets of other legs (or its own, echoed) among those sent
//   verdict        what went wrong, in words, when one way or both carried no audio; "" when both did
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "../engine.hpp"
#include "../mix/leg_audio.hpp"
#include "../player.hpp"
#include "line.hpp"
#include "quality.hpp"

namespace callwright {

namespace {

constexpr Nanos MILLISECOND = 1'000'000;
constexpr double CODEC_DELAY_MS = 5;

// An object's members one after the other; names and texts are ours, or an address's.
class Object {
  public:
    Object& number(const char* name, std::int64_t value) { return raw(name, std::to_string(value)); }
    Object& number(const char* name, std::uint64_t value) { return raw(name, std::to_string(value)); }
    Object& number(const char* name, unsigned value) { return raw(name, std::to_string(value)); }
    Object& number(const char* name, double value) {
        std::array<char, 32> text;
        std::snprintf(text.data(), text.size(), "%.3f", value);
        return raw(name, text.data());
    }
    Object& text(const char* name, const std::string& value) {
        std::string quoted = "\"";
        for (const char c : value) {
            if (c == '"' || c == '\\') quoted += '\\';
            if (static_cast<unsigned char>(c) >= 0x20) quoted += c;
        }
        return raw(name, quoted + '"');
    }
    Object& raw(const char* name, const std::string& value) {
        json_ += json_.empty() ? "{\"" : ", \"";
        json_ += name;
        json_ += "\": " + value;
        return *this;
    }
    std::string done() const { return json_ + '}'; }

  private:
    std::string json_;
};

std::int64_t ms_between(Nanos from, Nanos to) { return from == 0 || to == 0 ? -1 : (to - from) / MILLISECOND; }

double ratio(double part, double whole) { return whole <= 0 ? 0 : part / whole; }

}  // namespace

// Those of the present stream on top of the ones before. pjmedia looks under its own lock.
void Line::note_jitter_buffer(JitterBuffer& total) const {
    pjmedia_jb_state state{};
    if (stream_ == nullptr || pjmedia_stream_get_stat_jbuf(stream_, &state) != PJ_SUCCESS) return;
    total.size_ms = state.size * frame_ms_;
    total.min_ms = state.min_delay;
    total.max_ms = std::max(total.max_ms, state.max_delay);
    total.average_ms = state.avg_delay;
    total.lost += state.lost;
    total.discarded += state.discard;
    total.empty += state.empty;
}

std::string Line::statistics() const {
    Hold hold(*this);
    if (!ever_open_) return {};
    const Nanos now = monotonic_now();
    JitterBuffer buffer = jitter_buffers_;
    note_jitter_buffer(buffer);
    Object object;
    object.text("codec", format_.codec).raw("rx", received(buffer, now)).raw("tx", sent(now));
    object.number("rtt_ms", std::max(0.0, report_.heard().round_trip_ms));
    Object jitter_buffer;
    jitter_buffer.number("size_ms", buffer.size_ms).number("min_ms", buffer.min_ms).number("max_ms", buffer.max_ms);
    jitter_buffer.number("avg_delay_ms", buffer.average_ms).number("lost", buffer.lost);
    jitter_buffer.number("discarded", buffer.discarded).number("empty", buffer.empty);
    object.raw("jitter_buffer", jitter_buffer.done()).raw("mos", opinion(buffer));
    return object.number("relayed", relayed_).text("verdict", verdict()).done();
}

std::string Line::received(const JitterBuffer& buffer, Nanos now) const {
    Object rx;
    rx.number("packets", reception_.packets()).number("bytes", reception_.bytes()).number("lost", reception_.lost());
    rx.number("discarded", buffer.discarded + reception_.suspicious()).number("reordered", reception_.reordered());
    rx.number("duplicated", reception_.duplicated()).number("jitter_ms", reception_.jitter_mean_ms());
    rx.number("jitter_max_ms", reception_.jitter_max_ms()).number("foreign", refused_.foreign);
    rx.number("malformed", refused_.malformed).number("unexpected", refused_.unexpected);
    rx.number("early", refused_.early).number("forged", forged()).number("jumps", reception_.jumps());
    rx.number("bursts", reception_.bursts()).number("longest_burst", reception_.longest_burst());
    rx.number("first_ms", ms_between(opened_at_, first_at_)).number("last_ms", ms_between(last_at_, now));
    return rx.text("source", lock_.source().text()).number("digits", digits_heard_).done();
}

std::string Line::sent(Nanos now) const {
    const Report::Heard& heard = report_.heard();
    Object tx;
    tx.number("packets", tx_packets_).number("bytes", tx_bytes_);
    tx.number("lost", std::max<std::int64_t>(0, heard.lost)).number("jitter_ms", heard.jitter_ms);
    tx.number("jitter_max_ms", heard.jitter_max_ms).number("first_ms", ms_between(opened_at_, tx_first_at_));
    tx.number("last_ms", ms_between(tx_last_at_, now)).number("refused", tx_refused_);
    return tx.text("destination", lock_.destination().text()).done();
}

std::string Line::opinion(const JitterBuffer& buffer) const {
    const Report::Heard& heard = report_.heard();
    const double way = std::max(0.0, heard.round_trip_ms) / 2 + format_.ptime + CODEC_DELAY_MS;
    double rx = 0;
    if (reception_.packets() != 0) {
        const auto lost = static_cast<double>(reception_.lost());
        const double loss = ratio(lost + static_cast<double>(buffer.discarded), static_cast<double>(reception_.expected()));
        // Of the mean run of losses to the one that chance alone would give.
        const double burst = ratio(lost, static_cast<double>(reception_.bursts())) * (1 - std::min(1.0, loss));
        rx = mean_opinion_score(format_.codec, {way + buffer.average_ms, loss, burst});
    }
    double tx = 0;
    if (heard.reports != 0 && tx_packets_ != 0) {
        const double loss = ratio(static_cast<double>(heard.lost), static_cast<double>(tx_packets_));
        tx = mean_opinion_score(format_.codec, {way + 2 * heard.jitter_ms, loss, 1});
    }
    return Object().number("rx", rx).number("tx", tx).done();
}

std::uint64_t Line::forged() const noexcept { return passed_up_ - came_back_; }

std::string Line::verdict() const {
    const bool heard = reception_.packets() != 0 || !format_.receives;
    const bool spoke = tx_packets_ != 0 || !format_.sends;
    if (heard && spoke) return {};
    std::string words = heard ? "" : why_unheard();
    if (!spoke) words += (words.empty() ? "" : "; ") + why_silent();
    const Address& source = lock_.source();
    if (heard && source.set() && source != lock_.described()) {
        words += "; audio came from " + source.text() + ", not from " + lock_.described().text() + " that was described";
    }
    return words;
}

std::string Line::why_unheard() const {
    const std::string said = lock_.described().set() ? "the description said " + lock_.described().text()
                                                     : "the description named no address";
    if (forged() != 0) return "no audio came: SRTP could not decrypt any of " + std::to_string(forged()) + " packets";
    if (refused_.foreign != 0) return "no audio came: " + said + ", packets came from " + foreign_.text();
    if (refused_.unexpected != 0) {
        return "no audio came: " + std::to_string(refused_.unexpected) + " packets were not " + format_.codec +
               ", which was negotiated";
    }
    if (refused_.malformed != 0) {
        return "no audio came: " + std::to_string(refused_.malformed) + " packets were not RTP";
    }
    return "no audio came: " + said + ", nothing arrived from anywhere";
}

std::string Line::why_silent() const {
    if (!lock_.destination().set()) return "we sent nothing: the description named no address";
    if (tx_refused_ != 0) return "we sent nothing: SRTP or the network refused every packet";
    return "we sent nothing: the call was not connected to anything that plays";
}

}  // namespace callwright
