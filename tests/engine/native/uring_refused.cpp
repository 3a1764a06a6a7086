// sources: rtp/address.cpp rtp/datagrams.cpp rtp/datagrams_pool.cpp rtp/epoll.cpp rtp/uring.cpp rtp/uring_start.cpp
// packages: liburing
// Where io_uring is refused, whole or in part, epoll does the work and says why. Each case is a process of its own,
// with a filter of system calls as containers have them.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstddef>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include "check.hpp"
#include "rtp/datagrams.hpp"

using namespace callwright;

namespace {

// This system call fails by `error`; with `argument`, only when its second argument is that.
void refuse(long call, int error, int argument = -1) {
    std::vector<sock_filter> filter;
    filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    const bool any = argument < 0;
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0,
                              static_cast<unsigned char>(any ? 1 : 4)));
    if (!any) {
        filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])));
        // Newer versions of liburing say with the top bit that the ring's descriptor is a registered one.
        filter.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7fffffff));
        filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(argument), 0, 1));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

struct Seen : Datagrams::Receiver {
    unsigned count = 0;
    void on_datagram(int, Datagram, Nanos) noexcept override { count++; }
};

void epoll_does_it(const std::string& why) {
    const auto datagrams = Datagrams::open("auto");
    CHECK(std::string(datagrams->backend()) == "epoll");
    std::fprintf(stderr, "%s\n", datagrams->why_not().c_str());
    CHECK(datagrams->why_not().find(why) != std::string::npos);
    Seen seen;
    const int ours = check::udp_socket(), theirs = check::udp_socket();
    const Address here = check::address_of(ours);
    datagrams->add(ours, &seen, 0);
    check::send(theirs, here, "x");
    const Nanos end = monotonic_now() + 5'000'000'000;
    while (seen.count == 0 && monotonic_now() < end) datagrams->turn(end);
    CHECK_EQUAL(seen.count, 1);
    bool thrown = false;
    try {
        Datagrams::open("io_uring");
    } catch (const std::system_error& error) {
        thrown = std::string(error.what()).find(why) != std::string::npos;
    }
    CHECK(thrown);
}

void in_a_process_of_its_own(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        work();
        std::_Exit(0);
    }
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

int main() {
    // Containers, and kernel.io_uring_disabled.
    in_a_process_of_its_own([] {
        refuse(SYS_io_uring_setup, EPERM);
        epoll_does_it("setup");
    });
    in_a_process_of_its_own([] {
        refuse(SYS_io_uring_setup, ENOSYS);
        epoll_does_it("setup");
    });
    if (!Datagrams::open("auto")->why_not().empty()) return 0;  // refused in any case here: the rest is the same
    // A kernel without rings of buffers.
    in_a_process_of_its_own([] {
        refuse(SYS_io_uring_register, EINVAL, IORING_REGISTER_PBUF_RING);
        epoll_does_it("buffer ring");
    });
    // A filter that knows only half of it.
    in_a_process_of_its_own([] {
        refuse(SYS_io_uring_enter, EPERM);
        epoll_does_it("trial");
    });
    // And epoll on a kernel without the precise wait.
    in_a_process_of_its_own([] {
        refuse(SYS_io_uring_setup, EPERM);
        refuse(SYS_epoll_pwait2, ENOSYS);
        epoll_does_it("setup");
    });
    return 0;
}
