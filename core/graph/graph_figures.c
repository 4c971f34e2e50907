/* graph_figures.c - names and figures that follow from a graph alone. */
#include "graph_builder.h"

#include <string.h>

const char *sy_op_kind_name(int32_t kind) {
    static const char *const names[SY_OP_KINDS] = {
        [SY_OP_CONV2D] = "conv2d",         [SY_OP_LINEAR] = "linear",
        [SY_OP_BATCH_NORM] = "batch_norm", [SY_OP_RELU] = "relu",
        [SY_OP_RELU6] = "relu6",           [SY_OP_ADD] = "add",
        [SY_OP_CONCAT] = "concat",         [SY_OP_AVG_POOL] = "avg_pool",
        [SY_OP_MAX_POOL] = "max_pool",     [SY_OP_GLOBAL_AVG_POOL] = "global_avg_pool",
        [SY_OP_FLATTEN] = "flatten",       [SY_OP_SLICE_PAD] = "slice_pad",
        [SY_OP_DROPOUT] = "dropout",
    };
    return kind > 0 && kind < SY_OP_KINDS ? names[kind] : "unknown";
}

int32_t sy_graph_output(const struct sy_graph *graph, const char *name) {
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        if (strcmp(graph->outputs[i]->name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static int64_t element_count(const struct sy_param *param) {
    int64_t count = 1;
    for (int32_t i = 0; i < param->rank; i++) {
        count *= param->shape[i];
    }
    return count;
}

int64_t sy_graph_parameter_count(const struct sy_graph *graph) {
    int64_t count = 0;
    for (int32_t i = 0; i < graph->n_params; i++) {
        if (graph->params[i]->role == SY_TRAINABLE) {
            count += element_count(graph->params[i]);
        }
    }
    return count;
}

int64_t sy_op_multiply_adds(const struct sy_graph *graph, const struct sy_op *op) {
    if (op->kind != SY_OP_CONV2D && op->kind != SY_OP_LINEAR) {
        return 0;
    }
    /* Every weight is used once per pixel of the output. */
    const struct sy_shape *out = &graph->values[op->output];
    return element_count(graph->params[op->param[SY_WEIGHT]]) * out->dim[1] * out->dim[2];
}

int64_t sy_graph_multiply_adds(const struct sy_graph *graph) {
    int64_t sum = 0;
    for (int32_t i = 0; i < graph->n_ops; i++) {
        sum += sy_op_multiply_adds(graph, graph->ops[i]);
    }
    return sum;
}
