/* graph_builder.c - the builder's functions: one operator each, with its shape and parameters. */
#include "graph_builder.h"

#include <string.h>

#include "build_features.h"
#include "graph_parts.h"

/* ---- operators with parameters ---------------------------------------------------------------------------------- */

/* Rows of a sliding window; 0 and a mistake when none fits. */
static int32_t window(struct sy_building *building, const char *name, int32_t size, int32_t kernel, int32_t stride,
                      int32_t padding) {
    if (kernel < 1 || stride < 1 || padding < 0) {
        sy_building_fail(building, name,
                         "kernel %d, stride %d, padding %d; the first two must be 1 or more, padding 0 or more", kernel,
                         stride, padding);
        return 0;
    }
    int64_t padded = (int64_t)size + 2 * (int64_t)padding;
    if (padded < kernel || padded > INT32_MAX) {
        sy_building_fail(building, name, "a kernel of %d does not fit into %d rows with %d of padding", kernel, size,
                         padding);
        return 0;
    }
    return (int32_t)((padded - kernel) / stride + 1);
}

/* A specification that came over the border, as far as its author knew it. */
static bool read_spec(struct sy_building *building, const char *name, void *spec, size_t size, const void *theirs) {
    uint32_t their_size = 0;
    if (theirs) {
        memcpy(&their_size, theirs, sizeof their_size);
    }
    if (their_size < sizeof their_size) {
        sy_building_fail(building, name,
                         "its specification has no size; write it with SY_CONV2D, SY_LINEAR or SY_BATCH_NORM");
        return false;
    }
    memcpy(spec, theirs, their_size < size ? their_size : size);
    return true;
}

/* A convolution's specification with its defaults filled in, checked against what it reads; that, or NULL. */
static const struct sy_shape *read_conv2d(struct sy_conv2d *spec, struct sy_building *building, int32_t x,
                                          const struct sy_conv2d *theirs, const char *name) {
    const struct sy_shape *in = sy_building_image(building, x, name);
    if (!in || !read_spec(building, name, spec, sizeof *spec, theirs)) {
        return NULL;
    }
    spec->kernel = spec->kernel ? spec->kernel : 1;
    spec->stride = spec->stride ? spec->stride : 1;
    spec->groups = spec->groups ? spec->groups : 1;
    if (spec->channels < 1) {
        sy_building_fail(building, name, "%d channels of output; it needs 1 or more", spec->channels);
    } else if (spec->groups < 1 || in->dim[0] % spec->groups || spec->channels % spec->groups) {
        sy_building_fail(building, name, "%d channels in, %d out and %d groups: the groups must divide both",
                         in->dim[0], spec->channels, spec->groups);
    }
    return building->failed ? NULL : in;
}

/* Appends the operator; the first two dimensions of its weights are given. */
static int32_t convolution(struct sy_building *building, int32_t kind, int32_t x, const struct sy_conv2d *spec,
                           const char *name, const struct sy_shape *out, const int64_t filters[2]) {
    int64_t shape[4] = {filters[0], filters[1], spec->kernel, spec->kernel};
    struct sy_op *op = sy_building_op(building, kind, name, &x, 1, out);
    if (!op) {
        return -1;
    }
    op->kernel = spec->kernel, op->stride = spec->stride, op->padding = spec->padding, op->groups = spec->groups;
    sy_building_param(building, op, SY_WEIGHT, "weight", SY_TRAINABLE, shape, 4, spec->weight_init);
    if (spec->bias) {
        sy_building_param(building, op, SY_BIAS, "bias", SY_TRAINABLE, (int64_t[4]){spec->channels}, 1,
                          spec->bias_init);
    }
    sy_building_fans(building, op, shape[1] * shape[2] * shape[3], shape[0] * shape[2] * shape[3]);
    return building->failed ? -1 : op->output;
}

