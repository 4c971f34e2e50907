/* winograd.c - running a Winograd convolution: per thread, some images at a time. winograd.h has the formulas. */
#include "winograd.h"

#include <string.h>

#include "planes.h"
#include "scheme.h"
#include "sums.h"

struct loop {
    struct sy_plan *plan;
    struct node *node;
};

/* Some images of a thread. */
struct part {
    const struct loop *loop;
    const struct winograd *w;
    int which; /* 0 forward, 1 backward */
    size_t first, count;
    float *scratch;
    int32_t thread;
};

/* Rims stay zero: what is inside of them is written over and over. */
static struct part part_of(const struct loop *loop, int which, int32_t thread) {
    const struct winograd *w = loop->node->winograd;
    struct part part = {.loop = loop, .w = w, .which = which, .thread = thread};
    part.scratch = (float *)(void *)loop->plan->scratch[thread];
    memset(part.scratch + w->source_at, 0, (w->first_at - w->source_at) * sizeof *part.scratch);
    return part;
}

static void next(struct part *part, size_t begin, size_t end) {
    part->first = begin;
    part->count = end - begin < part->w->images[part->which] ? end - begin : part->w->images[part->which];
}

/* Tiles of an image at `image`, whose rows are `side` pixels, with `blocks` blocks in each point's plane. */
static struct tiles tiles_of(const struct part *part, float *image, size_t side, size_t blocks) {
    const struct winograd *w = part->w;
    return (struct tiles){.high = w->tiles_high,
                          .wide = w->tiles_wide,
                          .image = image,
                          .row = side * BLOCK,
                          .plane = plane_floats(w, part->which, blocks),
                          .phase = (size_t)w->in_blocks * w->rows[part->which] * BLOCK};
}

/* Floats from the start of a point's plane to a block of the i-th image. */
static size_t place_of(const struct part *part, size_t i, int32_t block) {
    return ((size_t)block * part->w->rows[part->which] + i * part->w->tiles) * BLOCK;
}

static size_t blocks_in(const struct winograd *w) {
    return w->scheme->phases * (size_t)w->in_blocks;
}

