/* plan.h - a graph compiled for OpenBLAS: plain NCHW floats, one pass per operator, batch norm fused with the ReLU behind
 * it, and gradients in memory that is used again as soon as nobody needs them any more. */
#ifndef OPENBLAS_PLAN_H
#define OPENBLAS_PLAN_H

#include <stdbool.h>

#include <switchyard/backend.h>
#include <switchyard/rng.h>

#include "../cpu/store.h"
#include "blas.h"

/* What is known of an operator beyond the graph. */
struct task {
    const struct sy_op *op;
    int32_t index; /* in the graph */
    bool skipped;  /* done by the operator before it */
    bool relu;     /* batch norm: the ReLU behind it is done too; ceiling 6 where `ceiling` */
    bool ceiling;
    int32_t output;                   /* the value it really writes: the ReLU's where that is done too */
    bool *overwrite;                  /* per input: its gradient is written, not added to */
    float *mean, *inverse, *variance; /* batch norm: per channel, of the last forward; inverse = 1 / sqrt(v + eps) */
};

struct sy_plan {
    const struct sy_graph *graph;
    const struct blas *blas;
    const struct sy_host *host;
    struct store store;
    struct task *tasks; /* per operator */
    int32_t max_batch, batch, mode;
    bool forward_only;
    uint64_t seed;
    uint32_t stream, step;

    float **value;    /* per value, NULL where it is never stored */
    float **gradient; /* per value, NULL where nobody wants it */
    bool *wanted;     /* per value: its gradient leads somewhere */
    float *arena;     /* all of the above */
    size_t arena_floats;
    float **scratch; /* per thread: columns of a convolution and small copies */
    size_t scratch_floats;
    float *partial; /* per thread: gradients of one convolution's weights */
    size_t partial_floats;
    size_t column_floats; /* of scratch: columns come first, then the copies */
};

static inline size_t value_row(const struct sy_plan *plan, int32_t value) {
    return sy_shape_count(&plan->graph->values[value]);
}
static inline const struct sy_shape *shape_of(const struct sy_plan *plan, int32_t value) {
    return &plan->graph->values[value];
}
static inline float *param_value(const struct sy_plan *plan, const struct sy_op *op, int which) {
    return op->param[which] >= 0 ? store_value(&plan->store, op->param[which]) : NULL;
}
static inline float *param_gradient(const struct sy_plan *plan, const struct sy_op *op, int which) {
    return op->param[which] >= 0 ? store_gradient(&plan->store, op->param[which]) : NULL;
}

/* plan.c */
int plan_create(struct sy_plan **out, const struct blas *blas, const struct sy_host *host, const struct sy_graph *graph,
                const struct sy_plan_options *options, struct sy_error *err);
void plan_destroy(struct sy_plan *plan);

/* memory.c: which values and gradients are stored, and where. plan_layout notes offsets, plan_point turns them into
 * addresses in the arena. */
bool plan_layout(struct sy_plan *plan, uint32_t input_gradients);
void plan_point(struct sy_plan *plan);

/* One operator's forward pass, or its backward pass: from the gradient of its output to those of its inputs and
 * parameters. */
void conv2d_forward(struct sy_plan *plan, const struct task *task);
void conv2d_backward(struct sy_plan *plan, const struct task *task);
void transposed_forward(struct sy_plan *plan, const struct task *task);
void transposed_backward(struct sy_plan *plan, const struct task *task);
void depthwise_forward(struct sy_plan *plan, const struct task *task);
void depthwise_backward(struct sy_plan *plan, const struct task *task);
void linear_forward(struct sy_plan *plan, const struct task *task);
void linear_backward(struct sy_plan *plan, const struct task *task);
void batch_norm_forward(struct sy_plan *plan, const struct task *task);
void batch_norm_backward(struct sy_plan *plan, const struct task *task);
void batch_norm_statistics(struct sy_plan *plan, const struct task *task);
void simple_forward(struct sy_plan *plan, const struct task *task);
void simple_backward(struct sy_plan *plan, const struct task *task);

/* Whether a convolution has one filter per channel: it has loops of its own. */
static inline bool is_depthwise(const struct sy_plan *plan, const struct sy_op *op) {
    int32_t channels = shape_of(plan, op->inputs[0])->dim[0];
    return op->kind == SY_OP_CONV2D && op->kernel <= 16 && op->groups > 1 && op->groups == channels &&
           shape_of(plan, op->output)->dim[0] == channels;
}
/* Floats of scratch an operator needs per thread: columns, and small copies. */
void conv2d_scratch(const struct sy_plan *plan, const struct sy_op *op, size_t *columns, size_t *copies);
size_t transposed_scratch(const struct sy_plan *plan, const struct sy_op *op);
size_t depthwise_scratch(const struct sy_plan *plan, const struct sy_op *op);

/* Gradients of one operator's weights and bias, one after the other, per thread: all zero; and added up into the store, in
 * the order of threads. */
void clear_partial(struct sy_plan *plan);
void gather_partial(struct sy_plan *plan, const struct sy_op *op);

/* Sum of floats, in lanes that are added in a fixed order. */
double sum_floats(const float *x, size_t count);

#endif
