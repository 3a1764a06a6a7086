#include "leg_audio.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "samples.hpp"

namespace callwright {

namespace {

constexpr unsigned FRAMES_PER_SECOND = 50;
constexpr int QUIETEST_DBOV = -127;
constexpr int LOUDEST_DBOV = -30;  // a peer may not make us roar

unsigned rate_of(const pjmedia_port* port) { return PJMEDIA_PIA_SRATE(&port->info); }
unsigned channels_of(const pjmedia_port* port) { return std::max(1U, PJMEDIA_PIA_CCNT(&port->info)); }

unsigned packet_of(const pjmedia_port* port) {
    const unsigned samples = PJMEDIA_PIA_SPF(&port->info) / channels_of(port);
    return samples != 0 ? samples : rate_of(port) / FRAMES_PER_SECOND;
}

void drop(std::vector<std::int16_t>& queue, unsigned& length, unsigned& audible, unsigned count) {
    length -= count;
    audible -= std::min(audible, count);
    std::memmove(queue.data(), queue.data() + count, length * sizeof queue[0]);
}

}  // namespace

LegAudio::LegAudio(pjmedia_port* port, unsigned clock_rate)
    : port_(port),
      frame_(clock_rate / FRAMES_PER_SECOND),
      channels_(channels_of(port)),
      packet_(packet_of(port)),
      from_peer_(rate_of(port), clock_rate, frame_),
      to_peer_(clock_rate, rate_of(port), packet_),
      stream_(std::size_t{packet_} * channels_) {
    // One more than is ever asked for, where a ratio of the rates does not come out even.
    received_.resize(from_peer_.needs(frame_) + 1 + packet_);
    queued_.resize(to_peer_.needs(packet_) + 1 + frame_);
}

void LegAudio::reset() noexcept {
    waiting_ = audible_ = queue_ = sounding_ = 0;
    from_peer_.reset();
    to_peer_.reset();
}

// One frame of the stream, to one channel. False: silence.
bool LegAudio::decode(std::int16_t* samples) noexcept {
    std::int16_t* into = channels_ == 1 ? samples : stream_.data();
    const std::size_t size = std::size_t{packet_} * channels_;
    pjmedia_frame frame{};
    frame.buf = into;
    frame.size = size * sizeof *into;
    if (pjmedia_port_get_frame(port_, &frame) != PJ_SUCCESS || frame.type != PJMEDIA_FRAME_TYPE_AUDIO) {
        return false;
    }
    const std::size_t got = std::min(frame.size / sizeof *into, size);
    if (samples::silent(into, got)) {
        return false;
    }
    std::fill(into + got, into + size, std::int16_t{0});
    if (channels_ != 1) {
        for (unsigned i = 0; i < packet_; ++i) {
            std::int32_t sum = 0;
            for (unsigned channel = 0; channel < channels_; ++channel) {
                sum += stream_[std::size_t{i} * channels_ + channel];
            }
            samples[i] = static_cast<std::int16_t>(sum / static_cast<std::int32_t>(channels_));
        }
    }
    return true;
}

void LegAudio::pull() noexcept {
    std::int16_t* end = received_.data() + waiting_;
    const bool sounds = decode(end);
    waiting_ += packet_;
    if (sounds) {
        audible_ = waiting_;
    } else {
        std::fill_n(end, packet_, std::int16_t{0});
    }
}

bool LegAudio::read(std::int16_t* samples) noexcept {
    const unsigned needed = from_peer_.needs(frame_);
    while (waiting_ < needed) {
        pull();
    }
    const bool sounds = from_peer_.run(audible_ != 0 ? received_.data() : nullptr, samples, frame_);
    drop(received_, waiting_, audible_, needed);
    if (sounds) {
        noise_peak_ = noisy_ ? 0 : noise_peak_;  // what was still on its way when the packet came ends nothing
        noisy_ = false;
        return true;
    }
    if (noise_peak_ == 0) {
        return false;
    }
    noise(samples);
    noisy_ = true;
    return true;
}

// White: what a packet may say of the noise's colour is left aside. The RMS of an even distribution is its peak / 3^0.5.
void LegAudio::comfort(int dbov) noexcept {
    const double rms = 32768.0 * std::pow(10.0, std::min(dbov, LOUDEST_DBOV) / 20.0);
    noise_peak_ = dbov <= QUIETEST_DBOV ? 0 : static_cast<std::int32_t>(std::lrint(rms * std::sqrt(3.0)));
}

void LegAudio::noise(std::int16_t* samples) noexcept {
    std::uint32_t seed = noise_seed_;  // Numerical Recipes' generator; its upper bits are the random ones
    for (unsigned i = 0; i < frame_; ++i) {
        seed = seed * 1664525U + 1013904223U;
        samples[i] = static_cast<std::int16_t>((static_cast<std::int32_t>(seed) >> 16) * noise_peak_ >> 15);
    }
    noise_seed_ = seed;
}

// A frame of silence goes as samples of zero: of the kind without samples the stream would make a packet each, whatever
// its length.
void LegAudio::push() noexcept {
    const unsigned needed = to_peer_.needs(packet_);
    std::int16_t* mono = channels_ == 1 ? stream_.data() : stream_.data() + std::size_t{packet_} * (channels_ - 1);
    if (!to_peer_.run(sounding_ != 0 ? queued_.data() : nullptr, mono, packet_)) {
        std::fill_n(mono, packet_, std::int16_t{0});
    }
    drop(queued_, queue_, sounding_, needed);
    for (unsigned i = 0; channels_ != 1 && i < packet_; ++i) {  // mono stands at the end: it is read before it is lost
        std::fill_n(stream_.begin() + std::size_t{i} * channels_, channels_, mono[i]);
    }
    pjmedia_frame frame{};
    frame.type = PJMEDIA_FRAME_TYPE_AUDIO;
    frame.buf = stream_.data();
    frame.size = stream_.size() * sizeof stream_[0];
    pjmedia_port_put_frame(port_, &frame);  // the stream counts and reports what it cannot send
}

void LegAudio::write(const std::int16_t* samples) noexcept {
    std::int16_t* end = queued_.data() + queue_;
    queue_ += frame_;
    if (samples != nullptr) {
        std::memcpy(end, samples, frame_ * sizeof *samples);
        sounding_ = queue_;
    } else {
        std::fill_n(end, frame_, std::int16_t{0});
    }
    while (queue_ >= to_peer_.needs(packet_)) {
        push();
    }
}

}  // namespace callwright
