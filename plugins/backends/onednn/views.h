/* views.h - what a view does to a pixel of a block, forward and backward, without a branch:
 *
 *   y = min(ceiling, max(floor, (x - mean) scale + shift)),  dx = (g - k1 - (x - mean) k2) scale
 *
 * What is not normed has mean 0, scale 1 and shift 0; floor and ceiling are infinite where nothing is cut off. */
#ifndef ONEDNN_VIEWS_H
#define ONEDNN_VIEWS_H

#include <math.h>

#include "elem.h"
#include "plan.h"

/* Constants of one block of a view. */
struct affine {
    lanes mean, scale, shift, floor, ceiling, k1, k2;
};

/* What an activation cuts off. */
INLINED void set_limits(struct affine *a, int32_t act) {
    a->floor = lanes_of(act == ACT_NONE ? -INFINITY : 0);
    a->ceiling = lanes_of(act == ACT_RELU6 ? 6 : INFINITY);
}

INLINED struct affine affine_of(const struct value *v, int32_t block) {
    struct affine a = {.scale = lanes_of(1)};
    a.mean = a.shift = a.k1 = a.k2 = lanes_zero();
    set_limits(&a, v->act);
    if (v->norm) {
        size_t at = (size_t)block * BLOCK;
        a.mean = lanes_get(v->norm->mean + at);
        a.scale = lanes_get(v->norm->scale + at);
        a.shift = lanes_get(v->norm->shift + at);
        a.k1 = lanes_get(v->norm->k1 + at);
        a.k2 = lanes_get(v->norm->k2 + at);
    }
    return a;
}

/* Of a value that is stored as it is read. */
INLINED struct affine affine_none(void) {
    return affine_of(&(struct value){.act = ACT_NONE}, 0);
}

/* What is not a number must come through: a maximum and a minimum give their second operand then. */
INLINED lanes activate(const struct affine *a, lanes x) {
    return lanes_min(a->ceiling, lanes_max(a->floor, x));
}
INLINED lanes norm_of(const struct affine *a, lanes x) {
    return lanes_fma(x - a->mean, a->scale, a->shift);
}
INLINED lanes view_of(const struct affine *a, lanes x) {
    return activate(a, norm_of(a, x));
}
/* The gradient where the activation lets it through, else 0. */
INLINED lanes let_through(const struct affine *a, lanes g, lanes x) {
    return lanes_where_less(x, a->ceiling, lanes_where_less(a->floor, x, g));
}

/* ---- walks ------------------------------------------------------------------------------------------------------ */

/* Elements from an image, a row and a pixel to the next. */
struct apart {
    size_t image, row, pixel;
};
/* Images, their rows, the pixels of a row; rows that lie behind one another are one. */
struct walk {
    size_t images, rows, columns;
};

static inline struct apart stored_apart(const struct value *v) {
    return (struct apart){v->row, (size_t)v->width * v->pixel_step, v->pixel_step};
}
/* With floats whose rows are `row` apart; 0: without any. */
static inline struct walk walk_of(const struct value *v, size_t images, size_t row) {
    bool whole = row == 0 || row == (size_t)v->width * BLOCK;
    return whole ? (struct walk){images, 1, v->pixels} : (struct walk){images, (size_t)v->height, (size_t)v->width};
}

/* The same pixel of the next block, which is wanted when this one is through for all images: no processor guesses that. */
INLINED void fetch_next(const elem *at, const struct value *v) {
    _mm_prefetch((const char *)(at + v->block_step), _MM_HINT_T0);
}

/* Sums of so many images at a time are taken in single precision, and added up in double. */
static inline size_t images_summed(const struct value *v, size_t left) {
    size_t images = images_together(v);
    return images < left ? images : left;
}

#endif
