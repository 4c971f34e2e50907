/* graph_builder.c - the builder's functions: one operator each, with its shape and parameters. */
#include "graph_builder.h"

#include <string.h>

#include "graph_parts.h"

/* ---- the graph under construction ------------------------------------------------------------------------------- */

/* The shape of a value, or NULL after a mistake. */
static const struct sy_shape *shape_of(struct sy_building *building, int32_t value, const char *name) {
    if (building->failed) {
        return NULL;
    }
    if (value < 0 || value >= building->graph.n_values) {
        sy_building_fail(building, name, "its input %d is no value of this graph; pass what an earlier call returned",
                         value);
        return NULL;
    }
    return &building->values[value];
}

static const struct sy_shape *image_of(struct sy_building *building, int32_t value, const char *name) {
    const struct sy_shape *shape = shape_of(building, value, name);
    if (shape && shape->rank != 3) {
        sy_building_fail(building, name, "needs an image (channels, height, width), its input is a vector of %d",
                         shape->dim[0]);
        return NULL;
    }
    return shape;
}

/* Appends an operator with its output; the operator is filled in by the caller. */
static struct sy_op *new_op(struct sy_building *building, int32_t kind, const char *name, const int32_t *inputs,
                            int32_t n_inputs, const struct sy_shape *shape) {
    char made_up[64];
    if (building->failed) {
        return NULL;
    }
    if (!name) {
        snprintf(made_up, sizeof made_up, "%s%d", sy_op_kind_name(kind), ++building->unnamed[kind]);
        name = made_up;
    } else if (!name[0] || strlen(name) >= SY_NAME_ROOM - 1) {
        sy_building_fail(building, sy_op_kind_name(kind), "its name must have 1 to %d characters", SY_NAME_ROOM - 2);
        return NULL;
    }
    if ((double)shape->dim[0] * shape->dim[1] * shape->dim[2] > INT32_MAX) {
        sy_building_fail(building, name, "%d x %d x %d elements of output are too many, at most %d", shape->dim[0],
                         shape->dim[1], shape->dim[2], INT32_MAX);
        return NULL;
    }
    struct sy_op *op = sy_building_take(building, sizeof *op);
    int32_t *copy = sy_building_take(building, (size_t)n_inputs * sizeof *copy);
    char *text = sy_building_text(building, name);
    struct sy_op **ops = sy_building_room(building->ops, building->graph.n_ops, sizeof *ops);
    building->ops = ops ? ops : building->ops;
    if (!op || !copy || !text || !ops) {
        sy_building_out_of_memory(building);
        return NULL;
    }
    memcpy(copy, inputs, (size_t)n_inputs * sizeof *copy);
    *op = (struct sy_op){.size = sizeof *op,
                         .kind = kind,
                         .name = text,
                         .inputs = copy,
                         .n_inputs = n_inputs,
                         .param = {-1, -1, -1, -1},
                         .kernel = 1,
                         .stride = 1,
                         .groups = 1};
    op->output = sy_building_value(building, shape->rank, shape->dim[0], shape->dim[1], shape->dim[2]);
    if (op->output < 0) {
        return NULL;
    }
    building->ops[building->graph.n_ops++] = op;
    return op;
}

static void new_param(struct sy_building *building, struct sy_op *op, int32_t which, const char *suffix, int32_t role,
                      const int64_t shape[4], int32_t rank, struct sy_init init) {
    char name[SY_NAME_ROOM + 32];
    if (building->failed) {
        return;
    }
    snprintf(name, sizeof name, "%s.%s", op->name, suffix);
    for (int32_t i = 0; i < building->graph.n_params; i++) {
        if (!strcmp(building->params[i]->name, name)) {
            sy_building_fail(building, op->name, "there is already a parameter %s; give each operator its own name",
                             name);
            return;
        }
    }
    struct sy_param *param = sy_building_take(building, sizeof *param);
    char *text = sy_building_text(building, name);
    struct sy_param **params = sy_building_room(building->params, building->graph.n_params, sizeof *params);
    building->params = params ? params : building->params;
    if (!param || !text || !params) {
        sy_building_out_of_memory(building);
        return;
    }
    *param = (struct sy_param){
        .size = sizeof *param, .role = role, .name = text, .rank = rank, .op = building->graph.n_ops - 1, .init = init};
    memcpy(param->shape, shape, sizeof param->shape);
    op->param[which] = building->graph.n_params;
    building->params[building->graph.n_params++] = param;
}

