/* images.c - see images.h. graph.h has the formulas; each backward is the forward's transpose. */
#include "images.h"

#include <stdlib.h>
#include <string.h>

#include "conv2d.h"
#include "features.h"
#include "sums.h"

static const struct value *input_of(const struct image *im, int32_t k) {
    return &im->plan->values[im->node->inputs[k].value];
}
static const struct value *output_of(const struct image *im) {
    return &im->plan->values[im->node->output];
}

/* ---- pooling ---------------------------------------------------------------------------------------------------- */

/* One output pixel's window, cut at the image's rim. */
struct window {
    size_t top, bottom, left, right; /* rows top .. bottom-1, columns left .. right-1 */
};

static struct window window_of(const struct image *im, size_t h, size_t w) {
    const struct sy_op *op = im->node->op;
    const struct value *in = input_of(im, 0);
    size_t k = (size_t)op->kernel, p = (size_t)op->padding, top = h * (size_t)op->stride, left = w * (size_t)op->stride;
    struct window win = {top > p ? top - p : 0, top + k > p ? top + k - p : 0, left > p ? left - p : 0,
                         left + k > p ? left + k - p : 0};
    win.bottom = win.bottom > (size_t)in->height ? (size_t)in->height : win.bottom;
    win.right = win.right > (size_t)in->width ? (size_t)in->width : win.right;
    return win;
}

static void avg_pool(const struct image *im, bool back) {
    const struct value *in = input_of(im, 0), *out = output_of(im);
    float share = 1 / (float)(im->node->op->kernel * im->node->op->kernel);
    for (size_t b = 0; b < (size_t)out->blocks; b++) {
        for (size_t o = 0; o < out->pixels; o++) {
            struct window win = window_of(im, o / (size_t)out->width, o % (size_t)out->width);
            float *y = im->out + (b * out->pixels + o) * BLOCK, sum[BLOCK] = {0};
            for (size_t h = win.top; h < win.bottom; h++) {
                for (size_t w = win.left; w < win.right; w++) {
                    size_t at = (b * in->pixels + h * (size_t)in->width + w) * BLOCK;
                    for (size_t i = 0; i < BLOCK; i++) {
                        if (back) {
                            im->din[0][at + i] += y[i] * share;
                        } else {
                            sum[i] += im->in[0][at + i];
                        }
                    }
                }
            }
            for (size_t i = 0; i < BLOCK && !back; i++) {
                y[i] = sum[i] * share;
            }
        }
    }
}

/* Pixel of the first maximum of a window; what is not a number counts as one. */
static size_t maximum(const struct image *im, const struct window *win, size_t b, size_t i) {
    const struct value *in = input_of(im, 0);
    const float *x = im->in[0] + b * in->pixels * BLOCK + i;
    size_t best = win->top * (size_t)in->width + win->left;
    for (size_t h = win->top; h < win->bottom; h++) {
        for (size_t w = win->left; w < win->right; w++) {
            size_t p = h * (size_t)in->width + w;
            float at = x[p * BLOCK], most = x[best * BLOCK];
            if (at > most || (at != at && most == most)) {
                best = p;
            }
        }
    }
    return best;
}

static void max_pool(const struct image *im, bool back) {
    const struct value *in = input_of(im, 0), *out = output_of(im);
    for (size_t b = 0; b < (size_t)out->blocks; b++) {
        for (size_t o = 0; o < out->pixels; o++) {
            struct window win = window_of(im, o / (size_t)out->width, o % (size_t)out->width);
            float *y = im->out + (b * out->pixels + o) * BLOCK;
            for (size_t i = 0; i < BLOCK; i++) {
                size_t at = (b * in->pixels + maximum(im, &win, b, i)) * BLOCK + i;
                if (back) {
                    im->din[0][at] += y[i];
                } else {
                    y[i] = im->in[0][at];
                }
            }
        }
    }
}

static void global_avg_pool(const struct image *im, bool back) {
    const struct value *in = input_of(im, 0);
    float share = 1 / (float)in->pixels;
    for (size_t b = 0; b < (size_t)in->blocks; b++) {
        float *y = im->out + b * BLOCK, sum[BLOCK] = {0};
        for (size_t p = 0; p < in->pixels; p++) {
            size_t at = (b * in->pixels + p) * BLOCK;
            for (size_t i = 0; i < BLOCK; i++) {
                if (back) {
                    im->din[0][at + i] += y[i] * share;
                } else {
                    sum[i] += im->in[0][at + i];
                }
            }
        }
        for (size_t i = 0; i < BLOCK && !back; i++) {
            y[i] = sum[i] * share;
        }
    }
}

