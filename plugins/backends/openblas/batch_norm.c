/* batch_norm.c - batch norm, with the ReLU behind it where there is one. Threads share the channels, so that every sum is
 * one thread's, whatever their number; a channel's planes are read once per pass and mostly from cache the second time. */
#include <math.h>

#include "../cpu/clones.h"
#include "../cpu/calls.h"
#include "plan.h"

struct loop {
    struct sy_plan *plan;
    const struct task *task;
    size_t planes, pixels, channels; /* images in the batch, pixels of a plane, channels */
};

static struct loop loop_of(struct sy_plan *plan, const struct task *task) {
    const struct sy_shape *shape = shape_of(plan, task->op->inputs[0]);
    return (struct loop){plan, task, (size_t)plan->batch, (size_t)shape->dim[1] * (size_t)shape->dim[2],
                         (size_t)shape->dim[0]};
}

/* ---- passes over one plane -------------------------------------------------------------------------------------- */

#define LANES 16 /* partial sums, added in a fixed order */

/* sum (x - mean)^2 */
CPU_CLONES
static double plane_squares(const float *restrict x, size_t count, float mean) {
    float lane[LANES] = {0};
    size_t whole = count / LANES * LANES;
    double sum = 0;
    for (size_t i = 0; i < whole; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            float d = x[i + l] - mean;
            lane[l] += d * d;
        }
    }
    for (size_t l = 0; l < LANES; l++) {
        sum += (double)lane[l];
    }
    for (size_t i = whole; i < count; i++) {
        double d = (double)(x[i] - mean);
        sum += d * d;
    }
    return sum;
}

/* y = scale x + shift, cut off where a ReLU follows; what is not a number stays none */
CPU_CLONES
static void plane_apply(float *restrict y, const float *restrict x, size_t count, float mean, float scale, float shift,
                        float floor, float ceiling) {
    for (size_t i = 0; i < count; i++) {
        float v = (x[i] - mean) * scale + shift;
        v = v < floor ? floor : v;
        y[i] = v > ceiling ? ceiling : v;
    }
}

/* dy where the ReLU behind let y through: floor < y < ceiling */
static inline float let_through(float dy, float y, float floor, float ceiling) {
    return y > floor && y < ceiling ? dy : 0;
}

/* sums of dy and of dy (x - mean) */
CPU_CLONES
static void plane_reduce(double sums[2], const float *restrict dy, const float *restrict y, const float *restrict x,
                         size_t count, float mean, float floor, float ceiling) {
    float one[LANES] = {0}, two[LANES] = {0};
    size_t whole = count / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            float d = let_through(dy[i + l], y[i + l], floor, ceiling);
            one[l] += d;
            two[l] += d * (x[i + l] - mean);
        }
    }
    for (size_t l = 0; l < LANES; l++) {
        sums[0] += (double)one[l];
        sums[1] += (double)two[l];
    }
    for (size_t i = whole; i < count; i++) {
        float d = let_through(dy[i], y[i], floor, ceiling);
        sums[0] += (double)d;
        sums[1] += (double)(d * (x[i] - mean));
    }
}

/* dx (+)= a dy - b - c (x - mean) */
CPU_CLONES
static void plane_gradient(float *restrict dx, const float *restrict dy, const float *restrict y,
                           const float *restrict x, size_t count, float mean, float a, float b, float c, float floor,
                           float ceiling, float keep) {
    for (size_t i = 0; i < count; i++) {
        float d = let_through(dy[i], y[i], floor, ceiling);
        float g = a * d - b - c * (x[i] - mean);
        dx[i] = keep != 0 ? dx[i] + g : g;
    }
}

