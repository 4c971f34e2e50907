/* norms.h - a batch norm between planes: sums over the batch, and what follows from them. */
#ifndef ONEDNN_NORMS_H
#define ONEDNN_NORMS_H

#include "lanes.h"
#include "plan.h"

/* Sums over a block of channels by one thread. Forward: count, mean, and sum of squares about it; backward: sums of
 * g and of g (x - mean). */
struct norm_sums {
    double count, reserved[7];
    double first[BLOCK], second[BLOCK];
};

/* Mean, and squares about it, of some pixels of a block. */
struct moments {
    lanes mean, squares;
};

/* Whether anybody wants the moments of this stored value; and what adds some to those of a thread. */
bool norms_measured(const struct sy_plan *plan, const struct value *out);
void norms_add_moments(const struct sy_plan *plan, const struct value *out, int32_t block, int32_t thread,
                       struct moments moments, size_t pixels);
/* The same for the gradient of a view: sums of g and of g (x - mean). */
void norms_add_gradient(const struct norm *norm, int32_t block, int32_t thread, lanes first, lanes second);

/* Before and after a stored value is written, and before its gradient is settled; by one thread. */
void norms_start(struct sy_plan *plan);
void norms_finish(struct sy_plan *plan, int32_t value);
void norms_start_gradient(struct sy_plan *plan, int32_t value);

#endif
