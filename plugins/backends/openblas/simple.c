/* simple.c - operators without parameters; threads share the samples. */
#include <math.h>
#include <string.h>

#include "../cpu/clones.h"
#include "features.h"

typedef void (*sample_function)(const struct part *part);

struct loop {
    struct sy_plan *plan;
    const struct task *task;
    sample_function function;
};

static void run_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    struct sy_plan *plan = loop->plan;
    const struct sy_op *op = loop->task->op;
    int32_t x = op->inputs[0], y = op->output;
    struct part part = {.plan = plan, .task = loop->task, .begin = begin, .samples = end - begin};
    (void)thread;
    part.in = shape_of(plan, x);
    part.out = shape_of(plan, y);
    part.in_row = value_row(plan, x);
    part.out_row = value_row(plan, y);
    part.x = plan->value[x] + begin * part.in_row;
    part.y = plan->value[y] + begin * part.out_row;
    part.dy = plan->gradient[y] ? plan->gradient[y] + begin * part.out_row : NULL;
    part.dx = plan->gradient[x] ? plan->gradient[x] + begin * part.in_row : NULL;
    part.second = op->n_inputs > 1 ? value_row(plan, op->inputs[1]) : 0;
    part.overwrite = loop->task->overwrite[0];
    loop->function(&part);
}

/* ---- element by element ----------------------------------------------------------------------------------------- */

CPU_CLONES
static void cut(float *restrict y, const float *restrict x, size_t count, float ceiling) {
    for (size_t i = 0; i < count; i++) {
        float v = x[i] < 0 ? 0 : x[i]; /* what is not a number stays none */
        y[i] = v > ceiling ? ceiling : v;
    }
}

/* dx (+)= dy where 0 < y < ceiling, which is where 0 < x < ceiling */
CPU_CLONES
static void cut_back(float *restrict dx, const float *restrict dy, const float *restrict y, size_t count, float ceiling,
                     bool overwrite) {
    if (overwrite) {
        for (size_t i = 0; i < count; i++) {
            dx[i] = y[i] > 0 && y[i] < ceiling ? dy[i] : 0;
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            dx[i] += y[i] > 0 && y[i] < ceiling ? dy[i] : 0;
        }
    }
}

static float ceiling_of(const struct part *p) {
    return p->task->op->kind == SY_OP_RELU6 ? 6 : INFINITY;
}

static void relu_forward(const struct part *p) {
    cut(p->y, p->x, p->samples * p->out_row, ceiling_of(p));
}

static void relu_backward(const struct part *p) {
    cut_back(p->dx, p->dy, p->y, p->samples * p->out_row, ceiling_of(p), p->overwrite);
}

CPU_CLONES
static void sum_two(float *restrict y, const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        y[i] = a[i] + b[i];
    }
}

CPU_CLONES
static void pass_on(float *restrict dx, const float *restrict dy, size_t count, bool overwrite) {
    if (overwrite) {
        memcpy(dx, dy, count * sizeof *dx);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        dx[i] += dy[i];
    }
}

static void add_forward(const struct part *p) {
    const float *b = p->plan->value[p->task->op->inputs[1]] + p->begin * p->in_row;
    sum_two(p->y, p->x, b, p->samples * p->out_row);
}

/* da = db = dy; an operand that shares the sum's gradient has it already */
static void add_backward(const struct part *p) {
    for (int32_t k = 0; k < 2; k++) {
        float *whole = p->plan->gradient[p->task->op->inputs[k]];
        float *to = whole ? whole + p->begin * p->in_row : NULL;
        if (to && to != p->dy) {
            pass_on(to, p->dy, p->samples * p->out_row, p->task->overwrite[k]);
        }
    }
}

static void flatten_forward(const struct part *p) {
    memcpy(p->y, p->x, p->samples * p->out_row * sizeof *p->y);
}

static void flatten_backward(const struct part *p) {
    pass_on(p->dx, p->dy, p->samples * p->out_row, p->overwrite);
}

/* y = x m with the masks of backend.h; dx (+)= dy m */
static void dropout(const struct part *p, float *to, const float *from, bool overwrite) {
    const struct sy_op *op = p->task->op;
    size_t first = p->begin * p->out_row;
    struct sy_rng rng =
        sy_rng_make(p->plan->seed, SY_FOR_DROPOUT, p->plan->stream, p->plan->step, (uint32_t)p->task->index);
    float scale = (float)(1 / (1 - op->probability));
    sy_rng_seek(&rng, (uint32_t)first);
    for (size_t i = 0; i < p->samples * p->out_row; i++) {
        bool train = p->plan->mode == SY_TRAIN;
        float m = train ? (sy_rng_uniform(&rng) < op->probability ? 0 : scale) : 1;
        to[i] = (overwrite ? 0 : to[i]) + m * from[i];
    }
}

