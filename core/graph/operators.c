/* operators.c - the builder's functions for operators without parameters, and for outputs. Each checks its operands,
 * infers the shape of its value and appends itself. */
#include "graph_state.h"

/* Appends an unnamed operator; its value or -1. `op`, if not NULL, is where it can be completed. */
static int32_t append(struct sy_graph_state *state, struct sy_op **op, int32_t kind, const int32_t *inputs,
                      int32_t n_inputs, const struct sy_shape *shape) {
    struct sy_op *made = sy_graph_add_op(state, kind, NULL, inputs, n_inputs, shape);
    if (op) {
        *op = made;
    }
    return made ? made->output : -1;
}

/* An operand that must be an image; NULL after a mistake. */
static const struct sy_shape *image(struct sy_graph_state *state, int32_t kind, int32_t x) {
    const struct sy_shape *in = sy_graph_operand(state, kind, NULL, x);
    if (in && in->rank != 3) {
        sy_graph_fail_at(state, kind, NULL, "takes an image (channels x height x width), not %s",
                         sy_shape_words(in).at);
        return NULL;
    }
    return in;
}

static int32_t same_shape(void *graph, int32_t kind, int32_t x) {
    const struct sy_shape *in = sy_graph_operand(graph, kind, NULL, x);
    if (!in) {
        return -1;
    }
    struct sy_shape out = *in;
    return append(graph, NULL, kind, &x, 1, &out);
}

static int32_t build_relu(void *graph, int32_t x) {
    return same_shape(graph, SY_OP_RELU, x);
}

static int32_t build_relu6(void *graph, int32_t x) {
    return same_shape(graph, SY_OP_RELU6, x);
}

static int32_t build_add(void *graph, int32_t a, int32_t b) {
    const struct sy_shape *in = sy_graph_operand(graph, SY_OP_ADD, NULL, a);
    const struct sy_shape *other = sy_graph_operand(graph, SY_OP_ADD, NULL, b);
    if (!in || !other) {
        return -1;
    }
    if (in->rank != other->rank || in->dim[0] != other->dim[0] || in->dim[1] != other->dim[1] ||
        in->dim[2] != other->dim[2]) {
        return sy_graph_fail_at(graph, SY_OP_ADD, NULL, "%s and %s differ; both must have the same shape",
                                sy_shape_words(in).at, sy_shape_words(other).at);
    }
    struct sy_shape out = *in;
    return append(graph, NULL, SY_OP_ADD, (const int32_t[]){a, b}, 2, &out);
}

static int32_t build_concat(void *graph, const int32_t *inputs, int32_t count) {
    if (!inputs || count < 1) {
        return sy_graph_fail_at(graph, SY_OP_CONCAT, NULL, "takes 1 or more values, not %d", (int)count);
    }
    const struct sy_shape *first = sy_graph_operand(graph, SY_OP_CONCAT, NULL, inputs[0]);
    if (!first) {
        return -1;
    }
    struct sy_shape out = *first;
    for (int32_t i = 1; i < count; i++) {
        const struct sy_shape *in = sy_graph_operand(graph, SY_OP_CONCAT, NULL, inputs[i]);
        if (!in) {
            return -1;
        }
        if (in->rank != out.rank || in->dim[1] != out.dim[1] || in->dim[2] != out.dim[2]) {
            return sy_graph_fail_at(graph, SY_OP_CONCAT, NULL, "%s and %s differ in more than their channels",
                                    sy_shape_words(first).at, sy_shape_words(in).at);
        }
        if (in->dim[0] > INT32_MAX - out.dim[0]) {
            return sy_graph_fail_at(graph, SY_OP_CONCAT, NULL, "more than %d channels", INT32_MAX);
        }
        out.dim[0] += in->dim[0];
    }
    return append(graph, NULL, SY_OP_CONCAT, inputs, count, &out);
}

static int32_t pool(void *graph, int32_t kind, int32_t x, int32_t kernel, int32_t stride, int32_t padding) {
    const struct sy_shape *in = image(graph, kind, x);
    if (!in) {
        return -1;
    }
    if (kernel < 1 || stride < 1) {
        return sy_graph_fail_at(graph, kind, NULL, "kernel %d and stride %d; both must be 1 or more", (int)kernel,
                                (int)stride);
    }
    if (padding < 0 || padding > kernel / 2) {
        return sy_graph_fail_at(graph, kind, NULL, "padding %d; it must be 0 to %d, half of kernel %d", (int)padding,
                                (int)(kernel / 2), (int)kernel);
    }
    struct sy_shape out = *in;
    for (int d = 1; d < 3; d++) {
        int64_t span = (int64_t)in->dim[d] + 2 * (int64_t)padding - kernel;
        if (span < 0) {
            return sy_graph_fail_at(graph, kind, NULL, "kernel %d does not fit into %s with padding %d", (int)kernel,
                                    sy_shape_words(in).at, (int)padding);
        }
        out.dim[d] = (int32_t)(span / stride + 1);
    }
    struct sy_op *op;
    int32_t value = append(graph, &op, kind, &x, 1, &out);
    if (op) {
        op->kernel = kernel, op->stride = stride, op->padding = padding;
    }
    return value;
}

