// One SIP user agent with its media plane, and the thread that owns both.
#pragma once

#include <pjlib.h>
#include <pjsua-lib/pjsua.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "digit.hpp"
#include "event.hpp"
#include "jobs.hpp"
#include "log_lines.hpp"
#include "patch.hpp"
#include "policy.hpp"
#include "tls.hpp"
#include "tls_names.hpp"

namespace callwright {

class Crew;
class Flows;
class Gate;
class Held;
class Interfaces;
class KeepAlives;
class Legs;
class MediaThread;
class Mixer;
class Offers;
class Outgoing;
class Port;
class Ports;
class Requests;

struct Listen {
    std::string transport;  // "udp" | "tcp" | "tls"
    std::string host;
    int port = 0;
    std::string advertised;  // the address that peers are told; empty: its own
    std::string media;  // where its calls have their media; empty: as EngineOptions has it
    std::string media_advertised;  // told in its place to peers that are not inside; empty: as there
};

struct EngineOptions {
    std::vector<Listen> listen;
    std::vector<TlsSettings> tls;  // of the "tls" transports, in their order
    bool verify_server = true;
    std::string media_address;   // a wildcard: that which leads to the peer, see Interfaces
    std::string media_address6;  // of the other family; empty: there is none
    std::string advertised_address;  // of media, to peers that are not inside; empty: media_address
    std::vector<std::string> inside;  // prefixes
    int rtp_first = 0;
    int rtp_last = 0;
    unsigned clock_rate = 16000;
    unsigned max_legs = 2000;
    std::string user_agent;
    int log_level = 2;
    int mixers = -1;  // threads beside the media thread that share its mixing when that takes long; -1: spare cores
    unsigned mixing_us = 2000;  // of the 20 ms, from which on it is shared
    std::string rtp_io = "auto";  // "io_uring" | "epoll" | "auto"
    unsigned media_timeout = 30;  // seconds without RTP until MEDIA_LOST
    unsigned hold_timeout = 300;
    bool late_from_anywhere = false;  // see SourceLock
    Policy policy;  // of legs of which nothing else is said
    unsigned ptime = 20;
    OpusSettings opus;
    bool comfort_noise = false;  // offered (RFC 3389); what offers it is answered with it in any case
    unsigned jitter_least = 20, jitter_most = 240;  // ms that the jitter buffers hold, at least and at most
    unsigned session_expires = 1800;  // RFC 4028, in seconds; 0: no session timers
    unsigned min_session_expires = 90;

    // pjsua's call slots: one stays taken for up to 32 s after its leg when the peer answers no BYE or CANCEL.
    unsigned max_calls() const { return max_legs + max_legs / 2 + 16; }
};

// Throws std::invalid_argument.
void check_options(const EngineOptions& options);

// A transport that cannot be bound: errno and "udp:host:port".
struct BindError : std::runtime_error {
    BindError(int error_, const std::string& address) : std::runtime_error(address), error(error_) {}
    int error;
};

class Engine {
  public:
    using Job = callwright::Job;

    // Throws std::invalid_argument, BindError, std::runtime_error.
    explicit Engine(EngineOptions options);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Any thread. The calling thread must not be the engine's. Idempotent; bounded.
    void close();

    // --- any thread ---
    EventQueue& events() noexcept { return events_; }
    unsigned clock_rate() const noexcept { return options_.clock_rate; }
    unsigned samples_per_frame() const noexcept { return options_.clock_rate / 50; }
    pj_pool_factory* pools() const noexcept { return pools_; }
    std::uint64_t next_id() noexcept { return ++last_id_; }
    const EngineOptions& options() const noexcept { return options_; }
    const std::vector<Listen>& addresses() const noexcept { return bound_; }
    // Runs on the engine thread, in order of posting, within about a millisecond. After close() has begun a job is
    // destroyed without running: what it owns must be freed by its destructor.
    void post(std::function<void()> job) { post(std::unique_ptr<Job>(new Job{std::move(job), nullptr})); }
    // The same for a job made beforehand: allocates nothing.
    void post(std::unique_ptr<Job> job) noexcept;
    // Sends FAILED.
    void fail(std::uint64_t id, std::string why);
    void push(std::unique_ptr<Event> event) noexcept { events_.push(std::move(event)); }
    // Every digit of `leg` is handed to port->on_digit() until remove(port) or unwatch_digits: on the thread that
    // received it, right after its DIGIT event, under the mutex that unwatching takes. Before place() is allowed, so
    // that no digit falls between a command and its job; then a port never placed must be unwatched by its owner.
    void watch_digits(Port* port, std::uint64_t leg) { digits_.watch(port, leg); }
    void unwatch_digits(Port* port) { digits_.unwatch(port); }

    // --- engine thread only ---
    bool on_engine_thread() const noexcept { return std::this_thread::get_id() == thread_id_; }
    // In the patch as node port->id(), heard by `sink` (0: nobody yet). The engine keeps it by id until remove().
    void place(Port* port, std::uint64_t sink);
    // Out of the patch, off the digit watch; freed once the media thread has let go: the caller's pointer is dead.
    // Unknown: no-op.
    void remove(std::uint64_t port_id);
    Port* find_port(std::uint64_t id) const;
    Patch& patch() noexcept { return patch_; }
    // Lives from the start to the end of the library.
    MediaThread& media() noexcept { return *media_; }

