/* onnx_operators.c - see onnx_operators.h. */
#include "onnx_operators.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* NodeProto */
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_KIND = 4, NODE_ATTRIBUTE = 5 };
/* AttributeProto, and its types */
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT = 2, ATTRIBUTE_INT = 3, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { IS_FLOAT = 1, IS_INT = 2, IS_INTS = 7 };
/* TensorProto */
enum { TENSOR_DIM = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_BYTES = 9 };

const char *sy_onnx_value_name(char *out, const struct sy_graph *graph, int32_t value) {
    for (int32_t k = 0; k < graph->n_inputs; k++) {
        if (graph->inputs[k] == value) {
            snprintf(out, SY_ONNX_NAME_ROOM, "input%.0d", k);
            return out;
        }
    }
    snprintf(out, SY_ONNX_NAME_ROOM, "value%d", value);
    return out;
}

void sy_onnx_tensor(struct sy_protobuf *out, uint32_t field, const char *name, int32_t type, const int64_t *shape,
                    int32_t rank, const void *data) {
    struct sy_protobuf tensor = {0};
    size_t count = 1;
    for (int32_t d = 0; d < rank; d++) {
        sy_protobuf_integer(&tensor, TENSOR_DIM, shape[d]);
        count *= (size_t)shape[d];
    }
    sy_protobuf_integer(&tensor, TENSOR_TYPE, type);
    sy_protobuf_text(&tensor, TENSOR_NAME, name);
    sy_protobuf_bytes(&tensor, TENSOR_BYTES, data, count * (type == SY_ONNX_FLOAT ? sizeof(float) : sizeof(int64_t)));
    sy_protobuf_message(out, field, &tensor);
}

/* ---- a node, piece by piece -------------------------------------------------------------------------------------- */

struct node {
    struct sy_protobuf message;
    struct sy_onnx_target *target;
};

static struct node begin(struct sy_onnx_target *target, const char *kind, const char *name) {
    struct node node = {.target = target};
    sy_protobuf_text(&node.message, NODE_NAME, name);
    sy_protobuf_text(&node.message, NODE_KIND, kind);
    return node;
}

static void put_input(struct node *node, const char *name) {
    sy_protobuf_text(&node->message, NODE_INPUT, name);
}

static void put_value_input(struct node *node, int32_t value) {
    char name[SY_ONNX_NAME_ROOM];
    put_input(node, sy_onnx_value_name(name, node->target->graph, value));
}

static void put_parameter(struct node *node, const struct sy_op *op, int32_t which) {
    if (op->param[which] >= 0) {
        put_input(node, node->target->graph->params[op->param[which]]->name);
    }
}

static void put_int(struct node *node, const char *name, int64_t value) {
    struct sy_protobuf attribute = {0};
    sy_protobuf_text(&attribute, ATTRIBUTE_NAME, name);
    sy_protobuf_integer(&attribute, ATTRIBUTE_INT, value);
    sy_protobuf_integer(&attribute, ATTRIBUTE_TYPE, IS_INT);
    sy_protobuf_message(&node->message, NODE_ATTRIBUTE, &attribute);
}

static void put_float(struct node *node, const char *name, double value) {
    struct sy_protobuf attribute = {0};
    sy_protobuf_text(&attribute, ATTRIBUTE_NAME, name);
    sy_protobuf_float(&attribute, ATTRIBUTE_FLOAT, (float)value);
    sy_protobuf_integer(&attribute, ATTRIBUTE_TYPE, IS_FLOAT);
    sy_protobuf_message(&node->message, NODE_ATTRIBUTE, &attribute);
}

static void put_ints(struct node *node, const char *name, const int64_t *values, size_t count) {
    struct sy_protobuf attribute = {0};
    sy_protobuf_text(&attribute, ATTRIBUTE_NAME, name);
    for (size_t i = 0; i < count; i++) {
        sy_protobuf_integer(&attribute, ATTRIBUTE_INTS, values[i]);
    }
    sy_protobuf_integer(&attribute, ATTRIBUTE_TYPE, IS_INTS);
    sy_protobuf_message(&node->message, NODE_ATTRIBUTE, &attribute);
}

/* The same number for height and width, and for both ends where `ends` is 4. */
static void put_square(struct node *node, const char *name, int64_t value, size_t ends) {
    put_ints(node, name, (const int64_t[]){value, value, value, value}, ends);
}

