/* winograd.h - 3x3 convolutions of padding 1 by Winograd's minimal filtering: products of matrices in the place of sums
 * over taps.
 *
 * Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, equation 12 and section 4.3. An image is
 * cut into tiles of 4x4 outputs, each from a tile of inputs d; with g the weights,
 *   y = A^T [ (G g G^T) . (B^T d B) ] A
 * where . goes element by element and sums over channels: one product of matrices per element, a *point*. Backward the
 * same with weights turned for the inputs' gradient, and for the weights' dg = G^T [ (B^T d B) . (A dy A^T) ] G summed
 * over tiles.
 *
 * Stride 1: F(4x4, 3x3), tiles of 6x6 inputs, 36 products where there were 144. Stride 2: inputs of odd and even rows and
 * columns are four *phases*, each with a filter of at most 2x2 taps, so F(4x4, 2x2) with 25 points and four times the
 * channels. The even rows and columns have one tap, which is zero at one of five points: 81 products where there were
 * 144.
 *
 * A factor's rounding error is in the mean sum_p A[o][p]^2 |G[p]|^2 |B[p]|^2 / taps times as large in outputs o. The
 * schemes' points were searched for the least of it: 4.8, where 0, 1, -1, 2, -2 make it 10.8; 4.0 instead of 6.4 for
 * stride 2.
 *
 * What is multiplied are *factors*: floats, or bfloat16s (factor.h); transforms and sums are in floats either way. */
#ifndef ONEDNN_WINOGRAD_H
#define ONEDNN_WINOGRAD_H

#include "plan.h"

/* Between the planes of two points beyond what they need: planes a power of two apart would fight for the same cache
 * sets, as all of them are written side by side. */
#define APART_BYTES 192
/* Rows of a product in registers at once. */
#ifdef ONEDNN_AVX512
#define PRODUCT_ROWS 8
#else
#define PRODUCT_ROWS 6
#endif

struct scheme; /* scheme.h */

struct winograd {
    const struct scheme *scheme;
    int32_t in_blocks, out_blocks;
    size_t tiles_high, tiles_wide, tiles; /* of an image */
    size_t images[2];                     /* at a time: forward, backward */
    size_t rows[2];                       /* tiles at a time, filled up for the products */
    /* Weights as factors, stacked: (points, out blocks, phases, in, BLOCK), (points, phases, in blocks, out, BLOCK). */
    void *forward, *backward;
    float *bias; /* (out), zero where there is none */
    /* Places in a thread's scratch memory, floats from its start. */
    size_t source_at, gradient_at, first_at, second_at, third_at;
};

int winograd_create(struct sy_plan *plan, struct node *node, struct sy_error *err);
void winograd_destroy(struct winograd *winograd);
void winograd_refresh(struct sy_plan *plan, struct node *node);
void winograd_gather(struct sy_plan *plan, struct node *node);

/* A product of one point. Operands are blocked: (columns / BLOCK, rows, BLOCK); a and b are factors, c floats.
 * multiply: c = a b, rows of a a multiple of PRODUCT_ROWS, a (m, k), b (k, n) stacked.
 * correlate: c += a^T b, a (k, m) and b (k, n) stacked. c lies as b of the first would: (n / BLOCK, m, BLOCK). */
struct product {
    const void *a, *b;
    float *c;
    size_t a_rows, b_rows, c_rows; /* of one block */
    size_t m, n_blocks, k;
};

#endif
