// Who may authenticate: H(A1) of each user (RFC 7616 section 3.4.2), no password.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "digest.hpp"

namespace callwright {

struct User {
    std::string username;
    std::string realm;
    std::array<std::string, digest_algorithms.size()> ha1;  // by algorithm

    const std::string& ha1_of(Algorithm algorithm) const { return ha1[static_cast<std::size_t>(algorithm)]; }
};

// Throws std::invalid_argument.
void check_user(const User& user);
void check_realm(const std::string& realm);

// Any thread. A change is in force for the next request.
class Users {
  public:
    void replace(std::vector<User> users);
    // In place of the one of that name and realm, if there is one.
    void add(User user);
    void remove(const std::string& username, const std::string& realm);

    // Puts a user's H(A1) in place of what `ha1` holds, which is as long; false, and it stays, when there is none.
    bool copy_ha1(std::string_view username, std::string_view realm, Algorithm algorithm, std::string& ha1) const;
    // The realm that is this host's, whatever its case; empty when no user has it.
    std::string realm_of(std::string_view host) const;
    bool has_realm(const std::string& realm) const;
    bool empty() const;

  private:
    struct Realm {
        std::string name;
        std::size_t users = 0;
    };
    struct Table {
        std::unordered_map<std::string, User> users;
        std::map<std::string, Realm> realms;  // by name in lower case

        void add(User user);
        void remove(const std::string& key);
    };

    mutable std::mutex mutex_;
    Table table_;
};

}  // namespace callwright
