// Arithmetic on whole frames of samples, in loops that the compiler turns into vectors.
#pragma once

#include <cstddef>
#include <cstdint>

namespace callwright::samples {

// What is a multiple of 8 in length goes fastest: each frame of 20 ms at 8, 16, 32 and 48 kHz is.

void copy(std::int32_t* sum, const std::int16_t* samples, std::size_t count) noexcept;
void add(std::int32_t* sum, const std::int16_t* samples, std::size_t count) noexcept;
void add(std::int32_t* sum, const std::int32_t* other, std::size_t count) noexcept;
void subtract(std::int32_t* sum, const std::int16_t* samples, std::size_t count) noexcept;
// Clipped to 16 bits.
void saturate(const std::int32_t* sum, std::int16_t* out, std::size_t count) noexcept;
// The same of sum - own.
void saturate_without(const std::int32_t* sum, const std::int16_t* own, std::int16_t* out, std::size_t count) noexcept;

// Whether all are zero.
bool silent(const std::int16_t* samples, std::size_t count) noexcept;

void to_float(const std::int16_t* samples, float* out, std::size_t count) noexcept;
// Rounded and clipped; beyond +-2^30 the result is not defined.
void to_int16(const float* samples, std::int16_t* out, std::size_t count) noexcept;

}  // namespace callwright::samples
