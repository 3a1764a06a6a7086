// Who is heard by whom: a graph of desired connections between nodes (legs and ports), kept by id and applied to the
// conference bridge whenever both ends have a slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace callwright {

// Engine thread only.
class Patch {
  public:
    static constexpr int no_slot = -1;

    // A node appears (a leg before its media: no_slot). Its id must be new.
    void add(std::uint64_t node, int slot = no_slot);
    // The node's slot, again after each re-negotiation: every desired connection of the node is applied anew, because
    // a slot that left the bridge and came back has lost its connections even when its number is the same.
    void set_slot(std::uint64_t node, int slot);
    // The node and its connections are forgotten. Its slot's connections are undone by the bridge, which removes it.
    void remove(std::uint64_t node);
    // False when either node is unknown.
    bool connect(std::uint64_t source, std::uint64_t sink);
    bool disconnect(std::uint64_t source, std::uint64_t sink);
    // From now on listener hears whatever node hears, now and later: what a recording of both sides of a leg needs.
    bool overhear(std::uint64_t node, std::uint64_t listener);

    bool has(std::uint64_t node) const { return nodes_.count(node) != 0; }
    int slot(std::uint64_t node) const;
    std::size_t size() const { return nodes_.size(); }

  private:
    struct Node {
        int slot = no_slot;
        std::vector<std::uint64_t> sinks;
        std::vector<std::uint64_t> sources;
        std::vector<std::uint64_t> listeners;  // nodes that hear what this one hears
        std::vector<std::uint64_t> overheard;  // nodes whose listener this one is
    };

    void forget_listener(std::uint64_t node, std::uint64_t listener);

    std::unordered_map<std::uint64_t, Node> nodes_;
};

}  // namespace callwright
