/* lanes.h - a block of channels at a time: a register of AVX-512 or of AVX2, of floats. */
#ifndef ONEDNN_LANES_H
#define ONEDNN_LANES_H

#include <immintrin.h>
#include <stddef.h>

#include "variant.h"

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

#endif
