// sources: info.cpp
// INFO and its kin inside a dialog: the first line is the method, the second the content type, the rest the body.

#include "info.hpp"

#include <cstring>

#include "sip.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    callwright_fuzz::Input input(data, size);
    std::string method = input.until('\n');
    const std::string type = input.until('\n');
    const std::string rest = input.rest();
    // The body ends where its memory ends: pjsip puts no terminator behind it.
    std::vector<char> body(rest.begin(), rest.end());
    const auto slash = std::min(type.find('/'), type.size());
    std::string major = type.substr(0, slash), minor = type.substr(std::min(slash + 1, type.size()));

    callwright_fuzz::Stack::get();
    pjsip_msg message{};
    pj_list_init(&message.hdr);
    message.type = PJSIP_REQUEST_MSG;
    pj_str_t name{method.data(), static_cast<pj_ssize_t>(method.size())};
    pjsip_method_init_np(&message.line.req.method, &name);
    pjsip_msg_body part{};
    part.content_type.type = {major.data(), static_cast<pj_ssize_t>(major.size())};
    part.content_type.subtype = {minor.data(), static_cast<pj_ssize_t>(minor.size())};
    part.data = body.data();
    part.len = static_cast<unsigned>(body.size());
    message.body = &part;
    pjsip_rx_data rdata{};
    rdata.msg_info.msg = &message;

    const auto answer = callwright::answer_in_dialog(&rdata);
    REQUIRE(answer.code == 0 || (answer.code >= 200 && answer.code < 700));
    REQUIRE(answer.digit == 0 || std::strchr("0123456789*#ABCD", answer.digit) != nullptr);
    REQUIRE(answer.digit == 0 || (answer.code == 200 && answer.duration <= 5000));
    return 0;
}
