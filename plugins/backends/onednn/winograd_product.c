/* winograd_product.c - small products of blocked matrices: some rows by two blocks of columns in registers. */
#include "scheme.h"

/* Sums in flight: 16 of AVX-512's 32 registers; 12 and 8 of AVX2's 16. Rows of a correlation lie within one block. */
#ifdef ONEDNN_AVX512
#define CORRELATE_ROWS 8
#else
#define CORRELATE_ROWS 4
#endif
#define MOST_ROWS 8

struct tile {
    lanes at[MOST_ROWS][2];
};

INLINED void tile_step(struct tile *tile, int rows, const factor *a, size_t apart, const factor *b0, const factor *b1,
                       int wide, int first_only) {
    stacks y0 = stacks_get(b0), y1 = stacks_get(wide ? b1 : b0);
    y0 = first_only ? stacks_first(y0) : y0;
    y1 = first_only ? stacks_first(y1) : y1;
    UNROLL
    for (int r = 0; r < rows; r++) {
        stacks x = stacks_of(a + (size_t)r * apart);
        x = first_only ? stacks_first(x) : x;
        tile->at[r][0] = stacks_fma(x, y0, tile->at[r][0]);
        if (wide) {
            tile->at[r][1] = stacks_fma(x, y1, tile->at[r][1]);
        }
    }
}

INLINED void tile_clear(struct tile *tile, int rows) {
    UNROLL
    for (int r = 0; r < rows; r++) {
        tile->at[r][0] = tile->at[r][1] = lanes_zero();
    }
}

INLINED void tile_put(const struct tile *tile, int rows, float *c0, float *c1, int wide, int add) {
    UNROLL
    for (int r = 0; r < rows; r++) {
        float *to = c0 + r * BLOCK;
        lanes_put(to, add ? lanes_add(lanes_get(to), tile->at[r][0]) : tile->at[r][0]);
        if (wide) {
            to = c1 + r * BLOCK;
            lanes_put(to, add ? lanes_add(lanes_get(to), tile->at[r][1]) : tile->at[r][1]);
        }
    }
}

/* Some rows of one plane from `row` on, one block of columns and, where wide, the next. */
typedef void multiply_rows(const struct product *p, const factor *a, const factor *b, float *c, size_t row, int wide);

INLINED void multiply_tile(const struct product *p, const factor *a, const factor *b, float *c, size_t row, int wide) {
    struct tile tile;
    const factor *b0 = b, *b1 = b + p->b_rows * BLOCK;
    tile_clear(&tile, PRODUCT_ROWS);
    for (size_t k = 0; k < p->k; k += BLOCK) {
        const factor *x = a + (k / BLOCK * p->a_rows + row) * BLOCK;
        UNROLL
        for (int i = 0; i < BLOCK; i += STACK) {
            tile_step(&tile, PRODUCT_ROWS, x + i, BLOCK, b0, b1, wide, 0);
            b0 += BLOCK * STACK;
            b1 += BLOCK * STACK;
        }
    }
    tile_put(&tile, PRODUCT_ROWS, c + row * BLOCK, c + (p->c_rows + row) * BLOCK, wide, 0);
}

INLINED void correlate_tile(const struct product *p, const factor *a, const factor *b, float *c, size_t row, int wide) {
    struct tile tile;
    const factor *x = a + row / BLOCK * p->a_rows * BLOCK + row % BLOCK * STACK, *b0 = b, *b1 = b + p->b_rows * BLOCK;
    tile_clear(&tile, CORRELATE_ROWS);
    for (size_t k = 0; k + STACK <= p->k; k += STACK) {
        tile_step(&tile, CORRELATE_ROWS, x, STACK, b0, b1, wide, 0);
        x += BLOCK * STACK;
        b0 += BLOCK * STACK;
        b1 += BLOCK * STACK;
    }
    if (p->k % STACK != 0) { /* behind the last row is anything */
        tile_step(&tile, CORRELATE_ROWS, x, STACK, b0, b1, wide, 1);
    }
    tile_put(&tile, CORRELATE_ROWS, c + row * BLOCK, c + (p->c_rows + row) * BLOCK, wide, 1);
}

INLINED void all_tiles(const struct product *p, multiply_rows *tile, size_t rows) {
    for (size_t n = 0; n < p->n_blocks; n += 2) {
        const factor *panel = (const factor *)p->b + n * p->b_rows * BLOCK;
        float *to = p->c + n * p->c_rows * BLOCK;
        for (size_t row = 0; row < p->m && n + 1 < p->n_blocks; row += rows) {
            tile(p, p->a, panel, to, row, 1);
        }
        for (size_t row = 0; row < p->m && n + 1 == p->n_blocks; row += rows) {
            tile(p, p->a, panel, to, row, 0);
        }
    }
}

void FACTORED(multiply)(const struct product *p) {
    all_tiles(p, multiply_tile, PRODUCT_ROWS);
}

void FACTORED(correlate)(const struct product *p) {
    all_tiles(p, correlate_tile, CORRELATE_ROWS);
}