static int32_t build_conv2d(void *graph, int32_t x, const struct sy_conv2d *theirs, const char *name) {
    struct sy_conv2d spec = {.size = sizeof spec};
    const struct sy_shape *in = read_conv2d(&spec, graph, x, theirs, name);
    if (in && spec.output_padding) {
        sy_building_fail(graph, name, "an output padding of %d; only transposed convolutions have one",
                         spec.output_padding);
        return -1;
    }
    if (!in) {
        return -1;
    }
    struct sy_shape out = {3,
                           {spec.channels, window(graph, name, in->dim[1], spec.kernel, spec.stride, spec.padding),
                            window(graph, name, in->dim[2], spec.kernel, spec.stride, spec.padding)}};
    return convolution(graph, SY_OP_CONV2D, x, &spec, name, &out,
                       (const int64_t[2]){spec.channels, in->dim[0] / spec.groups});
}

/* Rows of the image whose convolution has `size` of them; 0 and a mistake when there are none. */
static int32_t grown(struct sy_building *building, const char *name, int32_t size, const struct sy_conv2d *spec) {
    int64_t more = spec->output_padding;
    int64_t rows = ((int64_t)size - 1) * spec->stride - 2 * (int64_t)spec->padding + spec->kernel + more;
    if (more < 0 || more >= spec->stride) {
        sy_building_fail(building, name, "an output padding of %d; it is 0 or more and less than the stride, %d",
                         spec->output_padding, spec->stride);
        return 0;
    }
    if (spec->kernel < 1 || spec->stride < 1 || spec->padding < 0 || rows < 1 || rows > INT32_MAX) {
        sy_building_fail(building, name, "kernel %d, stride %d and padding %d make no image of %d rows", spec->kernel,
                         spec->stride, spec->padding, size);
        return 0;
    }
    return (int32_t)rows;
}

static int32_t build_transposed_conv2d(void *graph, int32_t x, const struct sy_conv2d *theirs, const char *name) {
    struct sy_conv2d spec = {.size = sizeof spec};
    const struct sy_shape *in = read_conv2d(&spec, graph, x, theirs, name);
    if (!in) {
        return -1;
    }
    struct sy_shape out = {
        3, {spec.channels, grown(graph, name, in->dim[1], &spec), grown(graph, name, in->dim[2], &spec)}};
    return convolution(graph, SY_OP_TRANSPOSED_CONV2D, x, &spec, name, &out,
                       (const int64_t[2]){in->dim[0], spec.channels / spec.groups});
}

static int32_t build_linear(void *graph, int32_t x, const struct sy_linear *theirs, const char *name) {
    struct sy_building *building = graph;
    struct sy_linear spec = {.size = sizeof spec};
    const struct sy_shape *in = sy_building_vector(building, x, name);
    if (!in || !read_spec(building, name, &spec, sizeof spec, theirs)) {
        return -1;
    }
    if (spec.features < 1) {
        return sy_building_fail(building, name, "%d features of output; it needs 1 or more", spec.features);
    }
    int64_t features = in->dim[0];
    struct sy_op *op =
        sy_building_op(building, SY_OP_LINEAR, name, &x, 1, &(struct sy_shape){1, {spec.features, 1, 1}});
    if (!op) {
        return -1;
    }
    sy_building_param(building, op, SY_WEIGHT, "weight", SY_TRAINABLE, (int64_t[4]){spec.features, features}, 2,
                      spec.weight_init);
    if (!spec.no_bias) {
        sy_building_param(building, op, SY_BIAS, "bias", SY_TRAINABLE, (int64_t[4]){spec.features}, 1, spec.bias_init);
    }
    sy_building_fans(building, op, features, spec.features);
    return building->failed ? -1 : op->output;
}

