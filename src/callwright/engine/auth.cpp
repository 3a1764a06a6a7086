#include "auth.hpp"

#include <openssl/rand.h>
#include <pjsip_simple.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <utility>

#include "engine.hpp"
#include "message.hpp"

namespace callwright {

namespace {

// How long a source that has authenticated is remembered, and how many.
constexpr std::chrono::hours proven_for{24};
constexpr std::size_t max_proven = 65536;
constexpr std::size_t max_scanned = 4096;
constexpr std::chrono::minutes scanner_silence{1};
// Security events, over all kinds.
constexpr double reports_per_second = 10;
constexpr double report_burst = 50;
// Of the limit for all strangers, what one source may use.
constexpr double share_of_source = 0.1;
constexpr double least_of_source = 50;
// So many times more failures block a source from which users have authenticated.
constexpr unsigned home_failures = 10;
// Longest values of an Authorization that are looked at; a User-Agent beyond is cut.
constexpr pj_ssize_t max_name = 128;
constexpr pj_ssize_t max_cnonce = 256;
constexpr std::size_t max_agent = 256;

std::string_view view(const pj_str_t& text) {
    return text.slen > 0 ? std::string_view(text.ptr, static_cast<std::size_t>(text.slen)) : std::string_view();
}

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    if (RAND_bytes(reinterpret_cast<std::uint8_t*>(bytes.data()), static_cast<int>(count)) != 1) {
        throw std::runtime_error("no random bytes");
    }
    return bytes;
}

std::string bytes_of(const pj_sockaddr& address) {
    const auto* bytes = static_cast<const char*>(pj_sockaddr_get_addr(&address));
    std::string text(bytes, pj_sockaddr_get_addr_len(&address));
    constexpr std::string_view mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);  // ::ffff:0:0/96
    return text.size() == 16 && text.compare(0, mapped.size(), mapped) == 0 ? text.substr(mapped.size()) : text;
}

std::uint32_t count_of(const pj_str_t& text) {
    std::array<std::uint8_t, 4> bytes{};
    if (!from_hex(view(text), bytes.data(), bytes.size())) return 0;
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

int port_of(const pjsip_sip_uri& uri, bool secure) { return uri.port != 0 ? uri.port : secure ? 5061 : 5060; }

// Whether the digest is of this request (RFC 7616 section 3.4.6). Parameters of the URI may differ: phones leave
// ";transport=tcp" out.
bool is_of_this_request(const pjsip_rx_data* rdata, const pj_str_t& text) {
    if (text.slen <= 0 || text.slen >= PJSIP_MAX_URL_SIZE) return false;
    pj_str_t copy;
    pj_strdup_with_null(rdata->tp_info.pool, &copy, &text);
    auto* named = pjsip_parse_uri(rdata->tp_info.pool, copy.ptr, static_cast<pj_size_t>(copy.slen), 0);
    auto* asked = rdata->msg_info.msg->line.req.uri;
    if (named == nullptr) return false;
    const bool sip = PJSIP_URI_SCHEME_IS_SIP(named) || PJSIP_URI_SCHEME_IS_SIPS(named);
    const bool secure = PJSIP_URI_SCHEME_IS_SIPS(asked);
    if (!sip || (!PJSIP_URI_SCHEME_IS_SIP(asked) && !secure)) {
        return pjsip_uri_cmp(PJSIP_URI_IN_REQ_URI, named, asked) == PJ_SUCCESS;
    }
    const auto& one = *static_cast<pjsip_sip_uri*>(pjsip_uri_get_uri(named));
    const auto& other = *static_cast<pjsip_sip_uri*>(pjsip_uri_get_uri(asked));
    return pj_strcmp(&one.user, &other.user) == 0 && pj_stricmp(&one.host, &other.host) == 0 &&
           port_of(one, secure) == port_of(other, secure) && secure == PJSIP_URI_SCHEME_IS_SIPS(named);
}

bool is_complete(const pjsip_digest_credential& credential) {
    const pj_str_t& name = credential.username;
    return name.slen > 0 && name.slen <= max_name && credential.cnonce.slen > 0 &&
           credential.cnonce.slen <= max_cnonce && pj_stricmp2(&credential.qop, "auth") == 0 &&
           count_of(credential.nc) != 0;
}

std::string name_key(std::string_view user, std::string_view realm) {
    return std::string(realm).append("\n").append(user);
}

// Under which failures are counted that must not be seen: no source and no name begins so.
std::string unseen(const std::string& key) { return "?" + key; }

bool equal_hosts(std::string_view one, std::string_view other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](unsigned char a, unsigned char b) {
        return std::tolower(a) == std::tolower(b);
    });
}

}  // namespace

