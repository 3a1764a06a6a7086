#include "mixer.hpp"

#include <algorithm>
#include <utility>

#include "samples.hpp"

namespace callwright {

namespace {

template <typename Value>
void erase(std::vector<Value>& values, Value value) {
    const auto found = std::find(values.begin(), values.end(), value);
    if (found != values.end()) {
        values.erase(found);
    }
}

}  // namespace

Mixer::Mixer(MediaThread* thread, unsigned frame, Crew* crew, Span span)
    : thread_(thread), frame_(frame), crew_(crew != nullptr && crew->hands() != 0 ? crew : nullptr), span_(span), sum_(frame) {}

Mixer::~Mixer() {
    for (const auto& [id, node] : nodes_) {
        if (node->party) {
            node->party->left();
        }
    }
    if (thread_ != nullptr && !nodes_.empty()) {
        thread_->never(this);
    }
}

Mixer::Node* Mixer::find(std::uint64_t node) const {
    const auto found = nodes_.find(node);
    return found == nodes_.end() ? nullptr : found->second.get();
}

// All that the node will need, so that no tick allocates.
Mixer::Node& Mixer::make(std::uint64_t id, std::unique_ptr<Party> party) {
    auto made = std::make_unique<Node>();
    Node& node = *made;
    node.party = std::move(party);
    if (node.speaks()) {
        node.frame.resize(frame_);
    }
    if (node.party == nullptr) {
        node.sum.resize(frame_);
        buses_.push_back(&node);
    } else if (node.speaks()) {
        speakers_.push_back(&node);
    }
    if (node.party != nullptr && node.listens()) {
        node.mixed.resize(frame_);
        listeners_.push_back(&node);
    }
    anywhere_.reserve(nodes_.size() + 1);
    if (nodes_.empty() && thread_ != nullptr) {
        thread_->every_frame(this);
    }
    nodes_.emplace(id, std::move(made));
    size_.store(nodes_.size(), std::memory_order_relaxed);
    return node;
}

void Mixer::add(std::uint64_t node, std::unique_ptr<Party> party) {
    if (!has(node)) {
        make(node, std::move(party));
    }
}

void Mixer::add_bus(std::uint64_t node) { add(node, std::unique_ptr<Party>()); }

void Mixer::remove(std::uint64_t id) {
    const auto found = nodes_.find(id);
    if (found == nodes_.end()) {
        return;
    }
    const std::unique_ptr<Node> node = std::move(found->second);
    nodes_.erase(found);
    size_.store(nodes_.size(), std::memory_order_relaxed);
    while (!node->sinks.empty()) {
        cut(*node, *node->sinks.back());
    }
    while (!node->sources.empty()) {
        cut(*node->sources.back().source, *node);
    }
    erase(buses_, node.get());
    erase(speakers_, node.get());
    erase(listeners_, node.get());
    if (nodes_.empty() && thread_ != nullptr) {
        thread_->never(this);
    }
    if (node->party) {
        node->party->left();
    }
}

void Mixer::connect(std::uint64_t source_id, std::uint64_t sink_id) {
    Node* source = find(source_id);
    Node* sink = find(sink_id);
    if (source == nullptr || sink == nullptr || !source->speaks() || !sink->listens()) {
        return;
    }
    const bool buses = source->party == nullptr && sink->party == nullptr;
    if (find_edge(*sink, *source) != sink->sources.end() || (buses && reaches(*sink, *source))) {
        return;
    }
    source->sinks.push_back(sink);
    sink->sources.push_back({source, false});
    see_own(*source, *sink, true);
    see_own(*sink, *source, true);
}

void Mixer::disconnect(std::uint64_t source_id, std::uint64_t sink_id) {
    Node* source = find(source_id);
    Node* sink = find(sink_id);
    if (source != nullptr && sink != nullptr) {
        cut(*source, *sink);
    }
}

std::vector<Mixer::Edge>::iterator Mixer::find_edge(Node& sink, const Node& source) {
    return std::find_if(sink.sources.begin(), sink.sources.end(),
                        [&](const Edge& edge) { return edge.source == &source; });
}

void Mixer::cut(Node& source, Node& sink) {
    const auto edge = find_edge(sink, source);
    if (edge == sink.sources.end()) {
        return;
    }
    sink.sources.erase(edge);
    erase(source.sinks, &sink);
    see_own(sink, source, false);
}

// Marks that the sink's own voice is in what it hears of the bus, when both hear each other.
void Mixer::see_own(Node& bus, Node& sink, bool own) {
    if (bus.party != nullptr || sink.party == nullptr) {
        return;
    }
    const auto edge = find_edge(sink, bus);
    if (edge != sink.sources.end()) {
        edge->own = own && find_edge(bus, sink) != bus.sources.end();
    }
}

// By way of buses.
bool Mixer::reaches(const Node& from, const Node& to) {
    if (&from == &to) {
        return true;
    }
    return std::any_of(from.sinks.begin(), from.sinks.end(),
                       [&](const Node* sink) { return sink->party == nullptr && reaches(*sink, to); });
}

void Mixer::beat(Nanos, unsigned frames) noexcept {
    for (unsigned frame = 0; frame < frames; ++frame) {
        tick();
    }
}

void Mixer::tick() noexcept {
    if (crew_ == nullptr) {
        tick_alone();
    } else {
        const bool shared = shared_.load(std::memory_order_relaxed);
        const Nanos began = monotonic_now();
        shared ? tick_together() : tick_alone();
        const Nanos took = monotonic_now() - began;
        shared_.store(shared ? took > span_.shortest : took > span_.longest, std::memory_order_relaxed);
    }
    timestamp_ += frame_;
}

void Mixer::tick_alone() noexcept {
    for (Node* node : speakers_) {
        read(*node);
    }
    for (Node* bus : buses_) {
        bus->summed = false;
    }
    for (Node* node : listeners_) {
        node->hears = heard(*node);
        write(*node);
        node->party->finish();
    }
}

// What must be done here is done first: the crew is awake sooner when there is something for it.
void Mixer::tick_together() noexcept {
    anywhere_.clear();
    for (Node* node : speakers_) {
        node->party->anywhere() ? anywhere_.push_back(node) : read(*node);
    }
    crew_->each(anywhere_.size(), &Mixer::read_one, this);
    for (Node* bus : buses_) {
        bus->summed = false;
    }
    anywhere_.clear();
    for (Node* node : listeners_) {
        node->hears = heard(*node);
        node->party->anywhere() ? anywhere_.push_back(node) : write(*node);
    }
    crew_->each(anywhere_.size(), &Mixer::write_one, this);
    for (Node* node : listeners_) {
        node->party->finish();
    }
}

void Mixer::read_one(void* mixer, std::size_t index) noexcept {
    auto* self = static_cast<Mixer*>(mixer);
    self->read(*self->anywhere_[index]);
}

void Mixer::write_one(void* mixer, std::size_t index) noexcept {
    auto* self = static_cast<Mixer*>(mixer);
    self->write(*self->anywhere_[index]);
}

void Mixer::read(Node& node) noexcept {
    node.audible = !node.sinks.empty() && node.party->read(node.frame.data());
}

void Mixer::write(Node& node) noexcept { node.party->write(node.hears, timestamp_); }

void Mixer::sum_up(Node& bus) noexcept {
    if (bus.summed) {
        return;
    }
    bus.summed = true;
    bus.clipped = false;
    bus.voices = 0;
    bus.only = nullptr;
    for (const Edge& edge : bus.sources) {
        if (!mute(edge, bus)) {
            sum_in(bus, edge);
        }
    }
    bus.audible = bus.voices != 0;
}

void Mixer::sum_in(Node& bus, const Edge& edge) noexcept {
    const Node& source = *edge.source;
    if (bus.voices == 0) {
        if (source.party) {
            samples::copy(bus.sum.data(), source.frame.data(), frame_);
        } else {
            std::copy(source.sum.begin(), source.sum.end(), bus.sum.begin());
        }
    } else if (source.party) {
        samples::add(bus.sum.data(), source.frame.data(), frame_);
    } else {
        samples::add(bus.sum.data(), source.sum.data(), frame_);
    }
    bus.only = bus.voices == 0 && source.party ? &source : nullptr;
    bus.voices += source.party ? 1 : source.voices;
}

bool Mixer::mute(const Edge& edge, const Node& sink) noexcept {
    Node& source = *edge.source;
    if (source.party == nullptr) {
        sum_up(source);
    }
    return !source.audible || (edge.own && source.only == &sink);
}

const std::int16_t* Mixer::heard(Node& sink) noexcept {
    const Edge* one = nullptr;
    for (const Edge& edge : sink.sources) {
        if (mute(edge, sink)) {
            continue;
        }
        if (one != nullptr) {
            return heard_together(sink);
        }
        one = &edge;
    }
    return one == nullptr ? nullptr : heard_alone(*one, sink);
}

const std::int16_t* Mixer::heard_alone(const Edge& edge, Node& sink) noexcept {
    Node& source = *edge.source;
    if (source.party) {
        return source.frame.data();
    }
    if (edge.own && sink.audible) {
        samples::saturate_without(source.sum.data(), sink.frame.data(), sink.mixed.data(), frame_);
        return sink.mixed.data();
    }
    if (source.only != nullptr) {
        return source.only->frame.data();
    }
    if (!source.clipped) {
        samples::saturate(source.sum.data(), source.frame.data(), frame_);
        source.clipped = true;
    }
    return source.frame.data();
}

const std::int16_t* Mixer::heard_together(Node& sink) noexcept {
    std::fill(sum_.begin(), sum_.end(), 0);
    for (const Edge& edge : sink.sources) {
        const Node& source = *edge.source;
        if (mute(edge, sink)) {
            continue;
        }
        if (source.party) {
            samples::add(sum_.data(), source.frame.data(), frame_);
            continue;
        }
        samples::add(sum_.data(), source.sum.data(), frame_);
        if (edge.own && sink.audible) {
            samples::subtract(sum_.data(), sink.frame.data(), frame_);
        }
    }
    samples::saturate(sum_.data(), sink.mixed.data(), frame_);
    return sink.mixed.data();
}

}  // namespace callwright
