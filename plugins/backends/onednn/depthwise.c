/* depthwise.c - see depthwise.h. */
#include "depthwise.h"

#include <string.h>

#include "planes.h"
#include "sums.h"

struct loop {
    struct sy_plan *plan;
    struct node *node;
};

/* A thread's memory, for some images: inputs and gradients of outputs with rims of zeros, and what comes out: outputs, or
 * gradients of inputs, which have a rim where taps are scattered. */
struct room {
    struct floats x, g, out;
    size_t images;
};

static struct floats inside(struct floats f) {
    return (struct floats){f.at + f.row + BLOCK, f.row, f.image};
}

static struct room room_of(const struct loop *loop, int32_t thread) {
    const struct value *in = &loop->plan->values[loop->node->inputs[0].value];
    const struct value *out = &loop->plan->values[loop->node->output];
    float *scratch = (float *)(void *)loop->plan->scratch[thread];
    struct room room = {.images = images_together(in)};
    room.x = (struct floats){scratch, padded_row(in), padded_plane(in)};
    room.g = (struct floats){scratch + room.images * room.x.image, padded_row(out), padded_plane(out)};
    room.out = (struct floats){room.g.at + room.images * room.g.image, padded_row(in), padded_plane(in)};
    memset(room.x.at, 0, (size_t)(room.out.at - room.x.at) * sizeof *room.x.at); /* rims stay zero */
    return room;
}

/* Blocks first: what belongs to one is read once, and kept in registers for all images. */
static size_t next(struct planes *planes, size_t end, const struct room *room) {
    planes->image += planes->count;
    planes->count = end - planes->image < room->images ? end - planes->image : room->images;
    return planes->count;
}

