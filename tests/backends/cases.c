/* cases.c - see cases.h. */
#include "cases.h"

#include <criterion/criterion.h>

/* ---- graphs of several operators -------------------------------------------------------------------------------- */

/* bn - relu - conv - bn - relu - conv, plus a projection of the raw input; taps in the middle. */
static void residual_block(const struct sy_builder *b, const int32_t *inputs) {
    int32_t h = sy_relu(b, sy_batch_norm(b, inputs[0], SY_BATCH_NORM(.momentum = 0.9), "bn1"));
    h = sy_conv2d(b, h, SY_CONV2D(.channels = 7, .kernel = 3, .padding = 1, .bias = 1), "conv1");
    h = sy_output(b, sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 1e-3), "bn2"), "before_relu");
    h = sy_output(b, sy_relu(b, h), "after_relu");
    h = sy_conv2d(b, h, SY_CONV2D(.channels = 7, .kernel = 3, .stride = 2, .padding = 1, .bias = 1), "conv2");
    int32_t x = sy_conv2d(b, inputs[0], SY_CONV2D(.channels = 7, .stride = 2, .bias = 1), "shortcut");
    x = sy_global_avg_pool(b, sy_add(b, h, x));
    sy_output(b, sy_linear(b, x, SY_LINEAR(.features = 3), "linear"), "logits");
}

/* up - depthwise - down with ReLU6, and back onto the input; dropout in front of the classifier. */
static void inverted_block(const struct sy_builder *b, const int32_t *inputs) {
    int32_t h = sy_conv2d(b, inputs[0], SY_CONV2D(.channels = 18), "up");
    h = sy_relu6(b, sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "bn1"));
    h = sy_conv2d(b, h, SY_CONV2D(.channels = 18, .kernel = 3, .padding = 1, .groups = 18), "depthwise");
    h = sy_relu6(b, sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "bn2"));
    h = sy_batch_norm(b, sy_conv2d(b, h, SY_CONV2D(.channels = 3), "down"), SY_BATCH_NORM(.eps = 0), "bn3");
    h = sy_dropout(b, sy_flatten(b, sy_add(b, inputs[0], h)), 0.3);
    sy_output(b, sy_linear(b, h, SY_LINEAR(.features = 4, .no_bias = 1), "linear"), "logits");
}

/* One value read by four operators, one of them twice, and shown outside as well. */
static void many_readers(const struct sy_builder *b, const int32_t *inputs) {
    int32_t x = sy_output(b, sy_conv2d(b, inputs[0], SY_CONV2D(.channels = 4, .kernel = 3), "conv1"), "first");
    int32_t twice = sy_add(b, x, x);
    int32_t other = sy_conv2d(b, x, SY_CONV2D(.channels = 4), "conv2");
    int32_t sum = sy_output(b, sy_add(b, twice, other), "sum");
    sy_output(b, sy_add(b, sum, x), "second");
    sy_output(b, sy_global_avg_pool(b, x), "pooled");
}

/* Joined parts of different widths, a part twice, then a convolution over all. */
static void joined(const struct sy_builder *b, const int32_t *inputs) {
    int32_t narrow = sy_conv2d(b, inputs[0], SY_CONV2D(.channels = 2, .bias = 1), "conv1");
    int32_t wide = sy_conv2d(b, inputs[1], SY_CONV2D(.channels = 5, .kernel = 3, .padding = 1), "conv2");
    const int32_t parts[] = {wide, inputs[0], narrow, wide};
    int32_t x = sy_output(b, sy_concat(b, parts, 4), "joined");
    sy_output(b, sy_conv2d(b, x, SY_CONV2D(.channels = 3, .kernel = 3, .padding = 1), "conv3"), "out");
}

/* One value shown under two names, an input that is an output, and a branch that leads nowhere. */
static void odd_outputs(const struct sy_builder *b, const int32_t *inputs) {
    sy_output(b, inputs[0], "input");
    sy_conv2d(b, inputs[0], SY_CONV2D(.channels = 6), "nowhere");
    int32_t x = sy_conv2d(b, inputs[0], SY_CONV2D(.channels = 3, .kernel = 3, .padding = 1), "conv");
    sy_output(b, x, "one");
    sy_output(b, x, "two");
}