static int32_t build_batch_norm(void *graph, int32_t x, const struct sy_batch_norm *theirs, const char *name) {
    struct sy_building *building = graph;
    struct sy_batch_norm spec = {.size = sizeof spec};
    const struct sy_shape *in = sy_building_shape(building, x, name);
    if (!in || !read_spec(building, name, &spec, sizeof spec, theirs)) {
        return -1;
    }
    if (!(spec.eps >= 0) || !(spec.momentum >= 0 && spec.momentum <= 1)) {
        return sy_building_fail(building, name, "eps %g and momentum %g: eps is not negative, momentum in [0, 1]",
                                spec.eps, spec.momentum);
    }
    struct sy_shape out = *in;
    struct sy_op *op = sy_building_op(building, SY_OP_BATCH_NORM, name, &x, 1, &out);
    if (!op) {
        return -1;
    }
    /* Defaults are spelled out, so that a parameter tells how it starts when prune has taken its operator. */
    const int64_t shape[4] = {out.dim[0], 0, 0, 0};
    const struct sy_init zero = {SY_INIT_CONSTANT, 0, 0}, one = {SY_INIT_CONSTANT, 0, 1};
    op->eps = spec.eps != 0 ? spec.eps : 1e-5;
    op->momentum = spec.momentum != 0 ? spec.momentum : 0.1;
    sy_building_param(building, op, SY_WEIGHT, "weight", SY_TRAINABLE, shape, 1,
                      spec.weight_init.kind == SY_INIT_DEFAULT ? one : spec.weight_init);
    sy_building_param(building, op, SY_BIAS, "bias", SY_TRAINABLE, shape, 1,
                      spec.bias_init.kind == SY_INIT_DEFAULT ? zero : spec.bias_init);
    sy_building_param(building, op, SY_MEAN, "running_mean", SY_STATISTIC, shape, 1, zero);
    sy_building_param(building, op, SY_VARIANCE, "running_var", SY_STATISTIC, shape, 1, one);
    sy_building_fans(building, op, 1, 1);
    return building->failed ? -1 : op->output;
}

/* ---- operators without ------------------------------------------------------------------------------------------ */

static int32_t build_same_shape(struct sy_building *building, int32_t kind, int32_t x) {
    const struct sy_shape *in = sy_building_shape(building, x, sy_op_kind_name(kind));
    if (!in) {
        return -1;
    }
    struct sy_shape out = *in;
    struct sy_op *op = sy_building_op(building, kind, NULL, &x, 1, &out);
    return op ? op->output : -1;
}

static int32_t build_relu(void *graph, int32_t x) {
    return build_same_shape(graph, SY_OP_RELU, x);
}

static int32_t build_relu6(void *graph, int32_t x) {
    return build_same_shape(graph, SY_OP_RELU6, x);
}

static int32_t build_add(void *graph, int32_t a, int32_t b) {
    struct sy_building *building = graph;
    const struct sy_shape *left = sy_building_shape(building, a, "add"), *right = sy_building_shape(building, b, "add");
    if (!left || !right) {
        return -1;
    }
    if (memcmp(left, right, sizeof *left) != 0) {
        return sy_building_fail(building, "add", "shapes %d x %d x %d and %d x %d x %d differ", left->dim[0],
                                left->dim[1], left->dim[2], right->dim[0], right->dim[1], right->dim[2]);
    }
    struct sy_shape out = *left;
    struct sy_op *op = sy_building_op(building, SY_OP_ADD, NULL, (const int32_t[]){a, b}, 2, &out);
    return op ? op->output : -1;
}

static int32_t build_concat(void *graph, const int32_t *inputs, int32_t count) {
    struct sy_building *building = graph;
    const struct sy_shape *first = inputs && count > 0 ? sy_building_shape(building, inputs[0], "concat") : NULL;
    if (!first) {
        return sy_building_fail(building, "concat", "needs an input");
    }
    struct sy_shape out = *first;
    for (int32_t i = 1; i < count; i++) {
        const struct sy_shape *next = sy_building_shape(building, inputs[i], "concat");
        if (!next) {
            return -1;
        }
        if (next->rank != out.rank || next->dim[1] != out.dim[1] || next->dim[2] != out.dim[2]) {
            return sy_building_fail(building, "concat", "images of %d x %d and %d x %d cannot be joined", out.dim[1],
                                    out.dim[2], next->dim[1], next->dim[2]);
        }
        if (next->dim[0] > INT32_MAX - out.dim[0]) {
            return sy_building_fail(building, "concat", "more than %d channels", INT32_MAX);
        }
        out.dim[0] += next->dim[0];
    }
    struct sy_op *op = sy_building_op(building, SY_OP_CONCAT, NULL, inputs, count, &out);
    return op ? op->output : -1;
}