static void dropout_forward(const struct part *p) {
    dropout(p, p->y, p->x, true);
}

static void dropout_backward(const struct part *p) {
    dropout(p, p->dx, p->dy, p->overwrite);
}

/* ---- channels and pixels ---------------------------------------------------------------------------------------- */

static void concat_forward(const struct part *p) {
    size_t offset = 0;
    for (int32_t k = 0; k < p->task->op->n_inputs; k++) {
        size_t row = value_row(p->plan, p->task->op->inputs[k]);
        const float *from = p->plan->value[p->task->op->inputs[k]] + p->begin * row;
        for (size_t n = 0; n < p->samples; n++) {
            memcpy(p->y + n * p->out_row + offset, from + n * row, row * sizeof *from);
        }
        offset += row;
    }
}

static void concat_backward(const struct part *p) {
    size_t offset = 0;
    for (int32_t k = 0; k < p->task->op->n_inputs; k++) {
        size_t row = value_row(p->plan, p->task->op->inputs[k]);
        float *to = p->plan->gradient[p->task->op->inputs[k]];
        for (size_t n = 0; to && n < p->samples; n++) {
            pass_on(to + (p->begin + n) * row, p->dy + n * p->out_row + offset, row, p->task->overwrite[k]);
        }
        offset += row;
    }
}

/* y[c + before][h][w] = x[c][h s][w s]; zeros around */
static void slice_pad_forward(const struct part *p) {
    const struct sy_op *op = p->task->op;
    size_t width = (size_t)p->in->dim[2], pixels = (size_t)p->out->dim[1] * (size_t)p->out->dim[2];
    memset(p->y, 0, p->samples * p->out_row * sizeof *p->y);
    for (size_t n = 0; n < p->samples; n++) {
        for (size_t c = 0; c < (size_t)p->in->dim[0]; c++) {
            const float *from = p->x + n * p->in_row + c * (size_t)p->in->dim[1] * width;
            float *to = p->y + n * p->out_row + (c + (size_t)op->pad_before) * pixels;
            for (size_t h = 0; h < (size_t)p->out->dim[1]; h++) {
                for (size_t w = 0; w < (size_t)p->out->dim[2]; w++) {
                    *to++ = from[(h * width + w) * (size_t)op->stride];
                }
            }
        }
    }
}

static void slice_pad_backward(const struct part *p) {
    const struct sy_op *op = p->task->op;
    size_t width = (size_t)p->in->dim[2], pixels = (size_t)p->out->dim[1] * (size_t)p->out->dim[2];
    if (p->overwrite) {
        memset(p->dx, 0, p->samples * p->in_row * sizeof *p->dx);
    }
    for (size_t n = 0; n < p->samples; n++) {
        for (size_t c = 0; c < (size_t)p->in->dim[0]; c++) {
            float *to = p->dx + n * p->in_row + c * (size_t)p->in->dim[1] * width;
            const float *from = p->dy + n * p->out_row + (c + (size_t)op->pad_before) * pixels;
            for (size_t h = 0; h < (size_t)p->out->dim[1]; h++) {
                for (size_t w = 0; w < (size_t)p->out->dim[2]; w++) {
                    to[(h * width + w) * (size_t)op->stride] += *from++;
                }
            }
        }
    }
}

/* y = mean over the image; dx (+)= dy / pixels */
static void global_avg_pool_forward(const struct part *p) {
    size_t pixels = (size_t)p->in->dim[1] * (size_t)p->in->dim[2];
    for (size_t i = 0; i < p->samples * p->out_row; i++) {
        double sum = 0;
        for (size_t k = 0; k < pixels; k++) {
            sum += (double)p->x[i * pixels + k];
        }
        p->y[i] = (float)(sum / (double)pixels);
    }
}

static void global_avg_pool_backward(const struct part *p) {
    size_t pixels = (size_t)p->in->dim[1] * (size_t)p->in->dim[2];
    for (size_t i = 0; i < p->samples * p->out_row; i++) {
        float share = (float)((double)p->dy[i] / (double)pixels);
        for (size_t k = 0; k < pixels; k++) {
            p->dx[i * pixels + k] = (p->overwrite ? 0 : p->dx[i * pixels + k]) + share;
        }
    }
}

/* ---- pooling ---------------------------------------------------------------------------------------------------- */

/* The part of a window that lies inside the image. */
struct window {
    size_t top, bottom, left, right; /* rows top .. bottom-1, columns left .. right-1 */
};

