/* sums.h - sums that threads keep for themselves and that are joined in the order of threads. */
#ifndef ONEDNN_SUMS_H
#define ONEDNN_SUMS_H

#include "plan.h"

/* Sums over a block of channels by one thread. Forward: count, mean, and sum of squares about it; backward: sums of
 * g and of g (x - mean). */
struct norm_sums {
    double count, reserved[7];
    double first[BLOCK], second[BLOCK];
};

void sums_add(float *sum, const float *more, size_t count);
/* A node's partial sums: all zero; and joined into those of thread 0. */
void sums_clear(struct sy_plan *plan, const struct node *node);
void sums_join(struct sy_plan *plan, const struct node *node);

#endif
