/* winograd.c - running a Winograd convolution: per thread, some images at a time. winograd.h has the formulas. */
#include "winograd.h"

#include <string.h>

#include "planes.h"
#include "sums.h"

struct loop {
    struct sy_plan *plan;
    struct node *node;
};

/* ---- transforms, a block of channels at a time --------------------------------------------------------------------- */

/* B^T d, in place: six values `s` apart */
INLINED void input_1d(lanes *d, size_t s) {
    const lanes two = lanes_of(2), four = lanes_of(4), five = lanes_of(-5);
    lanes d0 = d[0], d1 = d[s], d2 = d[2 * s], d3 = d[3 * s], d4 = d[4 * s], d5 = d[5 * s];
    lanes even = lanes_fnma(four, d2, d4), odd = lanes_fnma(four, d1, d3);
    lanes narrow = d4 - d2, wide = (d3 - d1) * two;
    d[0] = lanes_fma(four, d0, lanes_fma(five, d2, d4));
    d[s] = even + odd;
    d[2 * s] = even - odd;
    d[3 * s] = narrow + wide;
    d[4 * s] = narrow - wide;
    d[5 * s] = lanes_fma(four, d1, lanes_fma(five, d3, d5));
}

/* A^T m, in place: six values to four */
INLINED void output_1d(lanes *m, size_t s) {
    lanes s12 = m[s] + m[2 * s], d12 = m[s] - m[2 * s], s34 = m[3 * s] + m[4 * s], d34 = m[3 * s] - m[4 * s];
    m[0] = m[0] + s12 + s34;
    m[s] = lanes_fma(lanes_of(2), d34, d12);
    m[2 * s] = lanes_fma(lanes_of(4), s34, s12);
    m[3 * s] = lanes_fma(lanes_of(8), d34, d12) + m[5 * s];
}

/* A g, in place: four values to six */
INLINED void gradient_1d(lanes *g, size_t s) {
    lanes g0 = g[0], g1 = g[s], g2 = g[2 * s], g3 = g[3 * s];
    lanes near = g0 + g2, far = lanes_fma(lanes_of(4), g2, g0);
    lanes odd = g1 + g3, steep = lanes_fma(lanes_of(8), g3, g1 * lanes_of(2));
    g[s] = near + odd;
    g[2 * s] = near - odd;
    g[3 * s] = far + steep;
    g[4 * s] = far - steep;
    g[5 * s] = g3;
}

/* How a tile is transformed, `side` pixels high and wide: a row of it, six places that may begin with fewer values. */
typedef void transform(lanes *d, size_t s);

/* Tile at `from` of an image whose rows are `row` floats apart, to 36 places `plane` floats apart. */
INLINED void put_tile(transform *step, size_t side, float *to, size_t plane,
                                                           const float *from, size_t row) {
    lanes d[POINTS];
    UNROLL
    for (size_t h = 0; h < side; h++) {
        UNROLL
        for (size_t w = 0; w < side; w++) {
            d[6 * h + w] = lanes_get(from + h * row + w * BLOCK);
        }
        step(d + 6 * h, 1);
    }
    UNROLL
    for (size_t w = 0; w < 6; w++) {
        step(d + w, 6);
        UNROLL
        for (size_t h = 0; h < 6; h++) {
            lanes_put(to + (6 * h + w) * plane, d[6 * h + w]);
        }
    }
}

/* The other way: 36 places to a 4x4 tile. Columns first: what is left of them fits into registers. */
INLINED void take_tile(float *to, size_t row, const float *from, size_t plane,
                                                            lanes bias) {
    lanes left[24];
    UNROLL
    for (size_t w = 0; w < 6; w++) {
        lanes m[6];
        UNROLL
        for (size_t h = 0; h < 6; h++) {
            m[h] = lanes_get(from + (6 * h + w) * plane);
        }
        output_1d(m, 1);
        UNROLL
        for (size_t h = 0; h < 4; h++) {
            left[6 * h + w] = m[h];
        }
    }
    UNROLL
    for (size_t h = 0; h < 4; h++) {
        output_1d(left + 6 * h, 1);
        UNROLL
        for (size_t w = 0; w < 4; w++) {
            lanes_put(to + h * row + w * BLOCK, left[6 * h + w] + bias);
        }
    }
}

/* The same where only `high` rows and `wide` columns of the tile lie in the image. */
static void take_part(float *to, size_t row, const float *from, size_t plane, lanes bias, size_t high, size_t wide) {
    float tile[16 * BLOCK];
    take_tile(tile, 4 * BLOCK, from, plane, bias);
    for (size_t h = 0; h < 4 && h < high; h++) {
        memcpy(to + h * row, tile + h * 4 * BLOCK, (wide < 4 ? wide : 4) * BLOCK * sizeof *to);
    }
}

/* ---- tiles of whole planes -------------------------------------------------------------------------------------- */

