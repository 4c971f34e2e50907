/* depthwise.c - convolutions with one filter per channel, plane by plane through a padded copy. Threads share the
 * channels, so that the gradient of a filter is one thread's sum. */
#include <string.h>

#include "../cpu/clones.h"
#include "plan.h"

struct loop {
    struct sy_plan *plan;
    const struct task *task;
    size_t channels, height, width, out_height, out_width, kernel, stride, padding;
    size_t padded_height, padded_width;
};

static struct loop loop_of(struct sy_plan *plan, const struct task *task) {
    const struct sy_shape *in = shape_of(plan, task->op->inputs[0]), *out = shape_of(plan, task->op->output);
    struct loop loop = {.plan = plan, .task = task};
    loop.channels = (size_t)in->dim[0];
    loop.height = (size_t)in->dim[1];
    loop.width = (size_t)in->dim[2];
    loop.out_height = (size_t)out->dim[1];
    loop.out_width = (size_t)out->dim[2];
    loop.kernel = (size_t)task->op->kernel;
    loop.stride = (size_t)task->op->stride;
    loop.padding = (size_t)task->op->padding;
    loop.padded_height = loop.height + 2 * loop.padding;
    loop.padded_width = loop.width + 2 * loop.padding;
    return loop;
}

size_t depthwise_scratch(const struct sy_plan *plan, const struct sy_op *op) {
    const struct sy_shape *in = shape_of(plan, op->inputs[0]);
    size_t padding = 2 * (size_t)op->padding;
    /* a padded plane of the input and one of its gradient */
    return 2 * ((size_t)in->dim[1] + padding) * ((size_t)in->dim[2] + padding);
}

static void pad(float *to, const float *from, const struct loop *l) {
    memset(to, 0, l->padded_height * l->padded_width * sizeof *to);
    for (size_t h = 0; h < l->height; h++) {
        memcpy(to + (h + l->padding) * l->padded_width + l->padding, from + h * l->width, l->width * sizeof *to);
    }
}

/* y[oh][ow] = bias + sum over kh, kw of w[kh][kw] x[oh s + kh][ow s + kw] */
CPU_CLONES
static void plane_forward(float *restrict y, const float *restrict x, const float *restrict w, float bias,
                          const struct loop *l) {
    for (size_t oh = 0; oh < l->out_height; oh++) {
        float *out = y + oh * l->out_width;
        for (size_t ow = 0; ow < l->out_width; ow++) {
            out[ow] = bias;
        }
        for (size_t k = 0; k < l->kernel * l->kernel; k++) {
            const float *in = x + (oh * l->stride + k / l->kernel) * l->padded_width + k % l->kernel;
            float weight = w[k];
            if (l->stride == 1) {
                for (size_t ow = 0; ow < l->out_width; ow++) {
                    out[ow] += weight * in[ow];
                }
            } else {
                for (size_t ow = 0; ow < l->out_width; ow++) {
                    out[ow] += weight * in[ow * l->stride];
                }
            }
        }
    }
}

/* dw[kh][kw] += sum dy x and dx[..] += w dy over the same products */
CPU_CLONES
static void plane_backward(float *restrict dx, double *restrict dw, const float *restrict dy, const float *restrict x,
                           const float *restrict w, const struct loop *l) {
    for (size_t k = 0; k < l->kernel * l->kernel; k++) {
        double total = 0;
        for (size_t oh = 0; oh < l->out_height; oh++) {
            size_t at = (oh * l->stride + k / l->kernel) * l->padded_width + k % l->kernel;
            const float *in = x + at, *gradient = dy + oh * l->out_width;
            float *to = dx + at, weight = w[k], sum = 0;
            for (size_t ow = 0; ow < l->out_width; ow++) {
                sum += gradient[ow] * in[ow * l->stride];
            }
            for (size_t ow = 0; ow < l->out_width; ow++) {
                to[ow * l->stride] += weight * gradient[ow];
            }
            total += (double)sum;
        }
        dw[k] += total;
    }
}

static void forward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *l = argument;
    const struct sy_op *op = l->task->op;
    const float *x = l->plan->value[op->inputs[0]], *w = param_value(l->plan, op, SY_WEIGHT);
    const float *bias = param_value(l->plan, op, SY_BIAS);
    float *y = l->plan->value[op->output], *padded = l->plan->scratch[thread];
    for (size_t c = begin; c < end; c++) {
        for (size_t n = 0; n < (size_t)l->plan->batch; n++) {
            size_t plane = n * l->channels + c;
            pad(padded, x + plane * l->height * l->width, l);
            plane_forward(y + plane * l->out_height * l->out_width, padded, w + c * l->kernel * l->kernel,
                          bias ? bias[c] : 0, l);
        }
    }
}

void depthwise_forward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = loop_of(plan, task);
    plan->host->parallel_for(plan->host, loop.channels, forward_part, &loop);
}

/* The gradient's plane without its padding, into or onto dx. */
static void unpad(float *dx, const float *from, const struct loop *l, bool overwrite) {
    for (size_t h = 0; h < l->height; h++) {
        const float *row = from + (h + l->padding) * l->padded_width + l->padding;
        for (size_t w = 0; w < l->width; w++) {
            dx[h * l->width + w] = (overwrite ? 0 : dx[h * l->width + w]) + row[w];
        }
    }
}

#define MOST_TAPS 256

static void backward_channel(const struct loop *l, size_t c, int32_t thread) {
    const struct sy_op *op = l->task->op;
    struct sy_plan *plan = l->plan;
    const float *x = plan->value[op->inputs[0]], *dy = plan->gradient[l->task->output];
    const float *w = param_value(plan, op, SY_WEIGHT) + c * l->kernel * l->kernel;
    float *dx = plan->gradient[op->inputs[0]], *padded = plan->scratch[thread];
    float *padded_dx = padded + l->padded_height * l->padded_width;
    float *dw = param_gradient(plan, op, SY_WEIGHT) + c * l->kernel * l->kernel;
    float *db = param_gradient(plan, op, SY_BIAS);
    double sums[MOST_TAPS] = {0}, bias = 0;
    for (size_t n = 0; n < (size_t)plan->batch; n++) {
        size_t plane = n * l->channels + c;
        const float *gradient = dy + plane * l->out_height * l->out_width;
        pad(padded, x + plane * l->height * l->width, l);
        memset(padded_dx, 0, l->padded_height * l->padded_width * sizeof *padded_dx);
        plane_backward(padded_dx, sums, gradient, padded, w, l);
        if (dx) {
            unpad(dx + plane * l->height * l->width, padded_dx, l, l->task->overwrite[0]);
        }
        for (size_t p = 0; db && p < l->out_height * l->out_width; p++) {
            bias += (double)gradient[p];
        }
    }
    for (size_t k = 0; k < l->kernel * l->kernel; k++) {
        dw[k] = (float)sums[k];
    }
    if (db) {
        db[c] = (float)bias;
    }
}

static void backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    for (size_t c = begin; c < end; c++) {
        backward_channel(argument, c, thread);
    }
}

void depthwise_backward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = loop_of(plan, task);
    plan->host->parallel_for(plan->host, loop.channels, backward_part, &loop);
}
