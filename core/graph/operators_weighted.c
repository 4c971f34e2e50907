/* operators_weighted.c - the builder's functions for operators with parameters: convolution, linear layer, batch norm. */
#include "graph_state.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* A specification that came over the border, in this build's size; false (and the error) when it says no size. */
static bool read_spec(struct sy_graph_state *state, int32_t kind, const char *name, void *out, size_t room,
                      const void *spec) {
    uint32_t size = 0;
    if (spec) {
        memcpy(&size, spec, sizeof size);
    }
    if (size < sizeof size) {
        sy_graph_fail_at(state, kind, name,
                         "its specification has no size; write it with SY_CONV2D, SY_LINEAR or "
                         "SY_BATCH_NORM");
        return false;
    }
    memset(out, 0, room);
    memcpy(out, spec, size < room ? size : room);
    return true;
}

/* What `init` says, with the default spelled out, so that a parameter tells how it starts without its operator. */
static struct sy_init resolved(const struct sy_init *init, struct sy_init standard) {
    return init->kind == SY_INIT_DEFAULT ? standard : *init;
}

static bool init_known(struct sy_graph_state *state, int32_t kind, const char *name, const struct sy_init *init) {
    if (init->kind < SY_INIT_DEFAULT || init->kind > SY_INIT_NORMAL_INVERSE_FAN_IN || !isfinite(init->value)) {
        sy_graph_fail_at(state, kind, name, "start %d with value %g; take one of SY_INIT_... and a finite value",
                         (int)init->kind, init->value);
        return false;
    }
    return true;
}

/* Weight, and bias if there is one, of a convolution or linear layer. */
static void add_weights(struct sy_graph_state *state, struct sy_op *op, const struct sy_param *weight,
                        const struct sy_init *weight_init, const struct sy_init *bias_init) {
    struct sy_init standard = {.kind = SY_INIT_UNIFORM, .value = 1 / sqrt((double)weight->fan_in)};
    struct sy_param like = *weight;
    like.role = SY_TRAINABLE;
    like.init = resolved(weight_init, standard);
    op->param[SY_WEIGHT] = sy_graph_add_param(state, op, "weight", &like);
    if (bias_init) {
        like.rank = 1;
        like.shape[1] = like.shape[2] = like.shape[3] = 1;
        like.init = resolved(bias_init, standard);
        op->param[SY_BIAS] = sy_graph_add_param(state, op, "bias", &like);
    }
}

static bool conv2d_fits(struct sy_graph_state *state, const char *name, const struct sy_conv2d *spec,
                        const struct sy_shape *in) {
    const char *what = NULL;
    if (in->rank != 3) {
        sy_graph_fail_at(state, SY_OP_CONV2D, name, "takes an image (channels x height x width), not %s",
                         sy_shape_words(in).at);
        return false;
    }
    if (spec->channels < 1) {
        what = "channels";
    } else if (spec->kernel < 1) {
        what = "kernel";
    } else if (spec->stride < 1) {
        what = "stride";
    } else if (spec->groups < 1) {
        what = "groups";
    }
    if (what) {
        sy_graph_fail_at(state, SY_OP_CONV2D, name, "%s must be 1 or more", what);
        return false;
    }
    if (spec->padding < 0) {
        sy_graph_fail_at(state, SY_OP_CONV2D, name, "padding %d; it must be 0 or more", (int)spec->padding);
        return false;
    }
    if (in->dim[0] % spec->groups || spec->channels % spec->groups) {
        sy_graph_fail_at(state, SY_OP_CONV2D, name,
                         "%d groups do not divide %d input channels and %d output channels; both must be multiples",
                         (int)spec->groups, (int)in->dim[0], (int)spec->channels);
        return false;
    }
    return init_known(state, SY_OP_CONV2D, name, &spec->weight_init) &&
           init_known(state, SY_OP_CONV2D, name, &spec->bias_init);
}

static int32_t build_conv2d(void *graph, int32_t x, const struct sy_conv2d *given, const char *name) {
    struct sy_graph_state *state = graph;
    struct sy_conv2d spec;
    const struct sy_shape *in = sy_graph_operand(state, SY_OP_CONV2D, name, x);
    if (!in || !read_spec(state, SY_OP_CONV2D, name, &spec, sizeof spec, given)) {
        return -1;
    }
    spec.kernel = spec.kernel ? spec.kernel : 1;
    spec.stride = spec.stride ? spec.stride : 1;
    spec.groups = spec.groups ? spec.groups : 1;
    if (!conv2d_fits(state, name, &spec, in)) {
        return -1;
    }
    int64_t k = spec.kernel, channels = in->dim[0];
    struct sy_shape out = {.rank = 3, .dim = {spec.channels, 0, 0}};
    for (int d = 1; d < 3; d++) {
        int64_t span = in->dim[d] + 2 * (int64_t)spec.padding - k;
        if (span < 0 || span / spec.stride + 1 > INT32_MAX) {
            return sy_graph_fail_at(state, SY_OP_CONV2D, name, "kernel %d does not fit into %s with padding %d", (int)k,
                                    sy_shape_words(in).at, (int)spec.padding);
        }
        out.dim[d] = (int32_t)(span / spec.stride + 1);
    }
    struct sy_op *op = sy_graph_add_op(state, SY_OP_CONV2D, name ? name : "", &x, 1, &out);
    if (!op) {
        return -1;
    }
    op->kernel = spec.kernel, op->stride = spec.stride, op->padding = spec.padding, op->groups = spec.groups;
    struct sy_param weight = {.shape = {spec.channels, channels / spec.groups, k, k}, .rank = 4};
    weight.fan_in = weight.shape[1] * k * k;
    weight.fan_out = weight.shape[0] * k * k;
    add_weights(state, op, &weight, &spec.weight_init, spec.bias ? &spec.bias_init : NULL);
    return state->err.code ? -1 : op->output;
}

