// Who hears whom, and how each line gets it with the least work: the desired connections of legs, ports and buses, and
// the plan that carries them. A leg that hears one prompt has it encoded once for everybody; two legs that hear each
// other and nobody else are relayed packet by packet; everything else is mixed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "rtp/line.hpp"

namespace callwright {

class MediaThread;
class Mixer;
class Player;
class Port;

// Engine thread only. Changes reach the media thread as one job, by settle().
class Patch {
  public:
    // Before any node is added.
    void start(MediaThread& media, Mixer& mixer);

    // A node appears; its id must be new. A leg is mute and deaf until it has a line.
    void add_leg(std::uint64_t leg);
    void add_port(std::uint64_t id, Port* port);
    void add_bus(std::uint64_t bus);
    // nullptr: the leg has no media now.
    void set_line(std::uint64_t leg, std::shared_ptr<Line> line);
    // What is relayed to a leg has packets that its peer does not take: it is mixed, until either has another line.
    void mix_at(std::uint64_t leg);
    // The node and its connections are forgotten. A port hears of it by Port::left(), once nothing uses it any more.
    void remove(std::uint64_t node);
    // False when either node is unknown, or a ring of buses would be closed.
    bool connect(std::uint64_t source, std::uint64_t sink);
    bool disconnect(std::uint64_t source, std::uint64_t sink);
    // From now on listener hears whatever node hears, now and later: what a recording of both sides of a leg needs.
    bool overhear(std::uint64_t node, std::uint64_t listener);

    // Hands what has changed since the last call to the media thread.
    void settle();

    bool has(std::uint64_t node) const { return nodes_.count(node) != 0; }
    std::size_t size() const { return nodes_.size(); }

  private:
    enum class Kind { LEG, PORT, BUS };
    // What feeds a line.
    struct Feed {
        Line::Egress egress = Line::Egress::IDLE;
        std::uint64_t source = 0;  // of PLAY and RELAY
        bool operator==(const Feed& other) const { return egress == other.egress && source == other.source; }
    };
    struct Node {
        Kind kind = Kind::LEG;
        Port* port = nullptr;
        Player* player = nullptr;    // the port, when its sounds can be encoded beforehand
        std::shared_ptr<Line> line;
        std::vector<std::uint64_t> sinks;
        std::vector<std::uint64_t> sources;
        std::vector<std::uint64_t> listeners;  // nodes that hear what this one hears
        std::vector<std::uint64_t> overheard;  // nodes whose listener this one is
        std::uint64_t unfit = 0;               // a source whose packets this leg's peer does not take; 0: none

        // As the media thread has it.
        std::shared_ptr<Line> placed;  // the line that the rest of this is about
        Feed feed;
        bool listening = false;
        bool in_mixer = false;
        std::vector<std::uint64_t> mixed;  // sources that the mixer adds up for this node

        bool sounds() const { return kind != Kind::LEG || line != nullptr; }
    };
    struct Changes;

    bool bus_reaches(std::uint64_t from, std::uint64_t to) const;
    void forget_listener(std::uint64_t node, std::uint64_t listener);
    void touch(std::uint64_t node) { touched_.insert(node); }
    std::vector<std::uint64_t> affected() const;
    Feed feed_of(const Node& node) const;
    bool can_relay(const Node& from, const Node& to) const;
    std::vector<std::uint64_t> mix_of(const Node& node, const Feed& feed) const;
    void unplace(std::uint64_t id, Node& node, Changes& changes);
    void plan_sink(std::uint64_t id, Node& node, Changes& changes);
    void plan_source(std::uint64_t id, Node& node, Changes& changes);
    void change_feed(Node& node, const Feed& feed, Changes& changes);
    void bury(std::uint64_t id, Node& node, Changes& changes);
    void join_mixer(std::uint64_t id, Node& node, Changes& changes);

    MediaThread* media_ = nullptr;
    Mixer* mixer_ = nullptr;
    std::unordered_map<std::uint64_t, Node> nodes_;
    std::unordered_set<std::uint64_t> touched_;
    std::unordered_map<std::uint64_t, Node> gone_;  // removed since the last settle()
};

}  // namespace callwright
