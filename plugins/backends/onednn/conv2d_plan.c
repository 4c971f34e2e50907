/* conv2d_plan.c - making a convolution of oneDNN's, and its weights to and fro. */
#include <stdlib.h>
#include <string.h>

#include "conv2d.h"

/* Source and destination of a thread's images together; half a second-level cache and less. */
#define CACHE_BYTES (3u << 19)

static size_t round_up(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

/* Images at a time: at most so many, and such that few are left over of a thread's share. */
static int32_t divide(int32_t share, size_t most) {
    int32_t best = most < 1 ? 1 : most > (size_t)share ? share : (int32_t)most;
    for (int32_t images = best; images > best / 2 && share % best != 0; images--) {
        best = share % images < share % best ? images : best;
    }
    return best;
}

static void describe_shape(const struct sy_plan *plan, const struct node *node, struct conv2d *conv) {
    const struct value *in = &plan->values[node->inputs[0].value], *out = &plan->values[node->output];
    const struct value *stored = &plan->values[in->base];
    size_t image = (in->row + out->row) * plan->kernels->operand_size;
    int32_t threads = plan->host->threads, share = (plan->max_batch + threads - 1) / threads;
    conv->images[BATCH_SET] = divide(share, CACHE_BYTES / image);
    conv->images[ONE_IMAGE] = 1;
    conv->images[WINDOW_SET] = divide(plan->window, CACHE_BYTES / image);
    conv->shape = (struct convolution){
        .images = conv->images[BATCH_SET],
        .groups = 1,
        .block = BLOCK,
        .in = stored->plain ? in->channels : in->blocks * BLOCK,
        .height = in->height,
        .width = in->width,
        .out = out->blocks * BLOCK,
        .out_height = out->height,
        .out_width = out->width,
        .kernel = node->op->kernel,
        .stride = node->op->stride,
        .padding = node->op->padding,
        .plain_source = stored->plain,
        .bias = node->op->param[SY_BIAS] >= 0,
        .channels_last = plan->channels_last,
        .bf16 = plan->kernels->operand_size < sizeof(float),
    };
}

static int make_primitives(struct sy_plan *plan, struct node *node, struct sy_error *err) {
    struct conv2d *conv = node->conv2d;
    bool wanted[3] = {true, node->useful && node->inputs[0].wanted, node->useful};
    int status = SY_OK;
    for (int d = 0; d < 3; d++) {
        for (int set = 0; set < IMAGE_SETS && wanted[d] && status == SY_OK; set++) {
            struct convolution shape = conv->shape;
            shape.images = conv->images[set];
            if (set != WINDOW_SET || d == FORWARD) {
                status = primitive_create(&conv->primitive[d][set], plan->library, &shape, (enum direction)d,
                                          conv->primitive[d][BATCH_SET], err);
            }
        }
    }
    return status;
}

static size_t library_scratch(const struct conv2d *conv) {
    size_t most = 64;
    for (int d = 0; d < 3; d++) {
        for (int i = 0; i < IMAGE_SETS; i++) {
            size_t need = conv->primitive[d][i] ? primitive_scratch(conv->primitive[d][i]) : 0;
            most = need > most ? need : most;
        }
    }
    return most;
}

int conv2d_create(struct sy_plan *plan, struct node *node, struct sy_error *err) {
    struct conv2d *conv = node->conv2d = calloc(1, sizeof *conv);
    if (!conv) {
        return sy_fail(err, SY_ENOMEM, "no memory for a plan");
    }
    describe_shape(plan, node, conv);
    int status = make_primitives(plan, node, err);
    if (status != SY_OK) {
        return status;
    }
    const struct value *in = &plan->values[node->inputs[0].value], *out = &plan->values[node->output];
    int32_t most =
        conv->images[WINDOW_SET] > conv->images[BATCH_SET] ? conv->images[WINDOW_SET] : conv->images[BATCH_SET];
    size_t images = (size_t)most, source = round_up(images * in->row * plan->kernels->operand_size);
    const struct convolution *s = &conv->shape;
    size_t plain = (size_t)s->out * (size_t)s->in * (size_t)s->kernel * (size_t)s->kernel * sizeof(float);
    conv->gradient_at = source;
    conv->weights_at = source + round_up(images * out->row * plan->kernels->operand_size);
    conv->gradient_bytes =
        node->useful ? round_up(primitive_weight_bytes(conv->primitive[BACKWARD_WEIGHTS][BATCH_SET])) : 0;
    node->partial_floats = node->useful ? conv->gradient_bytes / sizeof(float) + (size_t)s->out : 0;
    conv->library_at = conv->weights_at + round_up(node->partial_floats * sizeof(float));
    node->scratch = conv->library_at + library_scratch(conv);
    conv->plain = aligned_alloc(64, round_up(plain));
    conv->plain_bias = calloc((size_t)s->out, sizeof *conv->plain_bias);
    bool good = conv->plain && conv->plain_bias;
    for (int d = 0; d < 2 && good; d++) {
        if (conv->primitive[d][BATCH_SET]) {
            size_t bytes = round_up(primitive_weight_bytes(conv->primitive[d][BATCH_SET]));
            conv->weights[d] = aligned_alloc(64, bytes);
            good = conv->weights[d] != NULL;
            plan->weight_bytes += bytes;
        }
    }
    plan->weight_bytes += round_up(plain);
    return good ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory for a plan");
}

void conv2d_destroy(struct conv2d *conv) {
    if (!conv) {
        return;
    }
    for (int d = 0; d < 3; d++) {
        for (int set = 0; set < IMAGE_SETS; set++) {
            primitive_destroy(conv->primitive[d][set]);
        }
    }
    free(conv->weights[0]);
    free(conv->weights[1]);
    free(conv->plain);
    free(conv->plain_bias);
    free(conv);
}

/* Sizes of the weights as the graph has them, and filled up. */
struct extents {
    size_t out, in, taps, filled_in, filled;
};

static struct extents extents_of(const struct sy_plan *plan, const struct node *node) {
    const struct convolution *s = &node->conv2d->shape;
    size_t taps = (size_t)s->kernel * (size_t)s->kernel;
    return (struct extents){(size_t)plan->values[node->output].channels,
                            (size_t)plan->values[node->inputs[0].value].channels, taps, (size_t)s->in,
                            (size_t)s->out * (size_t)s->in * taps};
}

static void fill_up(struct conv2d *conv, const struct extents *e, const float *weights) {
    memset(conv->plain, 0, e->filled * sizeof *conv->plain);
    for (size_t o = 0; o < e->out; o++) {
        memcpy(conv->plain + o * e->filled_in * e->taps, weights + o * e->in * e->taps,
               e->in * e->taps * sizeof *weights);
    }
}

int conv2d_refresh(struct sy_plan *plan, struct node *node) {
    struct conv2d *conv = node->conv2d;
    struct extents e = extents_of(plan, node);
    const float *weights = param_value(plan, node->op, SY_WEIGHT);
    bool rounded = plan->kernels->round_weights != NULL;
    if (rounded || e.filled != e.out * e.in * e.taps) {
        fill_up(conv, &e, weights);
        weights = conv->plain;
    }
    if (rounded) {
        plan->kernels->round_weights(conv->plain, e.filled);
    }
    if (conv->shape.bias) {
        memcpy(conv->plain_bias, param_value(plan, node->op, SY_BIAS), e.out * sizeof(float));
    }
    int status = primitive_pack(conv->primitive[FORWARD][BATCH_SET], weights, conv->weights[FORWARD]);
    if (status == SY_OK && conv->primitive[BACKWARD_DATA][BATCH_SET]) {
        status = primitive_pack(conv->primitive[BACKWARD_DATA][BATCH_SET], weights, conv->weights[BACKWARD_DATA]);
    }
    return status;
}

/* node->partial is the sum over threads already. */
void conv2d_gather(struct sy_plan *plan, struct node *node) {
    struct conv2d *conv = node->conv2d;
    struct extents e = extents_of(plan, node);
    float *weights = param_gradient(plan, node->op, SY_WEIGHT), *bias = param_gradient(plan, node->op, SY_BIAS);
    bool filled = e.filled != e.out * e.in * e.taps;
    primitive_unpack(conv->primitive[BACKWARD_WEIGHTS][BATCH_SET], node->partial, filled ? conv->plain : weights);
    for (size_t o = 0; o < e.out && filled; o++) {
        memcpy(weights + o * e.in * e.taps, conv->plain + o * e.filled_in * e.taps, e.in * e.taps * sizeof *weights);
    }
    if (bias) {
        memcpy(bias, node->partial + conv->gradient_bytes / sizeof(float), e.out * sizeof *bias);
    }
}
