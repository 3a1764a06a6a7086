// A machine in several networks: at which address of it a call's sound is, and what its peer is told of that.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gate.hpp"
#include "routes.hpp"
#include "rtp/address.hpp"

namespace callwright {

struct EngineOptions;

// Of a leg. It follows its signalling.
struct Place {
    std::size_t listener = 0;  // of EngineOptions::listen: where its signalling is
    std::string own;           // bound for its RTP; empty: no address leads to its peer
    std::string told;          // in its descriptions in place of `own`, whose family it has; empty: that itself

    bool ipv6() const { return own.find(':') != std::string::npos; }
};

// Engine thread.
class Interfaces {
  public:
    // Throws std::invalid_argument.
    explicit Interfaces(const EngineOptions& options);

    // The family of a call's media: the wanted one, or the only one that there is.
    bool family(std::size_t listener, bool ipv6) const { return speaks(listener, ipv6) ? ipv6 : !ipv6; }
    // Whether calls of a listener can have media of a family.
    bool speaks(std::size_t listener, bool ipv6) const;
    // Where the media of a call is that has its signalling at `listener`. peer: who signals; not set when that is not
    // known. media: where the peer's own media is: asked for the way when the peer is of the other family.
    Place place(std::size_t listener, bool ipv6, const Address& peer, const Address& media = {});
    // The address of this machine that leads to a peer; empty: none.
    std::string towards(const Address& peer) { return routes_.towards(peer); }
    // What requests of a listener name as their sender to a peer.
    std::string contact(std::size_t listener, const Address& peer);
    // Those of media that are known before the first call.
    std::vector<std::string> known() const;

  private:
    std::string own(std::size_t listener, bool ipv6, const Address& peer, const Address& media);
    // What options say of all calls of a family: an address, or a wildcard; empty: it has none.
    const std::string& usual(bool ipv6) const;
    bool is_inside(const Address& peer) const;

    const EngineOptions& options_;
    std::vector<Prefix> inside_;
    Routes routes_;
};

}  // namespace callwright
