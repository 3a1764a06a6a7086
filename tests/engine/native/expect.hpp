// What the native tests say when something does not hold: each is a plain program that ends with `return expected();`.
#pragma once

#include <cmath>
#include <cstdio>

namespace expect {

inline int checks = 0;
inline int failures = 0;

inline bool that(bool holds, const char* what, const char* file, int line) {
    ++checks;
    if (!holds) {
        ++failures;
        std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    }
    return holds;
}

inline bool near(double value, double expected, double tolerance, const char* what, const char* file, int line) {
    const bool holds = std::fabs(value - expected) <= tolerance;
    if (!that(holds, what, file, line)) {
        std::fprintf(stderr, "    it is %g, expected %g within %g\n", value, expected, tolerance);
    }
    return holds;
}

}  // namespace expect

#define EXPECT(condition) expect::that(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
#define EXPECT_NEAR(value, expected, tolerance) \
    expect::near(value, expected, tolerance, #value " near " #expected, __FILE__, __LINE__)

// The exit code of main: a program that checked nothing has failed as well.
inline int expected() {
    std::fprintf(stderr, "%d checks, %d failures\n", expect::checks, expect::failures);
    return expect::failures == 0 && expect::checks != 0 ? 0 : 1;
}
