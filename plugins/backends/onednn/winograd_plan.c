/* winograd_plan.c - making a Winograd convolution, and its weights to and fro. */
#include <stdlib.h>
#include <string.h>

#include "lanes.h"
#include "sums.h"
#include "winograd.h"

#define TAPS 9
/* Bytes of transformed tiles of a thread's images. What multiplies and what comes out should share a second-level cache;
 * but weights are read once for all of these images, so there should be as much of the one as of the other. */
#define LEAST_BYTES ((size_t)600 << 10)
#define MOST_BYTES  ((size_t)2600 << 10)

static size_t round_up(size_t count, size_t to) {
    return (count + to - 1) / to * to;
}

/* Images at a time, for so many channels that multiply and come out. */
static size_t images_for(const struct sy_plan *plan, const struct winograd *w, size_t channels) {
    size_t threads = (size_t)plan->host->threads, share = ((size_t)plan->max_batch + threads - 1) / threads;
    size_t bytes = POINTS * (size_t)(w->in_blocks * w->out_blocks) * BLOCK * BLOCK * sizeof(float);
    bytes = bytes < LEAST_BYTES ? LEAST_BYTES : bytes > MOST_BYTES ? MOST_BYTES : bytes;
    size_t images = bytes / (POINTS * channels * sizeof(float) * w->tiles);
    images = images < 1 ? 1 : images;
    return images > share ? share : images;
}

