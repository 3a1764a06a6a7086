// What we say that we can do (RFC 3261 section 11.2).
#pragma once

#include <pjsip.h>

namespace callwright {

// Takes back what pjsua declares and nobody here does. After pjsua has started.
void correct_capabilities(pjsip_endpoint* endpoint);
// Adds Allow, Accept, Supported and Allow-Events to an answer. `users`: phones may register, subscribe and publish.
void tell_capabilities(pjsip_endpoint* endpoint, pjsip_tx_data* answer, bool users);

}  // namespace callwright
