#include "capabilities.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "message.hpp"

namespace callwright {

namespace {

using Values = pjsip_generic_array_hdr;

constexpr std::array<std::string_view, 5> not_ours{"trickle-ice", "siprec", "application/im-iscomposing+xml",
                                                   "application/xpidf+xml", "application/dialog-info+xml"};
constexpr std::array<std::string_view, 3> methods_of_users{"REGISTER", "SUBSCRIBE", "PUBLISH"};
constexpr std::array<std::string_view, 3> extensions_of_users{"path", "outbound", "gruu"};
// As `callwright.sip.events.package` has them.
constexpr std::array<std::string_view, 4> packages{"presence", "dialog", "reg", "message-summary"};

bool is(const pj_str_t& value, std::string_view text) {
    return equal_names({value.ptr, static_cast<std::size_t>(value.slen)}, text);
}

void correct(pjsip_endpoint* endpoint, int field) {
    // pjsip has a way to add a value, and none to take it back.
    auto* header = const_cast<pjsip_hdr*>(pjsip_endpt_get_capability(endpoint, field, nullptr));
    if (header == nullptr) return;
    auto& values = *reinterpret_cast<Values*>(header);
    pj_str_t* end = std::remove_if(values.values, values.values + values.count, [](const pj_str_t& value) {
        return std::any_of(not_ours.begin(), not_ours.end(), [&](std::string_view one) { return is(value, one); });
    });
    values.count = static_cast<unsigned>(end - values.values);
}

void add(Values& values, std::string_view text) {
    const pj_str_t* begin = values.values;
    const bool there = std::any_of(begin, begin + values.count, [&](const pj_str_t& value) { return is(value, text); });
    if (there || values.count >= PJSIP_GENERIC_ARRAY_MAX_COUNT) return;
    values.values[values.count++] = {const_cast<char*>(text.data()), static_cast<pj_ssize_t>(text.size())};
}

Values* copy(pjsip_endpoint* endpoint, pjsip_tx_data* answer, int field) {
    const auto* header = pjsip_endpt_get_capability(endpoint, field, nullptr);
    if (header == nullptr) return nullptr;
    auto* own = static_cast<pjsip_hdr*>(pjsip_hdr_clone(answer->pool, header));
    pjsip_msg_add_hdr(answer->msg, own);
    return reinterpret_cast<Values*>(own);
}

}  // namespace

void correct_capabilities(pjsip_endpoint* endpoint) {
    correct(endpoint, PJSIP_H_SUPPORTED);
    correct(endpoint, PJSIP_H_ACCEPT);
}

void tell_capabilities(pjsip_endpoint* endpoint, pjsip_tx_data* answer, bool users) {
    Values* methods = copy(endpoint, answer, PJSIP_H_ALLOW);
    copy(endpoint, answer, PJSIP_H_ACCEPT);
    Values* extensions = copy(endpoint, answer, PJSIP_H_SUPPORTED);
    if (!users) return;
    for (const auto one : methods_of_users) {
        if (methods != nullptr) add(*methods, one);
    }
    for (const auto one : extensions_of_users) {
        if (extensions != nullptr) add(*extensions, one);
    }
    const pj_str_t name = pj_str(const_cast<char*>("Allow-Events"));
    auto* events = pjsip_generic_array_hdr_create(answer->pool, &name);
    for (const auto one : packages) add(*events, one);
    pjsip_msg_add_hdr(answer->msg, reinterpret_cast<pjsip_hdr*>(events));
}

}  // namespace callwright
