/* winograd_stride2.c - the transforms of F(4x4, 2x2) on the four phases of an image, a block of channels at a time;
 * winograd.h has the formulas. Points 0, 1, -1/2, -2 and infinity.
 *
 * With x the source, pixels counted from -1 so that the rim is in,
 *   y[i] = w0 x[2i - 1] + w1 x[2i] + w2 x[2i + 1]
 * is a filter (w0, w2) on the odd pixels and a filter (w1, 0) on the even ones, which at infinity is zero. Backward
 *   dx[2i] = w1 g[i],  dx[2i + 1] = w2 g[i] + w0 g[i + 1]
 * the same with (w2, w0). Phases are named by rows and columns, in an order in which those of each point are neighbours. */
#include "scheme.h"

enum { POINTS = 25, SIDE = 5, ODD = 5, EVEN = 4 }; /* points of a phase's row */
enum { ODD_EVEN, ODD_ODD, EVEN_ODD, EVEN_EVEN, PHASES };

/* B^T d, in place: five values `s` apart, or the first four of them */
INLINED void input_1d(lanes *d, size_t s, size_t points) {
    const lanes half = lanes_of(0.5f), wide = lanes_of(1.5f), two = lanes_of(2), most = lanes_of(2.5f);
    lanes d0 = d[0], d1 = d[s], d2 = d[2 * s], d3 = d[3 * s];
    if (points == ODD) {
        d[4 * s] = lanes_fma(wide, d3 - d2, d[4 * s] - d1);
    }
    d[0] = lanes_fma(wide, d2 - d1, d3 - d0);
    d[s] = lanes_fma(most, d2, d1 + d3);
    d[2 * s] = lanes_fnma(two, d1, d2 + d3);
    d[3 * s] = lanes_fnma(half, d1 + d2, d3);
}

/* A^T m, in place: five values to four, or four, the last being zero */
INLINED void output_1d(lanes *m, size_t s, size_t points) {
    lanes m1 = m[s], m2 = m[2 * s], m3 = m[3 * s];
    m[0] = (m[0] + m1) + (m2 + m3);
    m[s] = lanes_fnma(lanes_of(2), m3, lanes_fnma(lanes_of(0.5f), m2, m1));
    m[2 * s] = lanes_fma(lanes_of(4), m3, lanes_fma(lanes_of(0.25f), m2, m1));
    m[3 * s] = lanes_fnma(lanes_of(8), m3, lanes_fnma(lanes_of(0.125f), m2, m1));
    if (points == ODD) {
        m[3 * s] += m[4 * s];
    }
}

/* A g, in place: four values to five */
INLINED void gradient_1d(lanes *g, size_t s) {
    const lanes half = lanes_of(0.5f), two = lanes_of(2);
    lanes g0 = g[0], g1 = g[s], g2 = g[2 * s], g3 = g[3 * s];
    g[s] = (g0 + g1) + (g2 + g3);
    g[2 * s] = lanes_fnma(half, lanes_fnma(half, lanes_fnma(half, g3, g2), g1), g0);
    g[3 * s] = lanes_fnma(two, lanes_fnma(two, lanes_fnma(two, g3, g2), g1), g0);
    g[4 * s] = g3;
}

/* A tile of pixels `pixel` floats apart, in rows `row` apart. */
INLINED void put_tile(struct factor_row to, size_t plane, const float *from, size_t row, size_t pixel, size_t rows,
                      size_t columns) {
    lanes d[POINTS];
    UNROLL
    for (size_t h = 0; h < rows; h++) {
        UNROLL
        for (size_t w = 0; w < columns; w++) {
            d[SIDE * h + w] = lanes_get(from + h * row + w * pixel);
        }
        input_1d(d + SIDE * h, 1, columns);
    }
    UNROLL
    for (size_t w = 0; w < columns; w++) {
        input_1d(d + w, SIDE, rows);
        UNROLL
        for (size_t h = 0; h < rows; h++) {
            factor_put(to, (SIDE * h + w) * plane, d[SIDE * h + w]);
        }
    }
}

