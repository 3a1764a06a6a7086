#include "epoll.hpp"

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

namespace callwright {

namespace {

constexpr std::size_t spare_buffers = 256;
constexpr Nanos second = 1'000'000'000;
constexpr Nanos fast = 8'000'000;  // between the packets of one socket: less than any ptime
constexpr unsigned burst = 16;
constexpr unsigned most_a_turn = 512;  // datagrams
constexpr unsigned clock_every = 64;   // datagrams between two looks at the clock

timespec to_timespec(Nanos nanos) { return {static_cast<time_t>(nanos / second), static_cast<long>(nanos % second)}; }

}  // namespace

Epoll::Epoll() {
    pool_.grow(spare_buffers);
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    wakeup_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = wakeup_;
    if (epoll_ >= 0 && wakeup_ >= 0 && epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event) == 0) return;
    const int error = errno;
    if (epoll_ >= 0) ::close(epoll_);
    if (wakeup_ >= 0) ::close(wakeup_);
    throw std::system_error(error, std::generic_category(), "epoll");
}

Epoll::~Epoll() {
    close();
    ::close(epoll_);
    ::close(wakeup_);
}

void Epoll::close() noexcept {
    closed_ = true;
    for (std::size_t socket = 0; socket < sockets_.size(); socket++) remove(static_cast<int>(socket));
}

void Epoll::add(int socket, Receiver* receiver, int channel) {
    if (closed_) {
        ::close(socket);
        return;
    }
    try {
        pool_.grow(spare_buffers + 2 * (count_ + 1));
        if (sockets_.size() <= static_cast<std::size_t>(socket)) sockets_.resize(static_cast<std::size_t>(socket) + 64);
        resting_.reserve(sockets_.size());
    } catch (...) {
        ::close(socket);
        throw;
    }
    at(socket) = {receiver, channel, 0, false, 0};
    count_++;
    if (!watch(socket)) resting_.push_back(socket);
}

void Epoll::remove(int socket) noexcept {
    if (socket < 0 || static_cast<std::size_t>(socket) >= sockets_.size()) return;
    Socket& entry = at(socket);
    if (entry.receiver == nullptr) return;
    // Before the descriptor is closed: a copy of it, in a process forked meanwhile, would go on being reported.
    if (entry.watched) epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
    if (!entry.watched) resting_.erase(std::remove(resting_.begin(), resting_.end(), socket), resting_.end());
    entry = {};
    count_--;
    ::close(socket);
    system_calls_.add(2);
}

bool Epoll::watch(int socket) noexcept {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    system_calls_.add();
    bool& watched = at(socket).watched;
    watched = epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) == 0;
    return watched;
}

void Epoll::watch_rested(Nanos now) noexcept {
    if (resting_.empty() || now < rested_) return;
    rested_ = now + REST;
    resting_.erase(std::remove_if(resting_.begin(), resting_.end(), [this](int socket) { return watch(socket); }),
                   resting_.end());
}

Datagram Epoll::buffer() noexcept {
    const std::uint32_t buffer = pool_.take();
    return buffer == DatagramPool::NONE ? Datagram() : lend(pool_.data(buffer), 0, buffer);
}

// At once: nothing is gained by keeping it.
void Epoll::send(int socket, const Address& to, Datagram datagram) noexcept {
    if (closed_ || !datagram) return;
    system_calls_.add();
    const ssize_t size =
        ::sendto(socket, datagram.data, datagram.size, MSG_DONTWAIT | MSG_NOSIGNAL, &to.any, to.length());
    (size >= 0 ? sent_ : refused_).add();
}

void Epoll::turn(Nanos deadline) noexcept {
    if (closed_) return;
    if (next_ == count_ready_) {
        gather(deadline);
        count_ready_ = static_cast<unsigned>(wait(deadline));
        next_ = 0;
    }
    woke();
    watch_rested(woken());
    hand_out(deadline);
}