/* ---- channels and pixels about ---------------------------------------------------------------------------------- */

/* Channels of one place to channels of another; by blocks where both begin at one. */
static void move_channels(float *to, size_t to_first, size_t to_pixels, const float *from, size_t from_first,
                          size_t from_pixels, size_t channels, bool add) {
    for (size_t c = 0; c < channels; c++) {
        for (size_t p = 0; p < to_pixels; p++) {
            float x = from[image_at(from_pixels, from_first + c, p)];
            float *at = &to[image_at(to_pixels, to_first + c, p)];
            *at = add ? *at + x : x;
        }
    }
}

static void move_blocks(float *to, const float *from, size_t count, bool add) {
    for (size_t i = 0; i < count; i++) {
        to[i] = add ? to[i] + from[i] : from[i];
    }
}

static void concat(const struct image *im, bool back) {
    const struct value *out = output_of(im);
    size_t first = 0;
    for (int32_t k = 0; k < im->node->n_inputs; k++) {
        const struct value *in = input_of(im, k);
        size_t channels = (size_t)in->channels, pixels = in->pixels;
        bool whole = first % BLOCK == 0 && channels % BLOCK == 0;
        float *part = im->out + first * pixels;
        if (whole && back) {
            move_blocks(im->din[k], part, channels * pixels, true);
        } else if (whole) {
            move_blocks(part, im->in[k], channels * pixels, false);
        } else if (back) {
            move_channels(im->din[k], 0, pixels, im->out, first, pixels, channels, true);
        } else {
            move_channels(im->out, first, out->pixels, im->in[k], 0, pixels, channels, false);
        }
        first += channels;
    }
}

static void slice_pad(const struct image *im, bool back) {
    const struct value *in = input_of(im, 0), *out = output_of(im);
    size_t stride = (size_t)im->node->op->stride, before = (size_t)im->node->op->pad_before;
    size_t width = (size_t)out->width;
    for (size_t c = 0; c < (size_t)in->channels; c++) {
        for (size_t p = 0; p < out->pixels; p++) {
            size_t from = image_at(in->pixels, c, p / width * stride * (size_t)in->width + p % width * stride);
            size_t to = image_at(out->pixels, c + before, p);
            if (back) {
                im->din[0][from] += im->out[to];
            } else {
                im->out[to] = im->in[0][from];
            }
        }
    }
}

static void flatten(const struct image *im, bool back) {
    const struct value *in = input_of(im, 0);
    for (size_t c = 0; c < (size_t)in->channels; c++) {
        for (size_t p = 0; p < in->pixels; p++) {
            size_t from = image_at(in->pixels, c, p), to = c * in->pixels + p;
            if (back) {
                im->din[0][from] += im->out[to];
            } else {
                im->out[to] = im->in[0][from];
            }
        }
    }
}

/* y = x m with the masks of backend.h */
static void dropout(const struct image *im, bool back) {
    const struct value *in = input_of(im, 0);
    const struct sy_plan *plan = im->plan;
    double p = im->node->op->probability;
    struct sy_rng rng = sy_rng_make(plan->seed, SY_FOR_DROPOUT, plan->stream, plan->step, (uint32_t)im->node->op_index);
    float scale = (float)(1 / (1 - p));
    sy_rng_seek(&rng, (uint32_t)(im->index * (size_t)in->channels * in->pixels));
    for (size_t c = 0; c < (size_t)in->channels; c++) {
        for (size_t i = 0; i < in->pixels; i++) {
            size_t at = image_at(in->pixels, c, i);
            float m = plan->mode != SY_TRAIN ? 1 : sy_rng_uniform(&rng) < p ? 0 : scale;
            if (back) {
                im->din[0][at] += m * im->out[at];
            } else {
                im->out[at] = m * im->in[0][at];
            }
        }
    }
}

/* ---- convolutions in plain layout ------------------------------------------------------------------------------- */

/* A transposed one is the gradient of the convolution from its output to its input: that one's directions change places. */
static bool is_transposed(const struct node *node) {
    return node->op->kind == SY_OP_TRANSPOSED_CONV2D;
}

static struct convolution convolution_of(const struct sy_plan *plan, const struct node *node) {
    const struct value *x = &plan->values[node->inputs[0].value], *y = &plan->values[node->output];
    const struct value *in = is_transposed(node) ? y : x, *out = is_transposed(node) ? x : y;
    return (struct convolution){
        .images = 1,
        .groups = node->op->groups,
        .in = in->channels,
        .height = in->height,
        .width = in->width,
        .out = out->channels,
        .out_height = out->height,
        .out_width = out->width,
        .kernel = node->op->kernel,
        .stride = node->op->stride,
        .padding = node->op->padding,
        .plain_source = true,
        .plain_destination = true,
        .bias = node->op->param[SY_BIAS] >= 0 && !is_transposed(node),
    };
}

