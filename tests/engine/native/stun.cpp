// sources: stun.cpp rtp/address.cpp
// STUN Binding requests as bytes, and their answers (RFC 5389).
#include "stun.hpp"

#include <initializer_list>
#include <vector>

#include "check.hpp"

using namespace callwright;

namespace {

using Bytes = std::vector<std::uint8_t>;

// RFC 5769 section 2.1's transaction.
const Bytes transaction{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

Bytes message(unsigned type, std::size_t length, const Bytes& attributes = {}) {
    Bytes bytes{static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type),
                static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length), 0x21, 0x12, 0xa4, 0x42};
    bytes.insert(bytes.end(), transaction.begin(), transaction.end());
    bytes.insert(bytes.end(), attributes.begin(), attributes.end());
    return bytes;
}

Bytes request(const Bytes& attributes = {}) { return message(0x0001, attributes.size(), attributes); }

Address from(const char* host, unsigned port) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) return Address::of(&v4);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<std::uint16_t>(port));
    CHECK(inet_pton(AF_INET6, host, &v6.sin6_addr) == 1);
    return Address::of(&v6);
}

StunAnswer answer(const Bytes& bytes, const Address& source = from("192.0.2.1", 32853)) {
    Bytes exact(bytes);  // so that a sanitizer sees a step beyond it
    exact.shrink_to_fit();
    return answer_binding(exact.data(), exact.size(), source);
}

Bytes bytes_of(const StunAnswer& answer) { return Bytes(answer.bytes.begin(), answer.bytes.begin() + answer.size); }

// The addresses, and how they are written, of RFC 5769 sections 2.2 and 2.3.
void test_the_source_is_told() {
    Bytes expected = message(0x0101, 12, {0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43});
    CHECK(bytes_of(answer(request())) == expected);
    expected = message(0x0101, 24, {0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
                                    0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9});
    CHECK(bytes_of(answer(request(), from("2001:db8:1234:5678:11:2233:4455:6677", 32853))) == expected);
}

void test_what_says_nothing_to_us_is_passed_over() {
    // SOFTWARE of three bytes and its padding, USERNAME, MESSAGE-INTEGRITY, FINGERPRINT.
    Bytes attributes{0x80, 0x22, 0, 3, 'a', 'b', 'c', 0, 0x00, 0x06, 0, 4, 'u', 's', 'e', 'r', 0x00, 0x08, 0, 20};
    attributes.resize(attributes.size() + 20);
    for (const int byte : {0x80, 0x28, 0, 4, 1, 2, 3, 4}) attributes.push_back(static_cast<std::uint8_t>(byte));
    CHECK_EQUAL(answer(request(attributes)).size, 32);
}

void test_what_must_be_understood_and_is_not() {
    const Bytes change{0x00, 0x03, 0, 4, 0, 0, 0, 6};  // CHANGE-REQUEST of RFC 3489
    const Bytes expected{0x00, 0x09, 0, 4, 0, 0, 4, 20, 0x00, 0x0a, 0, 2, 0x00, 0x03, 0, 0};
    CHECK(bytes_of(answer(request(change))) == message(0x0111, 16, expected));
    Bytes many;
    for (int count = 0; count < 300; ++count) many.insert(many.end(), {0x7f, static_cast<std::uint8_t>(count), 0, 0});
    const StunAnswer refused = answer(request(many));
    CHECK_EQUAL(refused.size, 20 + 8 + 4 + 4 * 2);
    CHECK(refused.size <= refused.bytes.size());
}

void test_what_gets_no_answer() {
    for (const unsigned type : {0x0011u, 0x0101u, 0x0111u, 0x0003u, 0x0000u, 0x3fffu}) {
        CHECK_EQUAL(answer(message(type, 0)).size, 0);
        CHECK(!answer(message(type, 0)).malformed);
    }
    CHECK_EQUAL(answer(request(), Address()).size, 0);
}

void test_malformed() {
    const Bytes plain = request();
    for (std::size_t size = 0; size < plain.size(); ++size) {
        CHECK(!is_stun(Bytes(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(size)).data(), size));
        CHECK_EQUAL(answer(Bytes(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(size))).size, 0);
    }
    for (const std::size_t length : {4u, 1u, 0xffffu}) {
        CHECK(answer(message(0x0001, length)).malformed);
        CHECK_EQUAL(answer(message(0x0001, length)).size, 0);
    }
    for (const Bytes& attributes : std::initializer_list<Bytes>{
             {0x80, 0x22}, {0x80, 0x22, 0, 1}, {0x80, 0x22, 0xff, 0xff, 0, 0, 0, 0}, {0x80, 0x22, 0, 5, 1, 2, 3, 4}, {1}}) {
        CHECK(answer(request(attributes)).malformed);
        CHECK_EQUAL(answer(request(attributes)).size, 0);
    }
}

void test_sip_is_none() {
    const char* text = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP x\r\n";
    CHECK(!is_stun(reinterpret_cast<const std::uint8_t*>(text), std::strlen(text)));
    Bytes without_cookie = request();
    without_cookie[4] = 0;
    CHECK(!is_stun(without_cookie.data(), without_cookie.size()));
    Bytes media = request();
    media[0] = 0x80;
    CHECK(!is_stun(media.data(), media.size()));
}

}  // namespace

int main() {
    test_the_source_is_told();
    test_what_says_nothing_to_us_is_passed_over();
    test_what_must_be_understood_and_is_not();
    test_what_gets_no_answer();
    test_malformed();
    test_sip_is_none();
    return 0;
}
