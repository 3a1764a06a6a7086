#include "leniency.hpp"

#include <string_view>
#include <vector>

#include "message.hpp"

namespace callwright {

namespace {

using Parse = pjsip_msg* (*)(char*, pj_size_t, pjsip_rx_data*);

constexpr char masked = '_';  // no name of a header field that pjsip reads begins with it

bool is_forgiven(std::string_view message, std::string_view name) {
    if (message.substr(0, 4) == "SIP/") return false;
    if (equal_names(name, "Expires")) return true;
    return message.substr(0, 9) == "REGISTER " && equal_names(full_name(name), "Contact");
}

// Where the names of the fields begin that could not be read; empty when one of them is not forgiven.
std::vector<char*> faults_of(char* text, std::size_t size, const pjsip_rx_data* rdata) {
    std::vector<char*> found;
    const auto& faults = rdata->msg_info.parse_err;
    for (const auto* fault = faults.next; fault != &faults; fault = fault->next) {
        char* name = fault->hname.ptr;
        const bool inside = fault->hname.slen > 0 && name >= text && name < text + size;
        if (!inside || !is_forgiven({text, size}, {name, static_cast<std::size_t>(fault->hname.slen)})) return {};
        found.push_back(name);
    }
    return found;
}

}  // namespace

pjsip_msg* parse_leniently(char* text, pj_size_t size, pjsip_rx_data* rdata, Parse parse) {
    const auto fresh = rdata->msg_info;
    pjsip_msg* message = parse(text, size, rdata);
    if (pj_list_empty(&rdata->msg_info.parse_err)) return message;
    const auto faults = faults_of(text, size, rdata);
    if (faults.empty()) return message;
    // Once more, with these fields under names that pjsip reads nothing into.
    std::vector<char> names;
    for (char* name : faults) {
        names.push_back(*name);
        *name = masked;
    }
    rdata->msg_info = fresh;
    pj_list_init(&rdata->msg_info.parse_err);
    message = parse(text, size, rdata);
    for (std::size_t at = 0; at < faults.size(); ++at) *faults[at] = names[at];
    return message;
}

}  // namespace callwright

// pjsip drops a message of which one header field cannot be read, and answers nothing. The linker puts this function in
// the place of its parser's (--wrap).
extern "C" {

pjsip_msg* __real_pjsip_parse_rdata(char* text, pj_size_t size, pjsip_rx_data* rdata);
pjsip_msg* __wrap_pjsip_parse_rdata(char* text, pj_size_t size, pjsip_rx_data* rdata);

pjsip_msg* __wrap_pjsip_parse_rdata(char* text, pj_size_t size, pjsip_rx_data* rdata) {
    return callwright::parse_leniently(text, size, rdata, &__real_pjsip_parse_rdata);
}

}  // extern "C"