static int32_t build_avg_pool(void *graph, int32_t x, int32_t kernel, int32_t stride, int32_t padding) {
    return pool(graph, SY_OP_AVG_POOL, x, kernel, stride, padding);
}

static int32_t build_max_pool(void *graph, int32_t x, int32_t kernel, int32_t stride, int32_t padding) {
    return pool(graph, SY_OP_MAX_POOL, x, kernel, stride, padding);
}

static int32_t build_global_avg_pool(void *graph, int32_t x) {
    const struct sy_shape *in = image(graph, SY_OP_GLOBAL_AVG_POOL, x);
    if (!in) {
        return -1;
    }
    struct sy_shape out = {.rank = 1, .dim = {in->dim[0], 1, 1}};
    return append(graph, NULL, SY_OP_GLOBAL_AVG_POOL, &x, 1, &out);
}

static int32_t build_flatten(void *graph, int32_t x) {
    const struct sy_shape *in = sy_graph_operand(graph, SY_OP_FLATTEN, NULL, x);
    if (!in) {
        return -1;
    }
    /* No overflow: no value has more than INT32_MAX elements. */
    struct sy_shape out = {.rank = 1, .dim = {(int32_t)sy_shape_count(in), 1, 1}};
    return append(graph, NULL, SY_OP_FLATTEN, &x, 1, &out);
}

static int32_t build_slice_pad(void *graph, int32_t x, int32_t stride, int32_t channels_before,
                               int32_t channels_after) {
    const struct sy_shape *in = image(graph, SY_OP_SLICE_PAD, x);
    if (!in) {
        return -1;
    }
    if (stride < 1 || channels_before < 0 || channels_after < 0) {
        return sy_graph_fail_at(graph, SY_OP_SLICE_PAD, NULL,
                                "stride %d, %d channels before and %d after; the stride must be 1 or more, channels 0 "
                                "or more",
                                (int)stride, (int)channels_before, (int)channels_after);
    }
    int64_t channels = (int64_t)in->dim[0] + channels_before + channels_after;
    if (channels > INT32_MAX) {
        return sy_graph_fail_at(graph, SY_OP_SLICE_PAD, NULL, "more than %d channels", INT32_MAX);
    }
    struct sy_shape out = {.rank = 3,
                           .dim = {(int32_t)channels, (in->dim[1] - 1) / stride + 1, (in->dim[2] - 1) / stride + 1}};
    struct sy_op *op;
    int32_t value = append(graph, &op, SY_OP_SLICE_PAD, &x, 1, &out);
    if (op) {
        op->stride = stride, op->pad_before = channels_before, op->pad_after = channels_after;
    }
    return value;
}

static int32_t build_dropout(void *graph, int32_t x, double probability) {
    const struct sy_shape *in = sy_graph_operand(graph, SY_OP_DROPOUT, NULL, x);
    if (!in) {
        return -1;
    }
    if (!(probability >= 0 && probability < 1)) {
        return sy_graph_fail_at(graph, SY_OP_DROPOUT, NULL, "probability %g; it must be in [0, 1)", probability);
    }
    struct sy_shape out = *in;
    struct sy_op *op;
    int32_t value = append(graph, &op, SY_OP_DROPOUT, &x, 1, &out);
    if (op) {
        op->probability = probability;
    }
    return value;
}

static int32_t build_output(void *graph, int32_t x, const char *name) {
    return sy_graph_add_output(graph, x, name);
}

static int32_t build_shape(void *graph, int32_t x, struct sy_shape *out) {
    struct sy_graph_state *state = graph;
    *out = (struct sy_shape){0, {0, 0, 0}};
    if (state->err.code) {
        return -1;
    }
    if (x < 0 || x >= state->n_values) {
        return sy_graph_fail(state, SY_EINVAL,
                             "shape: there is no value %d; pass what an earlier call of the builder returned", (int)x);
    }
    *out = state->values[x];
    return 0;
}

static int32_t build_fail(void *graph, const char *reason) {
    return sy_graph_fail(graph, SY_EINVAL, "%s", reason ? reason : "the network gave up without a reason");
}

void sy_builder_use_operators(struct sy_builder *builder) {
    builder->relu = build_relu;
    builder->relu6 = build_relu6;
    builder->add = build_add;
    builder->concat = build_concat;
    builder->avg_pool = build_avg_pool;
    builder->max_pool = build_max_pool;
    builder->global_avg_pool = build_global_avg_pool;
    builder->flatten = build_flatten;
    builder->slice_pad = build_slice_pad;
    builder->dropout = build_dropout;
    builder->output = build_output;
    builder->shape = build_shape;
    builder->fail = build_fail;
}
