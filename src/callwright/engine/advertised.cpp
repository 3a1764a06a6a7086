#include "advertised.hpp"

namespace callwright {

namespace {

void write(pj_pool_t* pool, pj_str_t& type, pj_str_t& written, const std::string& address) {
    const bool ipv6 = address.find(':') != std::string::npos;
    if (pj_stricmp2(&type, ipv6 ? "IP6" : "IP4") == 0) pj_strdup2(pool, &written, address.c_str());
}

}  // namespace

void advertise(pj_pool_t* pool, pjmedia_sdp_session* description, const std::string& address) {
    write(pool, description->origin.addr_type, description->origin.addr, address);
    if (description->conn != nullptr) write(pool, description->conn->addr_type, description->conn->addr, address);
    for (unsigned i = 0; i < description->media_count; ++i) {
        pjmedia_sdp_media* media = description->media[i];
        if (media->conn != nullptr) write(pool, media->conn->addr_type, media->conn->addr, address);
        // RFC 3605: it repeats the address. Without it RTCP is at the next port, where it is.
        pjmedia_sdp_media_remove_all_attr(media, "rtcp");
    }
}

}  // namespace callwright