/* Both branches of an addition start at batch norms with a ReLU; sums of sums. */
static void nested_sums(const struct sy_builder *b, const int32_t *inputs) {
    int32_t p = sy_relu(b, sy_batch_norm(b, inputs[0], SY_BATCH_NORM(.eps = 0), "bn1"));
    int32_t q = sy_relu(b, sy_batch_norm(b, inputs[1], SY_BATCH_NORM(.eps = 0), "bn2"));
    int32_t s = sy_add(b, sy_add(b, p, q), sy_add(b, q, inputs[0]));
    s = sy_add(b, s, sy_avg_pool(b, s, 3, 1, 1));
    sy_output(b, sy_slice_pad(b, s, 2, 1, 2), "out");
}

/* A fully connected network on a vector, batch norm in between. */
static void perceptron(const struct sy_builder *b, const int32_t *inputs) {
    int32_t x = sy_linear(b, inputs[0], SY_LINEAR(.features = 19), "fc1");
    x = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "bn"));
    sy_output(b, sy_linear(b, sy_dropout(b, x, 0.5), SY_LINEAR(.features = 3), "fc2"), "logits");
}

/* Three vectors, each a mixture of all: shared projections, their products through softmax as weights. */
static void attention(const struct sy_builder *b, const int32_t *inputs) {
    int32_t keys[3], scores[3], mixed = 0;
    for (int k = 0; k < 3; k++) {
        keys[k] = sy_l2_normalize(b, sy_linear(b, inputs[k], SY_LINEAR(.features = 5, .no_bias = 1), "key%d", k), 0);
    }
    for (int k = 0; k < 3; k++) {
        scores[k] = sy_dot(b, keys[0], keys[k]);
    }
    int32_t weights = sy_output(b, sy_softmax(b, sy_concat(b, scores, 3)), "weights");
    for (int k = 0; k < 3; k++) {
        int32_t part = sy_multiply(b, inputs[k], sy_slice(b, weights, k, 1));
        mixed = k ? sy_add(b, mixed, part) : part;
    }
    sy_output(b, mixed, "mixed");
}

/* Halves of the channels, one of them scaled by a map of the other's, joined again; a residual around a product. */
static void gated_branches(const struct sy_builder *b, const int32_t *inputs) {
    int32_t x = sy_conv2d(b, inputs[0], SY_CONV2D(.channels = 34, .kernel = 3, .padding = 1), "conv1");
    x = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "bn1"));
    int32_t left = sy_slice(b, x, 0, 17), right = sy_slice(b, x, 17, 17);
    int32_t map = sy_conv2d(b, left, SY_CONV2D(.channels = 1), "map");
    right = sy_add(b, right, sy_multiply(b, right, map));
    x = sy_concat(b, (const int32_t[]){left, right}, 2);
    sy_output(b, sy_conv2d(b, x, SY_CONV2D(.channels = 3, .kernel = 3, .stride = 2), "conv2"), "out");
}

/* ---- the list --------------------------------------------------------------------------------------------------- */

#define IMAGE(c, h, w) \
    {                  \
        3, {           \
            c, h, w    \
        }              \
    }
#define VECTOR(f)   \
    {               \
        1, {        \
            f, 1, 1 \
        }           \
    }
/* What follows the last argument named are further members. */
#define CONV(text, shape, out, k, s, p, ...)                                                                  \
    {                                                                                                         \
        .name = "conv2d " text, .kind = SY_OP_CONV2D, .in = shape, .channels = out, .kernel = k, .stride = s, \
        .padding = p, .groups = __VA_ARGS__                                                                   \
    }
#define TRANSPOSED(text, shape, out, k, s, p, ...)                                                                     \
    {                                                                                                                  \
        .name = "transposed conv2d " text, .kind = SY_OP_TRANSPOSED_CONV2D, .in = shape, .channels = out, .kernel = k, \
        .stride = s, .padding = p, .groups = __VA_ARGS__                                                               \
    }
#define POOL(text, which, shape, k, s, p) \
    { .name = text, .kind = which, .in = shape, .kernel = k, .stride = s, .padding = p }
#define PLAIN(text, which, ...) \
    { .name = text, .kind = which, .in = __VA_ARGS__ }
