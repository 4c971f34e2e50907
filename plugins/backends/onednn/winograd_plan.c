/* winograd_plan.c - making a Winograd convolution, and its weights to and fro. */
#include <stdlib.h>
#include <string.h>

#include "scheme.h"
#include "sums.h"

/* Bytes of transformed tiles of a thread's images. What multiplies and what comes out should share a second-level cache;
 * but weights are read once for all of these images, so there should be as much of the one as of the other. */
#define LEAST_BYTES ((size_t)600 << 10)
#define MOST_BYTES  ((size_t)2600 << 10)

static size_t round_up(size_t count, size_t to) {
    return (count + to - 1) / to * to;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* Images at a time, where a tile of one is so many bytes. */
static size_t images_for(const struct sy_plan *plan, const struct winograd *w, size_t tile) {
    size_t threads = (size_t)plan->host->threads, share = ((size_t)plan->max_batch + threads - 1) / threads;
    size_t weights = w->scheme->products * (size_t)(w->in_blocks * w->out_blocks) * BLOCK * BLOCK;
    size_t bytes = weights * w->scheme->factor_bytes;
    bytes = bytes < LEAST_BYTES ? LEAST_BYTES : bytes > MOST_BYTES ? MOST_BYTES : bytes;
    size_t images = bytes / (tile * w->tiles);
    images = images < 1 ? 1 : images;
    return images > share ? share : images;
}

/* Floats; more than factors take. */
static size_t all_planes(const struct winograd *w, int which, size_t blocks) {
    return w->scheme->points * plane_of_products(w, which, blocks);
}

/* Images with rims. First: what is multiplied, backward what comes out too; second: what comes out, backward A dy A^T;
 * third: B^T dy B. An image that comes out lies where it is done: forward in the first, backward in the second. */
static void lay_out(struct node *node, struct winograd *w) {
    size_t in = w->scheme->phases * (size_t)w->in_blocks, out = (size_t)w->out_blocks, image = 16 * w->tiles * BLOCK;
    size_t first = larger(larger(all_planes(w, 0, in), all_planes(w, 1, in)), image);
    size_t second =
        larger(larger(all_planes(w, 0, out), all_planes(w, 1, out)), image * w->scheme->stride * w->scheme->stride);
    size_t third = node->useful ? all_planes(w, 1, out) : 0;
    w->source_at = 0;
    w->gradient_at = source_side(w, w->tiles_high) * source_side(w, w->tiles_wide) * BLOCK;
    w->first_at = w->gradient_at + gradient_side(w, w->tiles_high) * gradient_side(w, w->tiles_wide) * BLOCK;
    w->second_at = w->first_at + round_up(first, BLOCK);
    w->third_at = w->second_at + round_up(second, BLOCK);
    node->scratch = (w->third_at + round_up(third, BLOCK)) * sizeof(float);
}

static const struct scheme *scheme_of(const struct sy_plan *plan, const struct node *node) {
    enum { FLOATS, ROUNDED, NATIVE };
    static const struct scheme *const schemes[][2] = {
        [FLOATS] = {&VARIANT(winograd_fp32_stride1), &VARIANT(winograd_fp32_stride2)},
        [ROUNDED] = {&VARIANT(winograd_rounded_stride1), &VARIANT(winograd_rounded_stride2)},
#ifdef ONEDNN_AVX512
        [NATIVE] = {&VARIANT(winograd_bf16_stride1), &VARIANT(winograd_bf16_stride2)},
#endif
    };
    int factors = !plan->bf16_factors ? FLOATS : plan->native_bf16 ? NATIVE : ROUNDED;
    return schemes[factors][node->op->stride - 1];
}

int winograd_create(struct sy_plan *plan, struct node *node, struct sy_error *err) {
    struct winograd *w = node->winograd = calloc(1, sizeof *w);
    const struct value *in = &plan->values[node->inputs[0].value], *out = &plan->values[node->output];
    if (!w) {
        return sy_fail(err, SY_ENOMEM, "no memory for a plan");
    }
    w->scheme = scheme_of(plan, node);
    w->in_blocks = in->blocks;
    w->out_blocks = out->blocks;
    w->tiles_high = ((size_t)out->height + 3) / 4;
    w->tiles_wide = ((size_t)out->width + 3) / 4;
    w->tiles = w->tiles_high * w->tiles_wide;
    size_t ic = (size_t)in->blocks * BLOCK, oc = (size_t)out->blocks * BLOCK;
    size_t products = w->scheme->products, points = w->scheme->points;
    size_t bytes = w->scheme->factor_bytes;
    w->images[0] = images_for(plan, w, products * ic * bytes + points * oc * sizeof(float));
    w->images[1] = images_for(plan, w, (products * ic + 2 * points * oc) * bytes);
    for (int i = 0; i < 2; i++) {
        w->rows[i] = round_up(w->images[i] * w->tiles, PRODUCT_ROWS);
    }
    lay_out(node, w);
    size_t weights = points * w->scheme->phases * ic * oc;
    node->partial_floats = node->useful ? weights + oc : 0;
    w->bias = calloc(oc, sizeof *w->bias);
    w->forward = aligned_alloc(64, weights * bytes);
    w->backward = node->inputs[0].wanted ? aligned_alloc(64, weights * bytes) : NULL;
    plan->weight_bytes += weights * bytes * (w->backward ? 2 : 1);
    return w->bias && w->forward && (w->backward || !node->inputs[0].wanted)
               ? SY_OK
               : sy_fail(err, SY_ENOMEM, "no memory for a plan");
}

void winograd_destroy(struct winograd *w) {
    if (w) {
        free(w->bias);
        free(w->forward);
        free(w->backward);
        free(w);
    }
}

/* ---- weights there ---------------------------------------------------------------------------------------------- */

struct refresh {
    struct sy_plan *plan;
    const struct node *node;
    const float *weights;
    size_t in, out; /* channels that are there */
};

/* Lanes run along the channels that come out; `turned`: backward, where these are the inputs'. */
static void transform_block(const struct refresh *r, const struct weights *to, size_t block, bool turned) {
    float taps[FILTER][BLOCK] = {{0}};
    lanes g[FILTER];
    size_t lanes_there = turned ? r->in : r->out, channel = to->channel;
    for (size_t i = 0; i < BLOCK && block * BLOCK + i < lanes_there && channel < (turned ? r->out : r->in); i++) {
        size_t o = turned ? channel : block * BLOCK + i, c = turned ? block * BLOCK + i : channel;
        const float *from = r->weights + (o * r->in + c) * FILTER;
        for (size_t k = 0; k < FILTER; k++) {
            taps[k][i] = from[k];
        }
    }
    for (size_t k = 0; k < FILTER; k++) {
        g[k] = lanes_get(taps[k]);
    }
    r->node->winograd->scheme->put_weights(to, g, turned);
}

static void refresh_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct refresh *r = argument;
    const struct winograd *w = r->node->winograd;
    size_t ic = (size_t)w->in_blocks * BLOCK, oc = (size_t)w->out_blocks * BLOCK, forward = (size_t)w->out_blocks * ic;
    size_t phases = w->scheme->phases, bytes = w->scheme->factor_bytes;
    struct weights to = {.plane = phases * ic * oc};
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        bool turned = i >= forward;
        size_t j = turned ? i - forward : i, rows = turned ? oc : ic, block = j / rows;
        to.factors = turned ? (char *)w->backward + block * oc * BLOCK * bytes
                            : (char *)w->forward + block * phases * ic * BLOCK * bytes;
        to.channel = j % rows;
        to.phase = turned ? ic * oc : ic * BLOCK;
        transform_block(r, &to, block, turned);
    }
}

