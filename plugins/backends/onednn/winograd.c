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

/* Tiles of images at `image`, whose rows are `side` pixels, in planes so far apart. */
static struct tiles tiles_of(const struct part *part, float *image, size_t side, size_t plane) {
    const struct winograd *w = part->w;
    return (struct tiles){.high = w->tiles_high,
                          .wide = w->tiles_wide,
                          .image = image,
                          .row = side * BLOCK,
                          .plane = plane,
                          .phase = (size_t)w->in_blocks * w->rows[part->which] * BLOCK};
}

/* From the start of a point's plane to a block. */
static size_t place_of(const struct part *part, int32_t block) {
    return (size_t)block * part->w->rows[part->which] * BLOCK;
}

/* So many factors from a place in scratch memory on, or from the start of weights. */
static void *factors_at(const struct part *part, size_t at, size_t count) {
    return (char *)(part->scratch + at) + count * part->w->scheme->factor_bytes;
}
static const void *weights_at(const struct part *part, const void *weights, size_t count) {
    return (const char *)weights + count * part->w->scheme->factor_bytes;
}

static size_t blocks_in(const struct winograd *w) {
    return w->scheme->phases * (size_t)w->in_blocks;
}

/* B^T d B of the node's input. Backward the products sum over tiles, forward over channels. */
static void put_sources(const struct part *part) {
    const struct winograd *w = part->w;
    struct tiles t = tiles_of(part, part->scratch + w->source_at, source_side(w, w->tiles_wide),
                              plane_of_factors(w, part->which, blocks_in(w)));
    struct floats inside = {t.image + t.row + BLOCK, t.row, 0};
    t.stacked = part->which == 1;
    for (size_t i = 0; i < part->count; i++) {
        t.first = i * w->tiles;
        for (int32_t b = 0; b < w->in_blocks; b++) {
            view_floats(part->loop->plan, part->loop->node->inputs[0].value, (struct planes){part->first + i, 1, b},
                        inside);
            w->scheme->put_source(&t, factors_at(part, w->first_at, place_of(part, b)));
        }
    }
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

static void multiply_forward(const struct part *part) {
    const struct winograd *w = part->w;
    size_t ic = (size_t)w->in_blocks * BLOCK, oc = (size_t)w->out_blocks * BLOCK, rows = w->rows[0];
    for (size_t point = 0; point < w->scheme->points; point++) {
        struct phases phases = w->scheme->at[point];
        size_t a = point * plane_of_factors(w, 0, blocks_in(w)) + phases.first * ic * rows;
        size_t b = point * w->scheme->phases * ic * oc + phases.first * ic * BLOCK;
        size_t c = point * plane_of_products(w, 0, (size_t)w->out_blocks);
        w->scheme->multiply(&(struct product){.a = factors_at(part, w->first_at, a),
                                              .b = weights_at(part, w->forward, b),
                                              .c = part->scratch + w->second_at + c,
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
    struct tiles t = tiles_of(part, image, 4 * w->tiles_wide, plane_of_products(w, 0, (size_t)w->out_blocks));
    for (size_t i = 0; i < part->count; i++) {
        t.first = i * w->tiles;
        for (int32_t b = 0; b < w->out_blocks; b++) {
            w->scheme->take_output(&t, part->scratch + w->second_at + place_of(part, b),
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

static float *partial_of(const struct part *part) {
    return part->loop->node->partial + (size_t)part->thread * part->loop->node->partial_floats;
}

/* What its pixels' gradients are in all. */
static void add_bias(const struct part *part, const struct floats *gradients, int32_t block) {
    const struct winograd *w = part->w;
    const struct value *out = &part->loop->plan->values[part->loop->node->output];
    size_t weights = w->scheme->points * blocks_in(w) * BLOCK * (size_t)w->out_blocks * BLOCK;
    float *to = partial_of(part) + weights + (size_t)block * BLOCK;
    lanes sum = lanes_zero();
    for (size_t h = 0; h < (size_t)out->height; h++) {
        for (size_t p = 0; p < (size_t)out->width; p++) {
            sum += lanes_get(gradients->at + h * gradients->row + p * BLOCK);
        }
    }
    lanes_put(to, lanes_get(to) + sum);
}

/* A g A^T for the weights, and B^T g B for the input. */
static void put_gradients(const struct part *part) {
    const struct winograd *w = part->w;
    const struct node *node = part->loop->node;
    size_t side = gradient_side(w, w->tiles_wide), lead = w->scheme->gradient_lead;
    struct tiles t =
        tiles_of(part, part->scratch + w->gradient_at, side, plane_of_factors(w, 1, (size_t)w->out_blocks));
    struct floats inside = {t.image + lead * (t.row + BLOCK), t.row, 0};
    for (size_t i = 0; i < part->count; i++) {
        t.first = i * w->tiles;
        for (int32_t b = 0; b < w->out_blocks; b++) {
            gradient_floats(part->loop->plan, node, (struct planes){part->first + i, 1, b}, inside, part->thread);
            if (node->op->param[SY_BIAS] >= 0) {
                add_bias(part, &inside, b);
            }
            w->scheme->put_output(&t, factors_at(part, w->second_at, place_of(part, b)));
            if (node->inputs[0].wanted) {
                w->scheme->put_gradient(&t, factors_at(part, w->third_at, place_of(part, b)));
            }
        }
    }
}

static void backward_weights(const struct part *part) {
    const struct winograd *w = part->w;
    size_t ic = (size_t)w->in_blocks * BLOCK, oc = (size_t)w->out_blocks * BLOCK, rows = w->rows[1];
    for (size_t point = 0; point < w->scheme->points; point++) {
        struct phases phases = w->scheme->at[point];
        size_t a = point * plane_of_factors(w, 1, blocks_in(w)) + phases.first * ic * rows;
        size_t b = point * plane_of_factors(w, 1, (size_t)w->out_blocks);
        float *c = partial_of(part) + point * w->scheme->phases * ic * oc;
        w->scheme->correlate(&(struct product){.a = factors_at(part, w->first_at, a),
                                               .b = factors_at(part, w->second_at, b),
                                               .c = c + phases.first * ic * BLOCK,
                                               .a_rows = rows,
                                               .b_rows = rows,
                                               .c_rows = w->scheme->phases * ic,
                                               .m = phases.count * ic,
                                               .n_blocks = (size_t)w->out_blocks,
                                               .k = part->count * w->tiles});
    }
}

static void multiply_backward(const struct part *part) {
    const struct winograd *w = part->w;
    size_t ic = (size_t)w->in_blocks * BLOCK, oc = (size_t)w->out_blocks * BLOCK, rows = w->rows[1];
    for (size_t point = 0; point < w->scheme->points; point++) {
        struct phases phases = w->scheme->at[point];
        size_t a = point * plane_of_factors(w, 1, (size_t)w->out_blocks);
        size_t b = point * w->scheme->phases * ic * oc + phases.first * ic * oc;
        float *c = part->scratch + w->first_at + point * plane_of_products(w, 1, blocks_in(w));
        w->scheme->multiply(&(struct product){.a = factors_at(part, w->third_at, a),
                                              .b = weights_at(part, w->backward, b),
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
    struct tiles t =
        tiles_of(part, image, 4 * w->scheme->stride * w->tiles_wide, plane_of_products(w, 1, blocks_in(w)));
    for (size_t i = 0; i < part->count; i++) {
        t.first = i * w->tiles;
        for (int32_t b = 0; b < w->in_blocks; b++) {
            w->scheme->take_source(&t, part->scratch + w->first_at + place_of(part, b));
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