INLINED void put_phases(const struct tiles *t, void *factors, int stacked) {
    const size_t row = 2 * t->row, pixel = 2 * BLOCK;
    for (size_t tile = 0; tile < t->high * t->wide; tile++) {
        const float *odd = t->image + 8 * (tile / t->wide) * t->row + 8 * (tile % t->wide) * BLOCK,
                    *even = odd + t->row;
        struct factor_row to = factor_row(factors, t->first + tile, stacked), start = to;
        to.at = start.at + ODD_EVEN * t->phase;
        put_tile(to, t->plane, odd + BLOCK, row, pixel, ODD, EVEN);
        to.at = start.at + ODD_ODD * t->phase;
        put_tile(to, t->plane, odd, row, pixel, ODD, ODD);
        to.at = start.at + EVEN_ODD * t->phase;
        put_tile(to, t->plane, even, row, pixel, EVEN, ODD);
        to.at = start.at + EVEN_EVEN * t->phase;
        put_tile(to, t->plane, even + BLOCK, row, pixel, EVEN, EVEN);
    }
}

static void put_sources(const struct tiles *t, void *factors) {
    if (t->stacked) {
        put_phases(t, factors, 1);
    } else {
        put_phases(t, factors, 0);
    }
}

static void put_gradients(const struct tiles *t, void *factors) {
    for (size_t tile = 0; tile < t->high * t->wide; tile++) {
        const float *from = t->image + 4 * (tile / t->wide) * t->row + 4 * (tile % t->wide) * BLOCK;
        put_tile(factor_row(factors, t->first + tile, 0), t->plane, from, t->row, BLOCK, ODD, ODD);
    }
}

static void put_outputs(const struct tiles *t, void *factors) {
    for (size_t tile = 0; tile < t->high * t->wide; tile++) {
        const float *from = t->image + 4 * (tile / t->wide) * t->row + 4 * (tile % t->wide) * BLOCK;
        struct factor_row to = factor_row(factors, t->first + tile, 1);
        lanes g[POINTS];
        UNROLL
        for (size_t h = 0; h < 4; h++) {
            UNROLL
            for (size_t w = 0; w < 4; w++) {
                g[SIDE * h + w] = lanes_get(from + h * t->row + w * BLOCK);
            }
            gradient_1d(g + SIDE * h, 1);
        }
        UNROLL
        for (size_t w = 0; w < SIDE; w++) {
            gradient_1d(g + w, SIDE);
            UNROLL
            for (size_t h = 0; h < SIDE; h++) {
                factor_put(to, (SIDE * h + w) * t->plane, g[SIDE * h + w]);
            }
        }
    }
}

/* A tile of 4x4 pixels `pixel` floats apart, in rows `row` apart. Columns first: what is left of them fits into
 * registers. */
INLINED void take_tile(float *to, size_t row, size_t pixel, const float *from, size_t plane, size_t rows,
                       size_t columns, lanes bias) {
    lanes left[4 * SIDE];
    UNROLL
    for (size_t w = 0; w < columns; w++) {
        lanes m[SIDE];
        UNROLL
        for (size_t h = 0; h < rows; h++) {
            m[h] = lanes_get(from + (SIDE * h + w) * plane);
        }
        output_1d(m, 1, rows);
        UNROLL
        for (size_t h = 0; h < 4; h++) {
            left[SIDE * h + w] = m[h];
        }
    }
    UNROLL
    for (size_t h = 0; h < 4; h++) {
        output_1d(left + SIDE * h, 1, columns);
        UNROLL
        for (size_t w = 0; w < 4; w++) {
            lanes_put(to + h * row + w * pixel, left[SIDE * h + w] + bias);
        }
    }
}

static void take_outputs(const struct tiles *t, const float *products, lanes bias) {
    const float *from = products + t->first * BLOCK;
    for (size_t tile = 0; tile < t->high * t->wide; tile++, from += BLOCK) {
        float *to = t->image + 4 * (tile / t->wide) * t->row + 4 * (tile % t->wide) * BLOCK;
        take_tile(to, t->row, BLOCK, from, t->plane, ODD, ODD, bias);
    }
}

static void take_sources(const struct tiles *t, const float *products) {
    const size_t row = 2 * t->row, pixel = 2 * BLOCK;
    const float *from = products + t->first * BLOCK;
    const lanes none = lanes_zero();
    for (size_t tile = 0; tile < t->high * t->wide; tile++, from += BLOCK) {
        float *even = t->image + 8 * (tile / t->wide) * t->row + 8 * (tile % t->wide) * BLOCK, *odd = even + t->row;
        take_tile(odd, row, pixel, from + ODD_EVEN * t->phase, t->plane, ODD, EVEN, none);
        take_tile(odd + BLOCK, row, pixel, from + ODD_ODD * t->phase, t->plane, ODD, ODD, none);
        take_tile(even + BLOCK, row, pixel, from + EVEN_ODD * t->phase, t->plane, EVEN, ODD, none);
        take_tile(even, row, pixel, from + EVEN_EVEN * t->phase, t->plane, EVEN, EVEN, none);
    }
}