static int32_t build_pool(struct sy_building *building, int32_t kind, int32_t x, int32_t kernel, int32_t stride,
                          int32_t padding) {
    const char *name = sy_op_kind_name(kind);
    const struct sy_shape *in = sy_building_image(building, x, name);
    if (!in) {
        return -1;
    }
    if (padding > 0 && padding > kernel / 2) {
        return sy_building_fail(building, name, "padding %d is more than half the kernel of %d", padding, kernel);
    }
    struct sy_shape out = {3,
                           {in->dim[0], window(building, name, in->dim[1], kernel, stride, padding),
                            window(building, name, in->dim[2], kernel, stride, padding)}};
    struct sy_op *op = sy_building_op(building, kind, NULL, &x, 1, &out);
    if (!op) {
        return -1;
    }
    op->kernel = kernel, op->stride = stride, op->padding = padding;
    return op->output;
}

static int32_t build_avg_pool(void *graph, int32_t x, int32_t kernel, int32_t stride, int32_t padding) {
    return build_pool(graph, SY_OP_AVG_POOL, x, kernel, stride, padding);
}

static int32_t build_max_pool(void *graph, int32_t x, int32_t kernel, int32_t stride, int32_t padding) {
    return build_pool(graph, SY_OP_MAX_POOL, x, kernel, stride, padding);
}

static int32_t build_global_avg_pool(void *graph, int32_t x) {
    const struct sy_shape *in = sy_building_image(graph, x, "global_avg_pool");
    struct sy_op *op =
        in ? sy_building_op(graph, SY_OP_GLOBAL_AVG_POOL, NULL, &x, 1, &(struct sy_shape){1, {in->dim[0], 1, 1}})
           : NULL;
    return op ? op->output : -1;
}

static int32_t build_flatten(void *graph, int32_t x) {
    const struct sy_shape *in = sy_building_shape(graph, x, "flatten");
    struct sy_op *op = in ? sy_building_op(graph, SY_OP_FLATTEN, NULL, &x, 1,
                                           &(struct sy_shape){1, {(int32_t)sy_shape_count(in), 1, 1}})
                          : NULL;
    return op ? op->output : -1;
}

static int32_t build_slice_pad(void *graph, int32_t x, int32_t stride, int32_t before, int32_t after) {
    struct sy_building *building = graph;
    const struct sy_shape *in = sy_building_image(building, x, "slice_pad");
    if (!in) {
        return -1;
    }
    if (stride < 1 || before < 0 || after < 0) {
        return sy_building_fail(building, "slice_pad",
                                "stride %d, %d channels before and %d after; the stride must be 1 or more, "
                                "channels 0 or more",
                                stride, before, after);
    }
    if ((int64_t)in->dim[0] + before + after > INT32_MAX) {
        return sy_building_fail(building, "slice_pad", "more than %d channels", INT32_MAX);
    }
    struct sy_shape out = {3,
                           {in->dim[0] + before + after, (in->dim[1] - 1) / stride + 1, (in->dim[2] - 1) / stride + 1}};
    struct sy_op *op = sy_building_op(building, SY_OP_SLICE_PAD, NULL, &x, 1, &out);
    if (!op) {
        return -1;
    }
    op->stride = stride, op->pad_before = before, op->pad_after = after;
    return op->output;
}

static int32_t build_dropout(void *graph, int32_t x, double probability) {
    struct sy_building *building = graph;
    if (!(probability >= 0 && probability < 1)) {
        return sy_building_fail(building, "dropout", "probability %g is outside [0, 1)", probability);
    }
    int32_t value = build_same_shape(building, SY_OP_DROPOUT, x);
    if (value >= 0) {
        building->ops[building->graph.n_ops - 1]->probability = probability;
    }
    return value;
}

/* ---- outputs ---------------------------------------------------------------------------------------------------- */

static int32_t build_output(void *graph, int32_t x, const char *name) {
    struct sy_building *building = graph;
    if (!sy_building_shape(building, x, name)) {
        return -1;
    }
    if (!name || !name[0] || strlen(name) >= SY_NAME_ROOM - 1) {
        return sy_building_fail(building, "output", "its name must have 1 to %d characters", SY_NAME_ROOM - 2);
    }
    for (int32_t i = 0; i < building->graph.n_outputs; i++) {
        if (!strcmp(building->outputs[i]->name, name)) {
            return sy_building_fail(building, name, "there is already an output of that name; give each its own");
        }
    }
    return sy_building_output(building, x, name) ? x : sy_building_out_of_memory(building);
}

