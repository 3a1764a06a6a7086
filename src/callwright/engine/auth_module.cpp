#include "auth_module.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "auth.hpp"
#include "digest.hpp"
#include "gate.hpp"
#include "held.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace callwright {

namespace {

using Released = nb::call_guard<nb::gil_scoped_release>;
using Seconds = std::chrono::duration<double>;
using Duration = LockoutPolicy::Duration;

constexpr double longest_duration = 30 * 24 * 3600.0;

Duration duration_of(double seconds, const char* what) {
    const bool fine = seconds > 0 && seconds <= longest_duration;  // a NaN is neither
    if (!fine) throw std::invalid_argument(std::string(what) + ": more than 0 s, at most 30 days");
    return std::chrono::duration_cast<Duration>(Seconds(seconds));
}

User make_user(std::string username, std::string realm, std::string ha1_md5, std::string ha1_sha256) {
    User user;
    user.username = std::move(username);
    user.realm = std::move(realm);
    user.ha1[static_cast<std::size_t>(Algorithm::MD5)] = std::move(ha1_md5);
    user.ha1[static_cast<std::size_t>(Algorithm::SHA_256)] = std::move(ha1_sha256);
    check_user(user);
    return user;
}

void set_credentials(Engine& engine,
                     const std::vector<std::tuple<std::string, std::string, std::string, std::string>>& users) {
    std::vector<User> table;
    table.reserve(users.size());
    for (const auto& [username, realm, ha1_md5, ha1_sha256] : users) {
        table.push_back(make_user(username, realm, ha1_md5, ha1_sha256));
    }
    engine.gate().authenticator().users().replace(std::move(table));
}

void add_credential(Engine& engine, std::string username, std::string realm, std::string ha1_md5,
                    std::string ha1_sha256) {
    engine.gate().authenticator().users().add(
        make_user(std::move(username), std::move(realm), std::move(ha1_md5), std::move(ha1_sha256)));
}

void remove_credential(Engine& engine, const std::string& username, const std::string& realm) {
    engine.gate().authenticator().users().remove(username, realm);
}

void judge(Engine& engine, std::uint64_t request, bool conclusive, double delay) {
    const bool fine = delay >= 0 && delay <= Held::longest_delay;  // a NaN is neither
    if (!fine) throw std::invalid_argument("delay: 0 to 15 s");
    const auto milliseconds = static_cast<long>(delay * 1000);
    engine.post([&engine, request, conclusive, milliseconds] {
        engine.held().judge(request, conclusive ? Stage::KNOWN : Stage::UNKNOWN, milliseconds);
    });
}

Algorithm find_algorithm(const std::string& name) {
    const auto known = name.empty() ? std::nullopt : algorithm_named(name);
    if (!known) throw std::invalid_argument("not \"SHA-256\" or \"MD5\": \"" + name + "\"");
    return *known;
}

std::vector<Algorithm> find_algorithms(const std::vector<std::string>& names) {
    std::vector<Algorithm> found;
    for (const std::string& name : names) found.push_back(find_algorithm(name));
    std::sort(found.begin(), found.end());
    const bool once = std::adjacent_find(found.begin(), found.end()) == found.end();
    if (found.empty() || !once) throw std::invalid_argument("algorithms: at least one, each once");
    return found;
}

void authenticate(Engine& engine, std::string realm, double nonce_lifetime, const std::vector<std::string>& algorithms,
                  bool silent, std::vector<std::string> scanners, std::vector<std::string> asking) {
    AuthPolicy policy;
    for (const std::string& one : asking) check_realm(one);
    policy.asking = std::move(asking);
    if (!realm.empty()) check_realm(realm);
    policy.realm = std::move(realm);
    policy.nonce_lifetime = duration_of(nonce_lifetime, "nonce_lifetime");
    policy.algorithms = find_algorithms(algorithms);
    policy.silent = silent;
    for (std::string& part : scanners) {
        if (part.empty()) throw std::invalid_argument("scanners: an empty one is part of every User-Agent");
        std::transform(part.begin(), part.end(), part.begin(), [](unsigned char c) { return std::tolower(c); });
    }
    policy.scanners = std::move(scanners);
    engine.gate().authenticator().set_policy(std::move(policy));
}

void set_lockout(Engine& engine, int failures, double window, double block, double longest) {
    if (failures < 1) throw std::invalid_argument("failures: at least 1");
    LockoutPolicy policy;
    policy.failures = static_cast<unsigned>(failures);
    policy.window = duration_of(window, "window");
    policy.block = duration_of(block, "block");
    policy.longest = duration_of(longest, "longest");
    if (policy.longest < policy.block) throw std::invalid_argument("longest: not shorter than block");
    engine.gate().authenticator().set_lockout(policy);
}

std::string digest_response(const std::string& algorithm, const std::string& ha1, const std::string& method,
                            const std::string& uri, const std::string& nonce, const std::string& count,
                            const std::string& cnonce) {
    return response_of(find_algorithm(algorithm), ha1, {method, uri, nonce, count, cnonce});
}

}  // namespace

void bind_auth(nb::module_& module, nb::class_<Engine>& engine) {
    engine
        .def("authenticate", &authenticate, nb::kw_only(), "realm"_a, "nonce_lifetime"_a = 300.0,
             "algorithms"_a = nb::make_tuple("SHA-256", "MD5"), "silent"_a = false, "scanners"_a = nb::tuple(),
             "asking"_a = nb::tuple(), Released())
        .def("lockout", &set_lockout, nb::kw_only(), "failures"_a = 5, "window"_a = 60.0, "block"_a = 60.0,
             "longest"_a = 3600.0, Released())
        .def("credentials", &set_credentials, "users"_a, Released())
        .def("add_credential", &add_credential, "username"_a, "realm"_a, "ha1_md5"_a, "ha1_sha256"_a, Released())
        .def("remove_credential", &remove_credential, "username"_a, "realm"_a, Released())
        .def("judge", &judge, "request"_a, nb::kw_only(), "conclusive"_a = true, "delay"_a = 0.0, Released());
    module.def("digest_response", &digest_response, "algorithm"_a, "ha1"_a, nb::kw_only(), "method"_a, "uri"_a,
               "nonce"_a, "count"_a, "cnonce"_a);
}

}  // namespace callwright
