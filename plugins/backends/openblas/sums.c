/* sums.c - long sums, quick and always in the same order. */
#include <string.h>

#include "../cpu/clones.h"
#include "plan.h"

#define LANES 16

/* static: clang 14 gives clones of other functions no name that other files could find */
CPU_CLONES
static double sum_in_lanes(const float *restrict x, size_t count) {
    float lane[LANES] = {0};
    size_t whole = count / LANES * LANES;
    double sum = 0;
    for (size_t i = 0; i < whole; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            lane[l] += x[i + l];
        }
    }
    for (size_t l = 0; l < LANES; l++) {
        sum += (double)lane[l];
    }
    for (size_t i = whole; i < count; i++) {
        sum += (double)x[i];
    }
    return sum;
}

double sum_floats(const float *x, size_t count) {
    return sum_in_lanes(x, count);
}

void clear_partial(struct sy_plan *plan) {
    memset(plan->partial, 0, (size_t)plan->host->threads * plan->partial_floats * sizeof *plan->partial);
}

struct gathering {
    struct sy_plan *plan;
    const struct sy_op *op;
    size_t weights;
};

static void gather_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct gathering *gathering = argument;
    struct sy_plan *plan = gathering->plan;
    float *dw = param_gradient(plan, gathering->op, SY_WEIGHT), *db = param_gradient(plan, gathering->op, SY_BIAS);
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        float sum = 0;
        for (int32_t t = 0; t < plan->host->threads; t++) {
            sum += plan->partial[(size_t)t * plan->partial_floats + i];
        }
        if (i < gathering->weights) {
            dw[i] = sum;
        } else {
            db[i - gathering->weights] = sum;
        }
    }
}

void gather_partial(struct sy_plan *plan, const struct sy_op *op) {
    struct gathering gathering = {plan, op, store_count(&plan->store, op->param[SY_WEIGHT])};
    size_t biases = op->param[SY_BIAS] >= 0 ? store_count(&plan->store, op->param[SY_BIAS]) : 0;
    plan->host->parallel_for(plan->host, gathering.weights + biases, gather_part, &gathering);
}
