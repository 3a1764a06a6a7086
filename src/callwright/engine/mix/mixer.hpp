// The mixer: who hears whom, 20 ms at a time, on the media thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "../rtp/media_thread.hpp"
#include "crew.hpp"

namespace callwright {

class Line;
class Port;

// Every tick each source that somebody hears is read once, each sink gets the saturated sum of what it is connected
// to. A bus is both: it hears many and is heard by many, and what a leg hears of a bus leaves its own voice out (but
// for what comes by way of a second bus), so that a conference of n costs n and not n squared. Silent sources cost
// nothing.
//
// A source that nobody hears is not read: a player waits for its first listener. A sink is written at every tick, also
// when nobody is connected to it, so that time passes for a recorder. It beats while it has a node.
//
// A tick that has taken long has what its parties do in it shared out to a crew of threads, until one is short again;
// sums are always the media thread's.
class Mixer : public Beat {
  public:
    // What speaks, or listens, or does both: one of the nodes.
    class Party {
      public:
        Party(bool speaks, bool listens) : speaks(speaks), listens(listens) {}
        virtual ~Party() = default;
        Party(const Party&) = delete;
        Party& operator=(const Party&) = delete;

        // One frame; false: silence, and the samples mean nothing.
        virtual bool read(std::int16_t* samples) noexcept = 0;
        // One frame, nullptr: silence. The timestamp counts samples and is the same for all in a tick.
        virtual void write(const std::int16_t* samples, std::uint64_t timestamp) noexcept = 0;
        // Media thread, after each write(): what it has made of the frame goes out.
        virtual void finish() noexcept {}
        // Whether another thread may call read() and write() in this tick; one thread at a time. Media thread.
        virtual bool anywhere() const noexcept { return false; }
        // The mixer has let go of it, and destroys it next.
        virtual void left() noexcept {}

        const bool speaks, listens;
    };

    // A tick as long as this is shared out, and one as short as that no longer.
    struct Span {
        Nanos longest = 0;
        Nanos shortest = 0;
    };
    // thread: on which it beats; nullptr: its owner calls beat(). frame: samples of 20 ms. crew: nullptr: none.
    Mixer(MediaThread* thread, unsigned frame, Crew* crew, Span span);
    Mixer(MediaThread* thread, unsigned frame) : Mixer(thread, frame, nullptr, {}) {}
    // Every party is told that it has left.
    ~Mixer() override;
    Mixer(const Mixer&) = delete;
    Mixer& operator=(const Mixer&) = delete;

    // Media thread only, but for size(). Unknown ids are passed over, as is a node that is there already.
    void add(std::uint64_t node, std::shared_ptr<Line> line);
    void add(std::uint64_t node, Port* port);
    void add(std::uint64_t node, std::unique_ptr<Party> party);
    void add_bus(std::uint64_t node);
    bool has(std::uint64_t node) const { return nodes_.count(node) != 0; }
    // With all its connections. A port is told by Port::left().
    void remove(std::uint64_t node);
    // A bus may hear another, but no ring of them: the connection that would close one is not made.
    void connect(std::uint64_t source, std::uint64_t sink);
    void disconnect(std::uint64_t source, std::uint64_t sink);
    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }  // nodes; any thread
    // Threads that the last tick was shared by. Any thread.
    unsigned hands() const noexcept { return shared_.load(std::memory_order_relaxed) ? crew_->hands() + 1 : 1; }

    void beat(Nanos now, unsigned frames) noexcept override;

  private:
    struct Node;

    // Of a sink: what it hears.
    struct Edge {
        Node* source;
        bool own;  // a bus that hears this sink in its turn
    };

    struct Node {
        std::unique_ptr<Party> party;  // none: a bus
        std::vector<Edge> sources;
        std::vector<Node*> sinks;
        std::vector<std::int16_t> frame;  // what it said in this tick; of a bus: its sum, clipped
        bool audible = false;             // in this tick
        // Of a listener, in this tick: what it hears, and where several voices are added up for it.
        const std::int16_t* hears = nullptr;
        std::vector<std::int16_t> mixed;
        // Of a bus, in this tick.
        std::vector<std::int32_t> sum;
        unsigned voices = 0;            // that are in the sum
        const Node* only = nullptr;     // when there is one voice: whose
        bool summed = false, clipped = false;

        bool speaks() const { return party == nullptr || party->speaks; }
        bool listens() const { return party == nullptr || party->listens; }
    };

    Node* find(std::uint64_t node) const;
    Node& make(std::uint64_t id, std::unique_ptr<Party> party);
    static std::vector<Edge>::iterator find_edge(Node& sink, const Node& source);
    static void cut(Node& source, Node& sink);
    static void see_own(Node& bus, Node& sink, bool own);
    static bool reaches(const Node& from, const Node& to);

    void tick() noexcept;
    void tick_alone() noexcept;
    void tick_together() noexcept;
    static void read_one(void* mixer, std::size_t index) noexcept;
    static void write_one(void* mixer, std::size_t index) noexcept;
    void read(Node& node) noexcept;
    void write(Node& node) noexcept;
    void sum_up(Node& bus) noexcept;
    void sum_in(Node& bus, const Edge& edge) noexcept;
    // Silence, or the sink's own voice and nothing else. A bus is summed up when it is not yet.
    bool mute(const Edge& edge, const Node& sink) noexcept;
    const std::int16_t* heard(Node& sink) noexcept;
    const std::int16_t* heard_alone(const Edge& edge, Node& sink) noexcept;
    const std::int16_t* heard_together(Node& sink) noexcept;

    MediaThread* const thread_;
    const unsigned frame_;
    Crew* const crew_;
    const Span span_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Node>> nodes_;
    std::vector<Node*> speakers_, listeners_, buses_;
    std::vector<Node*> anywhere_;     // of a tick that is shared out
    std::vector<std::int32_t> sum_;   // of one sink
    std::uint64_t timestamp_ = 0;
    std::atomic<std::size_t> size_{0};
    std::atomic<bool> shared_{false};  // written by the media thread
};

}  // namespace callwright
