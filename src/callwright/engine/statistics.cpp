#include "statistics.hpp"

#include <array>
#include <cstdio>

namespace callwright {

namespace {

constexpr double usec_per_ms = 1000.0;

}  // namespace

void StreamTotals::add(pjmedia_stream* stream) {
    pjmedia_stream_info info;
    if (pjmedia_stream_get_info(stream, &info) == PJ_SUCCESS) {
        codec.assign(info.fmt.encoding_name.ptr, static_cast<std::size_t>(info.fmt.encoding_name.slen));
    }
    pjmedia_rtcp_stat stat;
    if (pjmedia_stream_get_stat(stream, &stat) != PJ_SUCCESS) return;
    rx_packets += stat.rx.pkt;
    rx_bytes += stat.rx.bytes;
    rx_lost += stat.rx.loss;
    rx_discarded += stat.rx.discard;
    rx_reordered += stat.rx.reorder;
    rx_duplicated += stat.rx.dup;
    rx_jitter_ms = stat.rx.jitter.mean / usec_per_ms;
    tx_packets += stat.tx.pkt;
    tx_bytes += stat.tx.bytes;
    tx_lost += stat.tx.loss;
    tx_jitter_ms = stat.tx.jitter.mean / usec_per_ms;
    rtt_ms = stat.rtt.mean / usec_per_ms;
}

std::string StreamTotals::json() const {
    std::array<char, 512> text;
    const int length = std::snprintf(
        text.data(), text.size(),
        "{\"codec\": \"%s\", \"rx\": {\"packets\": %llu, \"bytes\": %llu, \"lost\": %llu, \"discarded\": %llu, "
        "\"reordered\": %llu, \"duplicated\": %llu, \"jitter_ms\": %.3f}, \"tx\": {\"packets\": %llu, "
        "\"bytes\": %llu, \"lost\": %llu, \"jitter_ms\": %.3f}, \"rtt_ms\": %.3f}",
        codec.c_str(), static_cast<unsigned long long>(rx_packets), static_cast<unsigned long long>(rx_bytes),
        static_cast<unsigned long long>(rx_lost), static_cast<unsigned long long>(rx_discarded),
        static_cast<unsigned long long>(rx_reordered), static_cast<unsigned long long>(rx_duplicated), rx_jitter_ms,
        static_cast<unsigned long long>(tx_packets), static_cast<unsigned long long>(tx_bytes),
        static_cast<unsigned long long>(tx_lost), tx_jitter_ms, rtt_ms);
    return std::string(text.data(), static_cast<std::size_t>(length));
}

void Statistics::start(std::uint64_t leg, pjmedia_stream* stream) {
    std::lock_guard<std::mutex> lock(mutex_);
    entries_[leg].stream = stream;
}

void Statistics::stop(std::uint64_t leg) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(leg);
    if (found == entries_.end() || found->second.stream == nullptr) return;
    found->second.before.add(found->second.stream);
    found->second.stream = nullptr;
}

std::string Statistics::of(std::uint64_t leg) const {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(leg);
    if (found == entries_.end()) return {};
    StreamTotals now = found->second.before;
    // pjmedia copies its counters without a lock: a number may be one packet old, none is torn (aligned words).
    if (found->second.stream != nullptr) now.add(found->second.stream);
    return now.json();
}

std::string Statistics::take(std::uint64_t leg) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(leg);
    if (found == entries_.end()) return {};
    std::string text = found->second.before.json();
    entries_.erase(found);
    return text;
}

}  // namespace callwright