/* All tiles of one plane of one image, which has a rim of one pixel; those without the rim begin inside of it. */
INLINED void put_tiles(const struct winograd *w, transform *step, size_t side,
                                                            float *to, size_t plane, const float *image) {
    size_t row = w->padded_width * BLOCK;
    for (size_t h = 0; h < w->tiles_high; h++) {
        for (size_t t = 0; t < w->tiles_wide; t++, to += BLOCK) {
            put_tile(step, side, to, plane, image + 4 * h * row + 4 * t * BLOCK, row);
        }
    }
}

/* B^T d B of tiles of 6x6 pixels. */
static void put_inputs(const struct winograd *w, float *to, size_t plane, const float *image) {
    put_tiles(w, input_1d, 6, to, plane, image);
}

/* A g A^T of tiles of 4x4 pixels, without the rim. */
static void put_outputs(const struct winograd *w, float *to, size_t plane, const float *image) {
    put_tiles(w, gradient_1d, 4, to, plane, image + (w->padded_width + 1) * BLOCK);
}

/* Floats of a plane of an image, without a rim. */
static void take_tiles(const struct winograd *w, float *image, size_t height, size_t width, const float *from,
                       size_t plane, lanes bias) {
    size_t row = width * BLOCK;
    for (size_t h = 0; h < w->tiles_high; h++) {
        for (size_t t = 0; t < w->tiles_wide; t++, from += BLOCK) {
            float *to = image + 4 * h * row + 4 * t * BLOCK;
            if (height - 4 * h >= 4 && width - 4 * t >= 4) {
                take_tile(to, row, from, plane, bias);
            } else {
                take_part(to, row, from, plane, bias, height - 4 * h, width - 4 * t);
            }
        }
    }
}

/* The rim, and what fills up the last tiles, stay zero: the middle is written over and over. */
static float *clear_image(const struct winograd *w, float *scratch) {
    float *image = scratch + w->image_at;
    memset(image, 0, (4 * w->tiles_high + 2) * w->padded_width * BLOCK * sizeof *image);
    return image;
}

static size_t plane_floats(const struct winograd *w, int which, int32_t blocks) {
    return (size_t)blocks * w->rows[which] * BLOCK + APART;
}

/* B^T d B of the node's input. */
static void put_sources(const struct loop *loop, int which, size_t first, size_t count, float *scratch, float *image) {
    const struct winograd *w = loop->node->winograd;
    int32_t value = loop->node->inputs[0].value;
    size_t plane = plane_floats(w, which, w->in_blocks), row = w->padded_width * BLOCK;
    for (size_t i = 0; i < count; i++) {
        for (int32_t b = 0; b < w->in_blocks; b++) {
            struct floats inside = {image + row + BLOCK, row, 0};
            view_floats(loop->plan, value, (struct planes){first + i, 1, b}, inside);
            float *to = scratch + w->first_at + ((size_t)b * w->rows[which] + i * w->tiles) * BLOCK;
            put_inputs(w, to, plane, image);
        }
    }
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

static void forward_images(const struct loop *loop, size_t first, size_t count, float *scratch, float *image,
                           int32_t thread) {
    struct sy_plan *plan = loop->plan;
    const struct winograd *w = loop->node->winograd;
    const struct value *out = &plan->values[loop->node->output];
    size_t from_plane = plane_floats(w, 0, w->in_blocks), to_plane = plane_floats(w, 0, w->out_blocks);
    size_t ic = (size_t)w->in_blocks * BLOCK;
    put_sources(loop, 0, first, count, scratch, image);
    struct product p = {.a = scratch + w->first_at,
                        .b = w->forward,
                        .c = scratch + w->second_at,
                        .a_plane = from_plane,
                        .b_plane = ic * (size_t)w->out_blocks * BLOCK,
                        .c_plane = to_plane,
                        .a_rows = w->rows[0],
                        .b_rows = ic,
                        .c_rows = w->rows[0],
                        .m = count * w->tiles,
                        .n_blocks = (size_t)w->out_blocks,
                        .k = ic};
    winograd_multiply(&p);
    for (size_t i = 0; i < count; i++) {
        for (int32_t b = 0; b < w->out_blocks; b++) {
            const float *from = scratch + w->second_at + ((size_t)b * w->rows[0] + i * w->tiles) * BLOCK;
            float *to = scratch + w->first_at; /* done with */
            take_tiles(w, to, (size_t)out->height, (size_t)out->width, from, to_plane, lanes_get(w->bias + b * BLOCK));
            finish_floats(plan, loop->node, (struct planes){first + i, 1, b}, floats_of(out, to), thread);
        }
    }
}

static void forward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    const struct winograd *w = loop->node->winograd;
    float *scratch = (float *)(void *)loop->plan->scratch[thread], *image = clear_image(w, scratch);
    for (size_t first = begin; first < end; first += w->images[0]) {
        size_t count = end - first < w->images[0] ? end - first : w->images[0];
        forward_images(loop, first, count, scratch, image, thread);
    }
    elem_fence();
}

