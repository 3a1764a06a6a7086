// Admission of requests outside a dialog, decided before the transaction layer spends anything on them.
#pragma once

#include <pjsip.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

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

    explicit Gate(Engine& engine) : engine_(engine) {}

    // --- any thread; in force for every request that is read after the return ---
    void admit(std::vector<Prefix> sources);
    void limit(unsigned requests_per_second, unsigned burst, std::size_t backlog);
    const Counters& counters() const { return counters_; }

    // --- engine thread ---
    // Throws std::runtime_error.
    void install(pjsip_endpoint* endpoint);
    // From now on nothing new is taken.
    void shut() { shut_ = true; }
    // pjsua's on_transport_state.
    static void on_transport(pjsip_transport* transport, pjsip_transport_state state,
                             const pjsip_transport_state_info* info);

  private:
    using Clock = std::chrono::steady_clock;
    enum class Verdict { PASS, DROP, MALFORMED, FORBIDDEN, OVERLOAD, FULL };

    static pj_bool_t on_request(pjsip_rx_data* rdata);
    static void on_dropped(pjsip_tp_dropped_data* dropped);

    Verdict judge(const pjsip_rx_data* rdata);
    Verdict judge_load(bool invite);
    bool is_admitted(const pj_sockaddr& source);
    bool known(const pjsip_rx_data* rdata) const;
    bool take_token();
    void refuse(pjsip_rx_data* rdata, Verdict verdict);
    void respond(pjsip_rx_data* rdata, int code, bool retry_later);
    void count_connection(pjsip_transport* transport, pjsip_transport_state state);

    Engine& engine_;
    pjsip_endpoint* endpoint_ = nullptr;
    pjsip_module module_{};
    bool shut_ = false;

    std::mutex mutex_;  // of what follows, up to the backlog
    std::vector<Prefix> sources_;
    bool limited_ = false;
    double rate_ = 0;
    double burst_ = 0;
    double tokens_ = 0;
    Clock::time_point filled_{};
    std::atomic<std::size_t> backlog_{SIZE_MAX};

    std::unordered_map<pjsip_transport*, std::string> connections_;
    std::unordered_map<std::string, unsigned> connections_by_source_;
    Counters counters_;
};

}  // namespace callwright
