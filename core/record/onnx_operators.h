/* onnx_operators.h - one operator of a graph as nodes of an ONNX graph; the inside of onnx.h. */
#ifndef SY_RECORD_ONNX_OPERATORS_H
#define SY_RECORD_ONNX_OPERATORS_H

#include <switchyard/error.h>
#include <switchyard/graph.h>

#include "protobuf.h"

#define SY_ONNX_NAME_ROOM 160

enum { SY_ONNX_FLOAT = 1, SY_ONNX_INT64 = 7 }; /* TensorProto.DataType */

/* A GraphProto in the making. */
struct sy_onnx_target {
    const struct sy_graph *graph; /* where the operators are from */
    struct sy_protobuf *nodes;
    uint32_t node_field, initializer_field;
};

/* "value7", and "input", "input1", ... for what comes from outside; returns `out`, of SY_ONNX_NAME_ROOM. */
const char *sy_onnx_value_name(char *out, const struct sy_graph *graph, int32_t value);

/* Appends a TensorProto. */
void sy_onnx_tensor(struct sy_protobuf *out, uint32_t field, const char *name, int32_t type, const int64_t *shape,
                    int32_t rank, const void *data);

/* Appends the nodes and constants of an operator; its parameters are initializers of their own names, put in elsewhere.
 * SY_ENOTSUP where ONNX has no form for it. */
int sy_onnx_operator(struct sy_onnx_target *target, const struct sy_op *op, struct sy_error *err);
void sy_onnx_identity(struct sy_onnx_target *target, const char *from, const char *to);

#endif
