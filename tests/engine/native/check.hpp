// What the native tests say when something does not hold.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(condition) \
    ((condition) ? static_cast<void>(0) : callwright_test::fail(__FILE__, __LINE__, #condition))

namespace callwright_test {

[[noreturn]] inline void fail(const char* file, int line, const char* condition) {
    std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    std::exit(1);
}

}  // namespace callwright_test