/* Where the ReLU behind cuts: nowhere if there is none. */
static void cuts(const struct task *task, float *floor, float *ceiling) {
    *floor = task->relu ? 0 : -INFINITY;
    *ceiling = task->relu && task->ceiling ? 6 : INFINITY;
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

/* mean = sum x / count, variance = sum (x - mean)^2 / count: biased, as it normalises */
static void measure_channel(const struct loop *loop, size_t c) {
    const struct task *task = loop->task;
    const float *x = loop->plan->value[task->op->inputs[0]];
    double count = (double)(loop->planes * loop->pixels), sum = 0, squares = 0;
    for (size_t n = 0; n < loop->planes; n++) {
        sum += sum_floats(x + (n * loop->channels + c) * loop->pixels, loop->pixels);
    }
    double mean = sum / count;
    float near = (float)mean;
    for (size_t n = 0; n < loop->planes; n++) {
        squares += plane_squares(x + (n * loop->channels + c) * loop->pixels, loop->pixels, near);
    }
    /* about `near`, not the mean: sum (x - mean)^2 = sum (x - near)^2 - count (mean - near)^2 */
    double variance = squares / count - (mean - (double)near) * (mean - (double)near);
    task->mean[c] = near;
    task->variance[c] = (float)(variance > 0 ? variance : 0);
    task->inverse[c] = (float)(1 / sqrt((variance > 0 ? variance : 0) + task->op->eps));
}

static void use_running(const struct loop *loop, size_t c) {
    const struct task *task = loop->task;
    float variance = param_value(loop->plan, task->op, SY_VARIANCE)[c];
    task->mean[c] = param_value(loop->plan, task->op, SY_MEAN)[c];
    task->inverse[c] = (float)(1 / sqrt((double)variance + task->op->eps));
}

/* y = (x - mean) inverse weight + bias */
static void forward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    const struct task *task = loop->task;
    const float *weight = param_value(loop->plan, task->op, SY_WEIGHT);
    const float *bias = param_value(loop->plan, task->op, SY_BIAS);
    const float *x = loop->plan->value[task->op->inputs[0]];
    float *y = loop->plan->value[task->output], floor, ceiling;
    (void)thread;
    cuts(task, &floor, &ceiling);
    for (size_t c = begin; c < end; c++) {
        if (loop->plan->mode == SY_TRAIN) {
            measure_channel(loop, c);
        } else {
            use_running(loop, c);
        }
        for (size_t n = 0; n < loop->planes; n++) {
            size_t at = (n * loop->channels + c) * loop->pixels;
            plane_apply(y + at, x + at, loop->pixels, task->mean[c], task->inverse[c] * weight[c], bias[c], floor,
                        ceiling);
        }
    }
}

void batch_norm_forward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = loop_of(plan, task);
    plan->host->parallel_for(plan->host, loop.channels, forward_part, &loop);
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

/* With x^ = (x - mean) inverse: db = sum dy, dw = sum dy x^,
 * training: dx = weight inverse (dy - db / count - x^ dw / count); evaluation: dx = weight inverse dy */
static void backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    const struct task *task = loop->task;
    struct sy_plan *plan = loop->plan;
    const float *weight = param_value(plan, task->op, SY_WEIGHT), *x = plan->value[task->op->inputs[0]];
    const float *dy = plan->gradient[task->output], *y = plan->value[task->output];
    float *dw = param_gradient(plan, task->op, SY_WEIGHT), *db = param_gradient(plan, task->op, SY_BIAS);
    float *dx = plan->gradient[task->op->inputs[0]], floor, ceiling;
    double count = (double)(loop->planes * loop->pixels);
    (void)thread;
    cuts(task, &floor, &ceiling);
    for (size_t c = begin; c < end; c++) {
        double sums[2] = {0, 0}, inverse = (double)task->inverse[c], scale = (double)weight[c] * inverse;
        for (size_t n = 0; n < loop->planes; n++) {
            size_t at = (n * loop->channels + c) * loop->pixels;
            plane_reduce(sums, dy + at, y + at, x + at, loop->pixels, task->mean[c], floor, ceiling);
        }
        db[c] = (float)sums[0];
        dw[c] = (float)(sums[1] * inverse);
        double train = plan->mode == SY_TRAIN ? 1 / count : 0;
        for (size_t n = 0; dx && n < loop->planes; n++) {
            size_t at = (n * loop->channels + c) * loop->pixels;
            plane_gradient(dx + at, dy + at, y + at, x + at, loop->pixels, task->mean[c], (float)scale,
                           (float)(scale * sums[0] * train), (float)(scale * inverse * inverse * sums[1] * train),
                           floor, ceiling, task->overwrite[0] ? 0 : 1);
        }
    }
}

void batch_norm_backward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = loop_of(plan, task);
    plan->host->parallel_for(plan->host, loop.channels, backward_part, &loop);
}

void batch_norm_statistics(struct sy_plan *plan, const struct task *task) {
    struct loop loop = loop_of(plan, task);
    cpu_move_statistics(&plan->store, task->op, task->mean, task->variance, loop.channels,
                        (double)(loop.planes * loop.pixels));
}