bool AuthPolicy::offers(Algorithm algorithm) const {
    return std::find(algorithms.begin(), algorithms.end(), algorithm) != algorithms.end();
}

bool AuthPolicy::asks(std::string_view realm) const {
    return std::find(asking.begin(), asking.end(), realm) != asking.end();
}

std::string AuthPolicy::realm_of(std::string_view host) const {
    const auto found =
        std::find_if(asking.begin(), asking.end(), [&](const std::string& realm) { return equal_hosts(realm, host); });
    return found == asking.end() ? std::string() : *found;
}

Authenticator::Authenticator(Engine& engine)
    : engine_(engine),
      seed_(random_bytes(16)),
      proven_(max_proven),
      scanned_(max_scanned),
      reports_(reports_per_second, report_burst, Clock::now()) {
    for (const Algorithm algorithm : digest_algorithms) {
        const std::string bytes = random_bytes(length_of(algorithm) / 2);
        decoys_[static_cast<std::size_t>(algorithm)] =
            to_hex(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
}

void Authenticator::set_policy(AuthPolicy policy) {
    const std::lock_guard<std::mutex> lock(mutex_);
    policy.lockout = policy_->lockout;
    on_ = !policy.realm.empty();
    policy_ = std::make_shared<const AuthPolicy>(std::move(policy));
}

void Authenticator::set_lockout(const LockoutPolicy& lockout) {
    const std::lock_guard<std::mutex> lock(mutex_);
    AuthPolicy changed = *policy_;
    changed.lockout = lockout;
    policy_ = std::make_shared<const AuthPolicy>(std::move(changed));
}

void Authenticator::limit(double per_second, double burst) {
    const auto now = Clock::now();
    const double share = std::max(least_of_source, per_second * share_of_source);
    const std::lock_guard<std::mutex> lock(mutex_);
    strangers_.emplace(per_second, burst, now);
    by_source_.fill(TokenBucket(share, std::max(share, burst * share_of_source), now));
    by_home_ = by_source_;
}

std::shared_ptr<const AuthPolicy> Authenticator::policy() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return policy_;
}

bool Authenticator::is_of_a_user(const pjsip_method& method) {
    static const pjsip_method publish{PJSIP_OTHER_METHOD, {const_cast<char*>("PUBLISH"), 7}};
    return method.id == PJSIP_REGISTER_METHOD || pjsip_method_cmp(&method, pjsip_get_subscribe_method()) == 0 ||
           pjsip_method_cmp(&method, &publish) == 0;
}

std::string Authenticator::source_of(const pj_sockaddr& address) { return bytes_of(address).substr(0, 8); }

Authenticator::Peer Authenticator::peer_of(const pj_sockaddr& source, bool trunk) {
    return Peer{bytes_of(source), source_of(source), trunk, Clock::now()};
}

Authenticator::Judgement Authenticator::judge(pjsip_rx_data* rdata, bool trunk, Stage stage) {
    const auto policy = this->policy();
    const Peer peer = peer_of(rdata->pkt_info.src_addr, trunk);
    if (!trunk) {
        if (is_scanner(rdata, peer, *policy)) return Judgement(Finding::SILENCE);
        if (sources_.blocked(peer.source, peer.now)) {
            ++counters_.blocked;
            return Judgement(Finding::SILENCE);
        }
    }
    const auto* credential = find_credential(rdata->msg_info.msg, *policy);
    if (credential == nullptr) return unproven(rdata, peer, *policy, Finding::CHALLENGE);
    return judge_credential(rdata, peer, *policy, *credential, stage);
}

Identity Authenticator::claimed(const pjsip_rx_data* rdata) const {
    const auto* credential = find_credential(rdata->msg_info.msg, *policy());
    return credential == nullptr ? Identity{} : Identity{view(credential->username), view(credential->realm)};
}

// The first that is for a realm of ours, and no other: a request is one guess.
const pjsip_digest_credential* Authenticator::find_credential(const pjsip_msg* message,
                                                              const AuthPolicy& policy) const {
    const void* start = nullptr;
    while (true) {
        const auto* header = static_cast<const pjsip_authorization_hdr*>(
            pjsip_msg_find_hdr(message, PJSIP_H_AUTHORIZATION, start));
        if (header == nullptr) return nullptr;
        const auto& digest = header->credential.digest;
        const std::string realm = text_of(digest.realm);
        // An empty response is how some clients ask for a challenge.
        const bool answers = pj_stricmp2(&header->scheme, "digest") == 0 && digest.response.slen > 0;
        if (answers && (realm == policy.realm || policy.asks(realm) || users_.has_realm(realm))) return &digest;
        start = header->next;
        if (start == &message->hdr) return nullptr;
    }
}

bool Authenticator::is_scanner(const pjsip_rx_data* rdata, const Peer& peer, const AuthPolicy& policy) {
    static const pj_str_t name{const_cast<char*>("User-Agent"), 10};
    const auto* header = static_cast<const pjsip_generic_string_hdr*>(
        pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &name, nullptr));
    if (header == nullptr || policy.scanners.empty()) return false;
    std::string agent(view(header->hvalue).substr(0, max_agent));
    std::transform(agent.begin(), agent.end(), agent.begin(), [](unsigned char c) { return std::tolower(c); });
    const bool known = std::any_of(policy.scanners.begin(), policy.scanners.end(), [&](const std::string& part) {
        return agent.find(part) != std::string::npos;
    });
    if (!known) return false;
    ++counters_.scanners;
    const Clock::time_point* reported = scanned_.find(peer.source);
    if (reported != nullptr && peer.now - *reported < scanner_silence) return true;
    scanned_.at(peer.source) = peer.now;
    report("scanner", rdata, {}, peer.now);
    return true;
}

