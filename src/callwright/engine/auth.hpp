// Digest authentication of requests outside a dialog (RFC 3261 section 22, RFC 7616, RFC 8760), before any transaction.
#pragma once

#include <pjsip.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "digest.hpp"
#include "lockout.hpp"
#include "nonce.hpp"
#include "recent.hpp"
#include "token_bucket.hpp"
#include "users.hpp"

namespace callwright {

class Engine;

struct AuthPolicy {
    std::string realm;  // empty: nobody authenticates
    std::chrono::steady_clock::duration nonce_lifetime = std::chrono::minutes(5);
    std::vector<Algorithm> algorithms{digest_algorithms.begin(), digest_algorithms.end()};  // the stronger first
    // A source that has never authenticated gets an answer to REGISTER only.
    bool silent = false;
    std::vector<std::string> scanners;  // parts of a User-Agent, in lower case
    // Realms of whose users others know more than the table: a wrong response is refused when they have been asked.
    std::vector<std::string> asking;
    LockoutPolicy lockout;

    bool offers(Algorithm algorithm) const;
    bool asks(std::string_view realm) const;
    // The asking realm that is this host's, whatever its case; empty for none.
    std::string realm_of(std::string_view host) const;
};

// What is known of who has sent a request of an asking realm when it is judged.
enum class Stage {
    FIRST,    // what the table says
    AGAIN,    // that, once more
    KNOWN,    // all that there is to know
    UNKNOWN,  // who would know does not answer
};

// Whom a request is from; empty for a trunk. The texts live as long as the request.
struct Identity {
    std::string_view user;
    std::string_view realm;
};

class Authenticator {
  public:
    using Clock = std::chrono::steady_clock;

    // HELD: somebody else must be asked. UNDECIDED: it was in vain.
    enum class Finding { PROVEN, CHALLENGE, STALE, MALFORMED, SILENCE, BUSY, HELD, UNDECIDED };

    struct Judgement {
        explicit Judgement(Finding finding_) : finding(finding_) {}

        Finding finding;
        // Of a proof:
        Nonces::Nonce nonce;
        Algorithm algorithm = Algorithm::SHA_256;
        std::uint32_t count = 0;
        const pjsip_digest_credential* credential = nullptr;
    };

    struct Counters {
        std::atomic<std::uint64_t> authenticated{0};
        std::atomic<std::uint64_t> challenged{0};
        std::atomic<std::uint64_t> failed{0};
        std::atomic<std::uint64_t> replayed{0};
        std::atomic<std::uint64_t> blocked{0};
        std::atomic<std::uint64_t> scanners{0};
        std::atomic<std::uint64_t> refused_strangers{0};
        std::atomic<std::uint64_t> unreported{0};
    };

    // Throws std::runtime_error.
    explicit Authenticator(Engine& engine);

    // --- any thread; in force for every request that is read after the return ---
    Users& users() { return users_; }
    // Keeps the lockout that is in force.
    void set_policy(AuthPolicy policy);
    void set_lockout(const LockoutPolicy& lockout);
    // For requests that prove nothing, over all sources.
    void limit(double per_second, double burst);
    bool on() const { return on_; }
    const Counters& counters() const { return counters_; }

    // --- engine thread ---
    // What is counted of a source: an IPv6 network has more addresses than anybody can count.
    static std::string source_of(const pj_sockaddr& address);
    // Whether a request needs a user even when it comes through a trunk.
    static bool is_of_a_user(const pjsip_method& method);
    Judgement judge(pjsip_rx_data* rdata, bool trunk, Stage stage);
    // User and realm that a request of an asking realm claims, which was judged to be held.
    Identity claimed(const pjsip_rx_data* rdata) const;
    // Whether a request that proves nothing, and is no trunk's, may go on; counts it when not.
    bool within_limit(const pjsip_rx_data* rdata);
    // The same for what is no request, and whether its source is answered at all.
    bool answers(const pj_sockaddr& source, bool trunk);
    // The request that was judged a proof is let in: `module` is where identity_of() finds whose it is.
    void accept(pjsip_rx_data* rdata, const Judgement& judgement, int module);
    // The headers of a 401.
    void challenge(pjsip_rx_data* rdata, bool stale, pjsip_hdr& headers);
    static Identity identity_of(const pjsip_rx_data* rdata, int module);

  private:
    struct Peer {
        std::string address;  // its bytes
        std::string source;   // what is counted of it
        bool trunk;
        Clock::time_point now;
    };

    static Peer peer_of(const pj_sockaddr& source, bool trunk);
    std::shared_ptr<const AuthPolicy> policy() const;
    const pjsip_digest_credential* find_credential(const pjsip_msg* message, const AuthPolicy& policy) const;
    bool is_scanner(const pjsip_rx_data* rdata, const Peer& peer, const AuthPolicy& policy);
    Judgement judge_credential(pjsip_rx_data* rdata, const Peer& peer, const AuthPolicy& policy,
                               const pjsip_digest_credential& credential, Stage stage);
    // Of a wrong response with a good nonce; `fresh`: it could have been right.
    Judgement judge_wrong(const pjsip_rx_data* rdata, const Peer& peer, const AuthPolicy& policy,
                          const pjsip_digest_credential& credential, bool fresh, Stage stage);
    bool is_right(const pjsip_rx_data* rdata, const Peer& peer, const pjsip_digest_credential& credential,
                  Algorithm algorithm);
    // Whether a user is refused there for others' guesses: those that anybody may see, and those that were not shown.
    bool is_blocked(const Peer& peer, const std::string& name);
    bool is_blocked_unseen(const Peer& peer, const std::string& name);
    bool is_at_home(const Peer& peer, const std::string& name);
    Judgement unproven(const pjsip_rx_data* rdata, const Peer& peer, const AuthPolicy& policy, Finding finding);
    void fail(const pjsip_rx_data* rdata, const Peer& peer, const AuthPolicy& policy,
              const pjsip_digest_credential& credential);
    void fail_source(const pjsip_rx_data* rdata, const Peer& peer, const LockoutPolicy& lockout, std::string_view user,
                     const std::string& key);
    void fail_unseen(const pjsip_rx_data* rdata, const Peer& peer, const AuthPolicy& policy,
                     const pjsip_digest_credential& credential);
    bool is_home(const Peer& peer);
    bool take_token(const Peer& peer);
    void report(const char* kind, const pjsip_rx_data* rdata, std::string_view user, Clock::time_point now,
                Clock::duration block = {});

    Engine& engine_;
    Users users_;
    Nonces nonces_;
    Counters counters_;
    std::atomic<bool> on_{false};

    mutable std::mutex mutex_;  // of what follows, up to the buckets
    std::shared_ptr<const AuthPolicy> policy_ = std::make_shared<AuthPolicy>();
    std::optional<TokenBucket> strangers_;
    std::array<TokenBucket, 4096> by_source_{};
    std::array<TokenBucket, 4096> by_home_{};  // of sources that have authenticated: strangers take nothing from them

    std::array<std::string, digest_algorithms.size()> decoys_;  // H(A1) of users that do not exist
    std::string seed_;                                           // nobody can choose whose bucket he shares
    Lockout sources_;
    Lockout names_;
    Lockout pairs_;  // users at sources where others have authenticated
    Recent<Clock::time_point> proven_;   // sources, and sources with user, by when they last authenticated
    Recent<Clock::time_point> scanned_;  // sources, by when they were last reported
    TokenBucket reports_;
};

}  // namespace callwright
