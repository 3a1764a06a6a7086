// sources: rtp/source_lock.cpp rtp/address.cpp
// Whose RTP is taken: the peer's, also from behind a NAT, and nobody else's.
#include "rtp/source_lock.hpp"

#include "check.hpp"

using namespace callwright;

namespace {

constexpr Nanos MS = 1'000'000;
constexpr Nanos FRAME = 20 * MS;

Address at(const char* host, unsigned port) {
    Address address;
    address.any.sa_family = AF_INET;
    CHECK(::inet_pton(AF_INET, host, &address.v4.sin_addr) == 1);
    address.v4.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

const Address PEER = at("192.0.2.1", 4000);
const Address PEERS_OTHER_PORT = at("192.0.2.1", 5000);
const Address NAT = at("198.51.100.7", 40000);
const Address THIEF = at("203.0.113.66", 6666);

// A talker: packets in sequence.
struct Talker {
    Address from;
    std::uint32_t ssrc;
    std::uint16_t sequence = 65534;  // wraps soon

    bool says(SourceLock& lock, Nanos now) { return lock.admit(from, ssrc, sequence++, now); }
};

// Packets of `talker` each 20 ms in [from, to): how many were taken.
unsigned talk(SourceLock& lock, Talker& talker, Nanos from, Nanos to) {
    unsigned taken = 0;
    for (Nanos now = from; now < to; now += FRAME) taken += talker.says(lock, now) ? 1 : 0;
    return taken;
}

void test_the_peer_that_was_described_is_taken_at_once() {
    SourceLock lock;
    Talker peer{PEER, 1};
    lock.open(PEER, 1);
    CHECK(lock.destination() == PEER);
    CHECK_EQUAL(talk(lock, peer, 0, 1000 * MS), 50);
    CHECK(lock.source() == PEER);
}

void test_a_peer_behind_nat_is_learnt_and_answered() {
    SourceLock lock;
    Talker peer{NAT, 1};
    lock.open(at("10.0.0.5", 4000), 1);
    CHECK(peer.says(lock, FRAME));
    CHECK(lock.destination() == NAT);
}

void test_a_thief_hears_nothing_after_the_lock() {
    SourceLock lock;
    Talker peer{NAT, 1}, thief{THIEF, 2};
    lock.open(at("10.0.0.5", 4000), 1);
    for (Nanos now = FRAME; now < 60'000 * MS; now += FRAME) {
        CHECK(peer.says(lock, now));
        CHECK(!thief.says(lock, now + MS));
        CHECK(lock.destination() == NAT);
    }
}

void test_the_described_peer_throws_out_a_thief_who_was_first() {
    SourceLock lock;
    Talker peer{PEER, 1}, thief{THIEF, 2};
    lock.open(PEER, 1);
    CHECK(thief.says(lock, FRAME));  // nobody can tell yet
    CHECK(peer.says(lock, 2 * FRAME));
    CHECK(lock.destination() == PEER);
    CHECK_EQUAL(talk(lock, thief, 3 * FRAME, 2000 * MS), 0);
}

void test_the_described_peer_comes_back_after_its_silence() {
    SourceLock lock;
    Talker peer{PEER, 1}, thief{THIEF, 2};
    lock.open(PEER, 1);
    CHECK_EQUAL(talk(lock, peer, FRAME, 10'000 * MS), 499);
    CHECK(talk(lock, thief, 10'000 * MS, 20'000 * MS) > 0);  // a peer without silence suppression would have moved
    Talker again{PEER, 1, 9000};
    CHECK(!again.says(lock, 20'000 * MS));
    CHECK(!again.says(lock, 20'020 * MS));
    CHECK(again.says(lock, 20'040 * MS));
    CHECK(!thief.says(lock, 20'041 * MS));
    CHECK(lock.destination() == PEER);
}

void test_a_peers_other_port_goes_before_strangers_and_behind_the_described() {
    SourceLock lock;
    Talker stranger{THIEF, 1}, other{PEERS_OTHER_PORT, 2}, peer{PEER, 3};
    lock.open(PEER, 1);
    CHECK(stranger.says(lock, FRAME));
    CHECK(other.says(lock, 2 * FRAME));
    CHECK(!stranger.says(lock, 3 * FRAME));
    CHECK(peer.says(lock, 4 * FRAME));
    CHECK(!other.says(lock, 5 * FRAME));
}

void test_the_source_may_move_when_it_is_silent_and_the_new_one_consistent() {
    SourceLock lock;
    Talker peer{PEER, 1}, moved{NAT, 1};
    lock.open(PEER, 1);
    CHECK_EQUAL(talk(lock, peer, FRAME, 10'000 * MS), 499);
    // Silent for less than two seconds: no.
    CHECK_EQUAL(talk(lock, moved, 10'000 * MS, 11'980 * MS), 0);
    // Then it is: by now it has sent enough in sequence.
    CHECK(talk(lock, moved, 11'980 * MS, 12'100 * MS) >= 5);
    CHECK(lock.destination() == NAT);
}

void test_an_inconsistent_source_never_takes_over() {
    SourceLock lock;
    Talker peer{PEER, 1};
    lock.open(PEER, 1);
    CHECK_EQUAL(talk(lock, peer, FRAME, 10'000 * MS), 499);
    for (unsigned i = 0; i < 1000; ++i) {
        const Nanos now = 20'000 * MS + i * FRAME;
        CHECK(!lock.admit(THIEF, 7, static_cast<std::uint16_t>(i * 977), now));     // sequence at random
        CHECK(!lock.admit(NAT, i, static_cast<std::uint16_t>(i), now));             // SSRC at random
        CHECK(!lock.admit(at("203.0.113.9", 1000 + i), 7, static_cast<std::uint16_t>(i), now));  // port at random
    }
    CHECK(lock.destination() == PEER);
}

void test_a_flood_does_not_keep_the_rightful_one_out() {
    SourceLock lock;
    Talker peer{PEER, 1}, moved{NAT, 1};
    lock.open(PEER, 1);
    talk(lock, peer, FRAME, 10'000 * MS);
    unsigned taken = 0;
    for (unsigned i = 0; i < 100; ++i) {
        const Nanos now = 13'000 * MS + i * FRAME;
        for (unsigned k = 0; k < 2; ++k) lock.admit(THIEF, i * 2 + k, 5, now + k);
        taken += moved.says(lock, now + 3) ? 1 : 0;
    }
    CHECK(taken >= 95);
    CHECK(lock.destination() == NAT);
}

void test_a_new_description_moves_us_before_the_peer_has_spoken() {
    SourceLock lock;
    Talker old{PEER, 1}, fresh{at("192.0.2.99", 7000), 2};
    lock.open(PEER, 1);
    talk(lock, old, FRAME, 10'000 * MS);
    lock.open(fresh.from, 10'000 * MS);
    CHECK(lock.destination() == fresh.from);
    CHECK(old.says(lock, 10'020 * MS));  // its last words
    CHECK(lock.destination() == fresh.from);
    CHECK(fresh.says(lock, 10'040 * MS));
    CHECK(!old.says(lock, 10'060 * MS));
    CHECK(lock.destination() == fresh.from);
}

void test_a_peer_behind_nat_that_describes_itself_anew_keeps_its_source() {
    SourceLock lock;
    Talker peer{NAT, 1};
    lock.open(at("10.0.0.5", 4000), 1);
    talk(lock, peer, FRAME, 10'000 * MS);
    lock.open(at("10.0.0.5", 4002), 10'000 * MS);
    CHECK_EQUAL(talk(lock, peer, 10'000 * MS, 11'000 * MS), 50);
    CHECK(lock.destination() == NAT);
}

void test_the_same_description_again_opens_no_door() {
    SourceLock lock;
    Talker peer{NAT, 1}, thief{THIEF, 2};
    lock.open(at("10.0.0.5", 4000), 1);
    talk(lock, peer, FRAME, 10'000 * MS);
    lock.open(at("10.0.0.5", 4000), 10'000 * MS);
    for (Nanos now = 10'000 * MS; now < 20'000 * MS; now += FRAME) {
        CHECK(!thief.says(lock, now));
        CHECK(peer.says(lock, now + MS));
        CHECK(lock.destination() == NAT);
    }
}

void test_held_without_an_address_nothing_is_sent() {
    SourceLock lock;
    Talker peer{PEER, 1};
    lock.open(PEER, 1);
    talk(lock, peer, FRAME, 1000 * MS);
    lock.open(Address(), 1000 * MS);
    CHECK(!lock.destination().set());
    lock.open(PEER, 2000 * MS);
    CHECK(lock.destination() == PEER);
}

void test_nobody_spoke_while_learning() {
    SourceLock lock;
    Talker peer{PEER, 1}, thief{THIEF, 2};
    lock.open(PEER, 1);
    CHECK(!thief.says(lock, 10'000 * MS));
    CHECK(peer.says(lock, 10'010 * MS));
    CHECK(lock.destination() == PEER);
}

void test_nobody_but_the_peer_begins_late() {
    SourceLock lock;
    Talker thief{THIEF, 2}, other_port{PEERS_OTHER_PORT, 1};
    lock.open(PEER, 1);
    CHECK_EQUAL(talk(lock, thief, 5000 * MS + 1, 20'000 * MS), 0);
    CHECK(lock.destination() == PEER);
    CHECK(!other_port.says(lock, 20'000 * MS));
    CHECK(!other_port.says(lock, 20'020 * MS));
    CHECK(other_port.says(lock, 20'040 * MS));  // the third in sequence
    CHECK(lock.destination() == PEERS_OTHER_PORT);
}

void test_a_peer_behind_nat_begins_late_where_its_signalling_comes_from() {
    SourceLock lock;
    Talker nat{NAT, 1}, thief{THIEF, 2};
    lock.know_signalling(at("198.51.100.7", 5060));
    lock.open(at("10.0.0.5", 4000), 1);
    for (unsigned i = 0; i < 50; ++i) CHECK(!thief.says(lock, 10'000 * MS + i * FRAME));
    CHECK(!nat.says(lock, 12'000 * MS));
    CHECK(!nat.says(lock, 12'020 * MS));
    CHECK(nat.says(lock, 12'040 * MS));
    CHECK(lock.destination() == NAT);
}

void test_anybody_begins_late_where_the_operator_says_so() {
    SourceLock lock;
    Talker nat{NAT, 1};
    lock.open(at("10.0.0.5", 4000), 1);
    SourceLock::late_from_anywhere = true;
    CHECK_EQUAL(talk(lock, nat, 10'000 * MS, 10'200 * MS), 8);
    SourceLock::late_from_anywhere = false;
    CHECK(lock.destination() == NAT);
}

void test_rtcp_comes_from_hosts_that_are_known() {
    SourceLock lock;
    Talker nat{NAT, 1};
    lock.open(PEER, 1);
    CHECK(lock.knows_host(PEERS_OTHER_PORT));
    CHECK(!lock.knows_host(NAT));
    CHECK(nat.says(lock, FRAME));
    CHECK(lock.knows_host(at("198.51.100.7", 40001)));
    CHECK(!lock.knows_host(THIEF));
}

}  // namespace

int main() {
    test_the_peer_that_was_described_is_taken_at_once();
    test_a_peer_behind_nat_is_learnt_and_answered();
    test_a_thief_hears_nothing_after_the_lock();
    test_the_described_peer_throws_out_a_thief_who_was_first();
    test_the_described_peer_comes_back_after_its_silence();
    test_a_peers_other_port_goes_before_strangers_and_behind_the_described();
    test_the_source_may_move_when_it_is_silent_and_the_new_one_consistent();
    test_an_inconsistent_source_never_takes_over();
    test_a_flood_does_not_keep_the_rightful_one_out();
    test_a_new_description_moves_us_before_the_peer_has_spoken();
    test_a_peer_behind_nat_that_describes_itself_anew_keeps_its_source();
    test_the_same_description_again_opens_no_door();
    test_held_without_an_address_nothing_is_sent();
    test_nobody_spoke_while_learning();
    test_nobody_but_the_peer_begins_late();
    test_a_peer_behind_nat_begins_late_where_its_signalling_comes_from();
    test_anybody_begins_late_where_the_operator_says_so();
    test_rtcp_comes_from_hosts_that_are_known();
}
