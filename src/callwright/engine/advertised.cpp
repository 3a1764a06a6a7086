#include "advertised.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "message.hpp"

namespace callwright {

namespace {

bool parse(const std::string& text, pj_sockaddr& address) {
    const pj_str_t borrowed = borrow(text);
    return pj_sockaddr_parse(pj_AF_UNSPEC(), 0, &borrowed, &address) == PJ_SUCCESS;
}

}  // namespace

Advertised::Advertised(std::string address, const std::vector<std::string>& inside) : address_(std::move(address)) {
    pj_sockaddr parsed;
    if (!address_.empty() && !parse(address_, parsed)) {
        throw std::invalid_argument("advertised_address is an IP address");
    }
    for (const std::string& prefix : inside) inside_.push_back(Prefix::parse(prefix));
}

bool Advertised::is_for(const pj_sockaddr& peer) const {
    return !address_.empty() &&
           std::none_of(inside_.begin(), inside_.end(), [&](const Prefix& prefix) { return prefix.holds(peer); });
}

bool Advertised::is_for(const std::string& peer) const {
    pj_sockaddr address;
    return parse(peer, address) ? is_for(address) : !address_.empty();
}

void Advertised::write(pj_pool_t* pool, pjmedia_sdp_session* description) const {
    write(pool, description->origin.addr_type, description->origin.addr);
    if (description->conn != nullptr) write(pool, description->conn->addr_type, description->conn->addr);
    for (unsigned i = 0; i < description->media_count; ++i) {
        pjmedia_sdp_media* media = description->media[i];
        if (media->conn != nullptr) write(pool, media->conn->addr_type, media->conn->addr);
        // RFC 3605: it repeats the address. Without it RTCP is at the next port, where it is.
        pjmedia_sdp_media_remove_all_attr(media, "rtcp");
    }
}

void Advertised::write(pj_pool_t* pool, pj_str_t& type, pj_str_t& address) const {
    const bool ipv6 = address_.find(':') != std::string::npos;
    if (pj_stricmp2(&type, ipv6 ? "IP6" : "IP4") == 0) pj_strdup2(pool, &address, address_.c_str());
}

}  // namespace callwright
