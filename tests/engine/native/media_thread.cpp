// sources: rtp/address.cpp rtp/datagrams.cpp rtp/datagrams_pool.cpp rtp/epoll.cpp rtp/uring.cpp rtp/uring_start.cpp rtp/wheel.cpp rtp/media_thread.cpp
// packages: liburing
// The media thread: jobs, beats, an echo through its sockets, its end.
#include "rtp/media_thread.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <atomic>
#include <chrono>
#include <future>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "check.hpp"

using namespace callwright;

namespace {

template <typename Work>
void on_media_thread(MediaThread& media, Work work) {
    std::promise<void> done;
    media.post([&] {
        work();
        done.set_value();
    });
    CHECK(done.get_future().wait_for(std::chrono::seconds(5)) == std::future_status::ready);
}

struct Echo : Datagrams::Receiver {
    MediaThread& media;
    int socket;
    explicit Echo(MediaThread& media_) : media(media_), socket(check::udp_socket()) {}
    void on_datagram(int channel, Datagram datagram, Nanos) noexcept override {
        CHECK(media.on_thread());
        datagram.data[0] = static_cast<std::uint8_t>(channel);
        const Address to = datagram.from;
        media.datagrams().send(socket, to, std::move(datagram));
    }
};

struct Count : Beat {
    std::atomic<unsigned> beats{0}, frames{0};
    unsigned enough = 0;
    Nanos first = 0, last = 0;
    std::promise<void> done;
    void beat(Nanos now, unsigned n) noexcept override {
        if (beats == 0) first = now;
        last = now;
        frames += n;
        if (++beats == enough) done.set_value();
    }
    void wait() { CHECK(done.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready); }
};

void jobs_run_in_order() {
    MediaThread media("auto");
    std::vector<int> seen;
    for (int i = 0; i < 2000; i++) {
        media.post([&seen, i, &media] {
            CHECK(media.on_thread());
            seen.push_back(i);
        });
    }
    std::promise<void> nested;
    on_media_thread(media, [&] { media.post([&] { nested.set_value(); }); });
    CHECK(nested.get_future().wait_for(std::chrono::seconds(5)) == std::future_status::ready);
    CHECK_EQUAL(seen.size(), 2000);
    for (int i = 0; i < 2000; i++) CHECK_EQUAL(seen[static_cast<std::size_t>(i)], i);
    CHECK(!media.on_thread());
}

void a_job_that_throws_is_counted() {
    MediaThread media("auto");
    media.post([] { throw std::bad_alloc(); });
    on_media_thread(media, [] {});
    CHECK_EQUAL(media.figures().failed_jobs, 1);
}

void jobs_before_close_run_and_later_ones_are_destroyed() {
    auto token = std::make_shared<int>(0);
    MediaThread media("auto");
    std::atomic<int> ran{0};
    for (int i = 0; i < 1000; i++) media.post([&ran, token] { ran++; });
    media.close();
    CHECK_EQUAL(ran, 1000);
    media.post([&ran, token] { ran++; });
    CHECK_EQUAL(ran, 1000);
    CHECK_EQUAL(token.use_count(), 1);
    CHECK_EQUAL(media.jobs(), 0);
    media.close();
}

void jobs_posted_by_many_threads_while_it_closes_are_run_or_destroyed() {
    auto token = std::make_shared<int>(0);
    MediaThread media("auto");
    std::vector<std::thread> posters;
    for (int t = 0; t < 4; t++) {
        posters.emplace_back([&media, &token] {
            for (int i = 0; i < 5000; i++) media.post([token] {});
        });
    }
    media.close();
    for (std::thread& poster : posters) poster.join();
    CHECK_EQUAL(media.jobs(), 0);
    CHECK_EQUAL(token.use_count(), 1);
}

void datagrams_are_echoed() {
    MediaThread media("auto");
    Echo echo(media);
    const Address there = check::address_of(echo.socket);
    const int phone = check::udp_socket();
    on_media_thread(media, [&] { media.datagrams().add(echo.socket, &echo, 7); });
    for (int i = 0; i < 100; i++) {
        check::send(phone, there, "x" + std::to_string(i));
        CHECK(check::receive(phone) == "\x07" + std::to_string(i));
    }
    media.close();
    const int again = check::udp_socket(AF_INET, there.port());  // the port is free at once
    ::close(again);
    ::close(phone);
    CHECK_EQUAL(media.counters().received, 100);
    CHECK_EQUAL(media.counters().sent, 100);
}

void beats_come_each_frame() {
    MediaThread media("auto");
    Count count;
    count.enough = 25;
    on_media_thread(media, [&] {
        media.every_frame(&count);
        media.every_frame(&count);  // once each
    });
    count.wait();
    on_media_thread(media, [&] { media.never(&count); });
    const unsigned frames = count.frames;
    const Nanos took = count.last - count.first;
    CHECK(frames >= 25);
    CHECK(took >= 23 * MediaThread::FRAME && took <= (frames + 1) * MediaThread::FRAME);
    Count later;
    later.enough = 3;
    on_media_thread(media, [&] { media.every_frame(&later, 19); });
    later.wait();
    on_media_thread(media, [&] { media.never(&later); });
    CHECK_EQUAL(count.frames, frames);
}

void a_stall_is_made_good() {
    MediaThread media("auto");
    Count count;
    count.enough = 2;
    on_media_thread(media, [&] { media.every_frame(&count); });
    count.wait();
    media.take_longest_turn();
    const unsigned before = count.frames;
    std::promise<void> never;
    on_media_thread(media, [&] { never.get_future().wait_for(std::chrono::milliseconds(205)); });
    Count after;
    after.enough = 2;
    on_media_thread(media, [&] { media.every_frame(&after); });
    after.wait();
    on_media_thread(media, [&] { media.never(&count), media.never(&after); });
    CHECK(count.frames - before >= 10);
    const MediaThread::Figures figures = media.figures();
    CHECK(figures.late_beats >= 9);
    CHECK(media.take_longest_turn() >= 200'000);
    CHECK_EQUAL(media.take_longest_turn() < 200'000, true);
}

void a_second_is_a_second() {
    MediaThread media("auto");
    Count count;
    count.enough = 3;
    on_media_thread(media, [&] { media.every_second(&count); });
    count.wait();
    on_media_thread(media, [&] { media.never_each_second(&count); });
    const Nanos took = count.last - count.first;
    CHECK(took > 1'900'000'000 && took < 2'500'000'000);
}

// Of the calling thread.
long switches() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

void it_sleeps_when_nothing_is_due(const char* backend) {
    MediaThread media(backend);
    Echo echo(media);
    on_media_thread(media, [&] { media.datagrams().add(echo.socket, &echo, 0); });
    long before = 0, after = 0;
    on_media_thread(media, [&] { before = switches(); });
    const std::uint64_t calls = media.counters().system_calls;
    std::promise<void> never;
    never.get_future().wait_for(std::chrono::seconds(1));
    CHECK(media.counters().system_calls - calls <= 4);
    on_media_thread(media, [&] { after = switches(); });
    CHECK(after - before <= 5);
}

// It rises above the rest of the process where it may.
void its_priority_is_told() {
    MediaThread media("auto");
    const std::string told = media.figures().priority;
    int policy = -1;
    on_media_thread(media, [&] { policy = ::sched_getscheduler(0); });
    if (told == "inherited") {
        CHECK(policy != SCHED_OTHER);
    } else {
        CHECK(told == "nice -10" || told == "normal");
        CHECK_EQUAL(policy, SCHED_OTHER);
    }
}

void an_unknown_backend_is_refused() {
    try {
        MediaThread media("kqueue");
        CHECK(!"refused");
    } catch (const std::system_error& error) {
        CHECK_EQUAL(error.code().value(), EINVAL);
    }
}

}  // namespace

int main() {
    jobs_run_in_order();
    a_job_that_throws_is_counted();
    jobs_before_close_run_and_later_ones_are_destroyed();
    jobs_posted_by_many_threads_while_it_closes_are_run_or_destroyed();
    datagrams_are_echoed();
    beats_come_each_frame();
    a_stall_is_made_good();
    a_second_is_a_second();
    it_sleeps_when_nothing_is_due("auto");
    it_sleeps_when_nothing_is_due("epoll");
    its_priority_is_told();
    an_unknown_backend_is_refused();
    return 0;
}