static int32_t build_shape(void *graph, int32_t x, struct sy_shape *out) {
    const struct sy_shape *shape = sy_building_shape(graph, x, "shape");
    if (shape) {
        *out = *shape;
    }
    return shape ? SY_OK : -1;
}

static int32_t build_fail(void *graph, const char *reason) {
    return sy_building_fail(graph, NULL, "%s", reason ? reason : "the network gave up and did not say why");
}

static const struct sy_builder template = {
    .size = sizeof template,
    .conv2d = build_conv2d,
    .linear = build_linear,
    .batch_norm = build_batch_norm,
    .relu = build_relu,
    .relu6 = build_relu6,
    .add = build_add,
    .concat = build_concat,
    .avg_pool = build_avg_pool,
    .max_pool = build_max_pool,
    .global_avg_pool = build_global_avg_pool,
    .flatten = build_flatten,
    .slice_pad = build_slice_pad,
    .dropout = build_dropout,
    .output = build_output,
    .shape = build_shape,
    .fail = build_fail,
    .softmax = sy_build_softmax,
    .multiply = sy_build_multiply,
    .slice = sy_build_slice,
    .dot = sy_build_dot,
    .l2_normalize = sy_build_l2_normalize,
    .channel_shuffle = sy_build_channel_shuffle,
    .transposed_conv2d = build_transposed_conv2d,
};

/* The values that are fed from outside; NULL after a mistake. */
static int32_t *new_inputs(struct sy_building *building, const struct sy_shape *shapes, int32_t count) {
    int32_t *values = count > 0 ? sy_building_take(building, (size_t)count * sizeof *values) : NULL;
    if (count < 1) {
        sy_building_fail(building, NULL, "a network needs 1 or more inputs, not %d", count);
    } else if (!values) {
        sy_building_out_of_memory(building);
    }
    for (int32_t i = 0; !building->failed && i < count; i++) {
        const int32_t *dim = shapes[i].dim;
        bool vector = shapes[i].rank == 1 && dim[1] == 1 && dim[2] == 1;
        if ((shapes[i].rank != 3 && !vector) || dim[0] < 1 || dim[1] < 1 || dim[2] < 1 ||
            (double)dim[0] * dim[1] * dim[2] > INT32_MAX) {
            sy_building_fail(building, NULL,
                             "input %d is %d x %d x %d of rank %d; it must be an image (3) or a vector (1)", i, dim[0],
                             dim[1], dim[2], shapes[i].rank);
            break;
        }
        values[i] = sy_building_value(building, shapes[i].rank, dim[0], dim[1], dim[2]);
    }
    return building->failed ? NULL : values;
}

struct sy_built_graph *sy_graph_build_with(int (*build)(const void *self, const struct sy_builder *builder,
                                                        const struct sy_network_in *in, struct sy_error *err),
                                           const void *self, const struct sy_shape *inputs, int32_t n_inputs,
                                           int32_t classes, struct sy_error *err) {
    struct sy_building *building = sy_building_create(err);
    struct sy_builder builder = template;
    if (!building) {
        return NULL;
    }
    builder.graph = building;
    int32_t *values = new_inputs(building, inputs, n_inputs);
    if (classes < 1) {
        sy_building_fail(building, NULL, "%d classes; there must be 1 or more", classes);
    }
    struct sy_network_in in = {.size = sizeof in, .classes = classes, .n_inputs = n_inputs, .inputs = values};
    int status = building->failed ? SY_EINVAL : build(self, &builder, &in, err);
    if (status == SY_OK && !building->failed && !building->graph.n_outputs) {
        sy_building_fail(building, NULL, "it has no output; name one with sy_output, \"logits\"");
    }
    if (status != SY_OK && !building->failed) {
        sy_fail(err, status < 0 ? status : SY_EINVAL, "the network could not be built, and it did not say why");
    }
    if (status != SY_OK || building->failed) {
        sy_building_destroy(building);
        return NULL;
    }
    return sy_building_done(building, values, n_inputs);
}

struct sy_built_graph *sy_graph_build(const struct sy_network_ops *ops, const void *self, const struct sy_shape *inputs,
                                      int32_t n_inputs, int32_t classes, struct sy_error *err) {
    return sy_graph_build_with(ops->build, self, inputs, n_inputs, classes, err);
}
