#include "interfaces.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "engine.hpp"

namespace callwright {

namespace {

const std::string none;

bool is_ipv6(const std::string& address) { return address.find(':') != std::string::npos; }

bool is_wildcard(const std::string& address) { return Address::at(address, 0).wildcard(); }

pj_sockaddr sockaddr_of(const Address& address) {
    pj_sockaddr copy{};
    std::memcpy(&copy, &address.any, address.length());
    return copy;
}

}  // namespace

Interfaces::Interfaces(const EngineOptions& options) : options_(options) {
    for (const std::string& prefix : options.inside) inside_.push_back(Prefix::parse(prefix));
}

const std::string& Interfaces::usual(bool ipv6) const {
    if (is_ipv6(options_.media_address) == ipv6) return options_.media_address;
    return ipv6 ? options_.media_address6 : none;
}

bool Interfaces::speaks(std::size_t listener, bool ipv6) const {
    const std::string& chosen = options_.listen[listener].media;
    return !usual(ipv6).empty() || (!chosen.empty() && is_ipv6(chosen) == ipv6);
}

std::string Interfaces::own(std::size_t listener, bool ipv6, const Address& peer, const Address& media) {
    const Listen& listen = options_.listen[listener];
    if (!listen.media.empty() && is_ipv6(listen.media) == ipv6) return listen.media;
    const std::string& address = usual(ipv6);
    if (!is_wildcard(address)) return address;
    // Where the peer's signalling arrives, its sound can arrive too.
    if (is_ipv6(listen.host) == ipv6 && !is_wildcard(listen.host)) return listen.host;
    return routes_.towards(peer.set() && peer.ipv6() == ipv6 ? peer : media);
}

Place Interfaces::place(std::size_t listener, bool ipv6, const Address& peer, const Address& media) {
    const Listen& listen = options_.listen[listener];
    Place place{listener, own(listener, ipv6, peer, media), listen.media_advertised};
    if (place.told.empty() && place.own != listen.media) place.told = options_.advertised_address;
    if (is_inside(peer)) place.told.clear();
    return place;
}

std::string Interfaces::contact(std::size_t listener, const Address& peer) {
    const Listen& listen = options_.listen[listener];
    if (!listen.advertised.empty()) return listen.advertised;
    if (!is_wildcard(listen.host)) return listen.host;
    const std::string local = towards(peer);
    return local.empty() ? listen.host : local;
}

std::vector<std::string> Interfaces::known() const {
    std::vector<std::string> addresses{options_.media_address, options_.media_address6};
    for (const Listen& listen : options_.listen) {
        addresses.push_back(listen.media);
        if (listen.media.empty() && is_wildcard(usual(is_ipv6(listen.host)))) addresses.push_back(listen.host);
    }
    const auto unknown = [](const std::string& address) { return address.empty() || is_wildcard(address); };
    addresses.erase(std::remove_if(addresses.begin(), addresses.end(), unknown), addresses.end());
    return addresses;
}

bool Interfaces::is_inside(const Address& peer) const {
    if (!peer.set()) return false;
    const pj_sockaddr address = sockaddr_of(peer);
    return std::any_of(inside_.begin(), inside_.end(), [&](const Prefix& prefix) { return prefix.holds(address); });
}

}  // namespace callwright
