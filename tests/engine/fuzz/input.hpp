// What a target takes from the fuzzer's bytes, and how it says that something does not hold.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

// libFuzzer keeps the input of a process that aborts.
#define REQUIRE(condition)                                                                          \
    do {                                                                                            \
        if (!(condition)) {                                                                         \
            std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);     \
            std::abort();                                                                           \
        }                                                                                           \
    } while (false)

namespace callwright_fuzz {

// Reads from the front; when nothing is left: zeros and empty texts.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : at_(data), left_(size) {}

    bool empty() const { return left_ == 0; }
    std::size_t left() const { return left_; }

    std::uint8_t byte() {
        if (left_ == 0) return 0;
        --left_;
        return *at_++;
    }

    // Up to and without the next `end`, or all.
    std::string until(char end) {
        const auto* found = std::find(at_, at_ + left_, static_cast<std::uint8_t>(end));
        std::string text(at_, found);
        const bool more = found != at_ + left_;
        left_ -= text.size() + (more ? 1 : 0);
        at_ = found + (more ? 1 : 0);
        return text;
    }

    std::string rest() {
        std::string text(at_, at_ + left_);
        left_ = 0;
        return text;
    }

  private:
    const std::uint8_t* at_;
    std::size_t left_;
};

}  // namespace callwright_fuzz