void winograd_refresh(struct sy_plan *plan, struct node *node) {
    const struct winograd *w = node->winograd;
    size_t ic = (size_t)w->in_blocks * BLOCK, oc = (size_t)w->out_blocks * BLOCK;
    struct refresh r = {plan, node, param_value(plan, node->op, SY_WEIGHT),
                        (size_t)plan->values[node->inputs[0].value].channels,
                        (size_t)plan->values[node->output].channels};
    size_t count = (size_t)w->out_blocks * ic + (w->backward ? (size_t)w->in_blocks * oc : 0);
    if (node->op->param[SY_BIAS] >= 0) {
        memcpy(w->bias, param_value(plan, node->op, SY_BIAS), r.out * sizeof *w->bias);
    }
    plan->host->parallel_for(plan->host, count, refresh_part, &r);
}

/* ---- and their gradient back ------------------------------------------------------------------------------------ */

static void gather_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct refresh *r = argument;
    const struct winograd *w = r->node->winograd;
    const struct scheme *scheme = w->scheme;
    size_t ic = (size_t)w->in_blocks * BLOCK, oc = (size_t)w->out_blocks * BLOCK;
    float *gradient = param_gradient(r->plan, r->node->op, SY_WEIGHT);
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        size_t block = i / ic, c = i % ic;
        const float *from = r->node->partial + (block * scheme->phases * ic + c) * BLOCK;
        lanes u[MOST_PHASES][MOST_POINTS], g[FILTER];
        float taps[FILTER][BLOCK];
        for (size_t phase = 0; phase < scheme->phases; phase++) {
            for (size_t point = 0; point < scheme->points; point++) {
                u[phase][point] = lanes_get(from + (point * scheme->phases * oc + phase * BLOCK) * ic);
            }
        }
        scheme->gather(g, u);
        for (size_t k = 0; k < FILTER; k++) {
            lanes_put(taps[k], g[k]);
        }
        for (size_t l = 0; c < r->in && l < BLOCK && block * BLOCK + l < r->out; l++) {
            for (size_t k = 0; k < FILTER; k++) {
                gradient[((block * BLOCK + l) * r->in + c) * FILTER + k] = taps[k][l];
            }
        }
    }
}

void winograd_gather(struct sy_plan *plan, struct node *node) {
    const struct winograd *w = node->winograd;
    struct refresh r = {plan, node, NULL, (size_t)plan->values[node->inputs[0].value].channels,
                        (size_t)plan->values[node->output].channels};
    size_t filters = (size_t)(w->out_blocks * w->in_blocks) * BLOCK;
    plan->host->parallel_for(plan->host, filters, gather_part, &r);
    if (node->op->param[SY_BIAS] >= 0) {
        memcpy(param_gradient(plan, node->op, SY_BIAS),
               node->partial + w->scheme->points * w->scheme->phases * filters * BLOCK, r.out * sizeof(float));
    }
}
