#include "reception.hpp"

#include <algorithm>
#include <cstdlib>

namespace callwright {

namespace {

// RFC 3550 appendix A.1.
constexpr std::int64_t MAX_DROPOUT = 3000;
constexpr std::int64_t MAX_MISORDER = 100;
constexpr std::int64_t WINDOW = 64;           // packets in which a repeated one is told from a late one
// How far timestamps may part from the clock before it is a jump: behind it, because a network held packets up or a
// sender stood still, and ahead of it.
constexpr std::int64_t MAX_BEHIND_S = 3;
constexpr std::int64_t MAX_AHEAD_S = 1;
constexpr unsigned SMOOTHING = 16;

}  // namespace

void Reception::format(unsigned rate) noexcept {
    if (rate == rate_) return;
    rate_ = rate;
    timed_ = false;
    jitter_ = 0;
}

Reception::Verdict Reception::receive(const RtpPacket& packet, bool audio, Nanos now) noexcept {
    if (!heard_) {
        restart(packet, now);
        heard_ = true;
        count(packet);
        if (audio) time(packet, true, now);
        return Verdict::GOOD;
    }
    const auto step = static_cast<std::int16_t>(packet.sequence - static_cast<std::uint16_t>(highest_));
    // An old number with a timestamp that is none: the numbers have begun again a little further back.
    const bool later = static_cast<std::int32_t>(packet.timestamp - timestamp_) > 0;
    const bool renumbered = audio && timed_ && step <= 0 && later;
    if (packet.ssrc != ssrc_ || step >= MAX_DROPOUT || step <= -MAX_MISORDER || renumbered) {
        return probe(packet, audio, now);
    }
    probing_ = false;
    if (step <= 0) {
        const Verdict verdict = late(-std::int64_t{step});
        if (verdict == Verdict::DUPLICATE) return verdict;
    } else {
        forward(step);
    }
    count(packet);
    if (!audio || time(packet, step > 0, now)) return Verdict::GOOD;
    ++jumps_;
    return Verdict::RESTARTED;
}

void Reception::count(const RtpPacket& packet) noexcept {
    ++received_;
    ++packets_;
    bytes_ += packet.payload;
}

// One packet may be a stray; two that follow each other, with none of the old series between them, are a new series.
Reception::Verdict Reception::probe(const RtpPacket& packet, bool audio, Nanos now) noexcept {
    if (!probing_ || packet.ssrc != probed_ssrc_ || packet.sequence != probed_next_) {
        probing_ = true;
        probed_ssrc_ = packet.ssrc;
        probed_next_ = static_cast<std::uint16_t>(packet.sequence + 1);
        ++suspicious_;
        return Verdict::SUSPICIOUS;
    }
    lost_before_ += static_cast<std::uint64_t>(std::max<std::int64_t>(0, series_lost()));
    expected_before_ += static_cast<std::uint64_t>(series_expected());
    restart(packet, now);
    ++jumps_;
    count(packet);
    if (audio) time(packet, true, now);
    return Verdict::RESTARTED;
}

void Reception::restart(const RtpPacket& packet, Nanos now) noexcept {
    ssrc_ = packet.ssrc;
    base_ = highest_ = packet.sequence;
    seen_ = 1;
    received_ = 0;
    probing_ = false;
    reported_expected_ = reported_received_ = 0;
    if (epoch_ == 0) epoch_ = now;
    timed_ = false;
}

Reception::Verdict Reception::late(std::int64_t age) noexcept {
    if (age < WINDOW) {
        const std::uint64_t bit = std::uint64_t{1} << age;
        if ((seen_ & bit) != 0) {
            ++duplicated_;
            return Verdict::DUPLICATE;
        }
        seen_ |= bit;
    }
    base_ = std::min(base_, highest_ - age);  // the series had begun before its first packet came
    ++reordered_;
    return Verdict::GOOD;
}

void Reception::forward(std::int64_t step) noexcept {
    highest_ += step;
    seen_ = step >= WINDOW ? 1 : seen_ << step | 1;
    if (step == 1) return;
    ++bursts_;
    longest_burst_ = std::max(longest_burst_, static_cast<std::uint64_t>(step - 1));
}

// RFC 3550 section 6.4.1. ahead: the sequence went forward. False: the timestamps have jumped.
bool Reception::time(const RtpPacket& packet, bool ahead, Nanos now) noexcept {
    if (!ahead) return true;  // a late one says nothing of jitter
    const std::int64_t arrival = (now - epoch_) / 1000 * static_cast<std::int64_t>(rate_) / 1'000'000;
    const auto step = static_cast<std::int32_t>(packet.timestamp - timestamp_);
    const std::int64_t difference = arrival - arrival_ - step;
    const bool first = !timed_;
    timed_ = true;
    arrival_ = arrival;
    timestamp_ = packet.timestamp;
    if (first) return true;
    // A pause without packets moves both on alike.
    if (step < 0 || difference > MAX_BEHIND_S * rate_ || difference < -MAX_AHEAD_S * rate_) return false;
    const auto distance = static_cast<double>(std::abs(difference));
    jitter_ += (distance - jitter_) / SMOOTHING;
    jitter_max_ = std::max(jitter_max_, jitter_);
    jitter_sum_ += jitter_;
    ++jitter_count_;
    return true;
}

std::uint64_t Reception::lost() const noexcept {
    return lost_before_ + static_cast<std::uint64_t>(std::max<std::int64_t>(0, series_lost()));
}

std::uint8_t Reception::take_fraction() noexcept {
    const std::int64_t expected = series_expected() - reported_expected_;
    const std::int64_t received = static_cast<std::int64_t>(received_) - reported_received_;
    reported_expected_ = series_expected();
    reported_received_ = static_cast<std::int64_t>(received_);
    const std::int64_t lost = expected - received;
    if (expected <= 0 || lost <= 0) return 0;
    return static_cast<std::uint8_t>(std::min<std::int64_t>(255, lost * 256 / expected));
}

double Reception::jitter_ms() const noexcept { return jitter_ * 1000 / rate_; }
double Reception::jitter_max_ms() const noexcept { return jitter_max_ * 1000 / rate_; }
double Reception::jitter_mean_ms() const noexcept {
    return jitter_count_ == 0 ? 0 : jitter_sum_ / static_cast<double>(jitter_count_) * 1000 / rate_;
}

}  // namespace callwright
