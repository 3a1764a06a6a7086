#include "info.hpp"

#include <pjsip_ua.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>

namespace callwright {

namespace {

constexpr unsigned default_duration = 250;   // ms, when the body names none
constexpr unsigned longest_duration = 5000;  // ms

bool is(const pj_str_t& text, std::string_view expected) {
    const pj_str_t other{const_cast<char*>(expected.data()), static_cast<pj_ssize_t>(expected.size())};
    return pj_stricmp(&text, &other) == 0;
}

// 0 unless the whole text is one digit: "5", "*", "A", or a decimal event of RFC 4733 ("10" is "*").
char digit_of(std::string_view text) {
    constexpr std::string_view events = "0123456789*#ABCD";
    if (text.size() == 1) {
        const char digit = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
        return events.find(digit) == std::string_view::npos ? '\0' : digit;
    }
    if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') {
        return events[10 + static_cast<std::size_t>(text[1] - '0')];
    }
    return '\0';
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The value of a "Name=value" line, "" when there is none.
std::string_view line_value(std::string_view body, std::string_view name) {
    while (!body.empty()) {
        const auto end = std::min(body.find('\n'), body.size());
        const auto line = body.substr(0, end);
        const auto equals = line.find('=');
        if (equals != std::string_view::npos) {
            const auto key = trimmed(line.substr(0, equals));
            const pj_str_t text{const_cast<char*>(key.data()), static_cast<pj_ssize_t>(key.size())};
            if (is(text, name)) return trimmed(line.substr(equals + 1));
        }
        body.remove_prefix(std::min(end + 1, body.size()));
    }
    return {};
}

unsigned duration_of(std::string_view text) {
    if (text.empty() || text.size() > 5) return default_duration;
    unsigned value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return default_duration;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return std::min(value, longest_duration);
}

InDialogAnswer answer_info(const pjsip_msg_body* body) {
    // RFC 6086 section 4.2.2: an INFO without a body is a keep-alive of RFC 2976's kind.
    if (body == nullptr || body->len == 0) return {PJSIP_SC_OK, 0, 0};
    const auto& type = body->content_type;
    const bool relay = is(type.type, "application") && is(type.subtype, "dtmf-relay");
    const bool plain = is(type.type, "application") && is(type.subtype, "dtmf");
    if (!relay && !plain) return {PJSIP_SC_UNSUPPORTED_MEDIA_TYPE, 0, 0};
    const std::string_view text(static_cast<const char*>(body->data), body->len);
    auto signal = line_value(text, "Signal");
    if (signal.empty() && plain) signal = trimmed(text);
    const char digit = digit_of(signal);
    if (digit == 0) return {PJSIP_SC_BAD_REQUEST, 0, 0};
    return {PJSIP_SC_OK, digit, duration_of(line_value(text, "Duration"))};
}

}  // namespace

InDialogAnswer answer_in_dialog(const pjsip_rx_data* rdata) {
    const pjsip_msg* message = rdata->msg_info.msg;
    const auto& method = message->line.req.method;
    // What sessions, reliable provisional responses, transfers, event packages and page-mode messages handle.
    constexpr std::array<std::string_view, 6> handled{"UPDATE", "PRACK", "REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE"};
    if (is(method.name, "INFO")) return answer_info(message->body);
    if (method.id == PJSIP_OPTIONS_METHOD) return {PJSIP_SC_OK, 0, 0};
    if (method.id != PJSIP_OTHER_METHOD && method.id != PJSIP_REGISTER_METHOD) return {};
    const auto same = [&method](std::string_view name) { return is(method.name, name); };
    if (std::any_of(handled.begin(), handled.end(), same)) return {};
    const bool out_of_place = method.id == PJSIP_REGISTER_METHOD || is(method.name, "PUBLISH");
    return {out_of_place ? PJSIP_SC_METHOD_NOT_ALLOWED : PJSIP_SC_NOT_IMPLEMENTED, 0, 0};
}

}  // namespace callwright