Authenticator::Judgement Authenticator::judge_credential(pjsip_rx_data* rdata, const Peer& peer,
                                                         const AuthPolicy& policy,
                                                         const pjsip_digest_credential& credential, Stage stage) {
    const auto algorithm = algorithm_named(view(credential.algorithm));
    // What was not offered is no answer.
    if (!algorithm || !policy.offers(*algorithm)) return unproven(rdata, peer, policy, Finding::CHALLENGE);
    if (!is_complete(credential) || !is_of_this_request(rdata, credential.uri)) {
        return unproven(rdata, peer, policy, Finding::MALFORMED);
    }
    // Only who receives our challenges at the address that he sends from can guess, and be counted for it: a forged
    // source blocks nobody. RFC 7616 section 3.3 lets a nonce that is not (or no more) good be stale, whatever the
    // response to it is; so a restart or another address costs a phone one more round.
    const auto nonce =
        nonces_.verify(view(credential.nonce), peer.address, view(credential.realm), peer.now, policy.nonce_lifetime);
    if (!nonce) return unproven(rdata, peer, policy, Finding::STALE);
    const std::string pair = peer.source + name_key(view(credential.username), view(credential.realm));
    if (!peer.trunk && pairs_.blocked(pair, peer.now)) {
        ++counters_.blocked;
        return Judgement(Finding::SILENCE);
    }
    const std::uint32_t count = count_of(credential.nc);
    const bool fresh = nonces_.fresh(*nonce, *algorithm, count);
    if (!is_right(rdata, peer, credential, *algorithm)) {
        return judge_wrong(rdata, peer, policy, credential, fresh, stage);
    }
    if (!fresh) {
        ++counters_.replayed;
        report("replayed", rdata, view(credential.username), peer.now);
        return Judgement(Finding::STALE);
    }
    Judgement judgement(Finding::PROVEN);
    judgement.nonce = *nonce;
    judgement.algorithm = *algorithm;
    judgement.count = count;
    judgement.credential = &credential;
    return judgement;
}

// In an asking realm nobody is refused for the table's sake alone: who is not in it, and who is with another password,
// get the same answer when whoever knows more has been asked, or was found not to answer.
Authenticator::Judgement Authenticator::judge_wrong(const pjsip_rx_data* rdata, const Peer& peer,
                                                    const AuthPolicy& policy,
                                                    const pjsip_digest_credential& credential, bool fresh,
                                                    Stage stage) {
    const bool asks = policy.asks(view(credential.realm));
    if (asks && stage == Stage::AGAIN) return Judgement(Finding::HELD);
    if (asks && stage == Stage::UNKNOWN) {
        fail_unseen(rdata, peer, policy, credential);
        return Judgement(Finding::UNDECIDED);
    }
    const std::string name = name_key(view(credential.username), view(credential.realm));
    if (asks && stage == Stage::FIRST && !is_blocked(peer, name)) {
        if (!fresh) return unproven(rdata, peer, policy, Finding::STALE);
        return Judgement(take_token(peer) ? Finding::HELD : Finding::BUSY);
    }
    fail(rdata, peer, policy, credential);
    return Judgement(Finding::CHALLENGE);
}

