// What was wrong with a leg's sound, in words: for who has a complaint before him, and no trace of the packets.
#include <algorithm>
#include <array>
#include <cstdio>

#include "figures.hpp"

namespace callwright {

namespace {

constexpr Nanos SECOND = 1'000'000'000;
constexpr Nanos BRIEF = SECOND / 2;       // of a call so short nobody could expect to hear anything
constexpr Nanos LATE = 2 * SECOND;        // after the answer: longer than any handshake of SRTP or ICE
constexpr Nanos STOPPED = 5 * SECOND;     // before the end: longer than a pause of most silence suppression
constexpr std::uint64_t ENOUGH = 100;     // packets of ours that reports must have had the time to see
constexpr std::uint64_t REPORTS = 2;
constexpr std::uint64_t STALLED = 250;      // packets: 5 s, more than any network holds back
constexpr std::uint64_t RENUMBERED = 60000; // so many are none that went astray: the peer has begun to count anew
constexpr std::int64_t NEARLY_ALL = 95;   // percent

std::string seconds(Nanos time) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(time) / SECOND);
    return text.data();
}

void append(std::string& words, const std::string& further) {
    if (!further.empty()) words += (words.empty() ? "" : "; ") + further;
}

}  // namespace

std::string LineFigures::verdict() const {
    if (now - std::max(opened_at, established_at) < BRIEF) return {};
    const bool hears = reception.packets() != 0;
    const bool speaks = tx_packets != 0;
    std::string words;
    if (receives) append(words, hears ? how_heard() : why_unheard());
    if (sends) append(words, speaks ? why_not_heard() : why_silent());
    if (sends && !speaks && hears && source.set() && source != described) {
        append(words, "audio came from " + source.text() + ", not from " + described.text() + " that was described");
    }
    return words;
}

std::string LineFigures::why_unheard() const {
    const std::string said = described.set() ? "the description said " + described.text()
                                                     : "the description named no address";
    if (forged != 0) return "no audio came: SRTP could not decrypt any of " + std::to_string(forged) + " packets";
    if (refused.foreign != 0) return "no audio came: " + said + ", packets came from " + foreign.text();
    if (refused.unexpected != 0) {
        return "no audio came: " + std::to_string(refused.unexpected) + " packets were not " + codec +
               ", which was negotiated";
    }
    if (refused.malformed != 0) {
        return "no audio came: " + std::to_string(refused.malformed) + " packets were not RTP";
    }
    return "no audio came: " + said + ", nothing arrived from anywhere";
}

std::string LineFigures::why_silent() const {
    if (!destination.set()) return "we sent nothing: the description named no address";
    if (tx_refused != 0) return "we sent nothing: SRTP or the network refused every packet";
    return "we sent nothing: the call was not connected to anything that plays";
}

// Something came: what was wrong with it.
std::string LineFigures::how_heard() const {
    const std::string count = std::to_string(reception.packets());
    if (comfort >= reception.packets()) {
        return "no audio came: all " + count + " packets were comfort noise, as of a microphone that is muted";
    }
    if (reception.bytes() == 0) return "no audio came: all " + count + " packets were empty";
    std::string words;
    Nanos since = std::max(opened_at, established_at);
    const Nanos answer = since;
    if (described_at > since && described_at <= first_at) since = described_at;  // it was on hold before
    if (established_at != 0 && first_at - since >= LATE) {
        append(words, "audio came only " + seconds(first_at - since) + " after the " +
                          (since == answer ? "answer" : "last description"));
    }
    // What was described last has had its time; and who says that he is silent has not stopped.
    const Nanos silent = now - std::max(last_at, described_at);
    if (silent >= STOPPED && comfort_at != last_at) {
        const std::string when = last_at > answer ? " " + seconds(last_at - answer) + " after the answer" : "";
        append(words, "audio stopped" + when + ": nothing came in the last " + seconds(silent));
    }
    return words;
}

// We have sent: whether the peer says that it did not come.
std::string LineFigures::why_not_heard() const {
    const std::string count = std::to_string(tx_reported);
    if (heard.reports != 0) {
        const auto sent = static_cast<std::int64_t>(tx_reported);
        if (const std::uint64_t last = unseen(); last >= STALLED && last < RENUMBERED) {
            return "the peer reports that none of our last " + std::to_string(last) + " packets came" + whither();
        }
        if (tx_reported < ENOUGH || heard.lost * 100 < sent * NEARLY_ALL) return {};
        const std::string lost = heard.lost >= sent ? "none of our " + count + " packets came"
                                                    : std::to_string(heard.lost) + " of our " + count + " packets were lost";
        return "the peer reports that " + lost + whither();
    }
    if (heard.without >= REPORTS && tx_reported >= ENOUGH) {
        return "the peer's " + std::to_string(heard.without) + " reports tell of none of our " + count + " packets" +
               whither();
    }
    // The sign of a phone behind a NAT that nobody has told its own address, and that nothing comes from.
    if (receives && reception.packets() == 0 && described.is_private() && signalling.set() &&
        !described.same_host(signalling)) {
        return "our " + std::to_string(tx_packets) + " packets went to " + destination.text() +
               ", a private address that the description named; its signalling comes from " + signalling.host();
    }
    return {};
}

// Packets of the last ones that its reports do not know of: what we have sent since the first report, less by how much
// the highest sequence number that it has seen has grown.
std::uint64_t LineFigures::unseen() const {
    const std::uint64_t sent = tx_reported - first_reported;
    const std::uint64_t seen = static_cast<std::uint32_t>(heard.highest - first_highest);
    return heard.highest != 0 && sent > seen ? sent - seen : 0;  // some peers leave it out
}

std::string LineFigures::whither() const {
    return "; they went to " + destination.text() +
           (destination == described ? ", which its description named" : ", where its audio comes from");
}

}  // namespace callwright
