/* onnx.c - see onnx.h. Field numbers are those of onnx.proto (ONNX 1.8), meanings those of its "Operators". */
#include "onnx.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "onnx_operators.h"
#include "protobuf.h"
#include "whole_file.h"

enum { IR_VERSION = 7, OPERATOR_SET = 13 };

/* ModelProto */
enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_GRAPH = 7, MODEL_SET = 8, MODEL_NOTE = 14 };
/* OperatorSetIdProto, StringStringEntryProto */
enum { SET_DOMAIN = 1, SET_VERSION = 2, NOTE_KEY = 1, NOTE_VALUE = 2 };
/* GraphProto */
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
/* ValueInfoProto and what is in it */
enum { INFO_NAME = 1, INFO_TYPE = 2, TYPE_TENSOR = 1, TENSOR_ELEMENT = 1, TENSOR_SHAPE = 2, SHAPE_DIM = 1 };
enum { DIM_VALUE = 1, DIM_NAME = 2 };

/* A tensor of the outside: float32, (batch, shape). */
static void put_value(struct sy_protobuf *graph, uint32_t field, const char *name, const struct sy_shape *shape) {
    struct sy_protobuf info = {0}, type = {0}, tensor = {0}, dims = {0};
    for (int32_t d = -1; d < shape->rank; d++) {
        struct sy_protobuf dim = {0};
        if (d < 0) {
            sy_protobuf_text(&dim, DIM_NAME, "batch");
        } else {
            sy_protobuf_integer(&dim, DIM_VALUE, shape->dim[d]);
        }
        sy_protobuf_message(&dims, SHAPE_DIM, &dim);
    }
    sy_protobuf_integer(&tensor, TENSOR_ELEMENT, SY_ONNX_FLOAT);
    sy_protobuf_message(&tensor, TENSOR_SHAPE, &dims);
    sy_protobuf_message(&type, TYPE_TENSOR, &tensor);
    sy_protobuf_text(&info, INFO_NAME, name);
    sy_protobuf_message(&info, INFO_TYPE, &type);
    sy_protobuf_message(graph, field, &info);
}

/* Marks the operators that the value needs, the last first; NULL when memory is used up. */
static bool *needed_operators(const struct sy_graph *graph, int32_t value) {
    bool *values = calloc((size_t)graph->n_values + 1, sizeof *values);
    bool *ops = calloc((size_t)graph->n_ops + 1, sizeof *ops);
    if (!values || !ops) {
        free(values);
        free(ops);
        return NULL;
    }
    values[value] = true;
    for (int32_t i = graph->n_ops - 1; i >= 0; i--) {
        const struct sy_op *op = graph->ops[i];
        ops[i] = values[op->output];
        for (int32_t k = 0; ops[i] && k < op->n_inputs; k++) {
            values[op->inputs[k]] = true;
        }
    }
    free(values);
    return ops;
}

static int put_parameters(struct sy_protobuf *out, const struct sy_graph *graph, const struct sy_op *op,
                          sy_onnx_values values, const void *context, struct sy_error *err) {
    for (int32_t p = 0; p < SY_OP_PARAMS; p++) {
        if (op->param[p] < 0) {
            continue;
        }
        const struct sy_param *param = graph->params[op->param[p]];
        const float *data = values(context, op->param[p]);
        if (!data) {
            return sy_fail(err, SY_EINVAL, "there are no values for parameter \"%s\"", param->name);
        }
        sy_onnx_tensor(out, GRAPH_INITIALIZER, param->name, SY_ONNX_FLOAT, param->shape, param->rank, data);
    }
    return SY_OK;
}

static int put_graph(struct sy_protobuf *model, const char *name, const struct sy_graph *graph, int32_t output,
                     sy_onnx_values values, const void *context, struct sy_error *err) {
    char value[SY_ONNX_NAME_ROOM];
    struct sy_protobuf out = {0};
    struct sy_onnx_target target = {
        .graph = graph, .nodes = &out, .node_field = GRAPH_NODE, .initializer_field = GRAPH_INITIALIZER};
    int32_t last = graph->outputs[output]->value;
    bool *needed = needed_operators(graph, last);
    int status = needed ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory to write the model");
    for (int32_t i = 0; i < graph->n_ops && status == SY_OK; i++) {
        if (needed[i]) {
            status = sy_onnx_operator(&target, graph->ops[i], err);
        }
    }
    /* The output under its own name. */
    sy_onnx_identity(&target, sy_onnx_value_name(value, graph, last), graph->outputs[output]->name);
    sy_protobuf_text(&out, GRAPH_NAME, name);
    for (int32_t i = 0; i < graph->n_ops && status == SY_OK; i++) {
        if (needed[i]) {
            status = put_parameters(&out, graph, graph->ops[i], values, context, err);
        }
    }
    for (int32_t k = 0; k < graph->n_inputs; k++) {
        put_value(&out, GRAPH_INPUT, sy_onnx_value_name(value, graph, graph->inputs[k]),
                  &graph->values[graph->inputs[k]]);
    }
    put_value(&out, GRAPH_OUTPUT, graph->outputs[output]->name, &graph->values[last]);
    sy_protobuf_message(model, MODEL_GRAPH, &out);
    free(needed);
    return status;
}

int sy_onnx_write(const char *path, const char *name, const struct sy_graph *graph, int32_t output,
                  sy_onnx_values values, const void *context, const char *const *metadata, struct sy_error *err) {
    struct sy_protobuf model = {0}, set = {0};
    struct sy_whole_file file;
    sy_protobuf_integer(&model, MODEL_IR, IR_VERSION);
    sy_protobuf_text(&model, MODEL_PRODUCER, "switchyard");
    sy_protobuf_text(&model, MODEL_PRODUCER_VERSION, SY_VERSION);
    int status = put_graph(&model, name, graph, output, values, context, err);
    sy_protobuf_text(&set, SET_DOMAIN, "");
    sy_protobuf_integer(&set, SET_VERSION, OPERATOR_SET);
    sy_protobuf_message(&model, MODEL_SET, &set);
    for (size_t i = 0; metadata && metadata[i]; i += 2) {
        struct sy_protobuf note = {0};
        sy_protobuf_text(&note, NOTE_KEY, metadata[i]);
        sy_protobuf_text(&note, NOTE_VALUE, metadata[i + 1]);
        sy_protobuf_message(&model, MODEL_NOTE, &note);
    }
    if (status == SY_OK && model.failed) {
        status = sy_fail(err, SY_ENOMEM, "no memory to write the model");
    }
    if (status == SY_OK) {
        status = sy_whole_file_begin(&file, path, err);
        if (status == SY_OK) {
            status = sy_whole_file_write(&file, model.at, model.size, err);
        }
        if (status == SY_OK) {
            status = sy_whole_file_commit(&file, err);
        }
        sy_whole_file_finish(&file);
    }
    sy_protobuf_finish(&model);
    return status;
}
