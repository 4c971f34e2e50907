/* sums.h - sums that threads keep for themselves and that are joined in the order of threads. */
#ifndef ONEDNN_SUMS_H
#define ONEDNN_SUMS_H

#include "plan.h"

void sums_add(float *sum, const float *more, size_t count);
/* A node's partial sums: all zero; and joined into those of thread 0. */
void sums_clear(struct sy_plan *plan, const struct node *node);
void sums_join(struct sy_plan *plan, const struct node *node);

#endif
