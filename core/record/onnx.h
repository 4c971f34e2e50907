/* onnx.h - a network for inference as an ONNX model: one file that other programs run.
 *
 * IR version 7, operator set 13 of the default domain. One input per input of the graph, float32, its first dimension
 * "batch" of any size; one output. Batch norm uses the running statistics, dropout passes its input on. */
#ifndef SY_RECORD_ONNX_H
#define SY_RECORD_ONNX_H

#include <switchyard/error.h>
#include <switchyard/graph.h>

/* Values of parameter `index` of the graph, float, in the shape of graph->params[index]; NULL: there are none. */
typedef const float *(*sy_onnx_values)(const void *context, int32_t index);

/* Writes output `output` (an index of graph->outputs) and the operators it needs, so that the file is there whole or not
 * at all. `name`: what the model is called. metadata: key, value, key, value, ..., NULL; or NULL. SY_ENOTSUP names an
 * operator that has no form in ONNX. */
int sy_onnx_write(const char *path, const char *name, const struct sy_graph *graph, int32_t output,
                  sy_onnx_values values, const void *context, const char *const *metadata, struct sy_error *err);

#endif
