#include "policy.hpp"

#include <array>
#include <stdexcept>
#include <utility>

namespace callwright {

namespace {

template <typename Value, std::size_t count>
void read(Value& value, const char* key, const std::string& text,
          const std::array<std::pair<const char*, Value>, count>& words) {
    if (text.empty()) return;
    std::string known;
    for (const auto& [word, meaning] : words) {
        if (text == word) {
            value = meaning;
            return;
        }
        known += (known.empty() ? "\"" : ", \"") + std::string(word) + "\"";
    }
    throw std::invalid_argument(std::string(key) + ": \"" + text + "\" is none of " + known);
}

constexpr std::array<std::pair<const char*, Srtp>, 3> srtp_words{
    {{"off", Srtp::OFF}, {"optional", Srtp::OPTIONAL}, {"required", Srtp::REQUIRED}}};
constexpr std::array<std::pair<const char*, Keying>, 2> keying_words{{{"sdes", Keying::SDES}, {"dtls", Keying::DTLS}}};
constexpr std::array<std::pair<const char*, Reliable>, 3> reliable_words{
    {{"off", Reliable::OFF}, {"supported", Reliable::SUPPORTED}, {"required", Reliable::REQUIRED}}};

// What a peer does not bear, or needs.
enum class Quirk { NONE, NO_SESSION_TIMER, SYMMETRIC_PORT, DTMF_WITHOUT_MARKER };
constexpr std::array<std::pair<const char*, Quirk>, 3> quirk_words{{{"no-session-timer", Quirk::NO_SESSION_TIMER},
                                                                    {"symmetric-port", Quirk::SYMMETRIC_PORT},
                                                                    {"dtmf-without-marker", Quirk::DTMF_WITHOUT_MARKER}}};

}  // namespace

Policy PolicyText::amend(Policy policy) const {
    if (!codecs.empty()) {
        policy.codecs = codecs_of(codecs);
        policy.their_order = false;
    }
    read(policy.srtp, "srtp", srtp, srtp_words);
    read(policy.keying, "srtp_keying", keying, keying_words);
    read(policy.reliable, "reliable", reliable, reliable_words);
    for (const std::string& word : quirks) {
        Quirk quirk = Quirk::NONE;
        read(quirk, "quirks", word, quirk_words);
        if (quirk == Quirk::NO_SESSION_TIMER) policy.timer = false;
        if (quirk == Quirk::SYMMETRIC_PORT) policy.symmetric = true;
        if (quirk == Quirk::DTMF_WITHOUT_MARKER) policy.marks_events = false;
    }
    return policy;
}

}  // namespace callwright