int images_create(struct sy_plan *plan, struct node *node, struct sy_error *err) {
    const struct value *out = &plan->values[node->output];
    if (node->n_inputs > IMAGES_MOST_INPUTS) {
        return sy_fail(err, SY_ENOTSUP, "%s: joins %d values; onednn joins %d at most", node->op->name, node->n_inputs,
                       IMAGES_MOST_INPUTS);
    }
    if (!images_convolves(node->op->kind)) {
        return SY_OK;
    }
    struct conv2d *conv = node->conv2d = calloc(1, sizeof *conv);
    if (!conv) {
        return sy_fail(err, SY_ENOMEM, "no memory for a plan");
    }
    conv->shape = convolution_of(plan, node);
    bool back = node->useful && node->inputs[0].wanted, transposed = is_transposed(node);
    bool wanted[3] = {!transposed || back, transposed || back, node->useful};
    int status = SY_OK;
    for (int d = 0; d < 3 && status == SY_OK; d++) {
        if (wanted[d]) {
            status =
                primitive_create(&conv->primitive[d][0], plan->library, &conv->shape, (enum direction)d, NULL, err);
        }
    }
    for (int d = 0; d < 2 && status == SY_OK; d++) {
        size_t bytes = conv->primitive[d][0] ? primitive_weight_bytes(conv->primitive[d][0]) : 0;
        conv->weights[d] = bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
        if (bytes && !conv->weights[d]) {
            status = sy_fail(err, SY_ENOMEM, "no memory for a plan");
        }
        plan->weight_bytes += bytes;
    }
    if (status == SY_OK && node->useful) {
        conv->gradient_bytes = (primitive_weight_bytes(conv->primitive[BACKWARD_WEIGHTS][0]) + 63) / 64 * 64;
        node->partial_floats = conv->gradient_bytes / sizeof(float) + (size_t)out->channels;
    }
    return status;
}

static size_t plain_floats(const struct sy_plan *plan, int32_t value) {
    const struct value *v = &plan->values[value];
    return ((size_t)v->channels * v->pixels + 15) / 16 * 16;
}

size_t images_work(const struct sy_plan *plan, const struct node *node) {
    size_t library = 64;
    if (!images_convolves(node->op->kind)) {
        return 0;
    }
    for (int d = 0; d < 3; d++) {
        size_t need = node->conv2d->primitive[d][0] ? primitive_scratch(node->conv2d->primitive[d][0]) : 0;
        library = need > library ? need : library;
    }
    size_t partial = (node->partial_floats + 15) / 16 * 16;
    return plain_floats(plan, node->inputs[0].value) + plain_floats(plan, node->output) + partial +
           library / sizeof(float) + 16;
}

int images_refresh(struct sy_plan *plan, struct node *node) {
    const struct conv2d *conv = node->conv2d;
    const float *weights = conv ? param_value(plan, node->op, SY_WEIGHT) : NULL;
    int status = SY_OK;
    for (int d = 0; conv && d < 2 && status == SY_OK; d++) {
        if (conv->primitive[d][0]) {
            status = primitive_pack(conv->primitive[d][0], weights, conv->weights[d]);
        }
    }
    return status;
}

void images_gather(struct sy_plan *plan, struct node *node) {
    const struct conv2d *conv = node->conv2d;
    if (conv) {
        float *bias = param_gradient(plan, node->op, SY_BIAS);
        primitive_unpack(conv->primitive[BACKWARD_WEIGHTS][0], node->partial,
                         param_gradient(plan, node->op, SY_WEIGHT));
        if (bias) {
            memcpy(bias, node->partial + conv->gradient_bytes / sizeof(float),
                   (size_t)plan->values[node->output].channels * sizeof *bias);
        }
    }
}

/* Blocked to plain, or back, or back and added. */
enum way { TO_PLAIN, FROM_PLAIN, ADD_PLAIN };
static void plain(const struct value *v, float *flat, float *blocked, enum way way) {
    for (size_t c = 0; c < (size_t)v->channels; c++) {
        for (size_t p = 0; p < v->pixels; p++, flat++) {
            float *at = &blocked[image_at(v->pixels, c, p)];
            if (way == TO_PLAIN) {
                *flat = *at;
            } else {
                *at = way == ADD_PLAIN ? *at + *flat : *flat;
            }
        }
    }
}

