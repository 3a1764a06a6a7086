// sources: message.cpp event.cpp
// Headers and URIs that an application gives: what is accepted adds that one header to a message and nothing else.

#include "message.hpp"

#include <stdexcept>

#include "sip.hpp"

using callwright::Headers;

namespace {

bool is_accepted(const Headers& headers) {
    try {
        callwright::check_headers(headers);
        return true;
    } catch (const std::invalid_argument&) {
        return false;
    }
}

void check_uri(const std::string& text, bool name_addr) {
    try {
        callwright::check_uri(text, name_addr);
    } catch (const std::invalid_argument&) {
        return;
    }
    REQUIRE(text.find_first_of(std::string("\r\n\0", 3)) == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    callwright_fuzz::Stack::get();
    callwright_fuzz::Input input(data, size);
    const std::string name = input.until(':');
    const std::string value = input.rest();
    check_uri(value, false);
    check_uri(value, true);
    if (!is_accepted({{name, value}})) return 0;
    std::string text = "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\n" + name + ": " + value + "\r\nSubject: after\r\n\r\n";
    pjsip_rx_data rdata{};
    rdata.msg_info.msg_buf = text.data();
    rdata.msg_info.len = static_cast<int>(text.size());
    const Headers found = callwright::headers_of(&rdata);
    REQUIRE(found.size() == 2);
    REQUIRE(found[1].first == "Subject" && found[1].second == "after");
    return 0;
}