#define GRAPH(text, function, ...) \
    { .name = text, .compose = function, .evaluated = 1, .in = __VA_ARGS__ }

const struct op_case op_cases[] = {
    CONV("1x1", IMAGE(3, 7, 5), 4, 1, 1, 0, 1, .bias = 1),
    CONV("1x1 without bias", IMAGE(16, 8, 8), 8, 1, 1, 0, 1),
    CONV("1x1 stride 2", IMAGE(33, 7, 5), 20, 1, 2, 0, 1),
    CONV("1x1 on one pixel", IMAGE(9, 1, 1), 7, 1, 1, 0, 1, .bias = 1),
    CONV("3x3", IMAGE(5, 7, 5), 6, 3, 1, 1, 1, .bias = 1),
    CONV("3x3 of many channels", IMAGE(24, 7, 5), 17, 3, 1, 1, 1),
    CONV("3x3 of round numbers", IMAGE(16, 8, 8), 32, 3, 1, 1, 1),
    CONV("3x3 without padding", IMAGE(4, 7, 5), 3, 3, 1, 0, 1, .bias = 1),
    CONV("3x3 stride 2", IMAGE(6, 7, 5), 10, 3, 2, 1, 1, .bias = 1),
    CONV("3x3 stride 2 even", IMAGE(3, 8, 6), 16, 3, 2, 1, 1),
    CONV("3x3 stride 2, many tiles", IMAGE(20, 33, 18), 35, 3, 2, 1, 1, .bias = 1),
    CONV("3x3 stride 2, rows to the end", IMAGE(17, 16, 24), 9, 3, 2, 1, 1),
    CONV("3x3 stride 2 without padding", IMAGE(3, 8, 6), 5, 3, 2, 0, 1),
    CONV("3x3 stride 3", IMAGE(3, 7, 5), 5, 3, 3, 1, 1),
    CONV("3x3 padding 2", IMAGE(3, 7, 5), 4, 3, 1, 2, 1, .bias = 1),
    CONV("2x2 padding 1", IMAGE(3, 7, 5), 4, 2, 1, 1, 1),
    CONV("2x2 stride 2", IMAGE(3, 7, 5), 4, 2, 2, 0, 1),
    CONV("5x5 stride 2", IMAGE(2, 7, 5), 3, 5, 2, 2, 1),
    CONV("7x7 of the whole image", IMAGE(3, 7, 7), 4, 7, 1, 0, 1, .bias = 1),
    CONV("7x7 larger than the image", IMAGE(2, 5, 3), 3, 7, 2, 3, 1),
    CONV("in groups", IMAGE(9, 7, 5), 6, 3, 1, 1, 3, .bias = 1),
    CONV("in groups stride 2", IMAGE(32, 7, 5), 16, 3, 2, 1, 4),
    CONV("1x1 in groups", IMAGE(10, 7, 5), 15, 1, 1, 0, 5),
    CONV("depthwise", IMAGE(13, 7, 5), 13, 3, 1, 1, 13),
    CONV("depthwise with bias", IMAGE(16, 8, 8), 16, 3, 1, 1, 16, .bias = 1),
    CONV("depthwise stride 2", IMAGE(11, 7, 5), 11, 3, 2, 1, 11),
    CONV("depthwise stride 2 even", IMAGE(5, 8, 6), 5, 3, 2, 1, 5, .bias = 1),
    CONV("depthwise 5x5", IMAGE(6, 7, 5), 6, 5, 1, 2, 6),
    CONV("depthwise without padding", IMAGE(6, 7, 5), 6, 3, 1, 0, 6),
    CONV("depthwise 1x1", IMAGE(6, 7, 5), 6, 1, 1, 0, 6),
    CONV("depthwise on 2x2", IMAGE(19, 2, 2), 19, 3, 1, 1, 19),
    CONV("depthwise on one pixel", IMAGE(19, 1, 1), 19, 3, 2, 1, 19),
    CONV("two outputs per channel", IMAGE(5, 7, 5), 10, 3, 1, 1, 5, .bias = 1),
    PLAIN("linear", SY_OP_LINEAR, VECTOR(7), .channels = 5, .bias = 1),
    PLAIN("linear without bias", SY_OP_LINEAR, VECTOR(130), .channels = 17),
    PLAIN("linear to one", SY_OP_LINEAR, VECTOR(16), .channels = 1, .bias = 1),
    PLAIN("batch norm", SY_OP_BATCH_NORM, IMAGE(5, 7, 5), .evaluated = 1),
    PLAIN("batch norm of many channels", SY_OP_BATCH_NORM, IMAGE(37, 3, 3), .evaluated = 1),
    PLAIN("batch norm of a vector", SY_OP_BATCH_NORM, VECTOR(12), .evaluated = 1),
    PLAIN("relu", SY_OP_RELU, IMAGE(5, 7, 5)),
    PLAIN("relu of a vector", SY_OP_RELU, VECTOR(21)),
    PLAIN("relu6", SY_OP_RELU6, IMAGE(4, 7, 5), .spread = 17),
    PLAIN("add", SY_OP_ADD, IMAGE(5, 7, 5), .n_inputs = 2),
    PLAIN("add vectors", SY_OP_ADD, VECTOR(9), .n_inputs = 2),
    PLAIN("add to itself", SY_OP_ADD, IMAGE(5, 7, 5)),
    PLAIN("concat", SY_OP_CONCAT, IMAGE(5, 7, 5), .n_inputs = 3),
    PLAIN("concat vectors", SY_OP_CONCAT, VECTOR(6), .n_inputs = 2),
    POOL("avg pool", SY_OP_AVG_POOL, IMAGE(3, 8, 6), 2, 2, 0),
    POOL("avg pool odd", SY_OP_AVG_POOL, IMAGE(3, 7, 5), 2, 2, 0),
    POOL("avg pool with padding", SY_OP_AVG_POOL, IMAGE(3, 7, 5), 3, 2, 1),
    POOL("avg pool overlapping", SY_OP_AVG_POOL, IMAGE(3, 7, 5), 3, 1, 1),
    POOL("max pool", SY_OP_MAX_POOL, IMAGE(3, 8, 6), 2, 2, 0),
    POOL("max pool odd", SY_OP_MAX_POOL, IMAGE(3, 7, 5), 2, 2, 0),
    POOL("max pool with padding", SY_OP_MAX_POOL, IMAGE(3, 7, 5), 3, 2, 1),
    POOL("max pool overlapping", SY_OP_MAX_POOL, IMAGE(3, 7, 5), 3, 1, 1),
    PLAIN("global avg pool", SY_OP_GLOBAL_AVG_POOL, IMAGE(6, 7, 5)),
    PLAIN("flatten", SY_OP_FLATTEN, IMAGE(6, 7, 5)),
    PLAIN("slice pad", SY_OP_SLICE_PAD, IMAGE(4, 7, 5), .stride = 2, .before = 2, .after = 3),
    PLAIN("slice pad even", SY_OP_SLICE_PAD, IMAGE(4, 8, 6), .stride = 2, .before = 2, .after = 2),
    PLAIN("slice pad channels only", SY_OP_SLICE_PAD, IMAGE(4, 7, 5), .stride = 1, .after = 4),
    PLAIN("dropout", SY_OP_DROPOUT, IMAGE(5, 7, 5), .evaluated = 1),
    PLAIN("dropout of a vector", SY_OP_DROPOUT, VECTOR(23), .evaluated = 1),
    PLAIN("softmax", SY_OP_SOFTMAX, VECTOR(21)),
    PLAIN("softmax of one", SY_OP_SOFTMAX, VECTOR(1)),
    PLAIN("softmax of a few", SY_OP_SOFTMAX, VECTOR(3), .spread = 12),
    PLAIN("multiply", SY_OP_MULTIPLY, IMAGE(5, 7, 5), .n_inputs = 2),
    PLAIN("multiply vectors", SY_OP_MULTIPLY, VECTOR(19), .n_inputs = 2),
    PLAIN("multiply with itself", SY_OP_MULTIPLY, IMAGE(5, 7, 5)),
    PLAIN("multiply by one channel", SY_OP_MULTIPLY, IMAGE(19, 7, 5), .n_inputs = 2, .single = 1),
    PLAIN("multiply by one feature", SY_OP_MULTIPLY, VECTOR(19), .n_inputs = 2, .single = 1),
    PLAIN("slice", SY_OP_SLICE, IMAGE(21, 7, 5), .first = 3, .channels = 17),
    PLAIN("slice the first", SY_OP_SLICE, IMAGE(5, 7, 5), .channels = 1),
    PLAIN("slice the last", SY_OP_SLICE, IMAGE(18, 7, 5), .first = 17, .channels = 1),
    PLAIN("slice a vector", SY_OP_SLICE, VECTOR(40), .first = 7, .channels = 20),
    PLAIN("dot", SY_OP_DOT, VECTOR(21), .n_inputs = 2),
    PLAIN("dot with itself", SY_OP_DOT, VECTOR(17)),
    PLAIN("l2 normalize", SY_OP_L2_NORMALIZE, VECTOR(21)),
    PLAIN("l2 normalize below eps", SY_OP_L2_NORMALIZE, VECTOR(6), .eps = 100),
    PLAIN("channel shuffle", SY_OP_CHANNEL_SHUFFLE, IMAGE(6, 7, 5), .groups = 3),
    PLAIN("channel shuffle of many", SY_OP_CHANNEL_SHUFFLE, IMAGE(38, 7, 5), .groups = 2),
    TRANSPOSED("3x3", IMAGE(5, 7, 5), 6, 3, 1, 1, 1, .bias = 1),
    TRANSPOSED("3x3 stride 2", IMAGE(17, 4, 3), 5, 3, 2, 1, 1, .bias = 1),
    TRANSPOSED("3x3 stride 2 with output padding", IMAGE(17, 4, 3), 5, 3, 2, 1, 1, .bias = 1, .output_padding = 1),
    TRANSPOSED("4x4 stride 2", IMAGE(3, 4, 3), 18, 4, 2, 1, 1),
    TRANSPOSED("2x2 stride 3 with gaps", IMAGE(3, 4, 3), 4, 2, 3, 0, 1, .bias = 1),
    TRANSPOSED("1x1", IMAGE(20, 4, 3), 17, 1, 1, 0, 1),
    TRANSPOSED("in groups", IMAGE(6, 4, 3), 9, 3, 2, 1, 3, .bias = 1),
    TRANSPOSED("in groups with output padding", IMAGE(6, 4, 3), 9, 2, 3, 0, 3, .output_padding = 2),
    GRAPH("attention", attention, VECTOR(19), .n_inputs = 3),
    GRAPH("gated branches", gated_branches, IMAGE(5, 7, 5)),
    GRAPH("residual block", residual_block, IMAGE(5, 7, 5)),
    GRAPH("inverted block", inverted_block, IMAGE(3, 7, 5)),
    GRAPH("many readers", many_readers, IMAGE(3, 7, 5)),
    GRAPH("joined", joined, IMAGE(3, 7, 5), .n_inputs = 2),
    GRAPH("odd outputs", odd_outputs, IMAGE(3, 7, 5)),
    GRAPH("nested sums", nested_sums, IMAGE(4, 7, 5), .n_inputs = 2),
    GRAPH("perceptron", perceptron, VECTOR(11)),
};
const size_t n_op_cases = sizeof op_cases / sizeof op_cases[0];

