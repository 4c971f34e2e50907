/* test_shapes.c - what the builder infers and records: shapes, names, parameters, multiply-adds. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "graph/graph_builder.h"

static const struct sy_shape image = {3, {6, 9, 7}};

static struct sy_built_graph *build(int (*function)(const void *, const struct sy_builder *,
                                                    const struct sy_network_in *, struct sy_error *),
                                    const void *self, const struct sy_shape *input) {
    struct sy_error err = {.size = sizeof err};
    struct sy_built_graph *built = sy_graph_build_with(function, self, input, 1, 10, &err);
    cr_assert_not_null(built, "%s", err.text);
    return built;
}

static void expect_shape(const struct sy_builder *b, int32_t x, int32_t rank, int32_t d0, int32_t d1, int32_t d2,
                         const char *what) {
    struct sy_shape shape = sy_value_shape(b, x);
    cr_expect(shape.rank == rank && shape.dim[0] == d0 && shape.dim[1] == d1 && shape.dim[2] == d2,
              "%s: rank %d, %d x %d x %d", what, (int)shape.rank, (int)shape.dim[0], (int)shape.dim[1],
              (int)shape.dim[2]);
}

static int every_operator(const void *self, const struct sy_builder *b, const struct sy_network_in *in,
                          struct sy_error *err) {
    (void)self, (void)err;
    int32_t x = in->inputs[0];
    expect_shape(b, x, 3, 6, 9, 7, "input");
    expect_shape(b, sy_relu(b, x), 3, 6, 9, 7, "relu");
    expect_shape(b, sy_relu6(b, x), 3, 6, 9, 7, "relu6");
    expect_shape(b, sy_add(b, x, x), 3, 6, 9, 7, "add");
    expect_shape(b, sy_concat(b, (int32_t[]){x, x, x}, 3), 3, 18, 9, 7, "concat");
    expect_shape(b, sy_avg_pool(b, x, 3, 2, 0), 3, 6, 4, 3, "avg_pool");
    expect_shape(b, sy_max_pool(b, x, 3, 2, 1), 3, 6, 5, 4, "max_pool");
    expect_shape(b, sy_global_avg_pool(b, x), 1, 6, 1, 1, "global_avg_pool");
    expect_shape(b, sy_flatten(b, x), 1, 378, 1, 1, "flatten");
    expect_shape(b, sy_slice_pad(b, x, 2, 1, 3), 3, 10, 5, 4, "slice_pad");
    expect_shape(b, sy_dropout(b, x, 0.5), 3, 6, 9, 7, "dropout");
    expect_shape(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "bn"), 3, 6, 9, 7, "batch_norm");
    expect_shape(b, sy_conv2d(b, x, SY_CONV2D(.channels = 4), "conv"), 3, 4, 9, 7, "conv2d");
    int32_t vector = sy_global_avg_pool(b, x);
    expect_shape(b, sy_linear(b, vector, SY_LINEAR(.features = 5), "fc"), 1, 5, 1, 1, "linear");
    expect_shape(b, sy_concat(b, (int32_t[]){vector, vector}, 2), 1, 12, 1, 1, "concat of vectors");
    expect_shape(b, sy_softmax(b, vector), 1, 6, 1, 1, "softmax");
    expect_shape(b, sy_multiply(b, x, x), 3, 6, 9, 7, "multiply");
    expect_shape(b, sy_multiply(b, x, sy_slice(b, x, 5, 1)), 3, 6, 9, 7, "multiply by one channel");
    expect_shape(b, sy_multiply(b, vector, sy_dot(b, vector, vector)), 1, 6, 1, 1, "multiply by one feature");
    expect_shape(b, sy_slice(b, x, 2, 3), 3, 3, 9, 7, "slice");
    expect_shape(b, sy_slice(b, vector, 1, 5), 1, 5, 1, 1, "slice of a vector");
    expect_shape(b, sy_dot(b, vector, vector), 1, 1, 1, 1, "dot");
    expect_shape(b, sy_l2_normalize(b, vector, 0), 1, 6, 1, 1, "l2_normalize");
    expect_shape(b, sy_channel_shuffle(b, x, 3), 3, 6, 9, 7, "channel_shuffle");
    expect_shape(b, sy_transposed_conv2d(b, x, SY_CONV2D(.channels = 4, .kernel = 4, .stride = 2, .padding = 1), "up"),
                 3, 4, 18, 14, "transposed_conv2d");
    expect_shape(
        b,
        sy_transposed_conv2d(
            b, x, SY_CONV2D(.channels = 4, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1), "out"),
        3, 4, 18, 14, "transposed_conv2d with output padding");
    sy_output(b, vector, "logits");
    return SY_OK;
}

Test(shapes, every_operator_infers_its_own) {
    sy_graph_destroy(build(every_operator, NULL, &image));
}

struct sliding {
    int32_t kernel, stride, padding;
};

static int convolve(const void *self, const struct sy_builder *b, const struct sy_network_in *in,
                    struct sy_error *err) {
    const struct sliding *s = self;
    (void)err;
    int32_t x =
        sy_conv2d(b, in->inputs[0],
                  SY_CONV2D(.channels = 2, .kernel = s->kernel, .stride = s->stride, .padding = s->padding), "conv");
    sy_output(b, x, "logits");
    return SY_OK;
}

/* Places of the window, counted one by one. */
static int32_t places(int32_t size, const struct sliding *s) {
    int32_t count = 0;
    for (int32_t at = -s->padding; at + s->kernel <= size + s->padding; at += s->stride) {
        count++;
    }
    return count;
}

