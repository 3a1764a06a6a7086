// By which address of this machine a peer is reached: what the kernel's routes say, asked for once in a while.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "recent.hpp"
#include "rtp/address.hpp"

namespace callwright {

// Engine thread only. Never waits for the network.
class Routes {
  public:
    // For so long an answer holds: interfaces come and go.
    static constexpr std::chrono::seconds LIFETIME{10};
    static constexpr std::size_t CAPACITY = 4096;

    // Empty: no route leads there.
    std::string towards(const Address& peer);

  private:
    using Clock = std::chrono::steady_clock;
    struct Route {
        std::string local;
        Clock::time_point since;
    };

    Recent<Route> routes_{CAPACITY};
};

}  // namespace callwright