// Takes as long for a user that does not exist or is blocked as for a wrong password.
bool Authenticator::is_right(const pjsip_rx_data* rdata, const Peer& peer, const pjsip_digest_credential& credential,
                             Algorithm algorithm) {
    const auto user = view(credential.username);
    const auto realm = view(credential.realm);
    std::string ha1 = decoys_[static_cast<std::size_t>(algorithm)];
    const bool exists = users_.copy_ha1(user, realm, algorithm, ha1);
    const std::string expected =
        response_of(algorithm, ha1, {view(rdata->msg_info.msg->line.req.method.name), view(credential.uri),
                                     view(credential.nonce), view(credential.nc), view(credential.cnonce)});
    const bool equal = equal_secrets(expected, view(credential.response));
    const std::string name = name_key(user, realm);
    const bool seen = is_blocked(peer, name);
    const bool hidden = is_blocked_unseen(peer, name);
    return equal && exists && !seen && !hidden;
}

bool Authenticator::is_blocked(const Peer& peer, const std::string& name) {
    const bool blocked = names_.blocked(name, peer.now);
    return blocked && !is_at_home(peer, name);
}

bool Authenticator::is_blocked_unseen(const Peer& peer, const std::string& name) {
    const bool blocked = names_.blocked(unseen(name), peer.now) || sources_.blocked(unseen(peer.source), peer.now);
    return blocked && !is_at_home(peer, name);
}

// Where the user has authenticated before he may go on: others' guesses must not lock his phone out.
bool Authenticator::is_at_home(const Peer& peer, const std::string& name) {
    const Clock::time_point* before = proven_.find(peer.source + name);
    return before != nullptr && peer.now - *before < proven_for;
}

void Authenticator::fail(const pjsip_rx_data* rdata, const Peer& peer, const AuthPolicy& policy,
                         const pjsip_digest_credential& credential) {
    const auto user = view(credential.username);
    const std::string key = name_key(user, view(credential.realm));
    ++counters_.failed;
    if (peer.trunk) {
        report("auth-failed", rdata, user, peer.now);
    } else {
        fail_source(rdata, peer, policy.lockout, user, key);
    }
    const auto block = names_.fail(key, policy.lockout, peer.now);
    if (block != Clock::duration::zero()) report("user-blocked", rdata, user, peer.now, block);
}

// Behind a NAT one phone with a wrong password must not silence those with right ones: it is blocked alone, and its source
// only when many guess there. No fire wall should count it against the source either.
void Authenticator::fail_source(const pjsip_rx_data* rdata, const Peer& peer, const LockoutPolicy& lockout,
                                std::string_view user, const std::string& key) {
    const bool home = is_home(peer);
    report(home ? "home-auth-failed" : "auth-failed", rdata, user, peer.now);
    LockoutPolicy whole = lockout;
    if (home) {
        const auto block = pairs_.fail(peer.source + key, lockout, peer.now);
        if (block != Clock::duration::zero()) report("pair-blocked", rdata, user, peer.now, block);
        whole.failures *= home_failures;
    }
    const auto block = sources_.fail(peer.source, whole, peer.now);
    if (block != Clock::duration::zero()) report("blocked", rdata, user, peer.now, block);
}

// While nobody can tell who exists a guess at a user of the table counts like any other, but a block must not show that
// there was somebody to guess at: whoever is blocked goes on to be told that nobody can tell.
void Authenticator::fail_unseen(const pjsip_rx_data* rdata, const Peer& peer, const AuthPolicy& policy,
                                const pjsip_digest_credential& credential) {
    const auto user = view(credential.username);
    const auto realm = view(credential.realm);
    std::string ha1(length_of(Algorithm::MD5), '0');
    if (!users_.copy_ha1(user, realm, Algorithm::MD5, ha1)) return;
    ++counters_.failed;
    report("auth-failed", rdata, user, peer.now);
    if (!peer.trunk) sources_.fail(unseen(peer.source), policy.lockout, peer.now);
    names_.fail(unseen(name_key(user, realm)), policy.lockout, peer.now);
}

Authenticator::Judgement Authenticator::unproven(const pjsip_rx_data* rdata, const Peer& peer,
                                                 const AuthPolicy& policy, Finding finding) {
    if (policy.silent && !peer.trunk) {
        const bool may_ask = rdata->msg_info.msg->line.req.method.id == PJSIP_REGISTER_METHOD &&
                             !(users_.empty() && policy.asking.empty());
        if (!may_ask && !is_home(peer)) return Judgement(Finding::SILENCE);
    }
    return Judgement(take_token(peer) ? finding : Finding::BUSY);
}

