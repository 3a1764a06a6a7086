// The address that peers beyond a translating router are told in descriptions (RFC 4566 section 5.7), in place of the
// machine's own.
#pragma once

#include <pjmedia.h>

#include <string>
#include <vector>

#include "gate.hpp"

namespace callwright {

class Advertised {
  public:
    // address: an IP address; empty: everybody is told the machine's own. inside: peers on our side of the router.
    // Throws std::invalid_argument.
    Advertised(std::string address, const std::vector<std::string>& inside);

    // Whether it is told to who signals from, or is reached at, an address.
    bool is_for(const pj_sockaddr& peer) const;
    // The same for an address in text; what is none is outside.
    bool is_for(const std::string& peer) const;
    // In place of the addresses of its family. A description that lives in `pool`.
    void write(pj_pool_t* pool, pjmedia_sdp_session* description) const;

  private:
    void write(pj_pool_t* pool, pj_str_t& type, pj_str_t& address) const;

    std::string address_;
    std::vector<Prefix> inside_;
};

}  // namespace callwright
