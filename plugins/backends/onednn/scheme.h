/* scheme.h - how Winograd convolutions of one stride are done: points, phases, and transforms of a block of channels. */
#ifndef ONEDNN_SCHEME_H
#define ONEDNN_SCHEME_H

#include "lanes.h"
#include "winograd.h"

#define MOST_POINTS 36
#define MOST_PHASES 4
#define FILTER      9 /* taps of one */

/* Where tiles of one plane are: one image outside of the arena, and its points `plane` floats apart; those of the next
 * phase `phase` floats on. */
struct tiles {
    size_t high, wide;
    float *image;
    size_t row; /* floats from a row of the image to the next */
    size_t plane, phase;
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
    size_t ones;                        /* the point of A dy A^T that is the sum of the tile */
    void (*put_source)(const struct tiles *t, float *to);                      /* B^T d B */
    void (*put_output)(const struct tiles *t, float *to);                      /* A dy A^T */
    void (*put_gradient)(const struct tiles *t, float *to);                    /* B^T dy B */
    void (*take_output)(const struct tiles *t, const float *from, lanes bias); /* A^T m A + bias */
    void (*take_source)(const struct tiles *t, const float *from);             /* A^T m A, the gradient of a source */
    /* G g G^T of each phase, `turned` for the inputs' gradient; and back. Points without the phase are zero. */
    void (*transform)(lanes u[MOST_PHASES][MOST_POINTS], const lanes g[FILTER], bool turned);
    void (*gather)(lanes g[FILTER], lanes u[MOST_PHASES][MOST_POINTS]);
};
extern const struct scheme winograd_stride1, winograd_stride2;

/* Width of an image outside of the arena, rim included, in pixels; heights are the same with `high`. */
static inline size_t source_side(const struct winograd *w, size_t tiles) {
    return 4 * w->scheme->stride * tiles + w->scheme->source_rim;
}
static inline size_t gradient_side(const struct winograd *w, size_t tiles) {
    return 4 * tiles + w->scheme->gradient_rim;
}
/* Floats of a point's plane, with so many blocks for each of so many phases. */
static inline size_t plane_floats(const struct winograd *w, int which, size_t blocks) {
    return blocks * w->rows[which] * BLOCK + APART;
}

#endif