bool Authenticator::within_limit(const pjsip_rx_data* rdata) {
    return take_token(peer_of(rdata->pkt_info.src_addr, false));
}

bool Authenticator::answers(const pj_sockaddr& source, bool trunk) {
    const Peer peer = peer_of(source, trunk);
    if (!trunk && (sources_.blocked(peer.source, peer.now) || (policy()->silent && !is_home(peer)))) return false;
    return take_token(peer);
}

// Whether some user has authenticated from there lately.
bool Authenticator::is_home(const Peer& peer) {
    const Clock::time_point* before = proven_.find(peer.source);
    return before != nullptr && peer.now - *before < proven_for;
}

bool Authenticator::take_token(const Peer& peer) {
    const std::size_t place = std::hash<std::string>{}(seed_ + peer.source) % by_source_.size();
    const bool home = is_home(peer);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!strangers_) return true;
    if (home && by_home_[place].take(peer.now)) return true;
    if (!home && (peer.trunk || by_source_[place].take(peer.now)) && strangers_->take(peer.now)) return true;
    ++counters_.refused_strangers;
    return false;
}

void Authenticator::accept(pjsip_rx_data* rdata, const Judgement& judgement, int module) {
    const auto now = Clock::now();
    const auto& credential = *judgement.credential;
    nonces_.use(judgement.nonce, judgement.algorithm, judgement.count, now, policy()->nonce_lifetime);
    const std::string source = source_of(rdata->pkt_info.src_addr);
    proven_.at(source) = now;
    proven_.at(source + name_key(view(credential.username), view(credential.realm))) = now;
    ++counters_.authenticated;
    auto* identity = PJ_POOL_ALLOC_T(rdata->tp_info.pool, Identity);
    *identity = Identity{view(credential.username), view(credential.realm)};
    rdata->endpt_info.mod_data[module] = identity;
}

Identity Authenticator::identity_of(const pjsip_rx_data* rdata, int module) {
    const auto* identity = static_cast<const Identity*>(rdata->endpt_info.mod_data[module]);
    return identity == nullptr ? Identity{} : *identity;
}

void Authenticator::challenge(pjsip_rx_data* rdata, bool stale, pjsip_hdr& headers) {
    ++counters_.challenged;
    const auto policy = this->policy();
    const auto* from = static_cast<pjsip_uri*>(pjsip_uri_get_uri(rdata->msg_info.from->uri));
    std::string realm;
    if (PJSIP_URI_SCHEME_IS_SIP(from) || PJSIP_URI_SCHEME_IS_SIPS(from)) {
        const auto host = view(reinterpret_cast<const pjsip_sip_uri*>(from)->host);
        realm = policy->realm_of(host);
        if (realm.empty()) realm = users_.realm_of(host);
    }
    if (realm.empty()) realm = policy->realm;
    // One nonce for all: phones on pjsip answer the last challenge of those whose nonces differ, which is MD5's.
    const std::string nonce = nonces_.issue(bytes_of(rdata->pkt_info.src_addr), realm, Clock::now());
    for (const Algorithm algorithm : policy->algorithms) {
        const std::string value = "Digest realm=\"" + realm + "\", nonce=\"" + nonce + "\", algorithm=" +
                                  name_of(algorithm) + ", qop=\"auth\"" + (stale ? ", stale=true" : "");
        const std::string name = "WWW-Authenticate";
        const pj_str_t key = borrow(name);
        const pj_str_t text = borrow(value);
        auto* header = pjsip_generic_string_hdr_create(rdata->tp_info.pool, &key, &text);
        pj_list_push_back(&headers, header);
    }
}

void Authenticator::report(const char* kind, const pjsip_rx_data* rdata, std::string_view user, Clock::time_point now,
                           Clock::duration block) {
    if (!reports_.take(now)) {
        ++counters_.unreported;
        return;
    }
    const auto seconds = std::ceil(std::chrono::duration<double>(block).count());
    auto event = std::make_unique<Event>(EventKind::SECURITY, 0, static_cast<int>(seconds));
    event->with("kind", std::string(kind));
    event->with("source_host", std::string(rdata->pkt_info.src_name));
    event->with("source_port", std::int64_t{rdata->pkt_info.src_port});
    event->with("user", std::string(user));
    event->with("method", text_of(rdata->msg_info.msg->line.req.method.name));
    engine_.push(std::move(event));
}

}  // namespace callwright