void winograd_forward(struct sy_plan *plan, struct node *node) {
    struct loop loop = {plan, node};
    plan->host->parallel_for(plan->host, (size_t)plan->batch, forward_part, &loop);
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

/* A g A^T for the weights, and B^T g B for the input. */
static void put_gradients(const struct loop *loop, size_t first, size_t count, float *scratch, float *image,
                          int32_t thread) {
    const struct winograd *w = loop->node->winograd;
    size_t plane = plane_floats(w, 1, w->out_blocks), row = w->padded_width * BLOCK;
    for (size_t i = 0; i < count; i++) {
        for (int32_t b = 0; b < w->out_blocks; b++) {
            size_t at = ((size_t)b * w->rows[1] + i * w->tiles) * BLOCK;
            struct floats inside = {image + row + BLOCK, row, 0};
            gradient_floats(loop->plan, loop->node, (struct planes){first + i, 1, b}, inside, thread);
            put_outputs(w, scratch + w->second_at + at, plane, image);
            if (loop->node->inputs[0].wanted) {
                put_inputs(w, scratch + w->third_at + at, plane, image);
            }
        }
    }
}

static void backward_weights(const struct loop *loop, size_t count, float *scratch, int32_t thread) {
    const struct winograd *w = loop->node->winograd;
    size_t ic = (size_t)w->in_blocks * BLOCK;
    struct product p = {.a = scratch + w->first_at,
                        .b = scratch + w->second_at,
                        .c = loop->node->partial + (size_t)thread * loop->node->partial_floats,
                        .a_plane = plane_floats(w, 1, w->in_blocks),
                        .b_plane = plane_floats(w, 1, w->out_blocks),
                        .c_plane = ic * (size_t)w->out_blocks * BLOCK,
                        .a_rows = w->rows[1],
                        .b_rows = w->rows[1],
                        .c_rows = ic,
                        .m = ic,
                        .n_blocks = (size_t)w->out_blocks,
                        .k = count * w->tiles};
    winograd_correlate(&p);
}

/* The sum of a tile's gradients is a point of A g A^T: its second row and column are all ones. */
static void backward_bias(const struct loop *loop, size_t count, const float *scratch, int32_t thread) {
    const struct winograd *w = loop->node->winograd;
    size_t weights = (size_t)(w->in_blocks * w->out_blocks) * BLOCK * BLOCK, plane = plane_floats(w, 1, w->out_blocks);
    float *to = loop->node->partial + (size_t)thread * loop->node->partial_floats + POINTS * weights;
    for (size_t b = 0; b < (size_t)w->out_blocks; b++, to += BLOCK) {
        const float *from = scratch + w->second_at + 7 * plane + b * w->rows[1] * BLOCK;
        lanes sum = lanes_get(to);
        for (size_t t = 0; t < count * w->tiles; t++) {
            sum += lanes_get(from + t * BLOCK);
        }
        lanes_put(to, sum);
    }
}

static void backward_data(const struct loop *loop, size_t first, size_t count, float *scratch, int32_t thread) {
    struct sy_plan *plan = loop->plan;
    const struct winograd *w = loop->node->winograd;
    const struct link *link = &loop->node->inputs[0];
    const struct value *in = &plan->values[link->value];
    size_t oc = (size_t)w->out_blocks * BLOCK, to_plane = plane_floats(w, 1, w->in_blocks);
    struct product p = {.a = scratch + w->third_at,
                        .b = w->backward,
                        .c = scratch + w->first_at,
                        .a_plane = plane_floats(w, 1, w->out_blocks),
                        .b_plane = oc * (size_t)w->in_blocks * BLOCK,
                        .c_plane = to_plane,
                        .a_rows = w->rows[1],
                        .b_rows = oc,
                        .c_rows = w->rows[1],
                        .m = count * w->tiles,
                        .n_blocks = (size_t)w->in_blocks,
                        .k = oc};
    winograd_multiply(&p);
    float *image = scratch + w->second_at; /* done with */
    for (size_t i = 0; i < count; i++) {
        for (int32_t b = 0; b < w->in_blocks; b++) {
            const float *from = scratch + w->first_at + ((size_t)b * w->rows[1] + i * w->tiles) * BLOCK;
            take_tiles(w, image, (size_t)in->height, (size_t)in->width, from, to_plane, lanes_zero());
            contribute_floats(plan, link, (struct planes){first + i, 1, b}, floats_of(in, image), thread);
        }
    }
}

static void backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    const struct winograd *w = loop->node->winograd;
    float *scratch = (float *)(void *)loop->plan->scratch[thread], *image = clear_image(w, scratch);
    for (size_t first = begin; first < end; first += w->images[1]) {
        size_t count = end - first < w->images[1] ? end - first : w->images[1];
        put_gradients(loop, first, count, scratch, image, thread);
        put_sources(loop, 1, first, count, scratch, image);
        backward_weights(loop, count, scratch, thread);
        if (loop->node->op->param[SY_BIAS] >= 0) {
            backward_bias(loop, count, scratch, thread);
        }
        if (loop->node->inputs[0].wanted) {
            backward_data(loop, first, count, scratch, thread);
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