Test(shapes, a_convolution_has_as_many_rows_as_its_window_has_places) {
    for (int32_t i = 0; i < 9 * 4 * 3 * 3; i++) {
        int32_t rows = i % 9 + 1;
        struct sliding s = {i / 9 % 4 + 1, i / 36 % 3 + 1, i / 108};
        struct sy_shape input = {3, {1, rows, 9}};
        struct sy_error err = {.size = sizeof err};
        struct sy_built_graph *built = sy_graph_build_with(convolve, &s, &input, 1, 10, &err);
        int32_t expected = places(rows, &s);
        cr_expect_eq(built != NULL, expected > 0, "%d rows, kernel %d, stride %d, padding %d", (int)rows, (int)s.kernel,
                     (int)s.stride, (int)s.padding);
        if (built) {
            cr_expect_eq(built->graph.values[1].dim[1], expected);
            cr_expect_eq(built->graph.values[1].dim[2], places(9, &s));
        }
        sy_graph_destroy(built);
    }
}

static int with_parameters(const void *self, const struct sy_builder *b, const struct sy_network_in *in,
                           struct sy_error *err) {
    (void)self, (void)err;
    const struct sy_init small = {SY_INIT_NORMAL, 0, 0.01};
    int32_t x = sy_conv2d(
        b, in->inputs[0],
        SY_CONV2D(.channels = 4, .kernel = 3, .stride = 2, .padding = 1, .groups = 2, .bias = 1, .weight_init = small),
        "block%d.conv", 7);
    x = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.momentum = 0.9, .eps = 1e-3), "bn"));
    x = sy_relu(b, sy_dropout(b, sy_add(b, x, x), 0.25));
    x = sy_slice_pad(b, sy_avg_pool(b, x, 3, 2, 1), 2, 3, 4);
    x = sy_linear(b, sy_global_avg_pool(b, x), SY_LINEAR(.features = in->classes, .no_bias = 1), "fc");
    sy_output(b, x, "logits");
    sy_output(b, x, "again");
    return SY_OK;
}

