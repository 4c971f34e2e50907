/* graph_builder.c - the builder's functions: one operator each, with its shape and parameters. */
#include "graph_builder.h"

#include <stdlib.h>
#include <string.h>

#include "graph_parts.h"

/* ---- the graph under construction ------------------------------------------------------------------------------- */

static int32_t fail(struct sy_building *building, const char *name, const char *format, ...) SY_PRINTF(3, 4);

static int32_t fail(struct sy_building *building, const char *name, const char *format, ...) {
    if (!building->failed) {
        char text[512];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        sy_fail(building->err, SY_EINVAL, "%s%s%s", name ? name : "", name ? ": " : "", text);
    }
    building->failed = true;
    return -1;
}

static int32_t out_of_memory(struct sy_building *building) {
    if (!building->failed) {
        sy_fail(building->err, SY_ENOMEM, "no memory for the graph");
    }
    building->failed = true;
    return -1;
}

/* The shape of a value, or NULL after a mistake. */
static const struct sy_shape *shape_of(struct sy_building *building, int32_t value, const char *name) {
    if (building->failed) {
        return NULL;
    }
    if (value < 0 || value >= building->graph.n_values) {
        fail(building, name, "its input is no value of this graph");
        return NULL;
    }
    return &building->values[value];
}

static const struct sy_shape *image_of(struct sy_building *building, int32_t value, const char *name) {
    const struct sy_shape *shape = shape_of(building, value, name);
    if (shape && shape->rank != 3) {
        fail(building, name, "needs an image (channels, height, width), its input is a vector of %d", shape->dim[0]);
        return NULL;
    }
    return shape;
}

static int32_t new_value(struct sy_building *building, int32_t rank, int32_t a, int32_t b, int32_t c) {
    if (!sy_building_room(building, (void **)&building->values, building->graph.n_values, sizeof *building->values)) {
        return out_of_memory(building);
    }
    building->values[building->graph.n_values] = (struct sy_shape){rank, {a, b, c}};
    return building->graph.n_values++;
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
    }
    struct sy_op *op = sy_building_take(building, sizeof *op);
    int32_t *copy = sy_building_take(building, (size_t)n_inputs * sizeof *copy);
    char *text = sy_building_text(building, name);
    if (!op || !copy || !text ||
        !sy_building_room(building, (void **)&building->ops, building->graph.n_ops, sizeof *building->ops)) {
        out_of_memory(building);
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
    op->output = new_value(building, shape->rank, shape->dim[0], shape->dim[1], shape->dim[2]);
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
            fail(building, op->name, "two operators of one name; parameters would be called alike");
            return;
        }
    }
    struct sy_param *param = sy_building_take(building, sizeof *param);
    char *text = sy_building_text(building, name);
    if (!param || !text ||
        !sy_building_room(building, (void **)&building->params, building->graph.n_params, sizeof *building->params)) {
        out_of_memory(building);
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
        fail(building, name, "kernel %d, stride %d, padding %d make no sense", kernel, stride, padding);
        return 0;
    }
    if (size + 2 * padding < kernel) {
        fail(building, name, "a kernel of %d does not fit into %d rows with %d of padding", kernel, size, padding);
        return 0;
    }
    return (size + 2 * padding - kernel) / stride + 1;
}