// What the deadline leaves comes first in the next turn, so that the last are not always left.
void Epoll::hand_out(Nanos deadline) noexcept {
    Nanos now = woken();
    unsigned next_look = clock_every;
    while (next_ < count_ready_) {
        const int socket = ready_[next_++].data.fd;
        if (socket == wakeup_) {
            eventfd_t ignored;
            eventfd_read(wakeup_, &ignored);
            system_calls_.add();
            continue;
        }
        receive(socket, now);
        if (handed_out_ < next_look) continue;
        next_look += clock_every;
        now = monotonic_now();
        if (now >= deadline || handed_out_ >= most_a_turn) return;
    }
}

void Epoll::gather(Nanos deadline) noexcept {
    const Nanos end = std::min(gather_end(), deadline);
    if (count_ready_ == ready_.size() || end <= monotonic_now()) return;  // the last wait did not give all
    const timespec until = to_timespec(end);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    system_calls_.add();
}

int Epoll::wait(Nanos deadline) noexcept {
    const bool forever = deadline == std::numeric_limits<Nanos>::max() && resting_.empty();
    const Nanos end = resting_.empty() ? deadline : std::min(deadline, rested_);
    const Nanos left = std::max<Nanos>(0, end - monotonic_now());
    system_calls_.add();
#ifdef SYS_epoll_pwait2
    if (precise_) {
        const timespec timeout = to_timespec(left);
        const long count = syscall(SYS_epoll_pwait2, epoll_, ready_.data(), static_cast<int>(ready_.size()),
                                   forever ? nullptr : &timeout, nullptr, 0);
        if (count >= 0 || errno == EINTR) return static_cast<int>(std::max(count, 0L));
        precise_ = false;
    }
#endif
    const Nanos most = 3'600'000;  // ms
    const int timeout = static_cast<int>(std::min(most, (left + 999'999) / 1'000'000));
    return std::max(0, epoll_wait(epoll_, ready_.data(), static_cast<int>(ready_.size()), forever ? -1 : timeout));
}

// One waits as a rule, and to ask for a second would double the cost. Only when they come fast more is looked for.
void Epoll::receive(int socket, Nanos now) noexcept {
    const unsigned most = now - at(socket).last < fast ? burst : 1;
    for (unsigned i = 0; i < most && receive_one(socket, now); i++) {
    }
}

// False: nothing more is there, or nothing more can be had.
bool Epoll::receive_one(int socket, Nanos now) noexcept {
    Socket& entry = at(socket);
    if (entry.receiver == nullptr) return false;  // removed since the wait
    Datagram datagram = buffer();
    if (!datagram) return discard(socket);
    socklen_t length = sizeof datagram.from;
    system_calls_.add();
    const ssize_t size =
        ::recvfrom(socket, datagram.data, Datagram::ROOM, MSG_DONTWAIT | MSG_TRUNC, &datagram.from.any, &length);
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR) failed(socket);
        return false;
    }
    entry.failures = 0;
    entry.last = now;
    handed_out_++;
    if (static_cast<std::size_t>(size) > Datagram::ROOM) {
        dropped_.add();
        return true;
    }
    received_.add();
    datagram.size = static_cast<std::size_t>(size);
    entry.receiver->on_datagram(entry.channel, std::move(datagram), now);
    return true;
}

// No buffer is left. The socket would be reported again and again if it was not read.
bool Epoll::discard(int socket) noexcept {
    system_calls_.add();
    const bool some = ::recv(socket, nullptr, 0, MSG_DONTWAIT | MSG_TRUNC) >= 0;
    if (some) dropped_.add();
    return some;
}

// An error that came by ICMP is taken off the socket by reporting it. One that stays must not keep us awake.
void Epoll::failed(int socket) noexcept {
    Socket& entry = at(socket);
    if (++entry.failures < MOST_FAILURES) return;
    entry.failures = 0;
    if (epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr) != 0) return;
    entry.watched = false;
    if (resting_.empty()) rested_ = woken() + REST;
    resting_.push_back(socket);
}

void Epoll::wake() noexcept {
    // The counter cannot overflow and the descriptor is ours, so the only failure is a signal.
    while (eventfd_write(wakeup_, 1) != 0 && errno == EINTR) {
    }
}

}  // namespace callwright