/* y = bias + x~ correlated with nine taps, `step` pixels apart. */
INLINED void correlate(float *y, const struct value *out, const float *x, size_t x_row, size_t step,
                       const lanes k[TAPS + 1]) {
    for (size_t h = 0; h < (size_t)out->height; h++) {
        const float *from = x + h * step * x_row;
        for (size_t w = 0; w < (size_t)out->width; w++, y += BLOCK, from += step * BLOCK) {
            lanes sum = k[TAPS], second = lanes_zero(), third = lanes_zero();
            UNROLL
            for (size_t b = 0; b < 3; b++) {
                sum = lanes_fma(lanes_get(from + b * BLOCK), k[b], sum);
                second = lanes_fma(lanes_get(from + x_row + b * BLOCK), k[3 + b], second);
                third = lanes_fma(lanes_get(from + 2 * x_row + b * BLOCK), k[6 + b], third);
            }
            lanes_put(y, sum + (second + third));
        }
    }
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

static void forward_block(const struct loop *loop, const struct room *room, struct planes planes, int32_t thread) {
    const struct value *out = &loop->plan->values[loop->node->output];
    const float *weights = loop->node->weights + (size_t)planes.block * (TAPS + 1) * BLOCK;
    struct floats y = {room->out.at, (size_t)out->width * BLOCK, out->pixels * BLOCK};
    lanes k[TAPS + 1];
    for (size_t i = 0; i <= TAPS; i++) {
        k[i] = lanes_get(weights + i * BLOCK);
    }
    view_floats(loop->plan, loop->node->inputs[0].value, planes, inside(room->x));
    for (size_t i = 0; i < planes.count; i++) {
        correlate(y.at + i * y.image, out, room->x.at + i * room->x.image, room->x.row, (size_t)loop->node->op->stride,
                  k);
    }
    finish_floats(loop->plan, loop->node, planes, y, thread);
}

void depthwise_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread) {
    const struct loop loop = {.plan = plan, .node = node};
    struct room room = room_of(&loop, thread);
    for (int32_t b = 0; b < plan->values[node->output].blocks; b++) {
        struct planes planes = {begin, 0, b};
        while (next(&planes, end, &room)) {
            forward_block(&loop, &room, planes, thread);
        }
    }
    elem_fence();
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

/* dk, and the bias' gradient behind it. */
static void backward_weights(const struct room *room, const struct value *out, size_t images, size_t step,
                             float *gradient) {
    lanes sum[TAPS + 1];
    for (size_t i = 0; i <= TAPS; i++) {
        sum[i] = lanes_zero();
    }
    for (size_t i = 0; i < images; i++) {
        for (size_t h = 0; h < (size_t)out->height; h++) {
            const float *x = room->x.at + i * room->x.image + h * step * room->x.row;
            const float *g = inside(room->g).at + i * room->g.image + h * room->g.row;
            for (size_t w = 0; w < (size_t)out->width; w++, g += BLOCK, x += step * BLOCK) {
                lanes at = lanes_get(g);
                UNROLL
                for (size_t a = 0; a < 3; a++) {
                    UNROLL
                    for (size_t b = 0; b < 3; b++) {
                        sum[3 * a + b] = lanes_fma(lanes_get(x + a * room->x.row + b * BLOCK), at, sum[3 * a + b]);
                    }
                }
                sum[TAPS] += at;
            }
        }
    }
    for (size_t i = 0; i <= TAPS; i++) {
        lanes_put(gradient + i * BLOCK, lanes_get(gradient + i * BLOCK) + sum[i]);
    }
}

/* dx where the stride is 1: gradients gathered, the taps turned. */
static struct floats gather(const struct room *room, const struct value *in, size_t images, const float *weights) {
    struct floats dx = floats_of(in, room->out.at);
    lanes k[TAPS + 1];
    dx.image = in->pixels * BLOCK;
    for (size_t i = 0; i < TAPS; i++) {
        k[i] = lanes_get(weights + (TAPS - 1 - i) * BLOCK);
    }
    k[TAPS] = lanes_zero();
    for (size_t i = 0; i < images; i++) {
        correlate(dx.at + i * dx.image, in, room->g.at + i * room->g.image, room->g.row, 1, k);
    }
    return dx;
}

/* dx where it is more: each gradient to where it came from. */
static struct floats scatter(const struct room *room, const struct value *out, size_t images, size_t step,
                             const float *weights) {
    lanes k[TAPS];
    for (size_t i = 0; i < TAPS; i++) {
        k[i] = lanes_get(weights + i * BLOCK);
    }
    memset(room->out.at, 0, images * room->out.image * sizeof *room->out.at);
    for (size_t i = 0; i < images; i++) {
        for (size_t h = 0; h < (size_t)out->height; h++) {
            float *dx = room->out.at + i * room->out.image + h * step * room->out.row;
            const float *g = inside(room->g).at + i * room->g.image + h * room->g.row;
            for (size_t w = 0; w < (size_t)out->width; w++, g += BLOCK, dx += step * BLOCK) {
                lanes at = lanes_get(g);
                UNROLL
                for (size_t a = 0; a < 3; a++) {
                    UNROLL
                    for (size_t b = 0; b < 3; b++) {
                        float *to = dx + a * room->out.row + b * BLOCK;
                        lanes_put(to, lanes_fma(at, k[3 * a + b], lanes_get(to)));
                    }
                }
            }
        }
    }
    return inside(room->out);
}

static void backward_block(const struct loop *loop, const struct room *room, struct planes planes, int32_t thread) {
    struct sy_plan *plan = loop->plan;
    const struct node *node = loop->node;
    const struct link *link = &node->inputs[0];
    const struct value *in = &plan->values[link->value], *out = &plan->values[node->output];
    size_t step = (size_t)node->op->stride, at = (size_t)planes.block * (TAPS + 1) * BLOCK;
    view_floats(plan, link->value, planes, inside(room->x));
    gradient_floats(plan, node, planes, inside(room->g), thread);
    backward_weights(room, out, planes.count, step, node->partial + (size_t)thread * node->partial_floats + at);
    if (link->wanted) {
        struct floats dx = step == 1 ? gather(room, in, planes.count, node->weights + at)
                                     : scatter(room, out, planes.count, step, node->weights + at);
        contribute_floats(plan, link, planes, dx, thread);
    }
}

static void backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    struct room room = room_of(loop, thread);
    for (int32_t b = 0; b < loop->plan->values[loop->node->output].blocks; b++) {
        struct planes planes = {begin, 0, b};
        while (next(&planes, end, &room)) {
            backward_block(loop, &room, planes, thread);
        }
    }
    elem_fence();
}

void depthwise_backward(struct sy_plan *plan, struct node *node) {
    struct loop loop = {plan, node};
    sums_clear(plan, node);
    plan->host->parallel_for(plan->host, (size_t)plan->batch, backward_part, &loop);
    sums_join(plan, node);
    depthwise_gather(plan, node);
}
