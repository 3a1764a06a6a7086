#include "patch.hpp"

#include <pjsua-lib/pjsua.h>

#include <algorithm>

namespace callwright {

namespace {

bool holds(const std::vector<std::uint64_t>& nodes, std::uint64_t node) {
    return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

void erase(std::vector<std::uint64_t>& nodes, std::uint64_t node) {
    nodes.erase(std::remove(nodes.begin(), nodes.end(), node), nodes.end());
}

}  // namespace

void Patch::add(std::uint64_t node, int slot) { nodes_.emplace(node, Node{slot, {}, {}}); }

void Patch::set_slot(std::uint64_t node, int slot) {
    auto found = nodes_.find(node);
    if (found == nodes_.end()) return;
    found->second.slot = slot;
    if (slot == no_slot) return;
    // The bridge answers "exists" for a connection that survived: that is no failure.
    for (std::uint64_t sink : found->second.sinks) {
        int other = nodes_.at(sink).slot;
        if (other != no_slot) pjsua_conf_connect(slot, other);
    }
    for (std::uint64_t source : found->second.sources) {
        int other = nodes_.at(source).slot;
        if (other != no_slot && source != node) pjsua_conf_connect(other, slot);
    }
}

void Patch::remove(std::uint64_t node) {
    auto found = nodes_.find(node);
    if (found == nodes_.end()) return;
    for (std::uint64_t listener : std::vector<std::uint64_t>(found->second.listeners)) forget_listener(node, listener);
    for (std::uint64_t other : found->second.overheard) erase(nodes_.at(other).listeners, node);
    for (std::uint64_t sink : found->second.sinks) {
        if (sink != node) erase(nodes_.at(sink).sources, node);
    }
    for (std::uint64_t source : found->second.sources) {
        if (source != node) erase(nodes_.at(source).sinks, node);
    }
    nodes_.erase(found);
}

bool Patch::connect(std::uint64_t source, std::uint64_t sink) {
    auto from = nodes_.find(source);
    auto to = nodes_.find(sink);
    if (from == nodes_.end() || to == nodes_.end()) return false;
    if (holds(from->second.sinks, sink)) return true;
    from->second.sinks.push_back(sink);
    to->second.sources.push_back(source);
    if (from->second.slot != no_slot && to->second.slot != no_slot) {
        pjsua_conf_connect(from->second.slot, to->second.slot);
    }
    for (std::uint64_t listener : to->second.listeners) connect(source, listener);
    return true;
}

bool Patch::disconnect(std::uint64_t source, std::uint64_t sink) {
    auto from = nodes_.find(source);
    auto to = nodes_.find(sink);
    if (from == nodes_.end() || to == nodes_.end()) return false;
    if (!holds(from->second.sinks, sink)) return true;
    erase(from->second.sinks, sink);
    erase(to->second.sources, source);
    if (from->second.slot != no_slot && to->second.slot != no_slot) {
        pjsua_conf_disconnect(from->second.slot, to->second.slot);
    }
    for (std::uint64_t listener : to->second.listeners) disconnect(source, listener);
    return true;
}

bool Patch::overhear(std::uint64_t node, std::uint64_t listener) {
    auto heard = nodes_.find(node);
    auto by = nodes_.find(listener);
    if (heard == nodes_.end() || by == nodes_.end() || node == listener) return false;
    if (holds(heard->second.listeners, listener)) return true;
    // A listener has no listeners of its own: no chain, and so no ring of them.
    if (!by->second.listeners.empty() || !heard->second.overheard.empty()) return false;
    heard->second.listeners.push_back(listener);
    by->second.overheard.push_back(node);
    for (std::uint64_t source : std::vector<std::uint64_t>(heard->second.sources)) connect(source, listener);
    return true;
}

void Patch::forget_listener(std::uint64_t node, std::uint64_t listener) {
    Node& heard = nodes_.at(node);
    erase(heard.listeners, listener);
    erase(nodes_.at(listener).overheard, node);
    for (std::uint64_t source : std::vector<std::uint64_t>(heard.sources)) disconnect(source, listener);
}

int Patch::slot(std::uint64_t node) const {
    auto found = nodes_.find(node);
    return found == nodes_.end() ? no_slot : found->second.slot;
}

}  // namespace callwright