    // --- commands (any thread; each queues a job) ---
    void connect(std::uint64_t source, std::uint64_t sink);
    void disconnect(std::uint64_t source, std::uint64_t sink);
    void overhear(std::uint64_t node, std::uint64_t listener);
    // A node that hears many and is heard by many, until remove_bus().
    std::uint64_t add_bus();
    void remove_bus(std::uint64_t bus);
    // The certificate that a "tls" transport (counted from 0) shows to new connections. Throws std::invalid_argument.
    void certify(std::size_t transport, const std::string& certificate, const std::string& private_key,
                 const std::string& ca);
    // What every "tls" transport shows to new connections that call one of these names, in place of what was said
    // before. Throws std::invalid_argument; then nothing has changed.
    void certify_names(const std::vector<NamedCertificate>& names);

    // --- parts, for each other ---
    Digits& digits() noexcept { return digits_; }
    Flows& flows() noexcept { return *flows_; }
    Gate& gate() noexcept { return *gate_; }
    Held& held() noexcept { return *held_; }
    Interfaces& interfaces() noexcept { return *interfaces_; }
    KeepAlives& keep_alives() noexcept { return *keep_alives_; }
    Legs& legs() noexcept { return *legs_; }
    Offers& offers() noexcept { return *offers_; }
    Outgoing& outgoing() noexcept { return *outgoing_; }
    Ports& ports() noexcept { return *ports_; }
    Requests& requests() noexcept { return *requests_; }
    TlsNames& tls_names() noexcept { return tls_names_; }
    std::vector<std::pair<const char*, std::uint64_t>> counts() const;
    std::vector<std::pair<const char*, std::uint64_t>> counters() const;
    // Of the media plane: what it is, how things stand, and what it has done since the start. After close(): nothing.
    std::vector<std::pair<const char*, std::string>> media_facts() const;
    std::vector<std::pair<const char*, std::uint64_t>> media_counts() const;
    std::vector<std::pair<const char*, std::uint64_t>> media_counters() const;
    // Each address with its pairs of RTP ports: how many there are, and how many are taken.
    std::vector<std::tuple<std::string, std::uint64_t, std::uint64_t>> media_addresses() const;
    // Runs `use` while pjlib is up and cannot go; false after close(), and `use` did not run.
    bool with_library(const std::function<void()>& use) const;
    // The engine that lives, for pjsip's callbacks, which carry no user data.
    static Engine* current() noexcept;

  private:
    void run(std::promise<void>& started);
    void start();
    void start_library();
    void start_media_thread();
    static void begin_mixing();
    void start_wakeup();
    void start_transport(const Listen& listen);
    void start_media();
    void stop() noexcept;
    void dismiss_crew();
    void end_calls();
    void end_ports();
    void run_jobs();
    void close_wakeup() noexcept;
    static void on_wakeup(pj_ioqueue_key_t* key, pj_ioqueue_op_key_t* op, pj_ssize_t bytes);
    static void on_log(int level, const char* data, int length);

    EngineOptions options_;
    EventQueue events_;
    static inline std::atomic<std::uint64_t> last_id_{0};  // of the process: an id is never used again
    pj_pool_factory* pools_ = nullptr;
    std::vector<Listen> bound_;

    std::thread thread_;
    std::thread::id thread_id_;
    std::mutex close_mutex_;
    std::atomic<bool> closing_{false};  // the loop is to end
    std::atomic<bool> ended_{false};    // the thread is gone
    mutable std::mutex library_mutex_;
    bool library_up_ = false;  // under library_mutex_

    JobQueue jobs_;
    std::array<int, 2> wakeup_{-1, -1};  // pjlib's end, ours
    pj_pool_t* pool_ = nullptr;
    pj_ioqueue_key_t* wakeup_key_ = nullptr;
    pj_ioqueue_op_key_t wakeup_op_{};
    std::array<char, 64> wakeup_buffer_{};
    std::unique_ptr<Crew> crew_;
    std::unique_ptr<MediaThread> media_;
    std::unique_ptr<Mixer> mixer_;
    pj_thread_desc media_thread_;  // pjlib's record of it

    LogLines log_{events_, options_.log_level};
    Digits digits_{events_};
    Patch patch_;
    std::unordered_map<std::uint64_t, Port*> placed_;
    std::vector<std::unique_ptr<TlsFiles>> tls_files_;
    TlsNames tls_names_;

    std::unique_ptr<Flows> flows_;
    std::unique_ptr<Gate> gate_;
    std::unique_ptr<Held> held_;
    std::unique_ptr<Interfaces> interfaces_;
    std::unique_ptr<KeepAlives> keep_alives_;
    std::unique_ptr<Offers> offers_;
    std::unique_ptr<Outgoing> outgoing_;
    std::unique_ptr<Legs> legs_;
    std::unique_ptr<Ports> ports_;
    std::unique_ptr<Requests> requests_;
};

}  // namespace callwright
