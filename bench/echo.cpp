// sources: rtp/address.cpp rtp/datagrams.cpp rtp/datagrams_pool.cpp rtp/epoll.cpp rtp/uring.cpp rtp/uring_start.cpp rtp/wheel.cpp rtp/media_thread.cpp
// packages: liburing
// The media thread alone, as a server that sends every packet back: what its sockets cost, without a call around them.
//
//   echo BACKEND LEGS PORT PEER_PORT
//
// Leg i listens on 127.0.0.1:PORT+2i; PEER_PORT+2i is where its peer will send from. Prints a line for each leg as
// "peer_port 127.0.0.1:port" and then "ready", and goes on until its input ends. Then it prints one line of figures.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "rtp/media_thread.hpp"

using namespace callwright;

namespace {

struct Leg : Datagrams::Receiver {
    Leg(Datagrams& datagrams_, int socket_) : datagrams(datagrams_), socket(socket_) {}

    void on_datagram(int, Datagram datagram, Nanos) noexcept override {
        const Address to = datagram.from;
        datagrams.send(socket, to, std::move(datagram));
    }

    Datagrams& datagrams;
    int socket;
};

int bound(unsigned port) {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (socket >= 0 && ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return socket;
    std::perror("echo");
    std::exit(1);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 5) {
        std::fprintf(stderr, "usage: echo auto|io_uring|epoll LEGS PORT PEER_PORT\n");
        return 2;
    }
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    const auto legs = static_cast<unsigned>(std::atoi(arguments[2]));
    const auto port = static_cast<unsigned>(std::atoi(arguments[3]));
    const auto peer = static_cast<unsigned>(std::atoi(arguments[4]));
    MediaThread media(arguments[1]);
    std::vector<std::unique_ptr<Leg>> all;
    for (unsigned i = 0; i < legs; i++) all.push_back(std::make_unique<Leg>(media.datagrams(), bound(port + 2 * i)));
    std::promise<void> added;
    media.post([&] {
        for (const auto& leg : all) media.datagrams().add(leg->socket, leg.get(), 0);
        added.set_value();
    });
    added.get_future().wait();
    for (unsigned i = 0; i < legs; i++) std::printf("%u 127.0.0.1:%u\n", peer + 2 * i, port + 2 * i);
    std::puts("ready");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    const Datagrams::Counters counters = media.counters();
    std::printf("%s: received %llu, sent %llu, refused %llu, dropped %llu, system calls %llu, longest turn %llu us\n",
                media.backend(), static_cast<unsigned long long>(counters.received),
                static_cast<unsigned long long>(counters.sent), static_cast<unsigned long long>(counters.refused),
                static_cast<unsigned long long>(counters.dropped),
                static_cast<unsigned long long>(counters.system_calls),
                static_cast<unsigned long long>(media.figures().longest_turn_us));
    return 0;
}
