// sources: rtp/address.cpp
// Addresses: what the kernel gives, compared and written.
#include "rtp/address.hpp"

#include <sys/un.h>

#include "check.hpp"

using namespace callwright;

namespace {

Address v4(const char* host, unsigned port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    CHECK(inet_pton(AF_INET, host, &address.sin_addr) == 1);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return Address::of(&address);
}

Address v6(const char* host, unsigned port, unsigned scope = 0) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    CHECK(inet_pton(AF_INET6, host, &address.sin6_addr) == 1);
    address.sin6_port = htons(static_cast<std::uint16_t>(port));
    address.sin6_scope_id = scope;
    return Address::of(&address);
}

void they_are_written() {
    CHECK(v4("192.0.2.1", 5004).text() == "192.0.2.1:5004");
    CHECK(v6("2001:db8::1", 5004).text() == "[2001:db8::1]:5004");
    CHECK(Address().text().empty());
    CHECK_EQUAL(v4("192.0.2.1", 5004).port(), 5004);
    CHECK_EQUAL(v6("2001:db8::1", 5005).port(), 5005);
}

void they_are_compared() {
    CHECK(v4("192.0.2.1", 4000) == v4("192.0.2.1", 4000));
    CHECK(v4("192.0.2.1", 4000) != v4("192.0.2.1", 4002));
    CHECK(v4("192.0.2.1", 4000).same_host(v4("192.0.2.1", 4002)));
    CHECK(!v4("192.0.2.1", 4000).same_host(v4("192.0.2.2", 4000)));
    CHECK(v6("2001:db8::1", 4000) == v6("2001:db8::1", 4000));
    CHECK(v6("2001:db8::1", 4000) != v6("2001:db8::2", 4000));
    CHECK(v6("2001:db8::1", 4000) != v4("192.0.2.1", 4000));
    CHECK(v6("fe80::1", 4000, 2) == v6("fe80::1", 4000));  // a description knows no scope
    CHECK(Address() == Address());
    CHECK(Address() != v4("0.0.0.0", 0));
}

void they_are_read() {
    CHECK(Address::at("192.0.2.1", 5004) == v4("192.0.2.1", 5004));
    CHECK(Address::at("2001:db8::1", 5004) == v6("2001:db8::1", 5004));
    CHECK(!Address::at("example.com", 5004).set());
    CHECK(!Address::at("", 5004).set());
    CHECK(Address::at("0.0.0.0", 1).wildcard());
    CHECK(Address::at("::", 1).wildcard());
    CHECK(!Address::at("127.0.0.1", 1).wildcard());
    CHECK(!Address::at("::1", 1).wildcard());
    CHECK(!Address().wildcard());
}

void other_families_are_not_set() {
    sockaddr_un other{};
    other.sun_family = AF_UNIX;
    std::strcpy(other.sun_path, "/tmp/x");
    CHECK(!Address::of(&other).set());
    CHECK(!Address::of(nullptr).set());
    CHECK(!Address().set());
    CHECK(v4("192.0.2.1", 1).set());
    CHECK(v6("::", 1).set());
    CHECK_EQUAL(v4("192.0.2.1", 1).length(), sizeof(sockaddr_in));
    CHECK_EQUAL(v6("::1", 1).length(), sizeof(sockaddr_in6));
}

}  // namespace

int main() {
    they_are_written();
    they_are_read();
    they_are_compared();
    other_families_are_not_set();
    return 0;
}
