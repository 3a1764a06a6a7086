// Admission of requests outside a call's dialog, decided before the transaction layer spends anything on them.
#pragma once

#include <pjsip.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "auth.hpp"
#include "event.hpp"
#include "token_bucket.hpp"

namespace callwright {

class Engine;

// An address or a prefix of addresses.
class Prefix {
  public:
    // Throws std::invalid_argument.
    static Prefix parse(const std::string& text);
    bool holds(const pj_sockaddr& address) const;
    unsigned bits() const { return bits_; }

  private:
    int family_ = 0;
    unsigned bits_ = 0;
    std::array<std::uint8_t, 16> address_{};
};

class Gate {
  public:
    struct Counters {
        std::atomic<std::uint64_t> invites{0};
        std::atomic<std::uint64_t> refused_source{0};
        std::atomic<std::uint64_t> refused_rate{0};
        std::atomic<std::uint64_t> refused_backlog{0};
        std::atomic<std::uint64_t> refused_full{0};
        std::atomic<std::uint64_t> refused_connections{0};
        std::atomic<std::uint64_t> malformed{0};
    };

    // Throws std::runtime_error.
    explicit Gate(Engine& engine) : engine_(engine), authenticator_(engine) {}

    // --- any thread; in force for every request that is read after the return ---
    void admit(std::vector<Prefix> sources);
    void limit(unsigned requests_per_second, unsigned burst, std::size_t backlog);
    const Counters& counters() const { return counters_; }
    Authenticator& authenticator() { return authenticator_; }

    // --- engine thread ---
    // Throws std::runtime_error.
    void install(pjsip_endpoint* endpoint);
    // Decides once more on a request that was held; false when it is held on. Else it has gone on, or is answered.
    bool settle(pjsip_rx_data* rdata, Stage stage);
    // From now on nothing new is taken.
    void shut() { shut_ = true; }
    // Who has proven himself for it.
    Identity identity_of(const pjsip_rx_data* rdata) const { return Authenticator::identity_of(rdata, module_.id); }
    bool is_of_a_user(const pjsip_rx_data* rdata) const { return !identity_of(rdata).user.empty(); }
    // Whether a request to this hop (a sip: URI of an address) can be sent: one over TCP or TLS goes down a connection
    // that its other end has opened (RFC 5626 section 5.3).
    bool reaches(const std::string& hop) const;
    // Whether a keep-alive from there is answered: as other requests of strangers are, within their limits.
    bool admits_keep_alive(const pj_sockaddr& source);
    void count_malformed() { ++counters_.malformed; }
    // Adds user and realm: who has sent it; both "" for a trunk.
    void describe_sender(Event& event, const pjsip_rx_data* rdata) const;
    // pjsua's on_transport_state.
    static void on_transport(pjsip_transport* transport, pjsip_transport_state state,
                             const pjsip_transport_state_info* info);

  private:
    using Clock = std::chrono::steady_clock;
    enum class Verdict { PASS, DROP, MALFORMED, CHALLENGE, STALE, FORBIDDEN, OVERLOAD, FULL, HOLD };

    static pj_bool_t on_request(pjsip_rx_data* rdata);
    static void on_dropped(pjsip_tp_dropped_data* dropped);

    Verdict judge(pjsip_rx_data* rdata);
    Verdict judge_source(pjsip_rx_data* rdata, bool invite, Stage stage);
    Verdict judge_user(pjsip_rx_data* rdata, bool invite, bool trunk, Stage stage);
    Verdict judge_stranger(pjsip_rx_data* rdata);
    Verdict judge_load(const pjsip_rx_data* rdata, bool invite);
    std::optional<Verdict> judge_room();
    bool is_admitted(const pj_sockaddr& source);
    bool known(const pjsip_rx_data* rdata) const;
    bool take_token();
    void refuse(pjsip_rx_data* rdata, Verdict verdict);
    void respond(pjsip_rx_data* rdata, int code, bool retry_later);
    void challenge(pjsip_rx_data* rdata, bool stale);
    void count_connection(pjsip_transport* transport, pjsip_transport_state state);

    Engine& engine_;
    Authenticator authenticator_;
    pjsip_endpoint* endpoint_ = nullptr;
    pjsip_module module_{};
    bool shut_ = false;

    std::mutex mutex_;  // of what follows, up to the backlog
    std::vector<Prefix> sources_;
    std::optional<TokenBucket> tokens_;
    std::atomic<std::size_t> backlog_{SIZE_MAX};

    std::unordered_map<pjsip_transport*, std::string> connections_;
    std::unordered_map<std::string, unsigned> connections_by_source_;
    Counters counters_;
};

}  // namespace callwright
