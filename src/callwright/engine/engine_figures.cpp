// Figures of the whole engine, for who watches it. Any thread.
#include "engine.hpp"
#include "gate.hpp"
#include "held.hpp"
#include "keep_alive.hpp"
#include "leg.hpp"
#include "mix/mixer.hpp"
#include "offers.hpp"
#include "outgoing.hpp"
#include "port.hpp"
#include "request.hpp"
#include "rtp/media_thread.hpp"
#include "sound.hpp"

namespace callwright {

namespace {

using Numbers = std::vector<std::pair<const char*, std::uint64_t>>;

std::uint64_t feeding(MediaThread& media, Line::Egress egress) {
    return media.totals().feeding[static_cast<std::size_t>(egress)].get();
}

}  // namespace

Numbers Engine::counts() const {
    return {
        {"legs", legs_->size()},         {"ports", Port::live()},
        {"sounds", Sound::live()},       {"requests", requests_->size()},
        {"transactions", outgoing_->size()},
        {"bridge_ports", mixer_ ? mixer_->size() : 0}, {"jobs", jobs_.size()},
        {"events", events_.backlog()},
        {"transfers", legs_->transfers().size()},
        {"held", held_->size()},
    };
}

Numbers Engine::counters() const {
    const auto& gate = gate_->counters();
    const auto& users = gate_->authenticator().counters();
    return {
        {"invites", gate.invites},
        {"refused_source", gate.refused_source},
        {"refused_rate", gate.refused_rate},
        {"refused_backlog", gate.refused_backlog},
        {"refused_full", gate.refused_full},
        {"refused_offer", offers_->refused()},
        {"refused_connections", gate.refused_connections},
        {"requests", requests_->received()},
        {"malformed", gate.malformed},
        {"authenticated", users.authenticated},
        {"challenged", users.challenged},
        {"auth_failed", users.failed},
        {"auth_replayed", users.replayed},
        {"blocked", users.blocked},
        {"scanners", users.scanners},
        {"refused_strangers", users.refused_strangers},
        {"unreported", users.unreported},
        {"held", held_->kept()},
        {"stun", keep_alives_->counters().stun},
        {"pongs", keep_alives_->counters().pongs},
        {"dropped_lines", log_.dropped()},
    };
}

std::vector<std::pair<const char*, std::string>> Engine::media_facts() const {
    if (!media_) return {};
    return {{"io", media_->backend()}, {"why_not_io_uring", media_->why_not()}, {"priority", media_->figures().priority}};
}

Numbers Engine::media_counts() const {
    if (!media_) return {};
    return {
        {"idle", feeding(*media_, Line::Egress::IDLE)},
        {"play", feeding(*media_, Line::Egress::PLAY)},
        {"relay", feeding(*media_, Line::Egress::RELAY)},
        {"mix", feeding(*media_, Line::Egress::MIX)},
        {"rtp_pairs", legs_->rtp_ports().size()},
        {"rtp_pairs_taken", legs_->rtp_ports().taken()},
        {"mixing_threads", mixer_->hands()},
        {"longest_turn_us", media_->take_longest_turn()},
        {"jobs", media_->jobs()},
    };
}

std::vector<std::tuple<std::string, std::uint64_t, std::uint64_t>> Engine::media_addresses() const {
    std::vector<std::tuple<std::string, std::uint64_t, std::uint64_t>> addresses;
    for (const auto& use : legs_->rtp_ports().uses()) addresses.emplace_back(use.host, use.pairs, use.taken);
    return addresses;
}

Numbers Engine::media_counters() const {
    if (!media_) return {};
    const auto thread = media_->figures();
    const auto datagrams = media_->counters();
    const LineTotals& lines = media_->totals();
    return {
        {"late_beats", thread.late_beats},
        {"lost_beats", thread.lost_beats},
        {"failed_jobs", thread.failed_jobs},
        {"received", datagrams.received},
        {"sent", datagrams.sent},
        {"dropped", datagrams.dropped},
        {"refused", datagrams.refused + lines.refused.get()},
        {"system_calls", datagrams.system_calls},
        {"relayed", lines.relayed.get()},
        {"foreign", lines.foreign.get()},
        {"forged", lines.forged.get()},
        {"malformed", lines.malformed.get()},
        {"unexpected", lines.unexpected.get()},
        {"early", lines.early.get()},
        {"jitter_lost", lines.jitter_lost.get()},
        {"jitter_discarded", lines.jitter_discarded.get()},
        {"jitter_empty", lines.jitter_empty.get()},
        {"rtp_pairs_unrested", legs_->rtp_ports().unrested()},
    };
}

}  // namespace callwright
