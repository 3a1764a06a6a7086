// How a call sounds, estimated from delay, loss and codec (ITU-T G.107, the E-model).
#pragma once

#include <string>

namespace callwright {

struct PathQuality {
    double delay_ms = 0;   // from mouth to ear
    double loss = 0;       // 0 to 1: packets that were not heard, late ones included
    double burstiness = 1;  // BurstR: 1 where losses are random, above where they come in runs
};

// Mean opinion score, 1 to 4.5 (of narrow-band telephony); codec: the name in SDP.
double mean_opinion_score(const std::string& codec, const PathQuality& path) noexcept;

}  // namespace callwright