static void set_fans(struct sy_building *building, const struct sy_op *op, int64_t fan_in, int64_t fan_out) {
    for (int32_t k = 0; !building->failed && k < SY_OP_PARAMS; k++) {
        if (op->param[k] >= 0) {
            building->params[op->param[k]]->fan_in = fan_in;
            building->params[op->param[k]]->fan_out = fan_out;
        }
    }
}

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

static int32_t build_conv2d(void *graph, int32_t x, const struct sy_conv2d *theirs, const char *name) {
    struct sy_building *building = graph;
    struct sy_conv2d spec = {.size = sizeof spec};
    const struct sy_shape *in = image_of(building, x, name);
    if (!in || !read_spec(building, name, &spec, sizeof spec, theirs)) {
        return -1;
    }
    int32_t kernel = spec.kernel ? spec.kernel : 1, stride = spec.stride ? spec.stride : 1;
    int32_t groups = spec.groups ? spec.groups : 1;
    if (spec.channels < 1) {
        return sy_building_fail(building, name, "%d channels of output; it needs 1 or more", spec.channels);
    }
    if (groups < 1 || in->dim[0] % groups || spec.channels % groups) {
        return sy_building_fail(building, name, "%d channels in, %d out and %d groups: the groups must divide both",
                                in->dim[0], spec.channels, groups);
    }
    struct sy_shape out = {3,
                           {spec.channels, window(building, name, in->dim[1], kernel, stride, spec.padding),
                            window(building, name, in->dim[2], kernel, stride, spec.padding)}};
    int64_t shape[4] = {spec.channels, in->dim[0] / groups, kernel, kernel};
    struct sy_op *op = new_op(building, SY_OP_CONV2D, name, &x, 1, &out);
    if (!op) {
        return -1;
    }
    op->kernel = kernel, op->stride = stride, op->padding = spec.padding, op->groups = groups;
    new_param(building, op, SY_WEIGHT, "weight", SY_TRAINABLE, shape, 4, spec.weight_init);
    if (spec.bias) {
        new_param(building, op, SY_BIAS, "bias", SY_TRAINABLE, (int64_t[4]){spec.channels}, 1, spec.bias_init);
    }
    set_fans(building, op, shape[1] * kernel * kernel, shape[0] * kernel * kernel);
    return building->failed ? -1 : op->output;
}

static int32_t build_linear(void *graph, int32_t x, const struct sy_linear *theirs, const char *name) {
    struct sy_building *building = graph;
    struct sy_linear spec = {.size = sizeof spec};
    const struct sy_shape *in = shape_of(building, x, name);
    if (!in || !read_spec(building, name, &spec, sizeof spec, theirs)) {
        return -1;
    }
    if (in->rank != 1) {
        return sy_building_fail(building, name,
                                "needs a vector, its input is an image of %d x %d x %d; flatten or pool it first",
                                in->dim[0], in->dim[1], in->dim[2]);
    }
    if (spec.features < 1) {
        return sy_building_fail(building, name, "%d features of output; it needs 1 or more", spec.features);
    }
    int64_t features = in->dim[0];
    struct sy_op *op = new_op(building, SY_OP_LINEAR, name, &x, 1, &(struct sy_shape){1, {spec.features, 1, 1}});
    if (!op) {
        return -1;
    }
    new_param(building, op, SY_WEIGHT, "weight", SY_TRAINABLE, (int64_t[4]){spec.features, features}, 2,
              spec.weight_init);
    if (!spec.no_bias) {
        new_param(building, op, SY_BIAS, "bias", SY_TRAINABLE, (int64_t[4]){spec.features}, 1, spec.bias_init);
    }
    set_fans(building, op, features, spec.features);
    return building->failed ? -1 : op->output;
}

static int32_t build_batch_norm(void *graph, int32_t x, const struct sy_batch_norm *theirs, const char *name) {
    struct sy_building *building = graph;
    struct sy_batch_norm spec = {.size = sizeof spec};
    const struct sy_shape *in = shape_of(building, x, name);
    if (!in || !read_spec(building, name, &spec, sizeof spec, theirs)) {
        return -1;
    }
    if (!(spec.eps >= 0) || !(spec.momentum >= 0 && spec.momentum <= 1)) {
        return sy_building_fail(building, name, "eps %g and momentum %g: eps is not negative, momentum in [0, 1]",
                                spec.eps, spec.momentum);
    }
    struct sy_shape out = *in;
    struct sy_op *op = new_op(building, SY_OP_BATCH_NORM, name, &x, 1, &out);
    if (!op) {
        return -1;
    }
    /* Defaults are spelled out, so that a parameter tells how it starts when prune has taken its operator. */
    const int64_t shape[4] = {out.dim[0], 0, 0, 0};
    const struct sy_init zero = {SY_INIT_CONSTANT, 0, 0}, one = {SY_INIT_CONSTANT, 0, 1};
    op->eps = spec.eps != 0 ? spec.eps : 1e-5;
    op->momentum = spec.momentum != 0 ? spec.momentum : 0.1;
    new_param(building, op, SY_WEIGHT, "weight", SY_TRAINABLE, shape, 1,
              spec.weight_init.kind == SY_INIT_DEFAULT ? one : spec.weight_init);
    new_param(building, op, SY_BIAS, "bias", SY_TRAINABLE, shape, 1,
              spec.bias_init.kind == SY_INIT_DEFAULT ? zero : spec.bias_init);
    new_param(building, op, SY_MEAN, "running_mean", SY_STATISTIC, shape, 1, zero);
    new_param(building, op, SY_VARIANCE, "running_var", SY_STATISTIC, shape, 1, one);
    set_fans(building, op, 1, 1);
    return building->failed ? -1 : op->output;
}

