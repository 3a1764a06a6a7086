#include "figures.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "quality.hpp"

namespace callwright {

namespace {

constexpr Nanos MILLISECOND = 1'000'000;
constexpr double CODEC_DELAY_MS = 5;

// An object's members one after the other; names and texts are ours, or an address's.
class Object {
  public:
    Object& number(const char* name, std::int64_t value) { return raw(name, std::to_string(value)); }
    Object& number(const char* name, std::uint64_t value) { return raw(name, std::to_string(value)); }
    Object& number(const char* name, unsigned value) { return raw(name, std::to_string(value)); }
    Object& number(const char* name, double value) {
        std::array<char, 32> text;
        std::snprintf(text.data(), text.size(), "%.3f", value);
        return raw(name, text.data());
    }
    Object& text(const char* name, const std::string& value) {
        std::string quoted = "\"";
        for (const char c : value) {
            if (c == '"' || c == '\\') quoted += '\\';
            if (static_cast<unsigned char>(c) >= 0x20) quoted += c;
        }
        return raw(name, quoted + '"');
    }
    Object& raw(const char* name, const std::string& value) {
        json_ += json_.empty() ? "{\"" : ", \"";
        json_ += name;
        json_ += "\": " + value;
        return *this;
    }
    std::string done() const { return json_ + '}'; }

  private:
    std::string json_;
};

std::int64_t ms_between(Nanos from, Nanos to) { return from == 0 || to == 0 ? -1 : (to - from) / MILLISECOND; }

double ratio(double part, double whole) { return whole <= 0 ? 0 : part / whole; }

}  // namespace

std::string LineFigures::json() const {
    Object object;
    object.text("codec", codec).raw("rx", rx()).raw("tx", tx());
    object.number("rtt_ms", std::max(0.0, heard.round_trip_ms)).raw("jitter_buffer", jitter_buffer());
    return object.raw("mos", opinion()).number("relayed", relayed).text("verdict", verdict()).done();
}

std::string LineFigures::jitter_buffer() const {
    Object object;
    object.number("size_ms", buffer.size_ms).number("min_ms", buffer.min_ms).number("max_ms", buffer.max_ms);
    object.number("avg_delay_ms", buffer.average_ms).number("lost", buffer.lost);
    return object.number("discarded", buffer.discarded).number("empty", buffer.empty).done();
}

std::string LineFigures::rx() const {
    Object object;
    object.number("packets", reception.packets()).number("bytes", reception.bytes()).number("lost", reception.lost());
    object.number("discarded", buffer.discarded + reception.suspicious()).number("reordered", reception.reordered());
    object.number("duplicated", reception.duplicated()).number("jitter_ms", reception.jitter_mean_ms());
    object.number("jitter_max_ms", reception.jitter_max_ms()).number("foreign", refused.foreign);
    object.number("malformed", refused.malformed).number("unexpected", refused.unexpected);
    object.number("early", refused.early).number("forged", forged).number("jumps", reception.jumps());
    object.number("bursts", reception.bursts()).number("longest_burst", reception.longest_burst());
    object.number("first_ms", ms_between(opened_at, first_at)).number("last_ms", ms_between(last_at, now));
    object.number("comfort_noise", comfort);
    return object.text("source", source.text()).number("digits", digits).done();
}

std::string LineFigures::tx() const {
    Object object;
    object.number("packets", tx_packets).number("bytes", tx_bytes);
    object.number("lost", std::max<std::int64_t>(0, heard.lost)).number("jitter_ms", heard.jitter_ms);
    object.number("jitter_max_ms", heard.jitter_max_ms).number("first_ms", ms_between(opened_at, tx_first_at));
    object.number("last_ms", ms_between(tx_last_at, now)).number("refused", tx_refused);
    object.number("reports", heard.reports).number("reports_without", heard.without);
    return object.text("destination", destination.text()).done();
}

std::string LineFigures::opinion() const {
    const double way = std::max(0.0, heard.round_trip_ms) / 2 + ptime + CODEC_DELAY_MS;
    double received = 0;
    if (reception.packets() != 0) {
        const auto lost = static_cast<double>(reception.lost());
        const auto unheard = lost + static_cast<double>(buffer.discarded);
        const double loss = ratio(unheard, static_cast<double>(reception.expected()));
        // Of the mean run of losses to the one that chance alone would give.
        const double burst = ratio(lost, static_cast<double>(reception.bursts())) * (1 - std::min(1.0, loss));
        received = mean_opinion_score(codec, {way + buffer.average_ms, loss, burst});
    }
    double sent = 0;
    if (heard.reports != 0 && tx_packets != 0) {
        const double loss = ratio(static_cast<double>(heard.lost), static_cast<double>(tx_packets));
        sent = mean_opinion_score(codec, {way + 2 * heard.jitter_ms, loss, 1});
    }
    return Object().number("rx", received).number("tx", sent).done();
}

}  // namespace callwright
