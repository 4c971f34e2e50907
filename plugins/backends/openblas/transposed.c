/* transposed.c - transposed convolutions as matrix products over the columns of the convolution they transpose, which goes
 * from the output's image to the input's:
 *   forward:   Y~ = W^T X, and Y collects Y~ where its columns come from
 *   backward:  dX = W dY~,  dW += X dY~^T
 * One image at a time; threads share the batch. */
#include <string.h>

#include "columns.h"

struct loop {
    struct sy_plan *plan;
    const struct task *task;
    struct sizes s; /* of the convolution: its input is the output here */
};

static struct sizes sizes_of(const struct sy_plan *plan, const struct sy_op *op) {
    const struct sy_shape *x = shape_of(plan, op->inputs[0]), *y = shape_of(plan, op->output);
    struct sizes s = {
        .groups = (size_t)op->groups,
        .height = (size_t)y->dim[1],
        .width = (size_t)y->dim[2],
        .out_height = (size_t)x->dim[1],
        .out_width = (size_t)x->dim[2],
        .kernel = (size_t)op->kernel,
        .stride = (size_t)op->stride,
        .padding = (size_t)op->padding,
        .images = 1,
    };
    s.channels = (size_t)y->dim[0] / s.groups;
    s.out_channels = (size_t)x->dim[0] / s.groups;
    s.rows = s.channels * s.kernel * s.kernel;
    s.pixels = s.out_height * s.out_width;
    return s;
}

size_t transposed_scratch(const struct sy_plan *plan, const struct sy_op *op) {
    struct sizes s = sizes_of(plan, op);
    return s.rows * s.pixels;
}

/* y = bias, then what the columns bring */
static void forward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    const struct sizes *s = &loop->s;
    const struct sy_op *op = loop->task->op;
    struct sy_plan *plan = loop->plan;
    const float *weight = param_value(plan, op, SY_WEIGHT), *bias = param_value(plan, op, SY_BIAS);
    float *columns = plan->scratch[thread];
    size_t plane = s->height * s->width;
    for (size_t i = begin * s->groups; i < end * s->groups; i++) {
        size_t group = i % s->groups;
        const float *x = plan->value[op->inputs[0]] + i * s->out_channels * s->pixels;
        float *y = plan->value[op->output] + i * s->channels * plane;
        blas_gemm(plan->blas, 1, 0, s->rows, s->pixels, s->out_channels, weight + group * s->out_channels * s->rows,
                  s->rows, x, s->pixels, 0, columns, s->pixels);
        for (size_t k = 0; k < s->channels * plane; k++) {
            y[k] = bias ? bias[group * s->channels + k / plane] : 0;
        }
        columns_back(y, columns, s->pixels, s);
    }
}

void transposed_forward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = {plan, task, sizes_of(plan, task->op)};
    plan->host->parallel_for(plan->host, (size_t)plan->batch, forward_part, &loop);
}

static void backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    const struct sizes *s = &loop->s;
    const struct sy_op *op = loop->task->op;
    struct sy_plan *plan = loop->plan;
    float *columns = plan->scratch[thread], *partial = plan->partial + (size_t)thread * plan->partial_floats;
    float *db = partial + s->groups * s->out_channels * s->rows;
    size_t plane = s->height * s->width;
    for (size_t i = begin * s->groups; i < end * s->groups; i++) {
        size_t group = i % s->groups, at = group * s->out_channels * s->rows, image = i * s->out_channels * s->pixels;
        const float *x = plan->value[op->inputs[0]] + image;
        const float *dy = plan->gradient[loop->task->output] + i * s->channels * plane;
        float *dx = plan->gradient[op->inputs[0]];
        columns_of(columns, s->pixels, dy, s);
        blas_gemm(plan->blas, 0, 1, s->out_channels, s->rows, s->pixels, x, s->pixels, columns, s->pixels, 1,
                  partial + at, s->rows);
        if (dx) {
            blas_gemm(plan->blas, 0, 0, s->out_channels, s->pixels, s->rows, param_value(plan, op, SY_WEIGHT) + at,
                      s->rows, columns, s->pixels, loop->task->overwrite[0] ? 0 : 1, dx + image, s->pixels);
        }
        for (size_t c = 0; op->param[SY_BIAS] >= 0 && c < s->channels; c++) {
            db[group * s->channels + c] += (float)sum_floats(dy + c * plane, plane);
        }
    }
}

void transposed_backward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = {plan, task, sizes_of(plan, task->op)};
    clear_partial(plan);
    plan->host->parallel_for(plan->host, (size_t)plan->batch, backward_part, &loop);
    gather_partial(plan, task->op);
}
