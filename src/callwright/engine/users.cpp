#include "users.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

namespace callwright {

namespace {

constexpr std::size_t max_name = 128;

std::string key_of(std::string_view username, std::string_view realm) {
    std::string key(username);
    key += '\n';  // in no username
    return key.append(realm);
}

std::string lower(std::string_view text) {
    std::string lowered(text);
    std::transform(lowered.begin(), lowered.end(), lowered.begin(), [](unsigned char c) { return std::tolower(c); });
    return lowered;
}

// It stands in a quoted string as it is.
bool is_plain(std::string_view text) {
    return !text.empty() && text.size() <= max_name && std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= ' ' && byte != 0x7f && c != '"' && c != '\\';
    });
}

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

}  // namespace

void check_realm(const std::string& realm) {
    if (!is_plain(realm)) throw std::invalid_argument("not a realm: \"" + realm + "\"");
}

void check_user(const User& user) {
    if (!is_plain(user.username) || user.username.find(':') != std::string::npos) {
        throw std::invalid_argument("not a username: \"" + user.username + "\"");
    }
    check_realm(user.realm);
    for (const Algorithm algorithm : digest_algorithms) {
        const std::string& ha1 = user.ha1_of(algorithm);
        if (ha1.size() != length_of(algorithm) || !is_hex(ha1)) {
            throw std::invalid_argument(std::string("H(A1) in ") + name_of(algorithm) + " of \"" + user.username +
                                        "\" is not " + std::to_string(length_of(algorithm)) + " hexadecimal digits");
        }
    }
}

void Users::Table::add(User user) {
    const std::string key = key_of(user.username, user.realm);
    remove(key);
    Realm& realm = realms[lower(user.realm)];
    if (realm.users++ == 0) realm.name = user.realm;
    users.emplace(key, std::move(user));
}

void Users::Table::remove(const std::string& key) {
    const auto found = users.find(key);
    if (found == users.end()) return;
    const auto realm = realms.find(lower(found->second.realm));
    if (--realm->second.users == 0) realms.erase(realm);
    users.erase(found);
}

void Users::replace(std::vector<User> users) {
    Table table;
    for (User& user : users) table.add(std::move(user));
    const std::lock_guard<std::mutex> lock(mutex_);
    std::swap(table_, table);
}

void Users::add(User user) {
    const std::lock_guard<std::mutex> lock(mutex_);
    table_.add(std::move(user));
}

void Users::remove(const std::string& username, const std::string& realm) {
    const std::lock_guard<std::mutex> lock(mutex_);
    table_.remove(key_of(username, realm));
}

bool Users::copy_ha1(std::string_view username, std::string_view realm, Algorithm algorithm,
                     std::string& ha1) const {
    const std::string key = key_of(username, realm);
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = table_.users.find(key);
    if (found == table_.users.end()) return false;
    ha1 = found->second.ha1_of(algorithm);
    return true;
}

std::string Users::realm_of(std::string_view host) const {
    const std::string name = lower(host);
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = table_.realms.find(name);
    return found == table_.realms.end() ? std::string() : found->second.name;
}

bool Users::has_realm(const std::string& realm) const { return realm_of(realm) == realm; }

bool Users::empty() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return table_.users.empty();
}

}  // namespace callwright