static int32_t build_linear(void *graph, int32_t x, const struct sy_linear *given, const char *name) {
    struct sy_graph_state *state = graph;
    struct sy_linear spec;
    const struct sy_shape *in = sy_graph_operand(state, SY_OP_LINEAR, name, x);
    if (!in || !read_spec(state, SY_OP_LINEAR, name, &spec, sizeof spec, given)) {
        return -1;
    }
    if (in->rank != 1) {
        return sy_graph_fail_at(state, SY_OP_LINEAR, name,
                                "takes features, not an image of %s; flatten or pool it first", sy_shape_words(in).at);
    }
    if (spec.features < 1) {
        return sy_graph_fail_at(state, SY_OP_LINEAR, name, "features must be 1 or more");
    }
    if (!init_known(state, SY_OP_LINEAR, name, &spec.weight_init) ||
        !init_known(state, SY_OP_LINEAR, name, &spec.bias_init)) {
        return -1;
    }
    struct sy_param weight = {.shape = {spec.features, in->dim[0], 1, 1}, .rank = 2};
    weight.fan_in = weight.shape[1];
    weight.fan_out = weight.shape[0];
    struct sy_shape out = {.rank = 1, .dim = {spec.features, 1, 1}};
    struct sy_op *op = sy_graph_add_op(state, SY_OP_LINEAR, name ? name : "", &x, 1, &out);
    if (!op) {
        return -1;
    }
    add_weights(state, op, &weight, &spec.weight_init, spec.no_bias ? NULL : &spec.bias_init);
    return state->err.code ? -1 : op->output;
}

/* Weight 1, bias 0, running mean 0, running variance 1 unless the network says otherwise of the first two. */
static void add_batch_norm_params(struct sy_graph_state *state, struct sy_op *op, const struct sy_batch_norm *spec,
                                  int32_t channels) {
    struct sy_init zero = {.kind = SY_INIT_CONSTANT, .value = 0}, one = {.kind = SY_INIT_CONSTANT, .value = 1};
    struct sy_param like = {
        .role = SY_TRAINABLE, .shape = {channels, 1, 1, 1}, .rank = 1, .fan_in = channels, .fan_out = channels};
    like.init = resolved(&spec->weight_init, one);
    op->param[SY_WEIGHT] = sy_graph_add_param(state, op, "weight", &like);
    like.init = resolved(&spec->bias_init, zero);
    op->param[SY_BIAS] = sy_graph_add_param(state, op, "bias", &like);
    like.role = SY_STATISTIC;
    like.init = zero;
    op->param[SY_MEAN] = sy_graph_add_param(state, op, "running_mean", &like);
    like.init = one;
    op->param[SY_VARIANCE] = sy_graph_add_param(state, op, "running_var", &like);
}

static int32_t build_batch_norm(void *graph, int32_t x, const struct sy_batch_norm *given, const char *name) {
    struct sy_graph_state *state = graph;
    struct sy_batch_norm spec;
    const struct sy_shape *in = sy_graph_operand(state, SY_OP_BATCH_NORM, name, x);
    if (!in || !read_spec(state, SY_OP_BATCH_NORM, name, &spec, sizeof spec, given)) {
        return -1;
    }
    spec.eps = spec.eps != 0 ? spec.eps : 1e-5;
    spec.momentum = spec.momentum != 0 ? spec.momentum : 0.1;
    if (!(spec.eps > 0) || !(spec.momentum > 0 && spec.momentum <= 1)) {
        return sy_graph_fail_at(state, SY_OP_BATCH_NORM, name,
                                "eps %g and momentum %g; eps must be above 0, momentum in (0, 1]", spec.eps,
                                spec.momentum);
    }
    if (!init_known(state, SY_OP_BATCH_NORM, name, &spec.weight_init) ||
        !init_known(state, SY_OP_BATCH_NORM, name, &spec.bias_init)) {
        return -1;
    }
    struct sy_shape out = *in;
    struct sy_op *op = sy_graph_add_op(state, SY_OP_BATCH_NORM, name ? name : "", &x, 1, &out);
    if (!op) {
        return -1;
    }
    op->eps = spec.eps, op->momentum = spec.momentum;
    add_batch_norm_params(state, op, &spec, out.dim[0]);
    return state->err.code ? -1 : op->output;
}

void sy_builder_use_weighted(struct sy_builder *builder) {
    builder->conv2d = build_conv2d;
    builder->linear = build_linear;
    builder->batch_norm = build_batch_norm;
}
