#include "uring.hpp"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace callwright {

namespace {

constexpr unsigned most_a_turn = 512;  // datagrams that came
constexpr unsigned batch = 256;        // that end a wait before its time
constexpr unsigned clock_every = 64;   // datagrams between two looks at the clock
constexpr Nanos forever = std::numeric_limits<Nanos>::max();
constexpr Nanos second = 1'000'000'000;
constexpr Nanos starving = 5'000'000;  // until buffers are looked for again

// What a completion is of; below it the descriptor or the buffer.
constexpr std::uint64_t of_receive = 0, of_send = 1ULL << 32, of_cancel = 2ULL << 32, of_wakeup = 3ULL << 32;

}  // namespace

io_uring_sqe* Uring::next_entry() noexcept {
    if (io_uring_sqe* entry = io_uring_get_sqe(&ring_)) return entry;
    system_calls_.add();
    io_uring_submit(&ring_);
    return io_uring_get_sqe(&ring_);
}

void Uring::add(int socket, Receiver* receiver, int channel) {
    if (closed_) {
        ::close(socket);
        return;
    }
    try {
        pool_.grow(POOL_AT_FIRST + 2 * (count_ + 1));
        if (sockets_.size() <= static_cast<std::size_t>(socket)) sockets_.resize(static_cast<std::size_t>(socket) + 64);
        for (std::vector<int>* list : {&arms_, &cancels_, &closings_, &resting_}) list->reserve(sockets_.size());
    } catch (...) {
        ::close(socket);
        throw;
    }
    at(socket) = {receiver, channel, 0, State::IDLE};
    arms_.push_back(socket);
    count_++;
}

void Uring::remove(int socket) noexcept {
    if (socket < 0 || static_cast<std::size_t>(socket) >= sockets_.size()) return;
    Socket& entry = at(socket);
    if (entry.receiver == nullptr) return;
    entry.receiver = nullptr;
    // It is closed when its receive has ended, and when what was sent by it before has gone out.
    const State before = std::exchange(entry.state, State::CLOSING);
    if (before == State::RECEIVING) {
        cancels_.push_back(socket);
        return;
    }
    std::vector<int>& list = before == State::IDLE ? arms_ : resting_;
    list.erase(std::remove(list.begin(), list.end(), socket), list.end());
    closings_.push_back(socket);
}

Datagram Uring::buffer() noexcept {
    const std::uint32_t buffer = pool_.take();
    return buffer == DatagramPool::NONE ? Datagram() : lend(pool_.data(buffer), 0, buffer);
}