/* ---- building --------------------------------------------------------------------------------------------------- */

static int32_t append(const struct op_case *c, const struct sy_builder *b, const int32_t *in, int32_t n_inputs) {
    switch (c->kind) {
    case SY_OP_CONV2D:
        return sy_conv2d(b, in[0],
                         SY_CONV2D(.channels = c->channels, .kernel = c->kernel, .stride = c->stride,
                                   .padding = c->padding, .groups = c->groups, .bias = c->bias),
                         "conv");
    case SY_OP_LINEAR:
        return sy_linear(b, in[0], SY_LINEAR(.features = c->channels, .no_bias = !c->bias), "linear");
    case SY_OP_BATCH_NORM:
        return sy_batch_norm(b, in[0], SY_BATCH_NORM(.momentum = 0.3), "bn");
    case SY_OP_RELU:
        return sy_relu(b, in[0]);
    case SY_OP_RELU6:
        return sy_relu6(b, in[0]);
    case SY_OP_ADD:
        return sy_add(b, in[0], in[n_inputs - 1]);
    case SY_OP_CONCAT:
        return sy_concat(b, in, n_inputs);
    case SY_OP_AVG_POOL:
        return sy_avg_pool(b, in[0], c->kernel, c->stride, c->padding);
    case SY_OP_MAX_POOL:
        return sy_max_pool(b, in[0], c->kernel, c->stride, c->padding);
    case SY_OP_GLOBAL_AVG_POOL:
        return sy_global_avg_pool(b, in[0]);
    case SY_OP_FLATTEN:
        return sy_flatten(b, in[0]);
    case SY_OP_SLICE_PAD:
        return sy_slice_pad(b, in[0], c->stride, c->before, c->after);
    case SY_OP_SOFTMAX:
        return sy_softmax(b, in[0]);
    case SY_OP_MULTIPLY:
        return sy_multiply(b, in[0], in[n_inputs - 1]);
    case SY_OP_SLICE:
        return sy_slice(b, in[0], c->first, c->channels);
    case SY_OP_DOT:
        return sy_dot(b, in[0], in[n_inputs - 1]);
    case SY_OP_L2_NORMALIZE:
        return sy_l2_normalize(b, in[0], c->eps);
    case SY_OP_CHANNEL_SHUFFLE:
        return sy_channel_shuffle(b, in[0], c->groups);
    case SY_OP_TRANSPOSED_CONV2D:
        return sy_transposed_conv2d(b, in[0],
                                    SY_CONV2D(.channels = c->channels, .kernel = c->kernel, .stride = c->stride,
                                              .padding = c->padding, .groups = c->groups, .bias = c->bias,
                                              .output_padding = c->output_padding),
                                    "transposed");
    default:
        return sy_dropout(b, in[0], 0.3);
    }
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct op_case *op_case = self;
    (void)err;
    if (op_case->compose) {
        op_case->compose(b, in->inputs);
    } else {
        sy_output(b, append(op_case, b, in->inputs, in->n_inputs), "out");
    }
    return SY_OK;
}

