/* lanes.h - sixteen channels at a time. Only for files compiled for AVX-512. */
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

typedef __m512 lanes;

static inline lanes lanes_get(const float *from) {
    return _mm512_loadu_ps(from);
}
static inline void lanes_put(float *to, lanes x) {
    _mm512_storeu_ps(to, x);
}
static inline lanes lanes_of(float x) {
    return _mm512_set1_ps(x);
}
static inline lanes lanes_zero(void) {
    return _mm512_setzero_ps();
}
/* a b + c */
static inline lanes lanes_fma(lanes a, lanes b, lanes c) {
    return _mm512_fmadd_ps(a, b, c);
}

/* elem_stream: elem_put past the caches, for what is not read again soon; elem_fence before other threads may read it. */
static inline void elem_fence(void) {
    _mm_sfence();
}
#ifdef ONEDNN_BF16
static inline lanes elem_get(const elem *from) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)from));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
/* Rounds to the nearest, to even where two are as near; the instruction keeps what is not a number. */
static inline void elem_put(elem *to, lanes x) {
    __m256i bits = (__m256i)_mm512_cvtneps_pbh(x);
    _mm256_storeu_si256((__m256i *)(void *)to, bits);
}
static inline void elem_stream(elem *to, lanes x) {
    elem_put(to, x);
}
/* What elem_get would read back. */
static inline lanes elem_rounded(lanes x) {
    __m512i wide = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(x));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
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
    _mm512_stream_ps(to, x);
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
