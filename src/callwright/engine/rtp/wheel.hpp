// Who beats when: a period cut into phases, so that the work of all is spread over it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "datagrams.hpp"

namespace callwright {

class Beat;

// One thread's.
class Wheel {
  public:
    static constexpr Nanos NEVER = std::numeric_limits<Nanos>::max();
    static constexpr std::uint64_t MOST = 25;  // beats that are made good after the thread was held up

    Wheel(Nanos period, unsigned phases);

    // In place of a phase. FEWEST: the one that has the fewest, for beats that take their time. BESIDE: one that beats
    // already and has fewer than BUNCH, for short ones: while there are few, waking up costs more than they do.
    static constexpr int FEWEST = -1, BESIDE = -2;
    static constexpr std::uint32_t BUNCH = 16;

    // phase: 0 and up, FEWEST or BESIDE. The first beat is the next time that the phase comes after `now`. One that
    // beats already stays where it is.
    void add(Beat* beat, int phase, Nanos now);
    void remove(Beat* beat) noexcept;
    Nanos due() const noexcept { return due_; }

    struct Ran {
        std::uint64_t late = 0;  // periods that began more than half a period late
        std::uint64_t lost = 0;  // periods given up
    };
    // Beats all that is due.
    Ran run(Nanos now) noexcept;

  private:
    struct Phase {
        std::vector<Beat*> beats;  // nullptr: removed
        std::uint32_t count = 0;
        Nanos due = NEVER;
    };

    void run(Phase& phase, Nanos now, Ran& ran) noexcept;
    void find_due() noexcept;
    std::size_t fewest() const noexcept;
    std::size_t beside() const noexcept;

    const Nanos period_;
    std::vector<Phase> phases_;
    Nanos due_ = NEVER;
};

}  // namespace callwright
