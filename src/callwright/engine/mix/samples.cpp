#include "samples.hpp"

#include <algorithm>
#include <cmath>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace callwright::samples {

namespace {

constexpr std::size_t BLOCK = 8;

// A loop of fixed length is vectorised at -O2; what is left goes one by one.
template <typename Each>
inline void for_each(std::size_t count, Each each) {
    std::size_t at = 0;
    for (; at + BLOCK <= count; at += BLOCK) {
        for (std::size_t i = 0; i < BLOCK; ++i) {
            each(at + i);
        }
    }
    for (; at < count; ++at) {
        each(at);
    }
}

inline std::int16_t clipped(std::int32_t value) {
    return static_cast<std::int16_t>(std::clamp<std::int32_t>(value, INT16_MIN, INT16_MAX));
}

}  // namespace

void copy(std::int32_t* __restrict sum, const std::int16_t* __restrict samples, std::size_t count) noexcept {
    for_each(count, [=](std::size_t i) { sum[i] = samples[i]; });
}

void add(std::int32_t* __restrict sum, const std::int16_t* __restrict samples, std::size_t count) noexcept {
    for_each(count, [=](std::size_t i) { sum[i] += samples[i]; });
}

void add(std::int32_t* __restrict sum, const std::int32_t* __restrict other, std::size_t count) noexcept {
    for_each(count, [=](std::size_t i) { sum[i] += other[i]; });
}

void subtract(std::int32_t* __restrict sum, const std::int16_t* __restrict samples, std::size_t count) noexcept {
    for_each(count, [=](std::size_t i) { sum[i] -= samples[i]; });
}

void to_float(const std::int16_t* __restrict samples, float* __restrict out, std::size_t count) noexcept {
    for_each(count, [=](std::size_t i) { out[i] = samples[i]; });
}

bool silent(const std::int16_t* samples, std::size_t count) noexcept {
    constexpr std::size_t STRIDE = 64;  // what sounds is seen at once
    std::size_t at = 0;
    for (; at + STRIDE <= count; at += STRIDE) {
        std::int16_t any = 0;
        for (std::size_t i = 0; i < STRIDE; ++i) {
            any |= samples[at + i];
        }
        if (any != 0) {
            return false;
        }
    }
    return std::all_of(samples + at, samples + count, [](std::int16_t sample) { return sample == 0; });
}

// Compilers do not see the saturating pack in a clamp.
#if defined(__SSE2__)

namespace {

inline __m128i load(const void* at) { return _mm_loadu_si128(static_cast<const __m128i*>(at)); }
inline void store(void* at, __m128i value) { _mm_storeu_si128(static_cast<__m128i*>(at), value); }

}  // namespace

void saturate(const std::int32_t* sum, std::int16_t* out, std::size_t count) noexcept {
    std::size_t at = 0;
    for (; at + BLOCK <= count; at += BLOCK) {
        store(out + at, _mm_packs_epi32(load(sum + at), load(sum + at + 4)));
    }
    for (; at < count; ++at) {
        out[at] = clipped(sum[at]);
    }
}

void saturate_without(const std::int32_t* sum, const std::int16_t* own, std::int16_t* out, std::size_t count) noexcept {
    std::size_t at = 0;
    for (; at + BLOCK <= count; at += BLOCK) {
        const __m128i mine = load(own + at);
        const __m128i low = _mm_srai_epi32(_mm_unpacklo_epi16(mine, mine), 16);
        const __m128i high = _mm_srai_epi32(_mm_unpackhi_epi16(mine, mine), 16);
        store(out + at, _mm_packs_epi32(_mm_sub_epi32(load(sum + at), low), _mm_sub_epi32(load(sum + at + 4), high)));
    }
    for (; at < count; ++at) {
        out[at] = clipped(sum[at] - own[at]);
    }
}

void to_int16(const float* samples, std::int16_t* out, std::size_t count) noexcept {
    std::size_t at = 0;
    for (; at + BLOCK <= count; at += BLOCK) {
        const __m128i low = _mm_cvtps_epi32(_mm_loadu_ps(samples + at));
        const __m128i high = _mm_cvtps_epi32(_mm_loadu_ps(samples + at + 4));
        store(out + at, _mm_packs_epi32(low, high));
    }
    for (; at < count; ++at) {
        out[at] = clipped(static_cast<std::int32_t>(std::lrint(samples[at])));
    }
}

#else

void saturate(const std::int32_t* __restrict sum, std::int16_t* __restrict out, std::size_t count) noexcept {
    for_each(count, [=](std::size_t i) { out[i] = clipped(sum[i]); });
}

void saturate_without(const std::int32_t* __restrict sum, const std::int16_t* __restrict own,
                      std::int16_t* __restrict out, std::size_t count) noexcept {
    for_each(count, [=](std::size_t i) { out[i] = clipped(sum[i] - own[i]); });
}

void to_int16(const float* __restrict samples, std::int16_t* __restrict out, std::size_t count) noexcept {
    for_each(count, [=](std::size_t i) { out[i] = clipped(static_cast<std::int32_t>(std::lrint(samples[i]))); });
}

#endif

}  // namespace callwright::samples
