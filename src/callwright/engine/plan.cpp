// How the patch's connections are carried (see patch.hpp): the difference between what the media thread does and what
// it should do, as one job.
#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "mix/mixer.hpp"
#include "patch.hpp"
#include "player.hpp"
#include "port.hpp"
#include "rtp/media_thread.hpp"

namespace callwright {

namespace {

using Ids = std::vector<std::uint64_t>;
using Egress = Line::Egress;

bool holds(const Ids& nodes, std::uint64_t node) { return std::find(nodes.begin(), nodes.end(), node) != nodes.end(); }

// A player is its port, which lives until Port::left(): after the line has let go of it.
std::shared_ptr<Player> borrowed(Player* player) { return {std::shared_ptr<void>(), player}; }

}  // namespace

// In this order: what is new is there before anybody uses it, and what goes is not used any more.
struct Patch::Changes {
    using Steps = std::vector<std::function<void()>>;
    Steps join, connect, hear, feed, deafen, disconnect, leave;

    bool empty() const {
        return join.empty() && connect.empty() && hear.empty() && feed.empty() && deafen.empty() &&
               disconnect.empty() && leave.empty();
    }
    void run() const {
        for (const Steps* steps : {&join, &connect, &hear, &feed, &deafen, &disconnect, &leave}) {
            for (const auto& step : *steps) step();
        }
    }
};

void Patch::settle() {
    if (touched_.empty() && gone_.empty()) return;
    auto changes = std::make_shared<Changes>();
    const Ids nodes = affected();
    touched_.clear();
    // A line that has changed is another one: nothing of the old one stays.
    for (std::uint64_t id : nodes) {
        Node& node = nodes_.at(id);
        if (node.kind == Kind::LEG && node.placed != node.line) unplace(id, node, *changes);
    }
    for (std::uint64_t id : nodes) plan_sink(id, nodes_.at(id), *changes);
    for (std::uint64_t id : nodes) plan_source(id, nodes_.at(id), *changes);
    for (auto& [id, node] : gone_) bury(id, node, *changes);
    gone_.clear();
    if (!changes->empty()) {
        media_->post([changes] { changes->run(); });
    }
}

// What feeds a node depends on who else hears its sources: two steps from every change.
Ids Patch::affected() const {
    std::unordered_set<std::uint64_t> nodes(touched_);
    for (int step = 0; step < 2; ++step) {
        for (std::uint64_t id : Ids(nodes.begin(), nodes.end())) {
            const auto found = nodes_.find(id);
            if (found == nodes_.end()) continue;
            nodes.insert(found->second.sinks.begin(), found->second.sinks.end());
            nodes.insert(found->second.sources.begin(), found->second.sources.end());
        }
    }
    Ids known;
    for (std::uint64_t id : nodes) {
        if (nodes_.count(id) != 0) known.push_back(id);
    }
    return known;
}

Patch::Feed Patch::feed_of(const Node& node) const {
    if (!node.line || !node.line->format().sends) return {};
    const Node* only = nullptr;
    std::uint64_t source = 0;
    unsigned sounding = 0;
    for (std::uint64_t other : node.sources) {
        const Node& from = nodes_.at(other);
        if (!from.sounds()) continue;
        only = &from;
        source = other;
        ++sounding;
    }
    if (sounding == 0) return {};
    const bool alone = sounding == 1 && only->sinks.size() == 1;
    if (alone && only->player != nullptr && node.line->format().g711()) return {Egress::PLAY, source};
    if (alone && only->kind == Kind::LEG && source != node.unfit && can_relay(*only, node)) return {Egress::RELAY, source};
    return {Egress::MIX, 0};
}

bool Patch::can_relay(const Node& from, const Node& to) const {
    const Line::Format in = from.line->format();
    const Line::Format out = to.line->format();
    return in.receives && in.codec == out.codec && in.clock_rate == out.clock_rate && in.channels == out.channels;
}

Ids Patch::mix_of(const Node& node, const Feed& feed) const {
    Ids mix;
    if (node.kind == Kind::LEG && feed.egress != Egress::MIX) return mix;
    for (std::uint64_t source : node.sources) {
        if (nodes_.at(source).sounds()) mix.push_back(source);
    }
    return mix;
}

void Patch::join_mixer(std::uint64_t id, Node& node, Changes& changes) {
    if (node.in_mixer) return;
    node.in_mixer = true;
    Mixer* mixer = mixer_;
    switch (node.kind) {
        case Kind::LEG: changes.join.push_back([mixer, id, line = node.placed] { mixer->add(id, line); }); break;
        case Kind::PORT: changes.join.push_back([mixer, id, port = node.port] { mixer->add(id, port); }); break;
        case Kind::BUS: changes.join.push_back([mixer, id] { mixer->add_bus(id); }); break;
    }
}

// The line goes, or another one comes in its place.
void Patch::unplace(std::uint64_t id, Node& node, Changes& changes) {
    if (node.placed) {
        changes.feed.push_back([line = node.placed] { line->idle(); });
        changes.deafen.push_back([line = node.placed] { line->listen(false); });
    }
    if (node.in_mixer) {
        // Before a new line joins under the same id.
        changes.join.push_back([mixer = mixer_, id] { mixer->remove(id); });
        for (std::uint64_t sink : node.sinks) {
            auto& mixed = nodes_.at(sink).mixed;
            mixed.erase(std::remove(mixed.begin(), mixed.end(), id), mixed.end());
        }
    }
    node.placed = node.line;
    node.feed = Feed{};
    node.listening = false;
    node.in_mixer = false;
    node.mixed.clear();
}

void Patch::plan_sink(std::uint64_t id, Node& node, Changes& changes) {
    const Feed feed = node.kind == Kind::LEG ? feed_of(node) : Feed{};
    const Ids mix = mix_of(node, feed);
    const bool sink_port = node.kind == Kind::PORT && node.port->direction() == Port::Direction::SINK;
    if (!mix.empty() || sink_port || node.kind == Kind::BUS) join_mixer(id, node, changes);
    for (std::uint64_t source : mix) {
        if (holds(node.mixed, source)) continue;
        join_mixer(source, nodes_.at(source), changes);
        changes.connect.push_back([mixer = mixer_, source, id] { mixer->connect(source, id); });
    }
    for (std::uint64_t source : node.mixed) {
        if (holds(mix, source)) continue;
        // Between buses before any connection: a new one might close a ring with what goes.
        const auto gone = nodes_.find(source);
        const bool buses = node.kind == Kind::BUS && gone != nodes_.end() && gone->second.kind == Kind::BUS;
        (buses ? changes.join : changes.disconnect).push_back([mixer = mixer_, source, id] { mixer->disconnect(source, id); });
    }
    node.mixed = mix;
    if (!(feed == node.feed)) change_feed(node, feed, changes);
}

void Patch::change_feed(Node& node, const Feed& feed, Changes& changes) {
    node.feed = feed;
    if (!node.placed) return;
    const auto line = node.placed;
    switch (feed.egress) {
        case Egress::IDLE: changes.feed.push_back([line] { line->idle(); }); break;
        case Egress::MIX: changes.feed.push_back([line] { line->mix(); }); break;
        case Egress::PLAY:
            changes.feed.push_back([line, player = borrowed(nodes_.at(feed.source).player)] { line->play(player); });
            break;
        case Egress::RELAY:
            changes.feed.push_back([line, from = nodes_.at(feed.source).line] { from->relay_to(line, false); });
            break;
    }
}

void Patch::plan_source(std::uint64_t id, Node& node, Changes& changes) {
    if (!node.placed) return;
    const bool heard = std::any_of(node.sinks.begin(), node.sinks.end(),
                                   [&](std::uint64_t sink) { return holds(nodes_.at(sink).mixed, id); });
    if (heard != node.listening) {
        node.listening = heard;
        auto& steps = heard ? changes.hear : changes.deafen;
        steps.push_back([line = node.placed, heard] { line->listen(heard); });
    }
    if (node.in_mixer && !heard && node.mixed.empty()) {
        node.in_mixer = false;
        changes.leave.push_back([mixer = mixer_, id] { mixer->remove(id); });
    }
}

void Patch::bury(std::uint64_t id, Node& node, Changes& changes) {
    if (node.placed) {
        changes.feed.push_back([line = node.placed] { line->idle(); });
        changes.deafen.push_back([line = node.placed] { line->listen(false); });
    }
    if (node.in_mixer) {
        auto& steps = node.kind == Kind::BUS ? changes.join : changes.leave;  // a bus: as in plan_sink
        steps.push_back([mixer = mixer_, id] { mixer->remove(id); });
    } else if (node.port != nullptr) {
        changes.leave.push_back([port = node.port] { port->left(); });
    }
}

}  // namespace callwright
