/* factor.h - what the products of the Winograd domain are made of: floats or, with ONEDNN_BF16_FACTORS, bfloat16s, of
 * which an instruction multiplies two by two and adds both products to a float (ONEDNN_NATIVE_BF16); without it, floats
 * rounded to bfloat16s.
 *
 * Files that write or multiply factors are compiled once for each. Rows that are summed over may have to be *stacked*,
 * as many as an instruction takes at once: (rows / STACK, BLOCK, STACK). */
#ifndef ONEDNN_FACTOR_H
#define ONEDNN_FACTOR_H

#include <string.h>

#include "bf16.h"

#ifndef ONEDNN_BF16_FACTORS
#define FACTORED(name) VARIANT(winograd_fp32_##name)
#elif defined(ONEDNN_NATIVE_BF16)
#define FACTORED(name) VARIANT(winograd_bf16_##name)
#define PAIRED
#else
#define FACTORED(name) VARIANT(winograd_rounded_##name)
#endif

#ifdef PAIRED
typedef uint16_t factor;
typedef __m512i stacks;
#define STACK 2
#else
typedef float factor;
typedef lanes stacks;
#define STACK 1
#endif

/* Where a block of a row goes, in this plane and others. */
struct factor_row {
    factor *at;
    unsigned within; /* its stack */
    int stacked;
};

INLINED struct factor_row factor_row(void *rows, size_t row, int stacked) {
    factor *at = (factor *)rows + (stacked ? row / STACK * STACK : row) * BLOCK;
    return (struct factor_row){at, (unsigned)(row % STACK), stacked};
}
INLINED void factor_put(struct factor_row to, size_t plane, lanes x) {
#ifdef PAIRED
    halves bits = halves_of(x);
    if (to.stacked) {
        __m512i wide = _mm512_sll_epi32(_mm512_cvtepu16_epi32(bits), _mm_cvtsi32_si128((int)(16 * to.within)));
        _mm512_mask_storeu_epi16(to.at + plane, (__mmask32)(0x55555555u << to.within), wide);
    } else {
        halves_put(to.at + plane, bits);
    }
#else
#ifdef ONEDNN_BF16_FACTORS
    x = bf16_rounded(x);
#endif
    lanes_put(to.at + plane, x);
#endif
}

/* A block of STACK rows. */
static inline stacks stacks_get(const factor *from) {
#ifdef PAIRED
    return _mm512_loadu_si512(from);
#else
    return lanes_get(from);
#endif
}
/* STACK factors, for all lanes. */
static inline stacks stacks_of(const factor *from) {
#ifdef PAIRED
    int32_t stack;
    memcpy(&stack, from, sizeof stack);
    return _mm512_set1_epi32(stack);
#else
    return lanes_of(*from);
#endif
}
/* The first of each stack. */
static inline stacks stacks_first(stacks x) {
#ifdef PAIRED
    return _mm512_and_si512(x, _mm512_set1_epi32(0xffff));
#else
    return x;
#endif
}
/* sum + a b */
static inline lanes stacks_fma(stacks a, stacks b, lanes sum) {
#ifdef PAIRED
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
#else
    return lanes_fma(a, b, sum);
#endif
}

#endif
