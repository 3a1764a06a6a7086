// How io_uring is set up, tried out, and ended.
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "uring.hpp"

namespace callwright {

namespace {

constexpr std::size_t name_room = DatagramPool::HEAD - sizeof(io_uring_recvmsg_out);
static_assert(name_room >= sizeof(Address));
constexpr Nanos trial_time = 1'000'000'000;
constexpr Nanos closing_time = 1'000'000'000;
constexpr Nanos moment = 10'000'000;

void check(int result, const char* what) {
    if (result < 0) throw std::system_error(-result, std::generic_category(), std::string("io_uring: ") + what);
}

int loopback_socket(Address& bound) {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    check(socket < 0 ? -errno : 0, "socket");
    bound.v4.sin_family = AF_INET;
    bound.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof bound;
    if (::bind(socket, &bound.any, bound.length()) == 0 && ::getsockname(socket, &bound.any, &length) == 0) return socket;
    const int error = errno;
    ::close(socket);
    throw std::system_error(error, std::generic_category(), "io_uring: loopback");
}

}  // namespace

// Sends to itself.
class Uring::Trial : public Datagrams::Receiver {
  public:
    void on_datagram(int, Datagram datagram, Nanos) noexcept override {
        if (datagram.from == address) seen++;
    }

    Address address;
    unsigned seen = 0;
};

std::unique_ptr<Datagrams> Uring::open() {
    auto uring = std::make_unique<Uring>();
    uring->set_up_wakeup();
    uring->set_up_ring();
    uring->set_up_buffers();
    uring->try_out();
    return uring;
}

Uring::~Uring() {
    close();
    if (wakeup_ >= 0) ::close(wakeup_);
}

void Uring::set_up_wakeup() {
    // Blocking, so that a read of it waits in the ring.
    wakeup_ = eventfd(0, EFD_CLOEXEC);
    check(wakeup_ < 0 ? -errno : 0, "eventfd");
}

void Uring::set_up_ring() {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                       IORING_SETUP_DEFER_TASKRUN;
    parameters.cq_entries = COMPLETIONS;
    check(io_uring_queue_init_params(SUBMISSIONS, &ring_, &parameters), "setup");
    ring_up_ = true;
    // Saves a lookup in each wait; not every kernel that has the rest has it.
    io_uring_register_ring_fd(&ring_);
}

void Uring::set_up_buffers() {
    header_.msg_namelen = name_room;
    pool_.grow(POOL_AT_FIRST);
    void* memory = ::mmap(nullptr, SPARE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(memory == MAP_FAILED ? -errno : 0, "memory");
    spare_ = static_cast<io_uring_buf_ring*>(memory);
    // The kernel keeps these very pages: a fork must not leave us with copies.
    check(::madvise(memory, SPARE_BYTES, MADV_DONTFORK) != 0 ? -errno : 0, "memory");
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.ring_entries = SPARE_LIMIT;
    check(io_uring_register_buf_ring(&ring_, &registration, 0), "buffer ring");
    io_uring_buf_ring_init(spare_);
}

// What a kernel knows cannot be asked for flag by flag, and a filter may refuse any of it: so all of it is used once.
void Uring::try_out() {
    Trial trial;
    const int socket = loopback_socket(trial.address);
    add(socket, &trial, 0);
    const Nanos end = monotonic_now() + trial_time;
    for (unsigned sent = 1; sent <= 2; sent++) {  // a second time, for what goes on by itself
        send(socket, trial.address, buffer());
        while (trial.seen < sent && last_error_ == 0 && monotonic_now() < end) turn(end);
    }
    const int error = last_error_ != 0 ? last_error_ : trial.seen < 2 ? ETIMEDOUT : 0;
    remove(socket);
    while (error == 0 && count_ != 0 && monotonic_now() < end) turn(end);
    check(-error, "trial");
    check(count_ != 0 ? -ETIMEDOUT : 0, "cancel");
    tried_ = true;
    for (Counter* counter : {&received_, &sent_, &refused_, &dropped_, &system_calls_}) counter->clear();
}

void Uring::close() noexcept {
    if (closed_) return;
    for (std::size_t socket = 0; socket < sockets_.size(); socket++) remove(static_cast<int>(socket));
    // Until the kernel has let go of each: then its port is free.
    const Nanos end = monotonic_now() + closing_time;
    while (tried_ && (count_ != 0 || sending_ != 0) && monotonic_now() < end) turn(monotonic_now() + moment);
    closed_ = true;
    tear_down();
}

void Uring::tear_down() noexcept {
    if (std::exchange(ring_up_, false)) io_uring_queue_exit(&ring_);
    if (spare_ != nullptr) ::munmap(std::exchange(spare_, nullptr), SPARE_BYTES);
    for (std::size_t socket = 0; socket < sockets_.size(); socket++) {
        if (at(static_cast<int>(socket)).state != State::FREE) ::close(static_cast<int>(socket));
    }
    sockets_.clear();
}

}  // namespace callwright
