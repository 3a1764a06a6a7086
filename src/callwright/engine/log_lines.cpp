#include "log_lines.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <string>
#include <string_view>

namespace callwright {

namespace {

// From this level on pjproject traces every message, and whoever asks for that wants all of it.
constexpr int trace_level = 4;
// Lines a second below that level: a flood of malformed packets makes one line each.
constexpr unsigned lines_per_second = 100;
// LOG events wait for Python like all others: past this many undrained events lines are dropped.
constexpr std::size_t max_backlog = 2000;
// A malformed packet is printed whole.
constexpr std::size_t longest_line = 1000;

// What pjproject calls an error and is a peer's mistake, or another process's port: told as information.
constexpr int information = 3;
constexpr std::array<std::string_view, 13> faults_of_others{
    "Error processing packet", "Request verification failed", "Bad SDP in incoming INVITE",
    "RTP socket bind() at",    "RTCP socket bind() at",       "Unknown Content-Type in incoming",
    "Error parsing '",         "Error parsing/validating SDP", "Unable to generate Contact header",
    "SSL_ERROR_SSL (Handshake)", "DTLS-SRTP negotiation for", "(PJMEDIA_SDP_EINPROTO)", "(PJMEDIA_SDPNEG_ENOMEDIA)",
};

int level_of(int level, std::string_view line) {
    const auto says = [line](std::string_view text) { return line.find(text) != std::string_view::npos; };
    const bool other = std::any_of(faults_of_others.begin(), faults_of_others.end(), says);
    return other ? std::max(level, information) : level;
}

void blank_after(std::string& line, std::string_view name, std::string_view ends) {
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    auto at = line.begin();
    while ((at = std::search(at, line.end(), name.begin(), name.end(), same)) != line.end()) {
        at += static_cast<std::ptrdiff_t>(name.size());
        const auto end = std::find_first_of(at, line.end(), ends.begin(), ends.end());
        std::fill(at, end, '*');
    }
}

// Digests and SRTP keys of a message that pjproject prints whole do not reach a log.
void blank_credentials(std::string& line) {
    blank_after(line, "authorization:", "\n");
    blank_after(line, "inline:", " \t\r\n|;");
}

}  // namespace

void LogLines::write(int level, const char* data, int length) {
    if (is_too_much()) {
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    while (length > 0 && std::isspace(static_cast<unsigned char>(data[length - 1])) != 0) --length;
    std::string line(data, static_cast<std::size_t>(length));
    blank_credentials(line);
    if (level_ < trace_level && line.size() > longest_line) line.resize(longest_line);
    level = level_of(level, line);
    events_.push(std::make_unique<Event>(EventKind::LOG, 0, level, std::move(line)));
}

bool LogLines::is_too_much() {
    if (events_.backlog() > max_backlog) return true;
    if (level_ >= trace_level) return false;
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    if (second_.exchange(second, std::memory_order_relaxed) != second) in_second_ = 0;
    return in_second_.fetch_add(1, std::memory_order_relaxed) >= lines_per_second;
}

}  // namespace callwright
