/* conv2d.c - convolutions as matrix products over columns.
 *
 * A column holds what one output element sees: (in/groups * k * k) numbers. The columns of as many images as fit the
 * second-level cache are laid side by side, so that small images make large products:
 *   forward:   Y = W X~            (out, columns)
 *   backward:  dW += dY X~^T,  dX~ = W^T dY,  and dX collects dX~ where X~ came from
 * Threads share the batch; each adds up weight gradients of its own, summed in the order of threads. */
#include <string.h>

#include "columns.h"

#define CACHE_FLOATS (192 * 1024) /* of columns at a time: less than half of a second-level cache */
/* Rows of columns are this much longer than they need be: rows a power of two apart would fight for the same cache sets. */
#define APART 48

static struct sizes sizes_of(const struct sy_plan *plan, const struct sy_op *op) {
    const struct sy_shape *in = shape_of(plan, op->inputs[0]), *out = shape_of(plan, op->output);
    struct sizes s = {
        .groups = (size_t)op->groups,
        .height = (size_t)in->dim[1],
        .width = (size_t)in->dim[2],
        .out_height = (size_t)out->dim[1],
        .out_width = (size_t)out->dim[2],
        .kernel = (size_t)op->kernel,
        .stride = (size_t)op->stride,
        .padding = (size_t)op->padding,
    };
    s.channels = (size_t)in->dim[0] / s.groups;
    s.out_channels = (size_t)out->dim[0] / s.groups;
    s.rows = s.channels * s.kernel * s.kernel;
    s.pixels = s.out_height * s.out_width;
    s.images = CACHE_FLOATS / (s.rows * s.pixels);
    s.images = s.images < 1 ? 1 : s.images;
    if (s.images > (size_t)plan->max_batch) {
        s.images = (size_t)plan->max_batch;
    }
    return s;
}

void conv2d_scratch(const struct sy_plan *plan, const struct sy_op *op, size_t *columns, size_t *copies) {
    struct sizes s = sizes_of(plan, op);
    *columns = s.rows * (s.pixels * s.images + APART);
    *copies = s.out_channels * (s.pixels * s.images + APART);
}

/* A column is the image itself. */
static bool is_pointwise(const struct sizes *s) {
    return s->kernel == 1 && s->stride == 1 && s->padding == 0;
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

/* What a parallel loop over samples is told. */
struct loop {
    struct sy_plan *plan;
    const struct task *task;
    struct sizes s;
};

/* Some images of one group. */
static void forward_images(const struct loop *loop, size_t group, size_t first, size_t count, float *columns,
                           float *copy) {
    const struct sizes *s = &loop->s;
    const struct sy_op *op = loop->task->op;
    struct sy_plan *plan = loop->plan;
    const float *x = plan->value[op->inputs[0]], *weight = param_value(plan, op, SY_WEIGHT);
    const float *bias = param_value(plan, op, SY_BIAS);
    float *y = plan->value[op->output];
    size_t image = s->channels * s->height * s->width, width = count * s->pixels, ld = width + APART;
    size_t plane = s->out_channels * s->pixels, from_ld = ld;
    const float *from = columns;
    bool direct = count == 1;
    if (is_pointwise(s) && direct) {
        from = x + (first * s->groups + group) * image;
        from_ld = width;
    } else {
        for (size_t i = 0; i < count; i++) {
            columns_of(columns + i * s->pixels, ld, x + ((first + i) * s->groups + group) * image, s);
        }
    }
    float *to = direct ? y + (first * s->groups + group) * plane : copy;
    blas_gemm(plan->blas, 0, 0, s->out_channels, width, s->rows, weight + group * s->out_channels * s->rows, s->rows,
              from, from_ld, 0, to, direct ? width : ld);
    for (size_t c = 0; c < s->out_channels; c++) {
        float add = bias ? bias[group * s->out_channels + c] : 0;
        for (size_t i = 0; i < count; i++) {
            float *out = y + (((first + i) * s->groups + group) * s->out_channels + c) * s->pixels;
            const float *in = direct ? out : copy + c * ld + i * s->pixels;
            for (size_t p = 0; p < s->pixels && (bias || !direct); p++) {
                out[p] = in[p] + add;
            }
        }
    }
}

static void forward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    float *columns = loop->plan->scratch[thread], *copy = columns + loop->plan->column_floats;
    for (size_t first = begin; first < end; first += loop->s.images) {
        size_t count = end - first < loop->s.images ? end - first : loop->s.images;
        for (size_t group = 0; group < loop->s.groups; group++) {
            forward_images(loop, group, first, count, columns, copy);
        }
    }
}

