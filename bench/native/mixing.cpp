// sources: rtp/address.cpp rtp/datagrams.cpp rtp/datagrams_pool.cpp rtp/epoll.cpp rtp/uring.cpp rtp/uring_start.cpp rtp/wheel.cpp rtp/media_thread.cpp mix/crew.cpp mix/mixer.cpp mix/samples.cpp mix/frame_resampler.cpp resampler.cpp playlist.cpp sound.cpp mix/dtmf_receiver.cpp
// packages: liburing
// What the mixer's arithmetic costs: nanoseconds of CPU time a frame of 20 ms, the best of several runs.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include "mix/dtmf_receiver.hpp"
#include "mix/frame_resampler.hpp"
#include "mix/mixer.hpp"
#include "playlist.hpp"

using namespace callwright;

namespace {

using Samples = std::vector<std::int16_t>;

double cpu_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

template <typename Work>
double best(unsigned times, Work work) {
    double least = 1e18;
    for (int run = 0; run < 7; ++run) {
        const double start = cpu_ns();
        for (unsigned i = 0; i < times; ++i) work();
        least = std::min(least, (cpu_ns() - start) / times);
    }
    return least;
}

Samples noise(std::size_t count) {
    std::mt19937 random(1);
    Samples samples(count);
    std::generate(samples.begin(), samples.end(), [&] { return static_cast<std::int16_t>(random() % 16000 - 8000); });
    return samples;
}

void resampling(unsigned from, unsigned to) {
    FrameResampler resampler(from, to, to / 50);
    const Samples in = noise(from / 50 + 1);
    Samples out(to / 50);
    const double ns = best(2000, [&] { resampler.run(in.data(), out.data(), to / 50); });
    std::printf("resample %5u -> %5u Hz     %8.0f ns a frame\n", from, to, ns);
}

class Talker final : public Mixer::Party {
  public:
    explicit Talker(unsigned frame) : Party(true, true), says_(noise(frame)) {}

    bool read(std::int16_t* samples) noexcept override {
        std::copy(says_.begin(), says_.end(), samples);
        return true;
    }
    void write(const std::int16_t* samples, std::uint64_t) noexcept override { sum_ += samples[0]; }

  private:
    const Samples says_;
    long sum_ = 0;
};

void conference(unsigned members, unsigned rate) {
    Mixer mixer(nullptr, rate / 50);
    mixer.add_bus(1000);
    for (unsigned id = 1; id <= members; ++id) {
        mixer.add(id, std::make_unique<Talker>(rate / 50));
        mixer.connect(id, 1000);
        mixer.connect(1000, id);
    }
    const double ns = best(20000 / members, [&] { mixer.beat(0, 1); });
    std::printf("conference of %3u at %5u Hz %7.0f ns a tick, %4.0f a member\n", members, rate, ns, ns / members);
}

void pairs(unsigned count, unsigned rate) {
    Mixer mixer(nullptr, rate / 50);
    for (unsigned id = 1; id <= 2 * count; ++id) mixer.add(id, std::make_unique<Talker>(rate / 50));
    for (unsigned id = 1; id <= 2 * count; id += 2) {
        mixer.connect(id, id + 1);
        mixer.connect(id + 1, id);
    }
    const double ns = best(2000, [&] { mixer.beat(0, 1); });
    std::printf("%3u bridged pairs at %5u Hz %7.0f ns a tick, %4.0f a leg\n", count, rate, ns, ns / (2 * count));
}

void prompt(unsigned rate) {
    const Samples samples = noise(std::size_t{rate} * 10);
    std::uint8_t payload[160];
    double first = 1e18;
    for (int run = 0; run < 5; ++run) {
        Playlist playlist({std::make_shared<const Sound>(samples.data(), samples.size() * 2, rate)}, 0);
        const double start = cpu_ns();
        for (int frame = 0; frame < 500; ++frame) playlist.g711(Law::MU, payload, 160);
        first = std::min(first, (cpu_ns() - start) / 500);
    }
    Playlist again({std::make_shared<const Sound>(samples.data(), samples.size() * 2, rate)}, 0);
    const double ns = best(2000, [&] { again.g711(Law::MU, payload, 160); });
    std::printf("prompt of %5u Hz as G.711   %7.0f ns a frame, %4.0f the first time\n", rate, ns, first);
}

void digits(unsigned rate) {
    DtmfReceiver receiver(rate);
    const Samples samples = noise(rate / 50);
    const double ns = best(2000, [&] { receiver.hear(samples.data()); });
    std::printf("digits looked for at %5u Hz %7.0f ns a frame\n", rate, ns);
}

}  // namespace

int main() {
    const std::pair<unsigned, unsigned> rates[] = {{8000, 16000}, {16000, 8000},  {8000, 48000},  {48000, 8000},
                                                   {16000, 48000}, {48000, 16000}, {44100, 16000}, {16000, 44100}};
    for (const auto& [from, to] : rates) resampling(from, to);
    for (const unsigned rate : {8000U, 16000U}) {
        pairs(1, rate), pairs(50, rate);
        for (const unsigned members : {2U, 100U, 250U}) conference(members, rate);
        prompt(rate);
        digits(rate);
    }
    return 0;
}
