// sources: rtp/address.cpp rtp/datagrams.cpp rtp/datagrams_pool.cpp rtp/epoll.cpp rtp/uring.cpp rtp/uring_start.cpp
// packages: liburing
// The sockets of the media thread, by each backend.
#include "rtp/datagrams.hpp"

#include <dirent.h>
#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "check.hpp"
#include "rtp/datagrams_pool.hpp"

using namespace callwright;

namespace {

constexpr Nanos ms = 1'000'000;
constexpr Nanos forever = std::numeric_limits<Nanos>::max();

struct Seen : Datagrams::Receiver {
    std::vector<std::pair<int, std::string>> all;  // channel, data
    Address from;
    std::function<void(int, Datagram&)> then;
    void on_datagram(int channel, Datagram datagram, Nanos now) noexcept override {
        CHECK(now <= monotonic_now() && now > monotonic_now() - 1000 * ms);
        all.emplace_back(channel, std::string(reinterpret_cast<char*>(datagram.data), datagram.size));
        from = datagram.from;
        if (then) then(channel, datagram);
    }
};

void turn_until(Datagrams& datagrams, const std::function<bool()>& done) {
    const Nanos end = monotonic_now() + 10'000 * ms;
    while (!done()) {
        CHECK(monotonic_now() < end);
        datagrams.turn(monotonic_now() + 20 * ms);
    }
}

void settle(Datagrams& datagrams, Nanos time = 50 * ms) {
    const Nanos end = monotonic_now() + time;
    while (monotonic_now() < end) datagrams.turn(end);
}

Datagram filled(Datagrams& datagrams, const std::string& text) {
    Datagram datagram = datagrams.buffer();
    CHECK(bool(datagram));
    std::memcpy(datagram.data, text.data(), text.size());
    datagram.size = text.size();
    return datagram;
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    DIR* directory = ::opendir("/proc/self/fd");
    while (::readdir(directory) != nullptr) count++;
    ::closedir(directory);
    return count;
}

std::string numbered(unsigned i) { return std::to_string(i); }

void both_ways_by(Datagrams& datagrams, int family) {
    const int ours = check::udp_socket(family), theirs = check::udp_socket(family);
    const Address here = check::address_of(ours), there = check::address_of(theirs);
    Seen seen;
    datagrams.add(ours, &seen, 3);
    // Empty ones too, in the middle: they end a multishot receive.
    for (const std::size_t size : {1U, 172U, 0U, 1500U, 2048U, 0U, 0U, 12U}) {
        const std::string text(size, 'a');
        check::send(theirs, here, text);
        const std::size_t before = seen.all.size();
        turn_until(datagrams, [&] { return seen.all.size() > before; });
        CHECK(seen.all.back().second == text);
        CHECK_EQUAL(seen.all.back().first, 3);
        CHECK(seen.from == there);
        datagrams.send(ours, there, filled(datagrams, text));
        datagrams.turn(0);
        Address from;
        CHECK(check::receive(theirs, &from) == text);
        CHECK(from == here);
    }
    datagrams.remove(ours);
    ::close(theirs);
}

void both_ways(Datagrams& datagrams) {
    both_ways_by(datagrams, AF_INET);
    const int probe = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const Address local = check::loopback(0, AF_INET6);
    const bool has_v6 = probe >= 0 && ::bind(probe, &local.any, local.length()) == 0;
    if (probe >= 0) ::close(probe);
    if (has_v6) both_ways_by(datagrams, AF_INET6);
    CHECK_EQUAL(datagrams.counters().refused, 0);
}

void a_datagram_that_came_goes_back_changed(Datagrams& datagrams) {
    const int ours = check::udp_socket(), theirs = check::udp_socket();
    Seen seen;
    seen.then = [&](int, Datagram& datagram) {
        datagram.data += 4;  // cut off at the front
        datagram.size -= 4;
        datagram.data[0] = 'X';
        const Address to = datagram.from;
        datagrams.send(ours, to, std::move(datagram));
        CHECK(!datagram);
    };
    datagrams.add(ours, &seen, 0);
    check::send(theirs, check::address_of(ours), "headbody");
    turn_until(datagrams, [&] { return seen.all.size() == 1; });
    datagrams.turn(0);
    CHECK(check::receive(theirs) == "Xody");
    datagrams.remove(ours);
    ::close(theirs);
}

void one_that_is_too_long_is_dropped(Datagrams& datagrams) {
    const int ours = check::udp_socket(), theirs = check::udp_socket();
    Seen seen;
    datagrams.add(ours, &seen, 0);
    const std::uint64_t dropped = datagrams.counters().dropped;
    check::send(theirs, check::address_of(ours), std::string(2049, 'a'));
    check::send(theirs, check::address_of(ours), std::string(60000, 'a'));
    check::send(theirs, check::address_of(ours), "short");
    turn_until(datagrams, [&] { return seen.all.size() == 1; });
    CHECK(seen.all[0].second == "short");
    CHECK_EQUAL(datagrams.counters().dropped - dropped, 2);
    datagrams.remove(ours);
    ::close(theirs);
}

// Bursts, of which one socket sends many and all are sent in one system call where that can be.
void sends_keep_their_order(Datagrams& datagrams) {
    constexpr unsigned sockets = 4, bursts = 50, burst = 100;
    int ours[sockets], theirs[sockets];
    Address there[sockets];
    Seen seen;
    for (unsigned s = 0; s < sockets; s++) {
        ours[s] = check::udp_socket();
        theirs[s] = check::udp_socket();
        there[s] = check::address_of(theirs[s]);
        datagrams.add(ours[s], &seen, 0);
    }
    const Datagrams::Counters before = datagrams.counters();
    unsigned next[sockets] = {};
    for (unsigned b = 0; b < bursts; b++) {
        for (unsigned i = 0; i < burst; i++) {
            const unsigned s = i % sockets;
            datagrams.send(ours[s], there[s], filled(datagrams, numbered(next[s]++)));
        }
        datagrams.turn(0);
        for (unsigned s = 0; s < sockets; s++) {
            for (unsigned i = next[s] - burst / sockets; i < next[s]; i++) CHECK(check::receive(theirs[s]) == numbered(i));
        }
    }
    settle(datagrams);
    CHECK_EQUAL(datagrams.counters().sent - before.sent, bursts * burst);
    for (unsigned s = 0; s < sockets; s++) {
        datagrams.remove(ours[s]);
        ::close(theirs[s]);
    }
}

void receives_keep_their_order(Datagrams& datagrams) {
    const int ours = check::udp_socket(), theirs = check::udp_socket();
    const Address here = check::address_of(ours);
    Seen seen;
    datagrams.add(ours, &seen, 0);
    for (unsigned i = 0; i < 3000; i++) {
        check::send(theirs, here, numbered(i));
        if (i % 60 == 59) turn_until(datagrams, [&] { return seen.all.size() == i + 1; });
    }
    for (unsigned i = 0; i < 3000; i++) CHECK(seen.all[i].second == numbered(i));
    datagrams.remove(ours);
    ::close(theirs);
}

// What the kernel refuses is lost and counted, and disturbs nothing.
void refused_sends_are_counted(Datagrams& datagrams) {
    const int ours = check::udp_socket(), other = check::udp_socket(), theirs = check::udp_socket();
    Seen seen;
    datagrams.add(ours, &seen, 0);
    datagrams.add(other, &seen, 1);
    const Datagrams::Counters before = datagrams.counters();
    datagrams.send(ours, check::loopback(0), filled(datagrams, "to port 0"));
    datagrams.send(ours, check::loopback(9, AF_INET6), filled(datagrams, "by another protocol"));
    datagrams.send(ours, Address(), filled(datagrams, "to nowhere"));
    datagrams.send(ours, check::address_of(theirs), filled(datagrams, "ours"));
    datagrams.send(other, check::address_of(theirs), filled(datagrams, "other"));
    datagrams.turn(0);
    CHECK(check::receive(theirs) == "ours");
    CHECK(check::receive(theirs) == "other");
    settle(datagrams);
    CHECK_EQUAL(datagrams.counters().refused - before.refused, 3);
    CHECK_EQUAL(datagrams.counters().sent - before.sent, 2);
    datagrams.remove(ours);
    datagrams.remove(other);
    ::close(theirs);
}

// A connected socket is told of its peer's closed port: each such error ends a receive.
void a_closed_port_does_not_end_the_receiving(Datagrams& datagrams) {
    const int ours = check::udp_socket();
    int theirs = check::udp_socket();
    const Address here = check::address_of(ours), there = check::address_of(theirs);
    CHECK(::connect(ours, &there.any, there.length()) == 0);
    Seen seen;
    datagrams.add(ours, &seen, 0);
    ::close(theirs);
    for (int i = 0; i < 40; i++) {
        datagrams.send(ours, there, filled(datagrams, "anybody?"));
        datagrams.turn(0);
        datagrams.turn(0);
    }
    theirs = check::udp_socket(AF_INET, there.port());
    check::send(theirs, here, "back");
    turn_until(datagrams, [&] { return seen.all.size() == 1; });
    CHECK(seen.all[0].second == "back");
    datagrams.remove(ours);
    ::close(theirs);
}

// Something that fails whenever it is read must not keep the thread busy, nor hold up the others.
void what_always_fails_rests(Datagrams& datagrams) {
    int ends[2];
    CHECK(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
    CHECK_EQUAL(::write(ends[1], "x", 1), 1);
    const int ours = check::udp_socket(), theirs = check::udp_socket();
    Seen seen;
    datagrams.add(ends[0], &seen, 1);
    datagrams.add(ours, &seen, 2);
    const std::uint64_t calls = datagrams.counters().system_calls;
    settle(datagrams, 300 * ms);
    CHECK(datagrams.counters().system_calls - calls < 400);
    check::send(theirs, check::address_of(ours), "on");
    turn_until(datagrams, [&] { return seen.all.size() == 1; });
    CHECK_EQUAL(seen.all[0].first, 2);
    datagrams.remove(ends[0]);
    datagrams.remove(ours);
    ::close(ends[1]);
    ::close(theirs);
}

void nothing_comes_after_remove(Datagrams& datagrams) {
    settle(datagrams);  // what earlier tests removed is closed
    const std::size_t descriptors = open_descriptors();
    constexpr int sockets = 20;
    int ours[sockets];
    const int theirs = check::udp_socket();
    Seen seen;
    unsigned ports[sockets];
    for (int s = 0; s < sockets; s++) {
        ours[s] = check::udp_socket();
        ports[s] = check::address_of(ours[s]).port();
        datagrams.add(ours[s], &seen, s);
    }
    settle(datagrams);
    // The first that is served removes all, itself too, while packets for each have come.
    seen.then = [&](int, Datagram& datagram) {
        datagrams.send(ours[0], check::address_of(theirs), std::move(datagram));
        for (const int socket : ours) datagrams.remove(socket);
    };
    for (int s = 0; s < sockets; s++) {
        for (int i = 0; i < 3; i++) check::send(theirs, check::address_of(ours[s]), "x");
    }
    turn_until(datagrams, [&] { return !seen.all.empty(); });
    settle(datagrams);
    CHECK(check::receive(theirs) == "x");  // what was sent before the end went out
    CHECK_EQUAL(seen.all.size(), 1);
    for (int s = 0; s < sockets; s++) ::close(check::udp_socket(AF_INET, ports[s]));  // free again
    ::close(theirs);
    datagrams.remove(ours[0]);  // unknown by now
    CHECK_EQUAL(open_descriptors(), descriptors);
}

void a_socket_may_go_before_its_first_turn(Datagrams& datagrams) {
    const int ours = check::udp_socket();
    const unsigned port = check::address_of(ours).port();
    Seen seen;
    datagrams.add(ours, &seen, 0);
    datagrams.remove(ours);
    settle(datagrams, 10 * ms);
    ::close(check::udp_socket(AF_INET, port));
}

// Also when nothing else ever happens: not the next packet's turn closes it.
void what_is_removed_is_closed_though_nobody_speaks(Datagrams& datagrams) {
    const int ours = check::udp_socket();
    Seen seen;
    datagrams.add(ours, &seen, 0);
    settle(datagrams, 10 * ms);
    datagrams.remove(ours);
    ::alarm(60);
    while (::fcntl(ours, F_GETFD) >= 0) datagrams.turn(forever);
    ::alarm(0);
}

// The peer sends more than there are buffers, and all that came are kept.
void buffers_that_run_out_come_back(Datagrams& datagrams) {
    const int ours = check::udp_socket(), theirs = check::udp_socket();
    const int room = 8 << 20;
    ::setsockopt(ours, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    const Address here = check::address_of(ours);
    Seen seen;
    std::vector<Datagram> kept;
    seen.then = [&](int, Datagram& datagram) { kept.push_back(std::move(datagram)); };
    datagrams.add(ours, &seen, 0);
    std::vector<Datagram> lent;
    for (unsigned i = 0; i < DatagramPool::LIMIT; i++) {
        for (unsigned k = 0; k < 8; k++) check::send(theirs, here, "x");
        datagrams.turn(0);
        Datagram datagram = datagrams.buffer();
        if (!datagram) break;
        lent.push_back(std::move(datagram));
    }
    CHECK(!datagrams.buffer());
    for (unsigned i = 0; i < 100; i++) {
        check::send(theirs, here, "y");
        datagrams.turn(0);
    }
    settle(datagrams, 300 * ms);
    const std::uint64_t calls = datagrams.counters().system_calls;
    settle(datagrams, 100 * ms);
    CHECK(datagrams.counters().system_calls - calls < 500);  // not spinning
    lent.clear();
    kept.clear();
    seen.then = nullptr;
    seen.all.clear();
    settle(datagrams);
    seen.all.clear();
    for (unsigned i = 0; i < 50; i++) {
        check::send(theirs, here, numbered(i));
        turn_until(datagrams, [&] { return seen.all.size() == i + 1; });
    }
    for (unsigned i = 0; i < 50; i++) CHECK(seen.all[i].second == numbered(i));
    datagrams.remove(ours);
    ::close(theirs);
}

void it_waits_for_the_deadline_a_wake_or_a_datagram(Datagrams& datagrams) {
    settle(datagrams);
    Nanos before = monotonic_now();
    datagrams.turn(before + 30 * ms);
    CHECK(monotonic_now() - before >= 29 * ms);
    // Any thread's wake, also one that came before the wait.
    for (int i = 0; i < 3; i++) {
        std::thread other([&] { datagrams.wake(); });
        datagrams.turn(forever);
        other.join();
    }
    datagrams.wake();
    datagrams.turn(forever);
    const int ours = check::udp_socket(), theirs = check::udp_socket();
    const Address here = check::address_of(ours);
    Seen seen;
    datagrams.add(ours, &seen, 0);
    datagrams.turn(0);
    std::thread other([&] { check::send(theirs, here, "x"); });
    before = monotonic_now();
    while (seen.all.empty() && monotonic_now() < before + 5000 * ms) datagrams.turn(forever);
    other.join();
    datagrams.remove(ours);
    ::close(theirs);
}

// Packets without end do not keep a turn from its deadline.
void a_flood_does_not_hold_a_turn_up(Datagrams& datagrams) {
    const int ours = check::udp_socket();
    const Address here = check::address_of(ours);
    Seen seen;
    datagrams.add(ours, &seen, 0);
    std::atomic<bool> end{false};
    std::thread flood([&] {
        const int theirs = check::udp_socket();
        while (!end) [[maybe_unused]] auto sent = ::sendto(theirs, "x", 1, 0, &here.any, here.length());
        ::close(theirs);
    });
    const Nanos stop = monotonic_now() + 300 * ms;
    unsigned turns = 0;
    while (monotonic_now() < stop) {
        datagrams.turn(monotonic_now() + ms);
        turns++;
        seen.all.clear();
    }
    end = true;
    flood.join();
    CHECK(turns >= 10);
    datagrams.remove(ours);
    settle(datagrams);
}

// As many as 4,096 legs have: all get what is theirs, and all are let go.
void thousands_of_sockets(Datagrams& datagrams) {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    const unsigned sockets = static_cast<unsigned>(std::min<rlim_t>(8192, files.rlim_cur - 200));
    CHECK(sockets >= 800);
    settle(datagrams);  // what earlier tests removed is closed
    const std::size_t descriptors = open_descriptors();
    std::vector<int> ours;
    std::vector<Address> here;
    std::vector<unsigned> got(sockets);
    Seen seen;
    for (unsigned s = 0; s < sockets; s++) {
        ours.push_back(check::udp_socket());
        here.push_back(check::address_of(ours.back()));
        datagrams.add(ours.back(), &seen, static_cast<int>(s));
    }
    datagrams.turn(0);
    const int theirs = check::udp_socket();
    const Address there = check::address_of(theirs);
    for (unsigned round = 1; round <= 3; round++) {
        seen.all.clear();
        for (const Address& address : here) check::send(theirs, address, "x");  // all at once
        turn_until(datagrams, [&] { return seen.all.size() == sockets; });
        for (const auto& one : seen.all) got[static_cast<std::size_t>(one.first)]++;
        for (unsigned s = 0; s < sockets; s++) CHECK_EQUAL(got[s], round);
    }
    // More sends at once than completions have room: none is forgotten.
    const Datagrams::Counters before = datagrams.counters();
    unsigned queued = 0;
    for (; queued < sockets + sockets / 4; queued++) {
        Datagram datagram = datagrams.buffer();
        CHECK(bool(datagram));
        datagram.data[0] = 'y';
        datagram.size = 1;
        datagrams.send(ours[queued % sockets], there, std::move(datagram));
    }
    turn_until(datagrams, [&] {
        const Datagrams::Counters now = datagrams.counters();
        return now.sent + now.refused - before.sent - before.refused == queued;
    });
    for (const int socket : ours) datagrams.remove(socket);
    std::size_t closed = 0;
    turn_until(datagrams, [&] {
        while (closed < ours.size() && ::fcntl(ours[closed], F_GETFD) < 0) closed++;
        return closed == ours.size();
    });
    ::close(theirs);
    CHECK_EQUAL(open_descriptors(), descriptors);
}

// Sockets come and go while packets fly; whoever was removed is never told.
void sockets_come_and_go(Datagrams& datagrams) {
    struct Leg : Datagrams::Receiver {
        Datagrams* datagrams = nullptr;
        int socket = -1;
        bool removed = false;
        void on_datagram(int, Datagram datagram, Nanos) noexcept override {
            CHECK(!removed);
            const Address to = datagram.from;
            datagrams->send(socket, to, std::move(datagram));
        }
    };
    settle(datagrams);  // what earlier tests removed is closed
    const std::size_t descriptors = open_descriptors();
    std::mt19937 random(20);
    std::map<unsigned, std::unique_ptr<Leg>> legs;  // by port
    std::vector<std::unique_ptr<Leg>> gone;
    const int theirs = check::udp_socket();
    for (unsigned i = 0; i < 20000; i++) {
        if (random() % 4 == 0 && legs.size() < 100) {
            auto leg = std::make_unique<Leg>();
            leg->datagrams = &datagrams;
            leg->socket = check::udp_socket();
            datagrams.add(leg->socket, leg.get(), 0);
            const unsigned port = check::address_of(leg->socket).port();
            legs[port] = std::move(leg);
        }
        if (legs.empty()) continue;
        auto chosen = std::next(legs.begin(), static_cast<long>(random() % legs.size()));
        check::send(theirs, check::loopback(chosen->first), "x");
        if (random() % 4 == 0) {
            chosen->second->removed = true;
            datagrams.remove(chosen->second->socket);
            gone.push_back(std::move(chosen->second));
            legs.erase(chosen);
        }
        if (random() % 3 == 0) datagrams.turn(0);
    }
    for (auto& leg : legs) {
        leg.second->removed = true;
        datagrams.remove(leg.second->socket);
    }
    settle(datagrams);
    ::close(theirs);
    CHECK_EQUAL(open_descriptors(), descriptors);
}

void close_lets_go(const char* backend) {
    const std::size_t descriptors = open_descriptors();
    auto datagrams = Datagrams::open(backend);
    const int ours = check::udp_socket(), late = check::udp_socket();
    const unsigned port = check::address_of(ours).port();
    Seen seen;
    datagrams->add(ours, &seen, 0);
    datagrams->turn(0);
    Datagram kept = datagrams->buffer();
    datagrams->close();
    ::close(check::udp_socket(AF_INET, port));
    datagrams->add(late, &seen, 0);
    CHECK(::fcntl(late, F_GETFD) < 0);
    datagrams->send(ours, check::loopback(9), datagrams->buffer());
    datagrams->turn(forever);
    datagrams->remove(ours);
    datagrams->wake();
    kept.drop();
    datagrams.reset();
    CHECK_EQUAL(open_descriptors(), descriptors);
}

void all(const char* backend) {
    std::fprintf(stderr, "%s\n", backend);
    auto datagrams = Datagrams::open(backend);
    CHECK(std::string(backend) == datagrams->backend());
    for (const auto& test :
         {both_ways, a_datagram_that_came_goes_back_changed, one_that_is_too_long_is_dropped, sends_keep_their_order,
          receives_keep_their_order, refused_sends_are_counted, a_closed_port_does_not_end_the_receiving,
          what_always_fails_rests, nothing_comes_after_remove, a_socket_may_go_before_its_first_turn,
          what_is_removed_is_closed_though_nobody_speaks,
          it_waits_for_the_deadline_a_wake_or_a_datagram, a_flood_does_not_hold_a_turn_up, sockets_come_and_go,
          buffers_that_run_out_come_back, thousands_of_sockets}) {
        test(*datagrams);
    }
    datagrams.reset();
    close_lets_go(backend);
}

}  // namespace

int main() {
    all("epoll");
    const auto tried = Datagrams::open("auto");
    if (std::string(tried->backend()) == "io_uring") {
        all("io_uring");
    } else {
        CHECK(!tried->why_not().empty());
        std::fprintf(stderr, "this kernel has no io_uring for us: %s\n", tried->why_not().c_str());
    }
    return 0;
}
