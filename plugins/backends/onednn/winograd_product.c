/* winograd_product.c - small products of blocked matrices: some rows by two blocks of columns in registers. */
#include "lanes.h"
#include "winograd.h"

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

INLINED void tile_step(struct tile *tile, int rows, const float *a, size_t apart, lanes b0, lanes b1, int wide) {
    UNROLL
    for (int r = 0; r < rows; r++) {
        lanes x = lanes_of(a[(size_t)r * apart]);
        tile->at[r][0] = lanes_fma(x, b0, tile->at[r][0]);
        if (wide) {
            tile->at[r][1] = lanes_fma(x, b1, tile->at[r][1]);
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
typedef void multiply_rows(const struct product *p, const float *a, const float *b, float *c, size_t row, int wide);

INLINED void multiply_tile(const struct product *p, const float *a, const float *b, float *c, size_t row, int wide) {
    struct tile tile;
    const float *b0 = b, *b1 = b + p->b_rows * BLOCK;
    tile_clear(&tile, PRODUCT_ROWS);
    for (size_t k = 0; k < p->k; k += BLOCK) {
        const float *x = a + (k / BLOCK * p->a_rows + row) * BLOCK;
        UNROLL
        for (int i = 0; i < BLOCK; i++) {
            tile_step(&tile, PRODUCT_ROWS, x + i, BLOCK, lanes_get(b0), wide ? lanes_get(b1) : lanes_zero(), wide);
            b0 += BLOCK;
            b1 += BLOCK;
        }
    }
    tile_put(&tile, PRODUCT_ROWS, c + row * BLOCK, c + (p->c_rows + row) * BLOCK, wide, 0);
}

INLINED void correlate_tile(const struct product *p, const float *a, const float *b, float *c, size_t row, int wide) {
    struct tile tile;
    const float *x = a + row / BLOCK * p->a_rows * BLOCK + row % BLOCK, *b0 = b, *b1 = b + p->b_rows * BLOCK;
    tile_clear(&tile, CORRELATE_ROWS);
    for (size_t k = 0; k < p->k; k++) {
        tile_step(&tile, CORRELATE_ROWS, x, 1, lanes_get(b0), wide ? lanes_get(b1) : lanes_zero(), wide);
        x += BLOCK;
        b0 += BLOCK;
        b1 += BLOCK;
    }
    tile_put(&tile, CORRELATE_ROWS, c + row * BLOCK, c + (p->c_rows + row) * BLOCK, wide, 1);
}

INLINED void all_tiles(const struct product *p, multiply_rows *tile, size_t rows) {
    for (size_t n = 0; n < p->n_blocks; n += 2) {
        const float *panel = p->b + n * p->b_rows * BLOCK;
        float *to = p->c + n * p->c_rows * BLOCK;
        for (size_t row = 0; row < p->m && n + 1 < p->n_blocks; row += rows) {
            tile(p, p->a, panel, to, row, 1);
        }
        for (size_t row = 0; row < p->m && n + 1 == p->n_blocks; row += rows) {
            tile(p, p->a, panel, to, row, 0);
        }
    }
}

void winograd_multiply(const struct product *p) {
    all_tiles(p, multiply_tile, PRODUCT_ROWS);
}

void winograd_correlate(const struct product *p) {
    all_tiles(p, correlate_tile, CORRELATE_ROWS);
}