void Uring::send(int socket, const Address& to, Datagram datagram) noexcept {
    if (closed_ || !datagram) return;
    io_uring_sqe* entry = next_entry();
    if (entry == nullptr) {
        refused_.add();
        return;
    }
    const auto buffer = static_cast<std::uint32_t>(buffer_of(datagram));
    void* address = pool_.head(buffer);
    std::memcpy(address, &to, sizeof to);
    // Never waiting: what the socket does not take now is lost, so that nothing overtakes it later.
    io_uring_prep_send(entry, socket, datagram.data, datagram.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    io_uring_prep_send_set_addr(entry, static_cast<sockaddr*>(address), static_cast<__u16>(to.length()));
    io_uring_sqe_set_data64(entry, of_send | buffer);
    forget(datagram);
    sending_++;
}

void Uring::turn(Nanos deadline) noexcept {
    if (closed_) return;
    prepare();
    wait(deadline);
    woke();
    close_removed();
    hand_out(deadline);
}

void Uring::prepare() noexcept {
    refill();
    if (!resting_.empty() && monotonic_now() >= rested_) {
        for (const int socket : resting_) {
            at(socket).state = State::IDLE;
            arms_.push_back(socket);
        }
        resting_.clear();
    }
    // Without a buffer a receive would only end at once.
    while (in_spare_ != 0 && !arms_.empty() && arm(arms_.back())) arms_.pop_back();
    while (!cancels_.empty() && cancel(cancels_.back())) cancels_.pop_back();
    if (!wakeup_armed_) arm_wakeup();
}

void Uring::refill() noexcept {
    if (std::exchange(starved_, false)) {
        // More came at once than before. What is left waits in its sockets.
        const std::size_t most = std::min<std::size_t>(SPARE_LIMIT, pool_.size() / 2);
        spare_wanted_ = static_cast<unsigned>(std::min<std::size_t>(most, 2 * spare_wanted_));
    }
    int added = 0;
    while (in_spare_ < spare_wanted_) {
        const std::uint32_t buffer = pool_.take();
        if (buffer == DatagramPool::NONE) break;
        io_uring_buf_ring_add(spare_, pool_.head(buffer), DatagramPool::HEAD + Datagram::ROOM,
                              static_cast<unsigned short>(buffer), io_uring_buf_ring_mask(SPARE_LIMIT), added++);
        in_spare_++;
    }
    if (added != 0) io_uring_buf_ring_advance(spare_, added);
}

bool Uring::arm(int socket) noexcept {
    io_uring_sqe* entry = next_entry();
    if (entry == nullptr) return false;
    io_uring_prep_recvmsg_multishot(entry, socket, &header_, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = 0;
    io_uring_sqe_set_data64(entry, of_receive | static_cast<unsigned>(socket));
    at(socket).state = State::RECEIVING;
    return true;
}

bool Uring::cancel(int socket) noexcept {
    io_uring_sqe* entry = next_entry();
    if (entry == nullptr) return false;
    // That it finds nothing is all right: the receive has ended by itself.
    io_uring_prep_cancel64(entry, of_receive | static_cast<unsigned>(socket), 0);
    io_uring_sqe_set_data64(entry, of_cancel);
    return true;
}

void Uring::arm_wakeup() noexcept {
    io_uring_sqe* entry = next_entry();
    if (entry == nullptr) return;
    io_uring_prep_read(entry, wakeup_, &woken_by_, sizeof woken_by_, 0);
    io_uring_sqe_set_data64(entry, of_wakeup);
    wakeup_armed_ = true;
}

// time: how long at most; `forever`.
int Uring::submit(unsigned wait_for, Nanos time) noexcept {
    system_calls_.add();
    if (time == forever) return io_uring_submit_and_wait(&ring_, wait_for);
    __kernel_timespec limit{time / second, time % second};
    io_uring_cqe* first = nullptr;
    return io_uring_submit_and_wait_timeout(&ring_, &first, wait_for, &limit, nullptr);
}

void Uring::wait(Nanos deadline) noexcept {
    if (io_uring_cq_ready(&ring_) != 0) {
        // Left over by the last turn, and done before more is fetched: what is too much waits in its sockets.
        if (io_uring_sq_ready(&ring_) == 0) return;
        system_calls_.add();
        io_uring_submit(&ring_);
        return;
    }
    const Nanos now = monotonic_now();
    Nanos end = deadline;
    if (!resting_.empty()) end = std::min(end, rested_);
    if (in_spare_ == 0) end = std::min(end, now + starving);
    if (!closings_.empty()) end = now;  // they are closed after this wait, however long nobody speaks
    const Nanos gather = gather_end();
    if (gather != 0) end = std::min(end, gather);
    const unsigned wanted = gather != 0 || end <= now ? batch : 1;
    // The sends that are queued complete at once, and do not count.
    const int result = submit(sending_ + wanted, end == forever ? forever : std::max<Nanos>(0, end - now));
    if (result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN || result == -EBUSY) return;
    last_error_ = -result;
    const timespec pause{0, 1'000'000};  // not to spin
    nanosleep(&pause, nullptr);
}

// After a submission: what was queued by a socket no longer needs its descriptor.
void Uring::close_removed() noexcept {
    if (closings_.empty() || io_uring_sq_ready(&ring_) != 0) return;
    for (const int socket : closings_) {
        ::close(socket);
        at(socket) = {};
        count_--;
    }
    system_calls_.add(closings_.size());
    closings_.clear();
}

// What a send leaves is not counted: it is small, and must not pile up when the thread is late.
void Uring::hand_out(Nanos deadline) noexcept {
    Nanos now = woken();
    unsigned head, next_look = clock_every;
    io_uring_cqe* entry;
    io_uring_for_each_cqe(&ring_, head, entry) {
        const std::uint64_t what = entry->user_data;
        const int result = entry->res;
        const unsigned flags = entry->flags;
        io_uring_cq_advance(&ring_, 1);  // before the callback, which may submit
        completed(what, result, flags, now);
        if (handed_out_ < next_look) continue;
        next_look += clock_every;
        now = monotonic_now();
        if (now >= deadline || handed_out_ >= most_a_turn) return;
    }
}

void Uring::completed(std::uint64_t what, int result, unsigned flags, Nanos now) noexcept {
    const auto low = static_cast<std::uint32_t>(what);
    switch (what - low) {
    case of_receive: received(static_cast<int>(low), result, flags, now); break;
    case of_send: sent(low, result); break;
    case of_wakeup: wakeup_armed_ = false; break;
    default: break;
    }
}

void Uring::received(int socket, int result, unsigned flags, Nanos now) noexcept {
    Datagram datagram;
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        const std::uint32_t buffer = flags >> IORING_CQE_BUFFER_SHIFT;
        in_spare_--;
        datagram = lend(pool_.data(buffer), 0, buffer);
    }
    if ((flags & IORING_CQE_F_MORE) == 0) receive_ended(socket, result);
    if (!datagram || result < static_cast<int>(DatagramPool::HEAD)) return;
    Socket& entry = at(socket);
    entry.failures = 0;
    handed_out_++;
    if (entry.receiver == nullptr) return;
    const std::uint8_t* head = datagram.data - DatagramPool::HEAD;
    io_uring_recvmsg_out out;
    std::memcpy(&out, head, sizeof out);
    if ((out.flags & MSG_TRUNC) != 0) {
        dropped_.add();
        return;
    }
    received_.add();
    datagram.size = static_cast<std::size_t>(result) - DatagramPool::HEAD;
    datagram.from = Address::of(head + sizeof out);
    entry.receiver->on_datagram(entry.channel, std::move(datagram), now);
}

void Uring::receive_ended(int socket, int result) noexcept {
    Socket& entry = at(socket);
    if (entry.state == State::CLOSING) {
        closings_.push_back(socket);
        return;
    }
    entry.state = State::IDLE;
    if (result == -ENOBUFS) {
        starved_ = true;
    } else if (result < 0) {
        last_error_ = -result;
        if (++entry.failures >= MOST_FAILURES) {
            entry.failures = 0;
            entry.state = State::RESTING;
            if (resting_.empty()) rested_ = woken() + REST;
            resting_.push_back(socket);
            return;
        }
    }
    arms_.push_back(socket);
}

void Uring::sent(std::uint32_t buffer, int result) noexcept {
    sending_--;
    pool_.give(buffer);
    if (result >= 0) {
        sent_.add();
        return;
    }
    last_error_ = -result;
    refused_.add();
}

void Uring::wake() noexcept {
    // The counter cannot overflow and the descriptor is ours, so the only failure is a signal.
    while (eventfd_write(wakeup_, 1) != 0 && errno == EINTR) {
    }
}

}  // namespace callwright