const struct op_case *case_find(const char *name) {
    for (size_t i = 0; i < n_op_cases; i++) {
        if (!strcmp(op_cases[i].name, name)) {
            return &op_cases[i];
        }
    }
    cr_assert_fail("there is no case %s", name);
    return NULL;
}

struct sy_built_graph *case_build(const struct op_case *op_case) {
    struct sy_error err = {.size = sizeof err};
    struct sy_shape shapes[] = {op_case->in, op_case->in, op_case->in};
    int32_t n_inputs = op_case->n_inputs ? op_case->n_inputs : 1;
    if (op_case->single) {
        shapes[n_inputs - 1].dim[0] = 1;
    }
    struct sy_built_graph *built = sy_graph_build_with(build, op_case, shapes, n_inputs, 3, &err);
    cr_assert_not_null(built, "%s: %s", op_case->name, err.text);
    return built;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

double case_longest_sum(const struct sy_graph *graph, int32_t batch) {
    double longest = 1;
    for (int32_t i = 0; i < graph->n_ops; i++) {
        const struct sy_op *op = graph->ops[i];
        const struct sy_shape *in = &graph->values[op->inputs[0]], *out = &graph->values[op->output];
        double kernel = (double)op->kernel * op->kernel;
        if (op->kind == SY_OP_CONV2D || op->kind == SY_OP_TRANSPOSED_CONV2D) {
            longest = larger(longest, kernel * larger(in->dim[0], out->dim[0]) / op->groups);
        }
        if (op->kind == SY_OP_LINEAR) {
            longest = larger(longest, larger(in->dim[0], out->dim[0]));
        }
        if (op->kind == SY_OP_DOT || op->kind == SY_OP_SOFTMAX || op->kind == SY_OP_L2_NORMALIZE) {
            longest = larger(longest, in->dim[0]);
        }
        longest = larger(longest, (double)batch * out->dim[1] * out->dim[2]);
    }
    return longest;
}

int32_t case_least_batch(const struct sy_graph *graph) {
    for (int32_t i = 0; i < graph->n_ops; i++) {
        const struct sy_shape *out = &graph->values[graph->ops[i]->output];
        if (graph->ops[i]->kind == SY_OP_BATCH_NORM && out->dim[1] * out->dim[2] == 1) {
            return 8; /* a few values may happen to be nearly equal, and then nothing is smooth */
        }
    }
    return 1;
}
