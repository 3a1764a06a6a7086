#include "source_lock.hpp"

#include <algorithm>

namespace callwright {

namespace {

constexpr std::uint16_t MAX_GAP = 16;  // packets lost between two that still count as a sequence

}  // namespace

void SourceLock::open(const Address& described, Nanos now) noexcept {
    const bool moved = described_ != described;
    described_ = described;
    opened_ = now;
    if (!source_.set()) return;
    const Rank rank = rank_of(source_);
    // A source that agrees with neither this description nor came under it may be the end that was left behind.
    if (rank != Rank::OTHER || moved) rank_ = rank == Rank::OTHER ? Rank::STALE : rank;
}

SourceLock::Rank SourceLock::rank_of(const Address& from) const noexcept {
    if (!described_.set() || !from.same_host(described_)) return Rank::OTHER;
    return from.port() == described_.port() ? Rank::DESCRIBED : Rank::HOST;
}

bool SourceLock::admit(const Address& from, std::uint32_t ssrc, std::uint16_t sequence, Nanos now) noexcept {
    if (source_.set() && from == source_) {
        last_ = now;
        if (rank_ == Rank::STALE && now - opened_ >= EARLY_SILENCE) rank_ = Rank::OTHER;
        return true;
    }
    const Rank rank = rank_of(from);
    if (may_take_over(rank, now)) {
        adopt(from, rank, now);
        return true;
    }
    if (note(from, ssrc, sequence, now) < CONSISTENT) return false;
    if (!source_.set() && !may_begin_late(from, rank)) return false;
    // The peer that was described may have been silent itself, and comes back to its own.
    const bool comes_back = rank == Rank::DESCRIBED && rank > rank_;
    if (source_.set() && !comes_back && now - last_ < patience(now)) return false;
    adopt(from, rank, now);
    return true;
}

Nanos SourceLock::patience(Nanos now) const noexcept {
    return learning(now) && rank_ <= Rank::OTHER ? EARLY_SILENCE : SILENCE;
}

bool SourceLock::may_take_over(Rank rank, Nanos now) const noexcept {
    if (!source_.set()) return learning(now) || rank == Rank::DESCRIBED;
    return learning(now) && rank >= Rank::HOST && rank > rank_;
}

// Nobody spoke while it was learnt who may. A peer behind a NAT that talks first now, after early media or a hold that
// it was silent in, has its signalling come from the same NAT.
bool SourceLock::may_begin_late(const Address& from, Rank rank) const noexcept {
    return late_from_anywhere || rank >= Rank::HOST || (signalling_.set() && from.same_host(signalling_));
}

unsigned SourceLock::note(const Address& from, std::uint32_t ssrc, std::uint16_t sequence, Nanos now) noexcept {
    auto found = std::find_if(candidates_.begin(), candidates_.end(),
                              [&](const Candidate& candidate) { return candidate.from == from; });
    if (found == candidates_.end()) {
        found = std::min_element(candidates_.begin(), candidates_.end(),
                                 [](const Candidate& a, const Candidate& b) { return a.last < b.last; });
        *found = Candidate{};
        found->from = from;
    }
    const auto gap = static_cast<std::uint16_t>(sequence - found->sequence);
    const bool follows = found->consistent != 0 && found->ssrc == ssrc && gap >= 1 && gap <= MAX_GAP &&
                         now - found->last < SILENCE;
    found->consistent = follows ? found->consistent + 1 : 1;
    found->ssrc = ssrc;
    found->sequence = sequence;
    found->last = now;
    return found->consistent;
}

void SourceLock::adopt(const Address& from, Rank rank, Nanos now) noexcept {
    source_ = from;
    rank_ = rank;
    last_ = now;
    candidates_.fill(Candidate{});
}

const Address& SourceLock::destination() const noexcept {
    const bool learnt = described_.set() && source_.set() && rank_ != Rank::STALE;
    return learnt ? source_ : described_;
}

bool SourceLock::knows_host(const Address& from) const noexcept {
    return (source_.set() && from.same_host(source_)) || (described_.set() && from.same_host(described_));
}

}  // namespace callwright
