/* depthwise.h - 3x3 convolutions with one filter per channel: own loops, some planes of a block at a time.
 *
 *   y[h][w] = sum over a, b of x~[s h + a][s w + b] k[a][b], x~ being x with a rim of zeros, s the stride
 *   dx~[s h + a][s w + b] += g[h][w] k[a][b], or with s = 1 dx[h][w] = sum over a, b of g~[h + a][w + b] k[2 - a][2 - b],
 *   dk[a][b] = sum of x~[s h + a][s w + b] g[h][w] */
#ifndef ONEDNN_DEPTHWISE_H
#define ONEDNN_DEPTHWISE_H

#include "plan.h"

int depthwise_create(struct sy_plan *plan, struct node *node, struct sy_error *err);
void depthwise_refresh(struct sy_plan *plan, struct node *node);
void depthwise_gather(struct sy_plan *plan, struct node *node);

#define TAPS 9

/* Floats of a row and of a plane with its rim. */
static inline size_t padded_row(const struct value *v) {
    return ((size_t)v->width + 2) * BLOCK;
}
static inline size_t padded_plane(const struct value *v) {
    return ((size_t)v->height + 2) * padded_row(v);
}

#endif
