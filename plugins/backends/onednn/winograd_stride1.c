/* winograd_stride1.c - the transforms of F(4x4, 3x3), a block of channels at a time; winograd.h has the formulas.
 * Points 0, 5/8, -5/8, 3/2, -3/2 and infinity. */
#include "scheme.h"

enum { POINTS = 36, SIDE = 6 };

#define NEAR 0.625f
#define FAR  1.5f
/* Products of a point with its distances from the others. */
#define AT_ZERO (NEAR * NEAR * FAR * FAR)
#define AT_NEAR (2 * NEAR * NEAR * (NEAR * NEAR - FAR * FAR))
#define AT_FAR  (2 * FAR * FAR * (FAR * FAR - NEAR * NEAR))

/* B^T d, in place: six values `s` apart */
INLINED void input_1d(lanes *d, size_t s) {
    const lanes near2 = lanes_of(NEAR * NEAR), far2 = lanes_of(FAR * FAR);
    lanes d0 = d[0], d1 = d[s], d2 = d[2 * s], d3 = d[3 * s], d4 = d[4 * s], d5 = d[5 * s];
    lanes near_even = lanes_fnma(far2, d2, d4), near_odd = lanes_fnma(far2, d1, d3) * lanes_of(NEAR);
    lanes far_even = lanes_fnma(near2, d2, d4), far_odd = lanes_fnma(near2, d1, d3);
    d[0] = lanes_fnma(far2, lanes_fnma(near2, d0, d2), far_even);
    d[5 * s] = lanes_fnma(far2, far_odd, lanes_fnma(near2, d3, d5));
    far_odd *= lanes_of(FAR);
    d[s] = near_even + near_odd;
    d[2 * s] = near_even - near_odd;
    d[3 * s] = far_even + far_odd;
    d[4 * s] = far_even - far_odd;
}

/* A^T m, in place: six values to four. Those of the near points come NEAR times as large, those of the far ones FAR^2
 * times: then all of it are sums and multiply-adds. */
INLINED void output_1d(lanes *m, size_t s) {
    lanes s12 = m[s] + m[2 * s], d12 = m[s] - m[2 * s], s34 = m[3 * s] + m[4 * s], d34 = m[3 * s] - m[4 * s];
    m[0] = lanes_fma(lanes_of(1 / (FAR * FAR)), s34, lanes_fma(lanes_of(1 / NEAR), s12, m[0]));
    m[s] = lanes_fma(lanes_of(1 / FAR), d34, d12);
    m[2 * s] = lanes_fma(lanes_of(NEAR), s12, s34);
    m[3 * s] = lanes_fma(lanes_of(FAR), d34, lanes_fma(lanes_of(NEAR * NEAR), d12, m[5 * s]));
}

/* A g, in place: four values to six */
INLINED void gradient_1d(lanes *g, size_t s) {
    const lanes near2 = lanes_of(NEAR * NEAR), far2 = lanes_of(FAR * FAR);
    lanes g0 = g[0], g1 = g[s], g2 = g[2 * s], g3 = g[3 * s];
    lanes near_even = lanes_fma(near2, g2, g0), near_odd = lanes_fma(near2, g3, g1) * lanes_of(NEAR);
    lanes far_even = lanes_fma(far2, g2, g0), far_odd = lanes_fma(far2, g3, g1) * lanes_of(FAR);
    g[s] = near_even + near_odd;
    g[2 * s] = near_even - near_odd;
    g[3 * s] = far_even + far_odd;
    g[4 * s] = far_even - far_odd;
    g[5 * s] = g3;
}

/* How a tile is transformed, `side` pixels high and wide: a row of it, six places that may begin with fewer values. */
typedef void transform_1d(lanes *d, size_t s);

/* Tiles at `image`, four pixels from each other. */
INLINED void put_tiles(const struct tiles *t, transform_1d *step, size_t side, void *factors, const float *image,
                       int stacked) {
    for (size_t tile = 0; tile < t->high * t->wide; tile++) {
        const float *from = image + 4 * (tile / t->wide) * t->row + 4 * (tile % t->wide) * BLOCK;
        struct factor_row to = factor_row(factors, t->first + tile, stacked);
        lanes d[POINTS];
        UNROLL
        for (size_t h = 0; h < side; h++) {
            UNROLL
            for (size_t w = 0; w < side; w++) {
                d[SIDE * h + w] = lanes_get(from + h * t->row + w * BLOCK);
            }
            step(d + SIDE * h, 1);
        }
        UNROLL
        for (size_t w = 0; w < SIDE; w++) {
            step(d + w, SIDE);
            UNROLL
            for (size_t h = 0; h < SIDE; h++) {
                factor_put(to, (SIDE * h + w) * t->plane, d[SIDE * h + w]);
            }
        }
    }
}

static void put_inputs(const struct tiles *t, void *factors) {
    if (t->stacked) {
        put_tiles(t, input_1d, 6, factors, t->image, 1);
    } else {
        put_tiles(t, input_1d, 6, factors, t->image, 0);
    }
}

/* Without the rim. */
static void put_outputs(const struct tiles *t, void *factors) {
    put_tiles(t, gradient_1d, 4, factors, t->image + t->row + BLOCK, 1);
}

