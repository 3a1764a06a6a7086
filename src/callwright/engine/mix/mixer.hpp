// The mixer: who hears whom, 20 ms at a time, on the media thread.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "../rtp/media_thread.hpp"

namespace callwright {

class Engine;
class Line;
class Port;

// Every tick each source that somebody hears is read once, each sink gets the saturated sum of what it is connected
// to. A bus is both: it hears many and is heard by many, and what a leg hears of a bus leaves its own voice out, so
// that a conference of n costs n and not n squared. Silent sources cost nothing.
class Mixer : public Beat {
  public:
    explicit Mixer(Engine& engine);

    // Media thread only. Unknown ids are passed over.
    void add(std::uint64_t node, std::shared_ptr<Line> line);
    void add(std::uint64_t node, Port* port);
    void add_bus(std::uint64_t node);
    // With all its connections. A port is told by Port::left().
    void remove(std::uint64_t node);
    void connect(std::uint64_t source, std::uint64_t sink);
    void disconnect(std::uint64_t source, std::uint64_t sink);
    std::size_t size() const noexcept;  // nodes; any thread

    void beat(Nanos now, unsigned frames) noexcept override;
};

}  // namespace callwright
