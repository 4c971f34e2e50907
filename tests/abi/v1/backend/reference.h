/* reference.h - the plan of the reference backend: every value, gradient and parameter as a plain array of doubles. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>

#include <switchyard/backend.h>
#include <switchyard/rng.h>

struct sy_plan {
    const struct sy_graph *graph;
    int32_t precision, max_batch, forward_only, dry_run;
    int32_t batch, mode; /* of the last forward; batch 0: there was none */
    bool kept;           /* its values and the parameters it saw are still here: backward may follow */
    bool measured;       /* it was a training one, and its statistics have not been counted in yet */
    uint64_t seed;
    uint32_t stream, step;
    double **value;                                             /* per value: (batch, shape) */
    double **value_gradient;                                    /* per value, NULL in a plan that only goes forward */
    double **parameter, **parameter_gradient, **slot0, **slot1; /* per parameter */
    double **batch_mean, **batch_variance; /* per operator: batch norm's, of the last training forward */
    void **output;                         /* per output: as the border wants it */
    void **input_gradient;                 /* per input, where asked for */
    size_t bytes[3];                       /* parameters, activations, border copies */
};

static inline size_t value_row(const struct sy_plan *plan, int32_t value) {
    return sy_shape_count(&plan->graph->values[value]);
}
static inline size_t value_count(const struct sy_plan *plan, int32_t value) {
    return (size_t)plan->batch * value_row(plan, value);
}
static inline size_t param_count(const struct sy_param *param) {
    size_t count = 1;
    for (int32_t d = 0; d < param->rank; d++) {
        count *= (size_t)param->shape[d];
    }
    return count;
}

/* operators.c: y from x; and, with gradients of y given, adds to those of x and sets those of the parameters. */
int operator_forward(struct sy_plan *plan, int32_t index, struct sy_error *err);
void operator_backward(struct sy_plan *plan, int32_t index);

#endif