static size_t plane(const struct winograd *w, int which, int32_t blocks) {
    return POINTS * ((size_t)blocks * w->rows[which] * BLOCK + APART);
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* First: what is multiplied, backward what comes out too; second: what comes out, backward A dy A^T; third: B^T dy B. */
static void lay_out(struct node *node, struct winograd *w) {
    int32_t most = w->in_blocks > w->out_blocks ? w->in_blocks : w->out_blocks;
    size_t rows = 4 * w->tiles_high + 2;
    size_t first = larger(plane(w, 0, w->in_blocks), plane(w, 1, most));
    size_t second = larger(plane(w, 0, w->out_blocks), plane(w, 1, w->out_blocks));
    w->image_at = 0;
    w->first_at = round_up(rows * w->padded_width * BLOCK, BLOCK);
    w->second_at = w->first_at + round_up(first, BLOCK);
    w->third_at = w->second_at + round_up(second, BLOCK);
    size_t third = node->useful ? plane(w, 1, w->out_blocks) : 0;
    node->scratch = (w->third_at + round_up(third, BLOCK)) * sizeof(float);
}

int winograd_create(struct sy_plan *plan, struct node *node, struct sy_error *err) {
    struct winograd *w = node->winograd = calloc(1, sizeof *w);
    const struct value *in = &plan->values[node->inputs[0].value], *out = &plan->values[node->output];
    if (!w) {
        return sy_fail(err, SY_ENOMEM, "no memory for a plan");
    }
    w->in_blocks = in->blocks;
    w->out_blocks = out->blocks;
    w->tiles_high = ((size_t)out->height + 3) / 4;
    w->tiles_wide = ((size_t)out->width + 3) / 4;
    w->tiles = w->tiles_high * w->tiles_wide;
    w->padded_width = 4 * w->tiles_wide + 2;
    size_t ic = (size_t)in->blocks * BLOCK, oc = (size_t)out->blocks * BLOCK;
    w->images[0] = images_for(plan, w, ic + oc);
    w->images[1] = images_for(plan, w, larger(ic, oc) + 2 * oc);
    for (int i = 0; i < 2; i++) {
        w->rows[i] = round_up(w->images[i] * w->tiles, PRODUCT_ROWS);
    }
    lay_out(node, w);
    size_t weights = POINTS * ic * oc;
    node->partial_floats = node->useful ? weights + oc : 0;
    w->bias = calloc(oc, sizeof *w->bias);
    w->forward = aligned_alloc(64, weights * sizeof(float));
    w->backward = node->inputs[0].wanted ? aligned_alloc(64, weights * sizeof(float)) : NULL;
    plan->weight_bytes += weights * sizeof(float) * (w->backward ? 2 : 1);
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

/* u = G g, three values `apart` vectors from each other to six */
static void weights_1d(lanes *u, const lanes *g, size_t apart) {
    const lanes sixth = lanes_of(-1.0f / 6), tenth = lanes_of(1.0f / 24);
    lanes outer = g[0] + g[2 * apart], far = g[0] + g[2 * apart] * lanes_of(4), near = g[apart] * lanes_of(2);
    u[0] = g[0] * lanes_of(0.25f);
    u[apart] = (outer + g[apart]) * sixth;
    u[2 * apart] = (outer - g[apart]) * sixth;
    u[3 * apart] = (far + near) * tenth;
    u[4 * apart] = (far - near) * tenth;
    u[5 * apart] = g[2 * apart];
}

/* A block of filters: rows first (3x3 to 6x3), then columns (to 6x6). */
static void transform_weights(lanes u[POINTS], const lanes g[TAPS]) {
    lanes half[18];
    for (size_t c = 0; c < 3; c++) {
        weights_1d(half + c, g + c, 3);
    }
    for (size_t r = 0; r < 6; r++) {
        lanes row[6] = {half[3 * r], half[3 * r + 1], half[3 * r + 2]}, out[6];
        weights_1d(out, row, 1);
        memcpy(u + 6 * r, out, sizeof out);
    }
}

struct refresh {
    struct sy_plan *plan;
    const struct node *node;
    const float *weights;
    size_t in, out; /* channels that are there */
};

/* Lanes run along the channels that come out; `turned`: backward, where these are the inputs' and taps are mirrored. */
static void transform_block(const struct refresh *r, float *to, size_t plane_floats, size_t block, size_t channel,
                            bool turned) {
    float taps[TAPS][BLOCK] = {{0}};
    lanes g[TAPS], u[POINTS];
    size_t lanes_there = turned ? r->in : r->out;
    for (size_t i = 0; i < BLOCK && block * BLOCK + i < lanes_there && channel < (turned ? r->out : r->in); i++) {
        size_t o = turned ? channel : block * BLOCK + i, c = turned ? block * BLOCK + i : channel;
        const float *from = r->weights + (o * r->in + c) * TAPS;
        for (size_t k = 0; k < TAPS; k++) {
            taps[k][i] = from[turned ? TAPS - 1 - k : k];
        }
    }
    for (size_t k = 0; k < TAPS; k++) {
        g[k] = lanes_get(taps[k]);
    }
    transform_weights(u, g);
    for (size_t p = 0; p < POINTS; p++) {
        lanes_put(to + p * plane_floats, u[p]);
    }
}

static void refresh_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct refresh *r = argument;
    const struct winograd *w = r->node->winograd;
    size_t ic = (size_t)w->in_blocks * BLOCK, oc = (size_t)w->out_blocks * BLOCK, forward = (size_t)w->out_blocks * ic;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        if (i < forward) {
            transform_block(r, w->forward + i * BLOCK, ic * oc, i / ic, i % ic, false);
        } else {
            size_t j = i - forward;
            transform_block(r, w->backward + j * BLOCK, ic * oc, j / oc, j % oc, true);
        }
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

/* g = G^T u, six values to three */
static void gather_1d(lanes *g, const lanes *u, size_t apart) {
    const lanes sixth = lanes_of(1.0f / 6), twelfth = lanes_of(1.0f / 12), tenth = lanes_of(1.0f / 24);
    lanes s12 = u[apart] + u[2 * apart], d12 = u[apart] - u[2 * apart];
    lanes s34 = u[3 * apart] + u[4 * apart], d34 = u[3 * apart] - u[4 * apart];
    g[0] = u[0] * lanes_of(0.25f) - s12 * sixth + s34 * tenth;
    g[apart] = d34 * twelfth - d12 * sixth;
    g[2 * apart] = (s34 - s12) * sixth + u[5 * apart];
}

static void gather_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct refresh *r = argument;
    const struct winograd *w = r->node->winograd;
    size_t ic = (size_t)w->in_blocks * BLOCK, oc = (size_t)w->out_blocks * BLOCK;
    float *gradient = param_gradient(r->plan, r->node->op, SY_WEIGHT);
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        size_t block = i / ic, c = i % ic;
        lanes u[POINTS], half[18], g[TAPS];
        float taps[TAPS][BLOCK];
        for (size_t p = 0; p < POINTS; p++) {
            u[p] = lanes_get(r->node->partial + p * ic * oc + i * BLOCK);
        }
        for (size_t col = 0; col < 6; col++) {
            lanes column[18];
            gather_1d(column, u + col, 6);
            half[col] = column[0];
            half[6 + col] = column[6];
            half[12 + col] = column[12];
        }
        for (size_t row = 0; row < 3; row++) {
            gather_1d(g + 3 * row, half + 6 * row, 1);
        }
        for (size_t k = 0; k < TAPS; k++) {
            lanes_put(taps[k], g[k]);
        }
        for (size_t l = 0; c < r->in && l < BLOCK && block * BLOCK + l < r->out; l++) {
            for (size_t k = 0; k < TAPS; k++) {
                gradient[((block * BLOCK + l) * r->in + c) * TAPS + k] = taps[k][l];
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
        memcpy(param_gradient(plan, node->op, SY_BIAS), node->partial + POINTS * filters * BLOCK,
               r.out * sizeof(float));
    }
}
