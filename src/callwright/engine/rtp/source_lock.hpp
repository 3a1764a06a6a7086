// Who may speak on a leg's RTP port: the source is learnt after each offer/answer, then it is locked, so that nobody
// else can hear the call (RTP bleed) or talk into it.
#pragma once

#include <array>
#include <cstdint>

#include "address.hpp"
#include "datagrams.hpp"

namespace callwright {

// RFC 4961, RFC 7362: we send to where the peer sends from, which behind a NAT is not what its SDP says.
class SourceLock {
  public:
    static constexpr Nanos LEARNING = 5'000'000'000;        // after an offer/answer
    static constexpr Nanos SILENCE = 2'000'000'000;         // of the locked source before another one may take over
    static constexpr Nanos EARLY_SILENCE = 500'000'000;     // the same of a stranger while learning
    static constexpr unsigned CONSISTENT = 3;               // packets that a new source must have sent in sequence

    // RTP that begins when the learning is over may come from anywhere, not only from the host that is described or that
    // the peer's signalling comes from: for phones behind a NAT of their own and a proxy of ours. Before the first lock.
    static inline bool late_from_anywhere = false;

    // Where the peer's signalling comes from.
    void know_signalling(const Address& host) noexcept { signalling_ = host; }
    // An offer/answer said where RTP goes to; not set: nowhere.
    void open(const Address& described, Nanos now) noexcept;
    // A packet came. False: it is foreign and must be dropped.
    bool admit(const Address& from, std::uint32_t ssrc, std::uint16_t sequence, Nanos now) noexcept;

    const Address& described() const noexcept { return described_; }
    const Address& signalling() const noexcept { return signalling_; }
    // The source that was learnt; not set: none yet.
    const Address& source() const noexcept { return source_; }
    // Where our packets go to; not set: nowhere.
    const Address& destination() const noexcept;
    // RTCP comes from another port, and carries no sequence: its host must be one that the call knows.
    bool knows_host(const Address& from) const noexcept;

  private:
    // How well a source agrees with the description; STALE is one that an older description brought.
    enum class Rank { STALE, OTHER, HOST, DESCRIBED };
    struct Candidate {
        Address from;
        std::uint32_t ssrc = 0;
        std::uint16_t sequence = 0;
        unsigned consistent = 0;
        Nanos last = 0;
    };

    Rank rank_of(const Address& from) const noexcept;
    bool learning(Nanos now) const noexcept { return now - opened_ < LEARNING; }
    bool may_take_over(Rank rank, Nanos now) const noexcept;
    bool may_begin_late(const Address& from, Rank rank) const noexcept;
    Nanos patience(Nanos now) const noexcept;
    unsigned note(const Address& from, std::uint32_t ssrc, std::uint16_t sequence, Nanos now) noexcept;
    void adopt(const Address& from, Rank rank, Nanos now) noexcept;

    Address described_;
    Address signalling_;    // the peer's host, whatever the port
    Address source_;
    Rank rank_ = Rank::STALE;
    Nanos opened_ = 0;
    Nanos last_ = 0;
    // Several, so that an attacker's packets do not push the one that has a right to take over out.
    std::array<Candidate, 4> candidates_{};
};

}  // namespace callwright
