// The address that peers beyond a translating router are told in descriptions (RFC 4566 section 5.7), in place of the
// machine's own.
#pragma once

#include <pjmedia.h>

#include <string>

namespace callwright {

// In place of the addresses of its family, in a description that lives in `pool`.
void advertise(pj_pool_t* pool, pjmedia_sdp_session* description, const std::string& address);

}  // namespace callwright