/* B^T d B of the node's input. */
static void put_sources(const struct part *part) {
    const struct winograd *w = part->w;
    struct tiles t = tiles_of(part, part->scratch + w->source_at, source_side(w, w->tiles_wide), blocks_in(w));
    struct floats inside = {t.image + t.row + BLOCK, t.row, 0};
    for (size_t i = 0; i < part->count; i++) {
        for (int32_t b = 0; b < w->in_blocks; b++) {
            view_floats(part->loop->plan, part->loop->node->inputs[0].value, (struct planes){part->first + i, 1, b},
                        inside);
            w->scheme->put_source(&t, part->scratch + w->first_at + place_of(part, i, b));
        }
    }
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

static void multiply_forward(const struct part *part) {
    const struct winograd *w = part->w;
    size_t ic = (size_t)w->in_blocks * BLOCK, oc = (size_t)w->out_blocks * BLOCK, rows = w->rows[0];
    for (size_t point = 0; point < w->scheme->points; point++) {
        struct phases phases = w->scheme->at[point];
        const float *a = part->scratch + w->first_at + point * plane_floats(w, 0, blocks_in(w));
        const float *b = w->forward + point * w->scheme->phases * ic * oc;
        winograd_multiply(
            &(struct product){.a = a + phases.first * ic * rows,
                              .b = b + phases.first * ic * BLOCK,
                              .c = part->scratch + w->second_at + point * plane_floats(w, 0, (size_t)w->out_blocks),
                              .a_rows = rows,
                              .b_rows = w->scheme->phases * ic,
                              .c_rows = rows,
                              .m = part->count * w->tiles,
                              .n_blocks = (size_t)w->out_blocks,
                              .k = phases.count * ic});
    }
}

static void take_outputs(const struct part *part) {
    const struct winograd *w = part->w;
    float *image = part->scratch + w->first_at; /* done with */
    struct tiles t = tiles_of(part, image, 4 * w->tiles_wide, (size_t)w->out_blocks);
    for (size_t i = 0; i < part->count; i++) {
        for (int32_t b = 0; b < w->out_blocks; b++) {
            w->scheme->take_output(&t, part->scratch + w->second_at + place_of(part, i, b),
                                   lanes_get(w->bias + b * BLOCK));
            finish_floats(part->loop->plan, part->loop->node, (struct planes){part->first + i, 1, b},
                          (struct floats){image, t.row, 0}, part->thread);
        }
    }
}

void winograd_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread) {
    const struct loop loop = {plan, node};
    struct part part = part_of(&loop, 0, thread);
    for (; begin < end; begin += part.count) {
        next(&part, begin, end);
        put_sources(&part);
        multiply_forward(&part);
        take_outputs(&part);
    }
    elem_fence();
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

/* A g A^T for the weights, and B^T g B for the input. */
static void put_gradients(const struct part *part) {
    const struct winograd *w = part->w;
    const struct node *node = part->loop->node;
    size_t side = gradient_side(w, w->tiles_wide), lead = w->scheme->gradient_lead;
    struct tiles t = tiles_of(part, part->scratch + w->gradient_at, side, (size_t)w->out_blocks);
    struct floats inside = {t.image + lead * (t.row + BLOCK), t.row, 0};
    for (size_t i = 0; i < part->count; i++) {
        for (int32_t b = 0; b < w->out_blocks; b++) {
            gradient_floats(part->loop->plan, node, (struct planes){part->first + i, 1, b}, inside, part->thread);
            w->scheme->put_output(&t, part->scratch + w->second_at + place_of(part, i, b));
            if (node->inputs[0].wanted) {
                w->scheme->put_gradient(&t, part->scratch + w->third_at + place_of(part, i, b));
            }
        }
    }
}

static float *partial_of(const struct part *part) {
    return part->loop->node->partial + (size_t)part->thread * part->loop->node->partial_floats;
}

static void backward_weights(const struct part *part) {
    const struct winograd *w = part->w;
    size_t ic = (size_t)w->in_blocks * BLOCK, oc = (size_t)w->out_blocks * BLOCK, rows = w->rows[1];
    for (size_t point = 0; point < w->scheme->points; point++) {
        struct phases phases = w->scheme->at[point];
        const float *a = part->scratch + w->first_at + point * plane_floats(w, 1, blocks_in(w));
        float *c = partial_of(part) + point * w->scheme->phases * ic * oc;
        winograd_correlate(
            &(struct product){.a = a + phases.first * ic * rows,
                              .b = part->scratch + w->second_at + point * plane_floats(w, 1, (size_t)w->out_blocks),
                              .c = c + phases.first * ic * BLOCK,
                              .a_rows = rows,
                              .b_rows = rows,
                              .c_rows = w->scheme->phases * ic,
                              .m = phases.count * ic,
                              .n_blocks = (size_t)w->out_blocks,
                              .k = part->count * w->tiles});
    }
}

/* The sum of a tile's gradients is a point of A g A^T, whose row and column are all ones. */
static void backward_bias(const struct part *part) {
    const struct winograd *w = part->w;
    size_t blocks = (size_t)w->out_blocks, weights = w->scheme->points * blocks_in(w) * BLOCK * blocks * BLOCK;
    float *to = partial_of(part) + weights;
    for (size_t b = 0; b < blocks; b++, to += BLOCK) {
        const float *from =
            part->scratch + w->second_at + w->scheme->ones * plane_floats(w, 1, blocks) + place_of(part, 0, (int32_t)b);
        lanes sum = lanes_get(to);
        for (size_t t = 0; t < part->count * w->tiles; t++) {
            sum += lanes_get(from + t * BLOCK);
        }
        lanes_put(to, sum);
    }
}

static void multiply_backward(const struct part *part) {
    const struct winograd *w = part->w;
    size_t ic = (size_t)w->in_blocks * BLOCK, oc = (size_t)w->out_blocks * BLOCK, rows = w->rows[1];
    for (size_t point = 0; point < w->scheme->points; point++) {
        struct phases phases = w->scheme->at[point];
        const float *b = w->backward + point * w->scheme->phases * ic * oc;
        float *c = part->scratch + w->first_at + point * plane_floats(w, 1, blocks_in(w));
        winograd_multiply(
            &(struct product){.a = part->scratch + w->third_at + point * plane_floats(w, 1, (size_t)w->out_blocks),
                              .b = b + phases.first * ic * oc,
                              .c = c + phases.first * ic * rows,
                              .a_rows = rows,
                              .b_rows = oc,
                              .c_rows = rows,
                              .m = part->count * w->tiles,
                              .n_blocks = phases.count * (size_t)w->in_blocks,
                              .k = oc});
    }
}

static void take_sources(const struct part *part) {
    const struct winograd *w = part->w;
    float *image = part->scratch + w->second_at; /* done with */
    struct tiles t = tiles_of(part, image, 4 * w->scheme->stride * w->tiles_wide, blocks_in(w));
    for (size_t i = 0; i < part->count; i++) {
        for (int32_t b = 0; b < w->in_blocks; b++) {
            w->scheme->take_source(&t, part->scratch + w->first_at + place_of(part, i, b));
            contribute_floats(part->loop->plan, &part->loop->node->inputs[0], (struct planes){part->first + i, 1, b},
                              (struct floats){image, t.row, 0}, part->thread);
        }
    }
}

static void backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    struct part part = part_of(argument, 1, thread);
    const struct node *node = part.loop->node;
    for (; begin < end; begin += part.count) {
        next(&part, begin, end);
        put_gradients(&part);
        put_sources(&part);
        backward_weights(&part);
        if (node->op->param[SY_BIAS] >= 0) {
            backward_bias(&part);
        }
        if (node->inputs[0].wanted) {
            multiply_backward(&part);
            take_sources(&part);
        }
    }
    elem_fence();
}

void winograd_backward(struct sy_plan *plan, struct node *node) {
    struct loop loop = {plan, node};
    sums_clear(plan, node);
    plan->host->parallel_for(plan->host, (size_t)plan->batch, backward_part, &loop);
    sums_join(plan, node);
    winograd_gather(plan, node);
}
