// sources: log_lines.cpp event.cpp
// Lines of pjproject's log: no credential of a message stays in one, whatever is written around it.

#include "log_lines.hpp"

#include <cctype>

#include "input.hpp"

namespace {

std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

void require_blank(const std::string& line) {
    const std::string name = "authorization:", low = lower(line);
    for (auto at = low.find(name); at != std::string::npos; at = low.find(name, at + 1)) {
        const auto start = at + name.size(), end = std::min(low.find('\n', start), low.size());
        REQUIRE(low.find_first_not_of('*', start) >= end);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    callwright_fuzz::Input input(data, size);
    const int configured = input.byte() % 6, level = input.byte() % 6;
    const std::string text = input.rest();
    callwright::EventQueue queue;
    callwright::LogLines lines(queue, configured);
    lines.write(level, text.data(), static_cast<int>(text.size()));
    const auto events = queue.drain(2);
    REQUIRE(events.size() == 1);
    REQUIRE(events[0]->text.size() <= text.size());
    require_blank(events[0]->text);
    return 0;
}