static int32_t build_conv2d(void *graph, int32_t x, const struct sy_conv2d *theirs, const char *name) {
    struct sy_building *building = graph;
    struct sy_conv2d spec = {.size = sizeof spec};
    memcpy(&spec, theirs, theirs->size < sizeof spec ? theirs->size : sizeof spec);
    const struct sy_shape *in = image_of(building, x, name);
    if (!in) {
        return -1;
    }
    int32_t kernel = spec.kernel ? spec.kernel : 1, stride = spec.stride ? spec.stride : 1;
    int32_t groups = spec.groups ? spec.groups : 1;
    if (spec.channels < 1 || groups < 1 || in->dim[0] % groups || spec.channels % groups) {
        return fail(building, name, "%d channels in, %d out and %d groups: the groups must divide both", in->dim[0],
                    spec.channels, groups);
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
    memcpy(&spec, theirs, theirs->size < sizeof spec ? theirs->size : sizeof spec);
    const struct sy_shape *in = shape_of(building, x, name);
    if (!in) {
        return -1;
    }
    if (in->rank != 1 || spec.features < 1) {
        return fail(building, name, "needs a vector and at least one feature; flatten or pool an image first");
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
    memcpy(&spec, theirs, theirs->size < sizeof spec ? theirs->size : sizeof spec);
    const struct sy_shape *in = shape_of(building, x, name);
    if (!in) {
        return -1;
    }
    if (spec.eps < 0 || spec.momentum < 0 || spec.momentum > 1) {
        return fail(building, name, "eps %g and momentum %g: eps is not negative, momentum in [0, 1]", spec.eps,
                    spec.momentum);
    }
    struct sy_shape out = *in;
    struct sy_op *op = new_op(building, SY_OP_BATCH_NORM, name, &x, 1, &out);
    if (!op) {
        return -1;
    }
    const int64_t shape[4] = {out.dim[0], 0, 0, 0};
    const struct sy_init none = {SY_INIT_DEFAULT, 0, 0};
    op->eps = spec.eps != 0 ? spec.eps : 1e-5;
    op->momentum = spec.momentum != 0 ? spec.momentum : 0.1;
    new_param(building, op, SY_WEIGHT, "weight", SY_TRAINABLE, shape, 1, spec.weight_init);
    new_param(building, op, SY_BIAS, "bias", SY_TRAINABLE, shape, 1, spec.bias_init);
    new_param(building, op, SY_MEAN, "running_mean", SY_STATISTIC, shape, 1, none);
    new_param(building, op, SY_VARIANCE, "running_var", SY_STATISTIC, shape, 1, none);
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
        return fail(building, "add", "shapes %d x %d x %d and %d x %d x %d differ", left->dim[0], left->dim[1],
                    left->dim[2], right->dim[0], right->dim[1], right->dim[2]);
    }
    struct sy_shape out = *left;
    struct sy_op *op = new_op(building, SY_OP_ADD, NULL, (const int32_t[]){a, b}, 2, &out);
    return op ? op->output : -1;
}

static int32_t build_concat(void *graph, const int32_t *inputs, int32_t count) {
    struct sy_building *building = graph;
    const struct sy_shape *first = count > 0 ? shape_of(building, inputs[0], "concat") : NULL;
    if (!first) {
        return count > 0 ? -1 : fail(building, "concat", "needs an input");
    }
    struct sy_shape out = *first;
    for (int32_t i = 1; i < count; i++) {
        const struct sy_shape *next = shape_of(building, inputs[i], "concat");
        if (!next) {
            return -1;
        }
        if (next->rank != out.rank || next->dim[1] != out.dim[1] || next->dim[2] != out.dim[2]) {
            return fail(building, "concat", "images of %d x %d and %d x %d cannot be joined", out.dim[1], out.dim[2],
                        next->dim[1], next->dim[2]);
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
    if (2 * padding > kernel) {
        return fail(building, name, "padding %d is more than half the kernel of %d", padding, kernel);
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
        return fail(building, "slice_pad", "stride %d, %d and %d channels make no sense", stride, before, after);
    }
    struct sy_shape out = {
        3, {in->dim[0] + before + after, (in->dim[1] + stride - 1) / stride, (in->dim[2] + stride - 1) / stride}};
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
        return fail(building, "dropout", "probability %g is outside [0, 1)", probability);
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
    for (int32_t i = 0; i < building->graph.n_outputs; i++) {
        if (!strcmp(building->outputs[i]->name, name)) {
            return fail(building, name, "two outputs of one name");
        }
    }
    return sy_building_output(building, x, name) ? x : out_of_memory(building);
}

static int32_t build_shape(void *graph, int32_t x, struct sy_shape *out) {
    const struct sy_shape *shape = shape_of(graph, x, NULL);
    if (shape) {
        *out = *shape;
    }
    return shape ? SY_OK : -1;
}

static int32_t build_fail(void *graph, const char *reason) {
    return fail(graph, NULL, "%s", reason);
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
    int32_t *values = sy_building_take(building, (size_t)(n_inputs + 1) * sizeof *values);
    for (int32_t i = 0; values && i < n_inputs; i++) {
        values[i] = new_value(building, inputs[i].rank, inputs[i].dim[0], inputs[i].dim[1], inputs[i].dim[2]);
    }
    struct sy_network_in in = {.size = sizeof in, .classes = classes, .n_inputs = n_inputs, .inputs = values};
    int status = values ? build(self, &builder, &in, err) : out_of_memory(building);
    if (status == SY_OK && !building->failed && !building->graph.n_outputs) {
        fail(building, NULL, "the graph has no output");
    }
    if (status != SY_OK && !building->failed) {
        sy_fail(err, status, "the network could not be built, and it did not say why");
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