static void end_as(struct node *node, const char *output) {
    sy_protobuf_text(&node->message, NODE_OUTPUT, output);
    sy_protobuf_message(node->target->nodes, node->target->node_field, &node->message);
}

static void end(struct node *node, const struct sy_op *op) {
    char name[SY_ONNX_NAME_ROOM];
    end_as(node, sy_onnx_value_name(name, node->target->graph, op->output));
}

/* An input that is a constant list: "OPERATOR.starts". */
static void put_constant(struct node *node, const struct sy_op *op, const char *what, int32_t type, const void *data,
                         int64_t count, int32_t rank) {
    char name[SY_ONNX_NAME_ROOM];
    snprintf(name, sizeof name, "%.120s.%s", op->name, what);
    sy_onnx_tensor(node->target->nodes, node->target->initializer_field, name, type, &count, rank, data);
    put_input(node, name);
}

static void put_integers(struct node *node, const struct sy_op *op, const char *what, const int64_t *values,
                         int64_t count) {
    put_constant(node, op, what, SY_ONNX_INT64, values, count, 1);
}

/* ---- operators --------------------------------------------------------------------------------------------------- */

/* A node whose inputs are the operator's. */
static struct node begin_plain(struct sy_onnx_target *target, const struct sy_op *op, const char *kind) {
    struct node node = begin(target, kind, op->name);
    for (int32_t k = 0; k < op->n_inputs; k++) {
        put_value_input(&node, op->inputs[k]);
    }
    return node;
}

/* What a transposed convolution's output has beyond what kernel, stride and padding make: below and to the right. */
static void put_output_padding(struct node *node, const struct sy_onnx_target *target, const struct sy_op *op) {
    const struct sy_shape *in = &target->graph->values[op->inputs[0]], *out = &target->graph->values[op->output];
    int64_t more[2];
    for (int d = 0; d < 2; d++) {
        int64_t made = ((int64_t)in->dim[1 + d] - 1) * op->stride - 2 * (int64_t)op->padding + op->kernel;
        more[d] = out->dim[1 + d] - made;
    }
    put_ints(node, "output_padding", more, 2);
}

/* "Conv", or "ConvTranspose" with PyTorch's layout of weights. */
static void put_convolution(struct sy_onnx_target *target, const struct sy_op *op, const char *kind) {
    struct node node = begin_plain(target, op, kind);
    put_parameter(&node, op, SY_WEIGHT);
    put_parameter(&node, op, SY_BIAS);
    put_square(&node, "kernel_shape", op->kernel, 2);
    put_square(&node, "strides", op->stride, 2);
    put_square(&node, "pads", op->padding, 4);
    put_int(&node, "group", op->groups);
    if (op->kind == SY_OP_TRANSPOSED_CONV2D) {
        put_output_padding(&node, target, op);
    }
    end(&node, op);
}

static void put_linear(struct sy_onnx_target *target, const struct sy_op *op) {
    struct node node = begin_plain(target, op, "Gemm");
    put_parameter(&node, op, SY_WEIGHT);
    put_parameter(&node, op, SY_BIAS);
    put_int(&node, "transB", 1);
    end(&node, op);
}

static void put_batch_norm(struct sy_onnx_target *target, const struct sy_op *op) {
    struct node node = begin_plain(target, op, "BatchNormalization");
    put_parameter(&node, op, SY_WEIGHT);
    put_parameter(&node, op, SY_BIAS);
    put_parameter(&node, op, SY_MEAN);
    put_parameter(&node, op, SY_VARIANCE);
    put_float(&node, "epsilon", op->eps);
    end(&node, op);
}

static void put_pool(struct sy_onnx_target *target, const struct sy_op *op, const char *kind) {
    struct node node = begin_plain(target, op, kind);
    put_square(&node, "kernel_shape", op->kernel, 2);
    put_square(&node, "strides", op->stride, 2);
    put_square(&node, "pads", op->padding, 4);
    if (op->kind == SY_OP_AVG_POOL) {
        put_int(&node, "count_include_pad", 1);
    }
    end(&node, op);
}

/* Flattening follows, since ours gives vectors. */
static void put_global_pool(struct sy_onnx_target *target, const struct sy_op *op) {
    char between[SY_ONNX_NAME_ROOM], flatten[SY_ONNX_NAME_ROOM];
    snprintf(between, sizeof between, "%.120s.mean", op->name);
    snprintf(flatten, sizeof flatten, "%.120s.flatten", op->name);
    struct node pool = begin_plain(target, op, "GlobalAveragePool");
    end_as(&pool, between);
    struct node node = begin(target, "Flatten", flatten);
    put_input(&node, between);
    end(&node, op);
}

