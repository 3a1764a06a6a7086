#include "quality.hpp"

#include <algorithm>
#include <array>

#include <strings.h>

namespace callwright {

namespace {

struct Impairment {
    const char* codec;
    double equipment;   // Ie
    double robustness;  // Bpl
};

// ITU-T G.113 appendix I, with packet loss concealment; wide-band codecs are rated on the narrow-band scale, where
// they do no harm.
constexpr std::array<Impairment, 8> IMPAIRMENTS{{
    {"PCMU", 0, 25.1},
    {"PCMA", 0, 25.1},
    {"G722", 0, 25.1},
    {"G729", 11, 19},
    {"iLBC", 11, 32},
    {"GSM", 20, 10},
    {"speex", 11, 16},
    {"opus", 0, 25.1},
}};
constexpr double DEFAULT_RATING = 93.2;  // R of a call that nothing impairs
constexpr double DELAY_THRESHOLD_MS = 177.3;

Impairment impairment_of(const std::string& codec) {
    const auto* found = std::find_if(IMPAIRMENTS.begin(), IMPAIRMENTS.end(), [&](const Impairment& known) {
        return strcasecmp(known.codec, codec.c_str()) == 0;
    });
    return found == IMPAIRMENTS.end() ? Impairment{"", 0, 10} : *found;
}

}  // namespace

double mean_opinion_score(const std::string& codec, const PathQuality& path) noexcept {
    const Impairment impairment = impairment_of(codec);
    const double loss = std::min(std::max(path.loss, 0.0), 1.0) * 100;
    const double burstiness = std::max(path.burstiness, 1.0);
    // G.107 sections 7.3 (Id, without echo) and 7.4 (Ie,eff).
    const double delay = std::max(path.delay_ms, 0.0);
    const double late = std::max(delay - DELAY_THRESHOLD_MS, 0.0);
    const double equipment = impairment.equipment +
                             (95 - impairment.equipment) * loss / (loss / burstiness + impairment.robustness);
    const double rating = DEFAULT_RATING - 0.024 * delay - 0.11 * late - equipment;
    if (rating <= 0) return 1;
    if (rating >= 100) return 4.5;
    return std::max(1.0, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6);
}

}  // namespace callwright
