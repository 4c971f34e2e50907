/* lanes.h - a block of channels at a time: a register of AVX-512 or of AVX2. */
#ifndef ONEDNN_LANES_H
#define ONEDNN_LANES_H

#include <immintrin.h>
#include <stddef.h>

#include "precision.h"

/* In front of a loop whose arrays are to live in registers. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Functions whose arguments are constants, each call compiled on its own. */
#define INLINED static inline __attribute__((always_inline))

#ifdef ONEDNN_AVX512
typedef __m512 lanes;
#define LANES(operation) _mm512_##operation
#else
typedef __m256 lanes;
#define LANES(operation) _mm256_##operation
#endif

static inline lanes lanes_get(const float *from) {
    return LANES(loadu_ps)(from);
}
static inline void lanes_put(float *to, lanes x) {
    LANES(storeu_ps)(to, x);
}
static inline lanes lanes_of(float x) {
    return LANES(set1_ps)(x);
}
static inline lanes lanes_zero(void) {
    return LANES(setzero_ps)();
}
static inline lanes lanes_add(lanes a, lanes b) {
    return LANES(add_ps)(a, b);
}
/* a b + c */
static inline lanes lanes_fma(lanes a, lanes b, lanes c) {
    return LANES(fmadd_ps)(a, b, c);
}
/* c - a b */
static inline lanes lanes_fnma(lanes a, lanes b, lanes c) {
    return LANES(fnmadd_ps)(a, b, c);
}
/* The second where one of both is not a number. */
static inline lanes lanes_max(lanes a, lanes b) {
    return LANES(max_ps)(a, b);
}
static inline lanes lanes_min(lanes a, lanes b) {
    return LANES(min_ps)(a, b);
}
/* x where a < b, else 0 */
static inline lanes lanes_where_less(lanes a, lanes b, lanes x) {
#ifdef ONEDNN_AVX512
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), x);
#else
    return _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ), x);
#endif
}

/* Rounds to the nearest bfloat16, to even where two are as near; the instruction keeps what is not a number. */
#if !NATIVE_BF16
/* In the lower half of each lane. */
static inline __m256i bf16_bits(lanes x) {
    __m256i bits = _mm256_castps_si256(x), upper = _mm256_srli_epi32(bits, 16);
    __m256i half = _mm256_add_epi32(_mm256_and_si256(upper, _mm256_set1_epi32(1)), _mm256_set1_epi32(0x7fff));
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, half), 16);
    __m256i quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    return _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q)));
}
static inline lanes bf16_rounded(lanes x) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(bf16_bits(x), 16));
}
#elif defined(ONEDNN_BF16)
static inline lanes bf16_rounded(lanes x) {
    __m512i wide = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(x));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
#endif

/* elem_stream: elem_put past the caches, for what is not read again soon; elem_fence before other threads may read it. */
static inline void elem_fence(void) {
    _mm_sfence();
}
#ifdef ONEDNN_BF16
#if NATIVE_BF16
static inline lanes elem_get(const elem *from) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)from));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
static inline void elem_put(elem *to, lanes x) {
    __m256i bits = (__m256i)_mm512_cvtneps_pbh(x);
    _mm256_storeu_si256((__m256i *)(void *)to, bits);
}
#else
static inline lanes elem_get(const elem *from) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)from));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
static inline void elem_put(elem *to, lanes x) {
    __m256i bits = bf16_bits(x);
    __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
    _mm_storeu_si128((__m128i *)(void *)to, packed);
}
#endif
static inline void elem_stream(elem *to, lanes x) {
    elem_put(to, x);
}
/* What elem_get would read back. */
static inline lanes elem_rounded(lanes x) {
    return bf16_rounded(x);
}
static inline float elem_float(elem x) {
    union {
        uint32_t bits;
        float value;
    } u = {(uint32_t)x << 16};
    return u.value;
}
static inline elem elem_of(float x) {
    union {
        float value;
        uint32_t bits;
    } u = {x};
    if ((u.bits & 0x7fffffffu) > 0x7f800000u) {
        return (elem)((u.bits >> 16) | 0x40u);
    }
    return (elem)((u.bits + 0x7fffu + ((u.bits >> 16) & 1u)) >> 16);
}
#else
static inline lanes elem_get(const elem *from) {
    return lanes_get(from);
}
static inline void elem_put(elem *to, lanes x) {
    lanes_put(to, x);
}
static inline void elem_stream(elem *to, lanes x) {
    LANES(stream_ps)(to, x);
}
static inline lanes elem_rounded(lanes x) {
    return x;
}
static inline float elem_float(elem x) {
    return x;
}
static inline elem elem_of(float x) {
    return x;
}
#endif

#endif
