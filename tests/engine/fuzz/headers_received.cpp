// sources: message.cpp event.cpp
// What comes from the wire: every header as it was written, and what an event says of a request.

#include "message.hpp"

#include "sip.hpp"

using callwright::Event;
using callwright::EventKind;

namespace {

constexpr std::size_t LONGEST_NAME = 19;  // "Request-Disposition", of a compact form

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size >= PJSIP_MAX_PKT_LEN) return 0;
    const std::string text(data, data + size);
    {
        // On the heap and exactly as long: a byte too many that is read is seen.
        std::vector<char> raw(text.begin(), text.end());
        pjsip_rx_data rdata{};
        rdata.msg_info.msg_buf = raw.data();
        rdata.msg_info.len = static_cast<int>(raw.size());
        for (const auto& [name, value] : callwright::headers_of(&rdata)) {
            REQUIRE(name.size() <= size + LONGEST_NAME && value.size() <= size);
        }
    }
    callwright_fuzz::Received received(text);
    if (!received.is_whole_request()) return 0;
    for (const auto& [name, value] : callwright::headers_of(received.rdata())) {
        REQUIRE(name.find_first_of("\r\n") == std::string::npos && value.find('\n') == std::string::npos);
    }
    Event event(EventKind::INCOMING, 1);
    callwright::describe_request(event, received.rdata(), "127.0.0.1");
    REQUIRE(event.detail.size() == 13);
    return 0;
}