static void put_relu6(struct sy_onnx_target *target, const struct sy_op *op) {
    static const float least = 0, most = 6;
    struct node node = begin_plain(target, op, "Clip");
    put_constant(&node, op, "least", SY_ONNX_FLOAT, &least, 1, 0);
    put_constant(&node, op, "most", SY_ONNX_FLOAT, &most, 1, 0);
    end(&node, op);
}

/* Every stride-th row and column, then channels of zeros before and after. */
static void put_slice_pad(struct sy_onnx_target *target, const struct sy_op *op) {
    char between[SY_ONNX_NAME_ROOM], pad[SY_ONNX_NAME_ROOM];
    const int64_t pads[] = {0, op->pad_before, 0, 0, 0, op->pad_after, 0, 0};
    snprintf(between, sizeof between, "%.120s.sliced", op->name);
    snprintf(pad, sizeof pad, "%.120s.pad", op->name);
    struct node slice = begin_plain(target, op, "Slice");
    put_integers(&slice, op, "starts", (const int64_t[]){0, 0}, 2);
    put_integers(&slice, op, "ends", (const int64_t[]){INT64_MAX, INT64_MAX}, 2);
    put_integers(&slice, op, "axes", (const int64_t[]){2, 3}, 2);
    put_integers(&slice, op, "steps", (const int64_t[]){op->stride, op->stride}, 2);
    end_as(&slice, between);
    struct node node = begin(target, "Pad", pad);
    put_input(&node, between);
    put_integers(&node, op, "pads", pads, 8);
    end(&node, op);
}

/* The sum of a product over the features, which stay as one. */
static void put_dot(struct sy_onnx_target *target, const struct sy_op *op) {
    static const int64_t axis = 1;
    char between[SY_ONNX_NAME_ROOM], sum[SY_ONNX_NAME_ROOM];
    snprintf(between, sizeof between, "%.120s.product", op->name);
    snprintf(sum, sizeof sum, "%.120s.sum", op->name);
    struct node product = begin_plain(target, op, "Mul");
    end_as(&product, between);
    struct node node = begin(target, "ReduceSum", sum);
    put_input(&node, between);
    put_integers(&node, op, "axes", &axis, 1);
    put_int(&node, "keepdims", 1);
    end(&node, op);
}

/* x / max(|x|, eps): ONNX's LpNormalization knows no eps. */
static void put_l2_normalize(struct sy_onnx_target *target, const struct sy_op *op) {
    char length[SY_ONNX_NAME_ROOM], bounded[SY_ONNX_NAME_ROOM], divide[SY_ONNX_NAME_ROOM];
    const int64_t axis = 1;
    const float eps = (float)op->eps;
    snprintf(length, sizeof length, "%.120s.length", op->name);
    snprintf(bounded, sizeof bounded, "%.120s.bounded", op->name);
    snprintf(divide, sizeof divide, "%.120s.divide", op->name);
    struct node norm = begin_plain(target, op, "ReduceL2");
    put_ints(&norm, "axes", &axis, 1);
    put_int(&norm, "keepdims", 1);
    end_as(&norm, length);
    struct node most = begin(target, "Max", bounded);
    put_input(&most, length);
    put_constant(&most, op, "eps", SY_ONNX_FLOAT, &eps, 1, 0);
    end_as(&most, bounded);
    struct node node = begin(target, "Div", divide);
    put_value_input(&node, op->inputs[0]);
    put_input(&node, bounded);
    end(&node, op);
}

/* So many channels from the first on. */
static void put_slice(struct sy_onnx_target *target, const struct sy_op *op) {
    static const int64_t axis = 1;
    const int64_t first = op->first, end_at = first + target->graph->values[op->output].dim[0];
    struct node node = begin_plain(target, op, "Slice");
    put_integers(&node, op, "starts", &first, 1);
    put_integers(&node, op, "ends", &end_at, 1);
    put_integers(&node, op, "axes", &axis, 1);
    end(&node, op);
}