Test(shapes, parameters_come_in_the_order_of_the_calls) {
    struct sy_built_graph *built = build(with_parameters, NULL, &image);
    const struct {
        const char *name;
        int32_t role, rank;
        int64_t shape[4];
        int64_t fan_in, fan_out;
    } expected[] = {
        {"block7.conv.weight", SY_TRAINABLE, 4, {4, 3, 3, 3}, 27, 36},
        {"block7.conv.bias", SY_TRAINABLE, 1, {4}, 27, 36},
        {"bn.weight", SY_TRAINABLE, 1, {4}, 0, 0},
        {"bn.bias", SY_TRAINABLE, 1, {4}, 0, 0},
        {"bn.running_mean", SY_STATISTIC, 1, {4}, 0, 0},
        {"bn.running_var", SY_STATISTIC, 1, {4}, 0, 0},
        {"fc.weight", SY_TRAINABLE, 2, {10, 11}, 11, 10},
    };
    const struct sy_graph *graph = &built->graph;
    cr_assert_eq(graph->n_params, 7);
    for (int32_t i = 0; i < 7; i++) {
        const struct sy_param *param = graph->params[i];
        cr_expect_str_eq(param->name, expected[i].name);
        cr_expect_eq(param->role, expected[i].role, "%s", param->name);
        cr_expect_eq(param->rank, expected[i].rank, "%s", param->name);
        cr_expect_arr_eq(param->shape, expected[i].shape, (size_t)param->rank * sizeof(int64_t), "%s", param->name);
        if (expected[i].fan_in) { /* batch norm's has no meaning */
            cr_expect_eq(param->fan_in, expected[i].fan_in, "%s", param->name);
            cr_expect_eq(param->fan_out, expected[i].fan_out, "%s", param->name);
        }
    }
    cr_expect_eq(graph->params[0]->init.kind, SY_INIT_NORMAL);
    cr_expect_eq(graph->params[0]->init.value, 0.01);
    cr_expect_eq(graph->params[6]->op, graph->n_ops - 1);
    cr_expect_eq(sy_graph_parameter_count(graph), 108 + 4 + 4 + 4 + 110);
    cr_expect_eq(sy_graph_multiply_adds(graph), 4 * 5 * 4 * 27 + 110);
    sy_graph_destroy(built);
}

Test(shapes, operators_keep_what_they_were_given) {
    struct sy_built_graph *built = build(with_parameters, NULL, &image);
    const char *names[] = {"block7.conv",      "bn", "relu1", "add1", "dropout1", "relu2", "avg_pool1", "slice_pad1",
                           "global_avg_pool1", "fc"};
    const struct sy_graph *graph = &built->graph;
    cr_assert_eq(graph->n_ops, 10);
    for (int32_t i = 0; i < graph->n_ops; i++) {
        cr_expect_str_eq(graph->ops[i]->name, names[i]);
        cr_expect_eq(graph->ops[i]->output, i + 1);
    }
    const struct sy_op *conv = graph->ops[0], *bn = graph->ops[1], *pool = graph->ops[6], *pad = graph->ops[7];
    cr_expect(conv->kernel == 3 && conv->stride == 2 && conv->padding == 1 && conv->groups == 2);
    cr_expect(conv->param[SY_WEIGHT] == 0 && conv->param[SY_BIAS] == 1 && conv->param[SY_MEAN] == -1);
    cr_expect(bn->eps == 1e-3 && bn->momentum == 0.9);
    cr_expect(bn->param[SY_WEIGHT] == 2 && bn->param[SY_BIAS] == 3 && bn->param[SY_MEAN] == 4 &&
              bn->param[SY_VARIANCE] == 5);
    cr_expect(graph->ops[3]->n_inputs == 2 && graph->ops[3]->inputs[0] == 3 && graph->ops[3]->inputs[1] == 3);
    cr_expect_eq(graph->ops[4]->probability, 0.25);
    cr_expect(pool->kernel == 3 && pool->stride == 2 && pool->padding == 1);
    cr_expect(pad->stride == 2 && pad->pad_before == 3 && pad->pad_after == 4);
    cr_expect(graph->ops[9]->param[SY_WEIGHT] == 6 && graph->ops[9]->param[SY_BIAS] == -1);
    cr_expect_eq(sy_graph_output(graph, "logits"), 0);
    cr_expect_eq(sy_graph_output(graph, "again"), 1);
    cr_expect_eq(sy_graph_output(graph, "stage9"), -1);
    sy_graph_destroy(built);
}

Test(shapes, every_kind_has_a_name) {
    cr_expect_str_eq(sy_op_kind_name(SY_OP_CONV2D), "conv2d");
    cr_expect_str_eq(sy_op_kind_name(SY_OP_MAX_POOL), "max_pool");
    cr_expect_str_eq(sy_op_kind_name(SY_OP_DROPOUT), "dropout");
    cr_expect_str_eq(sy_op_kind_name(SY_OP_KINDS - 1), "transposed_conv2d");
    cr_expect_str_eq(sy_op_kind_name(0), "?");
    cr_expect_str_eq(sy_op_kind_name(SY_OP_KINDS), "?");
}