/* ---- weights ---------------------------------------------------------------------------------------------------- */

static bool odd_rows(size_t phase) {
    return phase == ODD_EVEN || phase == ODD_ODD;
}
static bool odd_columns(size_t phase) {
    return phase == ODD_ODD || phase == EVEN_ODD;
}

/* u = G g of the three taps of a row, `apart` vectors from each other, as an odd or even phase sees them; u `to` apart */
static void weights_1d(lanes *u, size_t to, const lanes *g, size_t apart, bool odd, bool turned) {
    lanes first = odd ? g[turned ? 2 * apart : 0] : g[apart];
    lanes second = odd ? g[turned ? 0 : 2 * apart] : lanes_zero();
    u[0] = lanes_zero() - first;
    u[to] = (first + second) * lanes_of(2.0f / 9);
    u[2 * to] = (first - second * lanes_of(0.5f)) * lanes_of(8.0f / 9);
    u[3 * to] = (second * lanes_of(2) - first) * lanes_of(1.0f / 9);
    u[4 * to] = second;
}

static void put_weights(const struct weights *to, const lanes g[FILTER], bool turned) {
    for (size_t phase = 0; phase < PHASES; phase++) {
        struct factor_row factors = factor_row((factor *)to->factors + phase * to->phase, to->channel, 1);
        lanes half[3 * SIDE], row[SIDE];
        for (size_t c = 0; c < 3; c++) {
            weights_1d(half + c, 3, g + c, 3, odd_rows(phase), turned);
        }
        for (size_t r = 0; r < SIDE; r++) {
            weights_1d(row, 1, half + 3 * r, 1, odd_columns(phase), turned);
            for (size_t c = 0; c < SIDE; c++) {
                factor_put(factors, (SIDE * r + c) * to->plane, row[c]);
            }
        }
    }
}

/* g += G^T u, five values `from` apart to the taps of an odd or even phase. */
static void gather_1d(lanes *g, size_t apart, const lanes *u, size_t from, bool odd) {
    const lanes one = lanes_of(1.0f / 9), two = lanes_of(2.0f / 9), four = lanes_of(4.0f / 9),
                eight = lanes_of(8.0f / 9);
    lanes first = u[from] * two + u[2 * from] * eight - u[3 * from] * one - u[0];
    lanes second = u[from] * two - u[2 * from] * four + u[3 * from] * two + u[4 * from];
    if (odd) {
        g[0] += first;
        g[2 * apart] += second;
    } else {
        g[apart] += first;
    }
}

static void gather(lanes g[FILTER], lanes u[MOST_PHASES][MOST_POINTS]) {
    for (size_t k = 0; k < FILTER; k++) {
        g[k] = lanes_zero();
    }
    for (size_t phase = 0; phase < PHASES; phase++) {
        lanes half[3 * SIDE];
        for (size_t k = 0; k < 3 * SIDE; k++) {
            half[k] = lanes_zero();
        }
        for (size_t c = 0; c < SIDE; c++) {
            gather_1d(half + c, SIDE, u[phase] + c, SIDE, odd_rows(phase));
        }
        for (size_t r = 0; r < 3; r++) {
            gather_1d(g + 3 * r, 1, half + SIDE * r, 1, odd_columns(phase));
        }
    }
}

/* At infinity even rows or columns are zero. */
#define ALL \
    { ODD_EVEN, 4 }
#define COLUMNS \
    { ODD_ODD, 2 }
#define ROWS \
    { ODD_EVEN, 2 }
static const struct phases phases[POINTS] = {
    ALL,  ALL,  ALL,  ALL,  COLUMNS, /* */
    ALL,  ALL,  ALL,  ALL,  COLUMNS, /* */
    ALL,  ALL,  ALL,  ALL,  COLUMNS, /* */
    ALL,  ALL,  ALL,  ALL,  COLUMNS, /* */
    ROWS, ROWS, ROWS, ROWS, {ODD_ODD, 1},
};

const struct scheme FACTORED(stride2) = {
    .stride = 2,
    .points = POINTS,
    .phases = PHASES,
    .at = phases,
    .products = 81,
    .source_rim = 1,
    .gradient_rim = 1,
    .gradient_lead = 0,
    .factor_bytes = sizeof(factor),
    .put_source = put_sources,
    .put_output = put_outputs,
    .put_gradient = put_gradients,
    .take_output = take_outputs,
    .take_source = take_sources,
    .put_weights = put_weights,
    .gather = gather,
    .multiply = FACTORED(multiply),
    .correlate = FACTORED(correlate),
};