/* The channels as a table, transposed. */
static void put_channel_shuffle(struct sy_onnx_target *target, const struct sy_op *op) {
    const struct sy_shape *shape = &target->graph->values[op->output];
    const int64_t channels = shape->dim[0], height = shape->dim[1], width = shape->dim[2];
    char table[SY_ONNX_NAME_ROOM], turned[SY_ONNX_NAME_ROOM], turn[SY_ONNX_NAME_ROOM], back[SY_ONNX_NAME_ROOM];
    snprintf(table, sizeof table, "%.120s.table", op->name);
    snprintf(turned, sizeof turned, "%.120s.turned", op->name);
    snprintf(turn, sizeof turn, "%.120s.turn", op->name);
    snprintf(back, sizeof back, "%.120s.back", op->name);
    /* 0 keeps the dimension, here the batch */
    struct node cut = begin_plain(target, op, "Reshape");
    put_integers(&cut, op, "rows", (const int64_t[]){0, op->groups, channels / op->groups, height, width}, 5);
    end_as(&cut, table);
    struct node transpose = begin(target, "Transpose", turn);
    put_input(&transpose, table);
    put_ints(&transpose, "perm", (const int64_t[]){0, 2, 1, 3, 4}, 5);
    end_as(&transpose, turned);
    struct node node = begin(target, "Reshape", back);
    put_input(&node, turned);
    put_integers(&node, op, "shape", (const int64_t[]){0, channels, height, width}, 4);
    end(&node, op);
}

static void put_plain(struct sy_onnx_target *target, const struct sy_op *op, const char *kind, int64_t axis) {
    struct node node = begin_plain(target, op, kind);
    if (axis >= 0) {
        put_int(&node, "axis", axis);
    }
    end(&node, op);
}

void sy_onnx_identity(struct sy_onnx_target *target, const char *from, const char *to) {
    struct node node = begin(target, "Identity", to);
    put_input(&node, from);
    end_as(&node, to);
}

/* Operators that are one node with no attribute but perhaps an axis; NULL: more is needed. */
static const char *plain_kind(int32_t kind, int64_t *axis) {
    enum { NO_AXIS = -1, CHANNELS = 1 };
    static const struct {
        int32_t kind;
        const char *name;
        int64_t axis;
    } plain[] = {
        {SY_OP_RELU, "Relu", NO_AXIS},        {SY_OP_ADD, "Add", NO_AXIS},          {SY_OP_CONCAT, "Concat", CHANNELS},
        {SY_OP_FLATTEN, "Flatten", CHANNELS}, {SY_OP_SOFTMAX, "Softmax", CHANNELS}, {SY_OP_MULTIPLY, "Mul", NO_AXIS},
        {SY_OP_DROPOUT, "Identity", NO_AXIS},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (plain[i].kind == kind) {
            *axis = plain[i].axis;
            return plain[i].name;
        }
    }
    return NULL;
}

int sy_onnx_operator(struct sy_onnx_target *target, const struct sy_op *op, struct sy_error *err) {
    int64_t axis;
    const char *plain = plain_kind(op->kind, &axis);
    if (plain) {
        put_plain(target, op, plain, axis);
        return SY_OK;
    }
    switch (op->kind) {
    case SY_OP_CONV2D:
        put_convolution(target, op, "Conv");
        return SY_OK;
    case SY_OP_TRANSPOSED_CONV2D:
        put_convolution(target, op, "ConvTranspose");
        return SY_OK;
    case SY_OP_CHANNEL_SHUFFLE:
        put_channel_shuffle(target, op);
        return SY_OK;
    case SY_OP_LINEAR:
        put_linear(target, op);
        return SY_OK;
    case SY_OP_BATCH_NORM:
        put_batch_norm(target, op);
        return SY_OK;
    case SY_OP_RELU6:
        put_relu6(target, op);
        return SY_OK;
    case SY_OP_AVG_POOL:
        put_pool(target, op, "AveragePool");
        return SY_OK;
    case SY_OP_MAX_POOL:
        put_pool(target, op, "MaxPool");
        return SY_OK;
    case SY_OP_GLOBAL_AVG_POOL:
        put_global_pool(target, op);
        return SY_OK;
    case SY_OP_SLICE_PAD:
        put_slice_pad(target, op);
        return SY_OK;
    case SY_OP_SLICE:
        put_slice(target, op);
        return SY_OK;
    case SY_OP_DOT:
        put_dot(target, op);
        return SY_OK;
    case SY_OP_L2_NORMALIZE:
        put_l2_normalize(target, op);
        return SY_OK;
    default:
        return sy_fail(err, SY_ENOTSUP, "operator %s has no form in ONNX here (kind %d)", op->name, op->kind);
    }
}