/* Columns first: what is left of them fits into registers. */
static void take_outputs(const struct tiles *t, const float *products, lanes bias) {
    const float *from = products + t->first * BLOCK;
    for (size_t tile = 0; tile < t->high * t->wide; tile++, from += BLOCK) {
        float *to = t->image + 4 * (tile / t->wide) * t->row + 4 * (tile % t->wide) * BLOCK;
        lanes left[4 * SIDE];
        UNROLL
        for (size_t w = 0; w < SIDE; w++) {
            lanes m[SIDE];
            UNROLL
            for (size_t h = 0; h < SIDE; h++) {
                m[h] = lanes_get(from + (SIDE * h + w) * t->plane);
            }
            output_1d(m, 1);
            UNROLL
            for (size_t h = 0; h < 4; h++) {
                left[SIDE * h + w] = m[h];
            }
        }
        UNROLL
        for (size_t h = 0; h < 4; h++) {
            output_1d(left + SIDE * h, 1);
            UNROLL
            for (size_t w = 0; w < 4; w++) {
                lanes_put(to + h * t->row + w * BLOCK, left[SIDE * h + w] + bias);
            }
        }
    }
}

static void take_sources(const struct tiles *t, const float *products) {
    take_outputs(t, products, lanes_zero());
}

/* ---- weights ---------------------------------------------------------------------------------------------------- */

/* u = G g, three values `apart` vectors from each other to six, as output_1d wants them */
static void weights_1d(lanes *u, const lanes *g, size_t apart) {
    const lanes at_near = lanes_of(NEAR / AT_NEAR), at_far = lanes_of(FAR * FAR / AT_FAR);
    lanes g0 = g[0], g1 = g[apart], g2 = g[2 * apart];
    lanes near = g0 + g2 * lanes_of(NEAR * NEAR), far = g0 + g2 * lanes_of(FAR * FAR);
    u[0] = g0 * lanes_of(1 / AT_ZERO);
    u[apart] = (near + g1 * lanes_of(NEAR)) * at_near;
    u[2 * apart] = (near - g1 * lanes_of(NEAR)) * at_near;
    u[3 * apart] = (far + g1 * lanes_of(FAR)) * at_far;
    u[4 * apart] = (far - g1 * lanes_of(FAR)) * at_far;
    u[5 * apart] = g2;
}

/* Rows first (3x3 to 6x3), then columns (to 6x6). */
static void put_weights(const struct weights *to, const lanes g[FILTER], bool turned) {
    struct factor_row factors = factor_row(to->factors, to->channel, 1);
    lanes half[18], taps[FILTER];
    for (size_t k = 0; k < FILTER; k++) {
        taps[k] = g[turned ? FILTER - 1 - k : k];
    }
    for (size_t c = 0; c < 3; c++) {
        weights_1d(half + c, taps + c, 3);
    }
    for (size_t r = 0; r < 6; r++) {
        lanes row[6] = {half[3 * r], half[3 * r + 1], half[3 * r + 2]}, out[6];
        weights_1d(out, row, 1);
        for (size_t c = 0; c < 6; c++) {
            factor_put(factors, (6 * r + c) * to->plane, out[c]);
        }
    }
}

/* g = G^T u, six values to three */
static void gather_1d(lanes *g, const lanes *u, size_t apart) {
    lanes s12 = u[apart] + u[2 * apart], d12 = u[apart] - u[2 * apart];
    lanes s34 = u[3 * apart] + u[4 * apart], d34 = u[3 * apart] - u[4 * apart];
    g[0] = u[0] * lanes_of(1 / AT_ZERO) + s12 * lanes_of(1 / AT_NEAR) + s34 * lanes_of(1 / AT_FAR);
    g[apart] = d12 * lanes_of(NEAR / AT_NEAR) + d34 * lanes_of(FAR / AT_FAR);
    g[2 * apart] = s12 * lanes_of(NEAR * NEAR / AT_NEAR) + s34 * lanes_of(FAR * FAR / AT_FAR) + u[5 * apart];
}

static void gather(lanes g[FILTER], lanes u[MOST_PHASES][MOST_POINTS]) {
    lanes half[18];
    for (size_t col = 0; col < 6; col++) {
        lanes column[18];
        gather_1d(column, u[0] + col, 6);
        half[col] = column[0];
        half[6 + col] = column[6];
        half[12 + col] = column[12];
    }
    for (size_t row = 0; row < 3; row++) {
        gather_1d(g + 3 * row, half + 6 * row, 1);
    }
}

static const struct phases one_phase[POINTS] = {
#define SIX                                   \
    {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, { \
        0, 1                                  \
    }
    SIX, SIX, SIX, SIX, SIX, SIX,
};

const struct scheme FACTORED(stride1) = {
    .stride = 1,
    .points = POINTS,
    .phases = 1,
    .at = one_phase,
    .products = POINTS,
    .source_rim = 2,
    .gradient_rim = 2,
    .gradient_lead = 1,
    .factor_bytes = sizeof(factor),
    .put_source = put_inputs,
    .put_output = put_outputs,
    .put_gradient = put_inputs,
    .take_output = take_outputs,
    .take_source = take_sources,
    .put_weights = put_weights,
    .gather = gather,
    .multiply = FACTORED(multiply),
    .correlate = FACTORED(correlate),
};
