// Tones made and measured, for the native tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace sine {

constexpr double PI = 3.14159265358979323846;

inline std::vector<std::int16_t> make(double hz, unsigned rate, std::size_t count, double peak, double phase = 0) {
    std::vector<std::int16_t> samples(count);
    for (std::size_t i = 0; i < count; ++i) {
        samples[i] = static_cast<std::int16_t>(std::lrint(peak * std::sin(2 * PI * hz * static_cast<double>(i) / rate + phase)));
    }
    return samples;
}

struct Found {
    double peak;      // of the tone
    double residual;  // RMS of what is left without it
};

// The tone of this frequency that fits the samples best (least squares on sine, cosine and a constant).
inline Found fit(const std::int16_t* samples, std::size_t count, double hz, unsigned rate) {
    double ss = 0, cc = 0, sc = 0, ys = 0, yc = 0, mean = 0;
    for (std::size_t i = 0; i < count; ++i) mean += samples[i];
    mean /= static_cast<double>(count);
    const auto angle = [&](std::size_t i) { return 2 * PI * hz * static_cast<double>(i) / rate; };
    for (std::size_t i = 0; i < count; ++i) {
        const double s = std::sin(angle(i)), c = std::cos(angle(i)), y = samples[i] - mean;
        ss += s * s, cc += c * c, sc += s * c, ys += y * s, yc += y * c;
    }
    const double determinant = ss * cc - sc * sc;
    const double a = (ys * cc - yc * sc) / determinant, b = (yc * ss - ys * sc) / determinant;
    double rest = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double left = samples[i] - mean - a * std::sin(angle(i)) - b * std::cos(angle(i));
        rest += left * left;
    }
    return {std::sqrt(a * a + b * b), std::sqrt(rest / static_cast<double>(count))};
}

inline double rms(const std::int16_t* samples, std::size_t count) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(samples[i]) * samples[i];
    return std::sqrt(sum / static_cast<double>(count));
}

inline double db(double ratio) { return 20 * std::log10(ratio); }

}  // namespace sine
