/* scheme.h - how Winograd convolutions of one stride and kind of factors are done: points, phases, transforms of a block
 * of channels, and products. */
#ifndef ONEDNN_SCHEME_H
#define ONEDNN_SCHEME_H

#include "factor.h"
#include "winograd.h"

#define MOST_POINTS 36
#define MOST_PHASES 4
#define FILTER      9 /* taps of one */

/* Where tiles of one block are: an image outside of the arena, and rows of planes from `first` on. Points lie `plane` of
 * what they are made of apart, those of the next phase `phase` on. */
struct tiles {
    size_t high, wide;
    float *image;
    size_t row; /* floats from a row of the image to the next */
    size_t first, plane, phase;
    bool stacked; /* factors, in rows that will be summed over (factor.h) */
};

/* Where weights of a block are: rows of planes, one for each channel that is summed over. */
struct weights {
    void *factors;
    size_t channel, plane, phase;
};

/* Phases that multiply at a point, one behind another. */
struct phases {
    size_t first, count;
};

/* How one stride is done. Images have a rim of zeros, which a source begins with. */
struct scheme {
    size_t stride, points, phases;
    const struct phases *at; /* per point */
    size_t products;         /* of all points and their phases */
    size_t source_rim;       /* rows and columns of a source that its tiles reach beyond the stride's share */
    size_t gradient_rim, gradient_lead; /* the same of a gradient, and how many of them lie before it */
    size_t factor_bytes;
    void (*put_source)(const struct tiles *t, void *factors);                      /* B^T d B */
    void (*put_output)(const struct tiles *t, void *factors);                      /* A dy A^T */
    void (*put_gradient)(const struct tiles *t, void *factors);                    /* B^T dy B */
    void (*take_output)(const struct tiles *t, const float *products, lanes bias); /* A^T m A + bias */
    void (*take_source)(const struct tiles *t, const float *products); /* A^T m A, the gradient of a source */
    /* G g G^T of each phase, `turned` for the inputs' gradient; and back. Points without the phase are zero. */
    void (*put_weights)(const struct weights *to, const lanes g[FILTER], bool turned);
    void (*gather)(lanes g[FILTER], lanes u[MOST_PHASES][MOST_POINTS]);
    void (*multiply)(const struct product *p);
    void (*correlate)(const struct product *p);
};
/* By what factors are, and stride. */
extern const struct scheme VARIANT(winograd_fp32_stride1), VARIANT(winograd_fp32_stride2);
extern const struct scheme VARIANT(winograd_bf16_stride1), VARIANT(winograd_bf16_stride2);
extern const struct scheme VARIANT(winograd_rounded_stride1), VARIANT(winograd_rounded_stride2);

/* For schemes: winograd_product.c. */
void FACTORED(multiply)(const struct product *p);
void FACTORED(correlate)(const struct product *p);

/* Width of an image outside of the arena, rim included, in pixels; heights are the same with `high`. */
static inline size_t source_side(const struct winograd *w, size_t tiles) {
    return 4 * w->scheme->stride * tiles + w->scheme->source_rim;
}
static inline size_t gradient_side(const struct winograd *w, size_t tiles) {
    return 4 * tiles + w->scheme->gradient_rim;
}
/* A point's plane, with so many blocks, counted in what it is made of. */
static inline size_t plane_of_factors(const struct winograd *w, int which, size_t blocks) {
    return blocks * w->rows[which] * BLOCK + APART_BYTES / w->scheme->factor_bytes;
}
static inline size_t plane_of_products(const struct winograd *w, int which, size_t blocks) {
    return blocks * w->rows[which] * BLOCK + APART_BYTES / sizeof(float);
}

#endif
