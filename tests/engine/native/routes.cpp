// sources: routes.cpp rtp/address.cpp
// By which address of this machine a peer is reached.
#include "routes.hpp"

#include "check.hpp"

using namespace callwright;

int main() {
    Routes routes;
    CHECK(routes.towards(Address::at("127.0.0.1", 5060)) == "127.0.0.1");
    CHECK(routes.towards(Address::at("127.9.9.9", 0)) == "127.0.0.1");
    CHECK(routes.towards(Address::at("127.9.9.9", 5060)) == "127.0.0.1");
    CHECK(routes.towards(Address::at("::1", 5060)) == "::1");
    CHECK(routes.towards(Address::at("example.com", 5060)).empty());
    CHECK(routes.towards(Address()).empty());
    // More peers than are remembered; no descriptor stays open.
    for (unsigned i = 0; i < 3 * Routes::CAPACITY; ++i) {
        const std::string host = "127." + std::to_string(1 + i / 65536) + "." + std::to_string(i / 256 % 256) + "." +
                                 std::to_string(i % 256);
        CHECK(routes.towards(Address::at(host, 5060)) == "127.0.0.1");
    }
    const int next = ::dup(0);
    CHECK(next >= 0 && next < 16);
    ::close(next);
    return 0;
}