static int products(const void *self, const struct sy_builder *b, const struct sy_network_in *in,
                    struct sy_error *err) {
    (void)self, (void)err;
    int32_t pooled = sy_global_avg_pool(b, in->inputs[0]);
    int32_t fixed = sy_dot(b, pooled, pooled);
    int32_t x = sy_linear(b, pooled, SY_LINEAR(.features = 5), "fc");
    int32_t parts = sy_slice(b, sy_l2_normalize(b, x, 0), 1, 4);
    sy_output(b, sy_multiply(b, parts, sy_dot(b, x, x)), "out");
    sy_output(b, fixed, "fixed");
    return SY_OK;
}

Test(shapes, a_dot_product_counts_and_has_no_weights) {
    struct sy_built_graph *built = build(products, NULL, &image);
    const struct sy_graph *graph = &built->graph;
    cr_expect_eq(sy_graph_multiply_adds(graph), 6 + 6 * 5 + 5);
    cr_expect_eq(sy_graph_step_multiply_adds(graph, 0), 6 + 2 * 6 * 5 + 2 * 5,
                 "nothing lies behind the first, nobody asks for the gradient of what is fed");
    cr_expect_eq(sy_graph_step_multiply_adds(graph, 1), 2 * 6 + 3 * 6 * 5 + 2 * 5, "somebody does");
    cr_expect_eq(graph->ops[4]->first, 1);
    cr_expect_eq(graph->ops[3]->eps, 1e-12);
    sy_graph_destroy(built);
}

static int grow(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    (void)self, (void)err;
    sy_output(b,
              sy_transposed_conv2d(b, in->inputs[0],
                                   SY_CONV2D(.channels = 4, .kernel = 3, .stride = 2, .groups = 2, .bias = 1), "up"),
              "out");
    return SY_OK;
}

Test(shapes, a_transposed_convolution_has_its_weights_the_other_way_round) {
    struct sy_built_graph *built = build(grow, NULL, &image);
    const struct sy_graph *graph = &built->graph;
    cr_expect_arr_eq(graph->params[0]->shape, ((int64_t[]){6, 2, 3, 3}), 4 * sizeof(int64_t));
    cr_expect_eq(graph->params[1]->shape[0], 4);
    cr_expect_eq(graph->params[0]->fan_in, 2 * 9);
    cr_expect_eq(graph->params[0]->fan_out, 6 * 9);
    cr_expect_eq(sy_graph_multiply_adds(graph), 6 * 9 * 7 * 2 * 9);
    sy_graph_destroy(built);
}

/* A core that ends before the functions appended later: the network is told. */
static int newer_author(const void *self, const struct sy_builder *b, const struct sy_network_in *in,
                        struct sy_error *err) {
    struct sy_builder older = *b;
    (void)self, (void)err;
    older.size = offsetof(struct sy_builder, softmax);
    sy_output(&older, in->inputs[0], "logits");
    cr_expect_eq(sy_softmax(&older, in->inputs[0]), -1);
    return SY_OK;
}

Test(shapes, what_an_older_core_lacks_is_a_mistake) {
    struct sy_error err = {.size = sizeof err};
    cr_expect_null(sy_graph_build_with(newer_author, NULL, &image, 1, 10, &err));
    cr_expect_str_eq(err.text, "softmax: this Switchyard is too old to know it");
}

/* An author with older headers: the specification ends after its second member. */
static int older_author(const void *self, const struct sy_builder *b, const struct sy_network_in *in,
                        struct sy_error *err) {
    (void)self, (void)err;
    struct sy_conv2d spec = {.size = 8, .channels = 4, .kernel = -7, .groups = 99, .bias = 1};
    sy_output(b, sy_conv2d(b, in->inputs[0], &spec, "conv"), "logits");
    return SY_OK;
}

Test(shapes, members_an_older_author_did_not_know_are_defaults) {
    struct sy_built_graph *built = build(older_author, NULL, &image);
    cr_expect_eq(built->graph.ops[0]->kernel, 1);
    cr_expect_eq(built->graph.ops[0]->groups, 1);
    cr_expect_eq(built->graph.n_params, 1);
    sy_graph_destroy(built);
}