/* ---- operators without ------------------------------------------------------------------------------------------ */

static int32_t build_same_shape(struct sy_building *building, int32_t kind, int32_t x) {
    const struct sy_shape *in = shape_of(building, x, sy_op_kind_name(kind));
    if (!in) {
        return -1;
    }
    struct sy_shape out = *in;
    struct sy_op *op = new_op(building, kind, NULL, &x, 1, &out);
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
    const struct sy_shape *left = shape_of(building, a, "add"), *right = shape_of(building, b, "add");
    if (!left || !right) {
        return -1;
    }
    if (memcmp(left, right, sizeof *left) != 0) {
        return sy_building_fail(building, "add", "shapes %d x %d x %d and %d x %d x %d differ", left->dim[0],
                                left->dim[1], left->dim[2], right->dim[0], right->dim[1], right->dim[2]);
    }
    struct sy_shape out = *left;
    struct sy_op *op = new_op(building, SY_OP_ADD, NULL, (const int32_t[]){a, b}, 2, &out);
    return op ? op->output : -1;
}

static int32_t build_concat(void *graph, const int32_t *inputs, int32_t count) {
    struct sy_building *building = graph;
    const struct sy_shape *first = inputs && count > 0 ? shape_of(building, inputs[0], "concat") : NULL;
    if (!first) {
        return sy_building_fail(building, "concat", "needs an input");
    }
    struct sy_shape out = *first;
    for (int32_t i = 1; i < count; i++) {
        const struct sy_shape *next = shape_of(building, inputs[i], "concat");
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
    struct sy_op *op = new_op(building, SY_OP_CONCAT, NULL, inputs, count, &out);
    return op ? op->output : -1;
}

static int32_t build_pool(struct sy_building *building, int32_t kind, int32_t x, int32_t kernel, int32_t stride,
                          int32_t padding) {
    const char *name = sy_op_kind_name(kind);
    const struct sy_shape *in = image_of(building, x, name);
    if (!in) {
        return -1;
    }
    if (padding > 0 && padding > kernel / 2) {
        return sy_building_fail(building, name, "padding %d is more than half the kernel of %d", padding, kernel);
    }
    struct sy_shape out = {3,
                           {in->dim[0], window(building, name, in->dim[1], kernel, stride, padding),
                            window(building, name, in->dim[2], kernel, stride, padding)}};
    struct sy_op *op = new_op(building, kind, NULL, &x, 1, &out);
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
    const struct sy_shape *in = image_of(graph, x, "global_avg_pool");
    struct sy_op *op =
        in ? new_op(graph, SY_OP_GLOBAL_AVG_POOL, NULL, &x, 1, &(struct sy_shape){1, {in->dim[0], 1, 1}}) : NULL;
    return op ? op->output : -1;
}

static int32_t build_flatten(void *graph, int32_t x) {
    const struct sy_shape *in = shape_of(graph, x, "flatten");
    struct sy_op *op =
        in ? new_op(graph, SY_OP_FLATTEN, NULL, &x, 1, &(struct sy_shape){1, {(int32_t)sy_shape_count(in), 1, 1}})
           : NULL;
    return op ? op->output : -1;
}

static int32_t build_slice_pad(void *graph, int32_t x, int32_t stride, int32_t before, int32_t after) {
    struct sy_building *building = graph;
    const struct sy_shape *in = image_of(building, x, "slice_pad");
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
    struct sy_op *op = new_op(building, SY_OP_SLICE_PAD, NULL, &x, 1, &out);
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
    if (!shape_of(building, x, name)) {
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
    const struct sy_shape *shape = shape_of(graph, x, "shape");
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
