#include "patch.hpp"

#include <algorithm>
#include <utility>

#include "player.hpp"

namespace callwright {

namespace {

using Ids = std::vector<std::uint64_t>;

bool holds(const Ids& nodes, std::uint64_t node) { return std::find(nodes.begin(), nodes.end(), node) != nodes.end(); }

void erase(Ids& nodes, std::uint64_t node) { nodes.erase(std::remove(nodes.begin(), nodes.end(), node), nodes.end()); }

}  // namespace

void Patch::start(MediaThread& media, Mixer& mixer) {
    media_ = &media;
    mixer_ = &mixer;
}

void Patch::add_leg(std::uint64_t leg) { nodes_[leg].kind = Kind::LEG; }

void Patch::add_port(std::uint64_t id, Port* port) {
    Node& node = nodes_[id];
    node.kind = Kind::PORT;
    node.port = port;
    node.player = dynamic_cast<Player*>(port);
    touch(id);
}

void Patch::add_bus(std::uint64_t bus) {
    nodes_[bus].kind = Kind::BUS;
    touch(bus);
}

void Patch::set_line(std::uint64_t leg, std::shared_ptr<Line> line) {
    const auto found = nodes_.find(leg);
    if (found == nodes_.end()) return;
    found->second.line = std::move(line);
    found->second.unfit = 0;
    for (std::uint64_t sink : found->second.sinks) {
        Node& node = nodes_.at(sink);
        if (node.unfit == leg) node.unfit = 0;
    }
    touch(leg);
}

void Patch::mix_at(std::uint64_t leg) {
    const auto found = nodes_.find(leg);
    if (found == nodes_.end() || found->second.feed.egress != Line::Egress::RELAY) return;
    found->second.unfit = found->second.feed.source;
    touch(leg);
}

void Patch::remove(std::uint64_t id) {
    const auto found = nodes_.find(id);
    if (found == nodes_.end()) return;
    Node& node = found->second;
    for (std::uint64_t listener : Ids(node.listeners)) forget_listener(id, listener);
    for (std::uint64_t other : node.overheard) erase(nodes_.at(other).listeners, id);
    for (std::uint64_t sink : node.sinks) {
        if (sink != id) erase(nodes_.at(sink).sources, id);
        touch(sink);
    }
    for (std::uint64_t source : node.sources) {
        if (source != id) erase(nodes_.at(source).sinks, id);
        touch(source);
    }
    gone_.emplace(id, std::move(node));
    nodes_.erase(found);
    touched_.erase(id);
}

bool Patch::connect(std::uint64_t source, std::uint64_t sink) {
    const auto from = nodes_.find(source);
    const auto to = nodes_.find(sink);
    if (from == nodes_.end() || to == nodes_.end()) return false;
    if (holds(from->second.sinks, sink)) return true;
    if (bus_reaches(sink, source)) return false;
    from->second.sinks.push_back(sink);
    to->second.sources.push_back(source);
    touch(source);
    touch(sink);
    for (std::uint64_t listener : Ids(to->second.listeners)) connect(source, listener);
    return true;
}

// By way of buses alone. There are no rings so far, and so it ends.
bool Patch::bus_reaches(std::uint64_t from, std::uint64_t to) const {
    const Node& node = nodes_.at(from);
    if (node.kind != Kind::BUS || nodes_.at(to).kind != Kind::BUS) return false;
    return from == to || std::any_of(node.sinks.begin(), node.sinks.end(),
                                     [&](std::uint64_t sink) { return bus_reaches(sink, to); });
}

bool Patch::disconnect(std::uint64_t source, std::uint64_t sink) {
    const auto from = nodes_.find(source);
    const auto to = nodes_.find(sink);
    if (from == nodes_.end() || to == nodes_.end()) return false;
    if (!holds(from->second.sinks, sink)) return true;
    erase(from->second.sinks, sink);
    erase(to->second.sources, source);
    touch(source);
    touch(sink);
    for (std::uint64_t listener : Ids(to->second.listeners)) disconnect(source, listener);
    return true;
}

bool Patch::overhear(std::uint64_t node, std::uint64_t listener) {
    const auto heard = nodes_.find(node);
    const auto by = nodes_.find(listener);
    if (heard == nodes_.end() || by == nodes_.end() || node == listener) return false;
    if (holds(heard->second.listeners, listener)) return true;
    // A listener has no listeners of its own: no chain, and so no ring of them.
    if (!by->second.listeners.empty() || !heard->second.overheard.empty()) return false;
    heard->second.listeners.push_back(listener);
    by->second.overheard.push_back(node);
    for (std::uint64_t source : Ids(heard->second.sources)) connect(source, listener);
    return true;
}

void Patch::forget_listener(std::uint64_t node, std::uint64_t listener) {
    Node& heard = nodes_.at(node);
    erase(heard.listeners, listener);
    erase(nodes_.at(listener).overheard, node);
    for (std::uint64_t source : Ids(heard.sources)) disconnect(source, listener);
}

}  // namespace callwright