/* y = what the transposed convolution brought + bias */
static void add_bias(const struct value *v, float *y, const float *bias) {
    for (size_t i = 0; bias && i < (size_t)v->channels * v->pixels; i++) {
        y[i] += bias[i / v->pixels];
    }
}

static void convolve(const struct image *im) {
    const struct node *node = im->node;
    const struct conv2d *conv = node->conv2d;
    const float *bias = param_value(im->plan, node->op, SY_BIAS);
    float *x = im->work, *y = x + plain_floats(im->plan, node->inputs[0].value);
    float *library = y + plain_floats(im->plan, node->output) + (node->partial_floats + 15) / 16 * 16;
    plain(input_of(im, 0), x, im->in[0], TO_PLAIN);
    if (is_transposed(node)) {
        primitive_run(conv->primitive[BACKWARD_DATA][0], im->thread, y, conv->weights[BACKWARD_DATA], NULL, x, library);
        add_bias(output_of(im), y, bias);
    } else {
        primitive_run(conv->primitive[FORWARD][0], im->thread, x, conv->weights[FORWARD], bias, y, library);
    }
    plain(output_of(im), y, im->out, FROM_PLAIN);
}

/* Gradients of weights and bias of one image; x and g in plain layout. */
static void weights_back(const struct image *im, float *x, float *g, float *dw, float *library) {
    const struct node *node = im->node;
    const struct conv2d *conv = node->conv2d;
    const struct value *out = output_of(im);
    float *db = node->op->param[SY_BIAS] >= 0 ? dw + conv->gradient_bytes / sizeof(float) : NULL;
    if (is_transposed(node)) {
        primitive_run(conv->primitive[BACKWARD_WEIGHTS][0], im->thread, g, dw, NULL, x, library);
        for (size_t c = 0; db && c < (size_t)out->channels; c++) {
            db[c] = 0;
            for (size_t p = 0; p < out->pixels; p++) {
                db[c] += g[c * out->pixels + p];
            }
        }
    } else {
        primitive_run(conv->primitive[BACKWARD_WEIGHTS][0], im->thread, x, dw, db, g, library);
    }
    sums_add(node->partial + (size_t)im->thread * node->partial_floats, dw,
             conv->gradient_bytes / sizeof *dw + (db ? (size_t)out->channels : 0));
}

static void convolve_back(const struct image *im) {
    const struct node *node = im->node;
    const struct conv2d *conv = node->conv2d;
    float *x = im->work, *g = x + plain_floats(im->plan, node->inputs[0].value);
    float *dw = g + plain_floats(im->plan, node->output);
    float *library = dw + (node->partial_floats + 15) / 16 * 16;
    plain(input_of(im, 0), x, im->in[0], TO_PLAIN);
    plain(output_of(im), g, im->out, TO_PLAIN);
    weights_back(im, x, g, dw, library);
    if (!node->inputs[0].wanted) {
        return;
    }
    if (is_transposed(node)) {
        primitive_run(conv->primitive[FORWARD][0], im->thread, g, conv->weights[FORWARD], NULL, x, library);
    } else {
        primitive_run(conv->primitive[BACKWARD_DATA][0], im->thread, x, conv->weights[BACKWARD_DATA], NULL, g, library);
    }
    plain(input_of(im, 0), x, im->din[0], ADD_PLAIN);
}

/* ---- which does what -------------------------------------------------------------------------------------------- */

static void run(const struct image *im, bool back) {
    switch (im->node->op->kind) {
    case SY_OP_AVG_POOL:
        avg_pool(im, back);
        break;
    case SY_OP_MAX_POOL:
        max_pool(im, back);
        break;
    case SY_OP_GLOBAL_AVG_POOL:
        global_avg_pool(im, back);
        break;
    case SY_OP_CONCAT:
        concat(im, back);
        break;
    case SY_OP_SLICE_PAD:
        slice_pad(im, back);
        break;
    case SY_OP_FLATTEN:
        flatten(im, back);
        break;
    case SY_OP_DROPOUT:
        dropout(im, back);
        break;
    default:
        if (features_has(im->node->op->kind)) {
            features_run(im, back);
        } else if (back) {
            convolve_back(im);
        } else {
            convolve(im);
        }
        break;
    }
}

void images_forward(const struct image *image) {
    run(image, false);
}

void images_backward(const struct image *image) {
    run(image, true);
}

bool images_reads(const struct node *node) {
    int32_t kind = node->op->kind;
    return kind == SY_OP_MAX_POOL || images_convolves(kind) || features_reads(kind);
}