static struct window window_at(const struct part *p, size_t oh, size_t ow) {
    const struct sy_op *op = p->task->op;
    size_t k = (size_t)op->kernel, s = (size_t)op->stride, padding = (size_t)op->padding;
    size_t height = (size_t)p->in->dim[1], width = (size_t)p->in->dim[2];
    struct window w = {oh * s > padding ? oh * s - padding : 0, oh * s + k > padding ? oh * s + k - padding : 0,
                       ow * s > padding ? ow * s - padding : 0, ow * s + k > padding ? ow * s + k - padding : 0};
    w.bottom = w.bottom < height ? w.bottom : height;
    w.right = w.right < width ? w.right : width;
    return w;
}

/* One output element: y from x, or dx from dy. avg: y = sum x / k^2; max: the first largest, or the
 * first that is not a number. */
static void pool_element(const struct part *p, size_t plane, size_t oh, size_t ow, bool backward) {
    const struct sy_op *op = p->task->op;
    size_t width = (size_t)p->in->dim[2], pixels = (size_t)p->in->dim[1] * width;
    size_t to = (plane * (size_t)p->out->dim[1] + oh) * (size_t)p->out->dim[2] + ow, base = plane * pixels;
    struct window at = window_at(p, oh, ow);
    size_t best = base + at.top * width + at.left;
    double sum = 0, share = 1.0 / ((double)op->kernel * op->kernel);
    for (size_t h = at.top; h < at.bottom; h++) {
        for (size_t w = at.left; w < at.right; w++) {
            size_t i = base + h * width + w;
            sum += (double)p->x[i];
            best = p->x[i] > p->x[best] || (isnan(p->x[i]) && !isnan(p->x[best])) ? i : best;
            if (backward && op->kind == SY_OP_AVG_POOL) {
                p->dx[i] += (float)((double)p->dy[to] * share);
            }
        }
    }
    if (!backward) {
        p->y[to] = op->kind == SY_OP_AVG_POOL ? (float)(sum * share) : p->x[best];
    } else if (op->kind == SY_OP_MAX_POOL) {
        p->dx[best] += p->dy[to];
    }
}

static void pool(const struct part *p, bool backward) {
    for (size_t plane = 0; plane < p->samples * (size_t)p->out->dim[0]; plane++) {
        for (size_t oh = 0; oh < (size_t)p->out->dim[1]; oh++) {
            for (size_t ow = 0; ow < (size_t)p->out->dim[2]; ow++) {
                pool_element(p, plane, oh, ow, backward);
            }
        }
    }
}

static void pool_forward(const struct part *p) {
    pool(p, false);
}

static void pool_backward(const struct part *p) {
    if (p->overwrite) {
        memset(p->dx, 0, p->samples * p->in_row * sizeof *p->dx);
    }
    pool(p, true);
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

struct pair {
    sample_function forward, backward;
};

static struct pair functions_of(int32_t kind) {
    switch (kind) {
    case SY_OP_RELU:
    case SY_OP_RELU6:
        return (struct pair){relu_forward, relu_backward};
    case SY_OP_ADD:
        return (struct pair){add_forward, add_backward};
    case SY_OP_CONCAT:
        return (struct pair){concat_forward, concat_backward};
    case SY_OP_AVG_POOL:
    case SY_OP_MAX_POOL:
        return (struct pair){pool_forward, pool_backward};
    case SY_OP_GLOBAL_AVG_POOL:
        return (struct pair){global_avg_pool_forward, global_avg_pool_backward};
    case SY_OP_FLATTEN:
        return (struct pair){flatten_forward, flatten_backward};
    case SY_OP_SLICE_PAD:
        return (struct pair){slice_pad_forward, slice_pad_backward};
    case SY_OP_SOFTMAX:
        return (struct pair){softmax_forward, softmax_backward};
    case SY_OP_MULTIPLY:
        return (struct pair){multiply_forward, multiply_backward};
    case SY_OP_SLICE:
        return (struct pair){slice_forward, slice_backward};
    case SY_OP_DOT:
        return (struct pair){dot_forward, dot_backward};
    case SY_OP_L2_NORMALIZE:
        return (struct pair){l2_normalize_forward, l2_normalize_backward};
    case SY_OP_CHANNEL_SHUFFLE:
        return (struct pair){channel_shuffle_forward, channel_shuffle_backward};
    default:
        return (struct pair){dropout_forward, dropout_backward};
    }
}

void simple_forward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = {plan, task, functions_of(task->op->kind).forward};
    plan->host->parallel_for(plan->host, (size_t)plan->batch, run_part, &loop);
}

/* What has several operands looks at each itself. */
void simple_backward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = {plan, task, functions_of(task->op->kind).backward};
    if (task->op->n_inputs > 1 || plan->gradient[task->op->inputs[0]]) {
        plan->host->parallel_for(plan->host, (size_t)plan->batch, run_part, &loop);
    }
}
