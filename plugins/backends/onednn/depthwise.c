/* depthwise.c - see depthwise.h. */
#include "depthwise.h"

#include <string.h>

#include "planes.h"
#include "sums.h"

struct loop {
    struct sy_plan *plan;
    struct node *node;
};

/* A thread's memory: input and its gradient with rims, the output's gradient. */
struct room {
    float *x, *dx, *g;
    size_t row, plane;
};

static struct room room_of(const struct loop *loop, int32_t thread) {
    const struct value *in = &loop->plan->values[loop->node->inputs[0].value];
    float *scratch = (float *)(void *)loop->plan->scratch[thread];
    struct room room = {.x = scratch, .row = padded_row(in), .plane = padded_plane(in)};
    room.dx = scratch + room.plane;
    room.g = room.dx + room.plane;
    memset(room.x, 0, room.plane * sizeof *room.x); /* the rim stays zero */
    return room;
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

static void forward_plane(const struct loop *loop, const struct room *room, size_t image, int32_t block) {
    const struct value *out = &loop->plan->values[loop->node->output];
    const float *weights = loop->node->weights + (size_t)block * (TAPS + 1) * BLOCK;
    size_t step = (size_t)loop->node->op->stride;
    elem *y = value_plane(loop->plan, loop->node->output, image, block);
    lanes k[TAPS + 1];
    for (size_t i = 0; i <= TAPS; i++) {
        k[i] = lanes_get(weights + i * BLOCK);
    }
    for (size_t h = 0; h < (size_t)out->height; h++) {
        const float *x = room->x + h * step * room->row;
        for (size_t w = 0; w < (size_t)out->width; w++, y += out->pixel_step, x += step * BLOCK) {
            lanes sum = k[TAPS], second = lanes_zero(), third = lanes_zero();
            for (size_t b = 0; b < 3; b++) {
                sum = lanes_fma(lanes_get(x + b * BLOCK), k[b], sum);
                second = lanes_fma(lanes_get(x + room->row + b * BLOCK), k[3 + b], second);
                third = lanes_fma(lanes_get(x + 2 * room->row + b * BLOCK), k[6 + b], third);
            }
            elem_put(y, sum + (second + third));
        }
    }
}

static void forward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    struct room room = room_of(loop, thread);
    int32_t input = loop->node->inputs[0].value;
    for (size_t image = begin; image < end; image++) {
        for (int32_t b = 0; b < loop->plan->values[input].blocks; b++) {
            view_floats(loop->plan, input, image, b, room.x + room.row + BLOCK, room.row);
            forward_plane(loop, &room, image, b);
            finish_plane(loop->plan, loop->node, image, b, thread);
        }
    }
}

void depthwise_forward(struct sy_plan *plan, struct node *node) {
    struct loop loop = {plan, node};
    plan->host->parallel_for(plan->host, (size_t)plan->batch, forward_part, &loop);
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

/* dk, and the bias' gradient behind it. */
static void backward_weights(const struct room *room, const struct value *out, size_t step, float *gradient) {
    lanes sum[TAPS + 1];
    const float *g = room->g;
    for (size_t i = 0; i <= TAPS; i++) {
        sum[i] = lanes_zero();
    }
    for (size_t h = 0; h < (size_t)out->height; h++) {
        const float *x = room->x + h * step * room->row;
        for (size_t w = 0; w < (size_t)out->width; w++, g += BLOCK, x += step * BLOCK) {
            lanes at = lanes_get(g);
            for (size_t a = 0; a < 3; a++) {
                for (size_t b = 0; b < 3; b++) {
                    sum[3 * a + b] = lanes_fma(lanes_get(x + a * room->row + b * BLOCK), at, sum[3 * a + b]);
                }
            }
            sum[TAPS] += at;
        }
    }
    for (size_t i = 0; i <= TAPS; i++) {
        lanes_put(gradient + i * BLOCK, lanes_get(gradient + i * BLOCK) + sum[i]);
    }
}

static void backward_data(const struct room *room, const struct value *out, size_t step, const float *weights) {
    lanes k[TAPS];
    const float *g = room->g;
    memset(room->dx, 0, room->plane * sizeof *room->dx);
    for (size_t i = 0; i < TAPS; i++) {
        k[i] = lanes_get(weights + i * BLOCK);
    }
    for (size_t h = 0; h < (size_t)out->height; h++) {
        float *dx = room->dx + h * step * room->row;
        for (size_t w = 0; w < (size_t)out->width; w++, g += BLOCK, dx += step * BLOCK) {
            lanes at = lanes_get(g);
            for (size_t a = 0; a < 3; a++) {
                for (size_t b = 0; b < 3; b++) {
                    float *to = dx + a * room->row + b * BLOCK;
                    lanes_put(to, lanes_fma(at, k[3 * a + b], lanes_get(to)));
                }
            }
        }
    }
}

static void backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    struct sy_plan *plan = loop->plan;
    const struct node *node = loop->node;
    const struct link *link = &node->inputs[0];
    const struct value *in = &plan->values[link->value], *out = &plan->values[node->output];
    struct room room = room_of(loop, thread);
    size_t step = (size_t)node->op->stride, weights = (TAPS + 1) * BLOCK;
    float *partial = node->partial + (size_t)thread * node->partial_floats;
    for (size_t image = begin; image < end; image++) {
        for (int32_t b = 0; b < in->blocks; b++) {
            view_floats(plan, link->value, image, b, room.x + room.row + BLOCK, room.row);
            gradient_floats(plan, node, image, b, room.g, (size_t)out->width * BLOCK, thread);
            backward_weights(&room, out, step, partial + (size_t)b * weights);
            if (link->wanted) {
                backward_data(&room, out, step, node->weights + (size_t)b * weights);
                contribute_floats(plan, link, image, b, room.dx + room.row + BLOCK, room.row, thread);
            }
        }
    }
}

void depthwise_backward(struct sy_plan *plan, struct node *node) {
    struct loop loop = {plan, node};
    sums_clear(plan, node);
    plan->host->parallel_for(plan->host, (size_t)plan->batch, backward_part, &loop);
    sums_join(plan, node);
    depthwise_gather(plan, node);
}