void conv2d_forward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = {plan, task, sizes_of(plan, task->op)};
    plan->host->parallel_for(plan->host, (size_t)plan->batch, forward_part, &loop);
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

/* dX~ = W^T dY, and back to the images. */
static void backward_data(const struct loop *loop, size_t group, size_t first, size_t count, const float *dy,
                          size_t dy_ld, float *columns) {
    const struct sizes *s = &loop->s;
    const struct sy_op *op = loop->task->op;
    struct sy_plan *plan = loop->plan;
    float *dx = plan->gradient[op->inputs[0]];
    const float *weight = param_value(plan, op, SY_WEIGHT) + group * s->out_channels * s->rows;
    size_t image = s->channels * s->height * s->width, width = count * s->pixels, ld = width + APART;
    bool overwrite = loop->task->overwrite[0];
    if (is_pointwise(s) && count == 1) {
        blas_gemm(plan->blas, 1, 0, s->rows, width, s->out_channels, weight, s->rows, dy, dy_ld, overwrite ? 0 : 1,
                  dx + (first * s->groups + group) * image, width);
        return;
    }
    blas_gemm(plan->blas, 1, 0, s->rows, width, s->out_channels, weight, s->rows, dy, dy_ld, 0, columns, ld);
    for (size_t i = 0; i < count; i++) {
        float *to = dx + ((first + i) * s->groups + group) * image;
        if (overwrite) {
            memset(to, 0, image * sizeof *to);
        }
        columns_back(to, columns + i * s->pixels, ld, s);
    }
}

static void backward_images(const struct loop *loop, size_t group, size_t first, size_t count, int32_t thread) {
    const struct sizes *s = &loop->s;
    const struct sy_op *op = loop->task->op;
    struct sy_plan *plan = loop->plan;
    float *columns = plan->scratch[thread], *copy = columns + plan->column_floats;
    float *dw = plan->partial + (size_t)thread * plan->partial_floats, *db = dw + s->groups * s->out_channels * s->rows;
    const float *x = plan->value[op->inputs[0]], *dy = plan->gradient[loop->task->output];
    size_t image = s->channels * s->height * s->width, width = count * s->pixels, ld = width + APART;
    size_t plane = s->out_channels * s->pixels, from_ld = ld, gradient_ld = width;
    const float *from = columns, *gradient = dy + (first * s->groups + group) * plane;
    if (count > 1) {
        for (size_t i = 0; i < count; i++) {
            const float *in = dy + ((first + i) * s->groups + group) * plane;
            for (size_t c = 0; c < s->out_channels; c++) {
                memcpy(copy + c * ld + i * s->pixels, in + c * s->pixels, s->pixels * sizeof *copy);
            }
        }
        gradient = copy;
        gradient_ld = ld;
    }
    if (is_pointwise(s) && count == 1) {
        from = x + (first * s->groups + group) * image;
        from_ld = width;
    } else {
        for (size_t i = 0; i < count; i++) {
            columns_of(columns + i * s->pixels, ld, x + ((first + i) * s->groups + group) * image, s);
        }
    }
    blas_gemm(plan->blas, 0, 1, s->out_channels, s->rows, width, gradient, gradient_ld, from, from_ld, 1,
              dw + group * s->out_channels * s->rows, s->rows);
    for (size_t c = 0; op->param[SY_BIAS] >= 0 && c < s->out_channels; c++) {
        db[group * s->out_channels + c] += (float)sum_floats(gradient + c * gradient_ld, width);
    }
    if (plan->gradient[op->inputs[0]]) {
        backward_data(loop, group, first, count, gradient, gradient_ld, columns);
    }
}

static void backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    for (size_t first = begin; first < end; first += loop->s.images) {
        size_t count = end - first < loop->s.images ? end - first : loop->s.images;
        for (size_t group = 0; group < loop->s.groups; group++) {
            backward_images(loop, group, first, count, thread);
        }
    }
}

void conv2d_backward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = {plan, task, sizes_of(plan, task->op)};
    clear_partial(plan);
    plan->host->parallel_for(plan->host, (size_t)plan->batch, backward_part, &loop);
    gather_partial(plan, task->op);
}
