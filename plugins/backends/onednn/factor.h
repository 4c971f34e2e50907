/* factor.h - what the products of the Winograd domain are made of: floats or, with ONEDNN_BF16_FACTORS, bfloat16s, of
 * which an instruction multiplies two by two and adds both products to a float.
 *
 * Files that write or multiply factors are compiled once for each. Rows that are summed over may have to be *stacked*,
 * as many as an instruction takes at once: (rows / STACK, BLOCK, STACK). */
#ifndef ONEDNN_FACTOR_H
#define ONEDNN_FACTOR_H

#include <string.h>

#include "lanes.h"

#ifdef ONEDNN_BF16_FACTORS
typedef uint16_t factor;
typedef __m512i stacks;
#define STACK          2
#define FACTORED(name) VARIANT(winograd_bf16_##name)
#else
typedef float factor;
typedef lanes stacks;
#define STACK          1
#define FACTORED(name) VARIANT(winograd_fp32_##name)
#endif

/* A block of a row. */
INLINED void factor_put(factor *rows, size_t row, lanes x, int stacked) {
#ifdef ONEDNN_BF16_FACTORS
    __m256i bits = (__m256i)_mm512_cvtneps_pbh(x);
    if (stacked) {
        unsigned odd = row & 1;
        __m512i wide = _mm512_sll_epi32(_mm512_cvtepu16_epi32(bits), _mm_cvtsi32_si128((int)(16 * odd)));
        _mm512_mask_storeu_epi16(rows + row / STACK * BLOCK * STACK, (__mmask32)(0x55555555u << odd), wide);
    } else {
        _mm256_storeu_si256((__m256i *)(void *)(rows + row * BLOCK), bits);
    }
#else
    (void)stacked;
    lanes_put(rows + row * BLOCK, x);
#endif
}

/* A block of STACK rows. */
static inline stacks stacks_get(const factor *from) {
#ifdef ONEDNN_BF16_FACTORS
    return _mm512_loadu_si512(from);
#else
    return lanes_get(from);
#endif
}
/* STACK factors, for all lanes. */
static inline stacks stacks_of(const factor *from) {
#ifdef ONEDNN_BF16_FACTORS
    int32_t stack;
    memcpy(&stack, from, sizeof stack);
    return _mm512_set1_epi32(stack);
#else
    return lanes_of(*from);
#endif
}
static inline stacks stacks_one(void) {
#ifdef ONEDNN_BF16_FACTORS
    return _mm512_set1_epi32(0x3f803f80);
#else
    return lanes_of(1);
#endif
}
/* The first of each stack. */
static inline stacks stacks_first(stacks x) {
#ifdef ONEDNN_BF16_FACTORS
    return _mm512_and_si512(x, _mm512_set1_epi32(0xffff));
#else
    return x;
#endif
}
/* sum + a b */
static inline lanes stacks_fma(stacks a, stacks b, lanes sum) {
#ifdef ONEDNN_BF16_FACTORS
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
#else
    return lanes_fma(a, b, sum);
#endif
}

#endif
