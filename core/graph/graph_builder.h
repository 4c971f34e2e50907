/* graph_builder.h - from a network plugin to a checked graph: the builder's functions, shape inference, and the figures
 * that follow from shapes alone. */
#ifndef SY_GRAPH_BUILDER_H
#define SY_GRAPH_BUILDER_H

#include <stdbool.h>

#include <switchyard/network.h>
#include <switchyard/rng.h>

/* A graph and its memory. */
struct sy_built_graph {
    struct sy_graph graph;
    void *memory; /* the builder's */
};

/* Builds the graph of a network. `inputs`: shapes of what feeds it. NULL and err after a mistake: one of the plugin's,
 * or shapes that do not fit, with the operator's name. */
struct sy_built_graph *sy_graph_build(const struct sy_network_ops *ops, const void *self, const struct sy_shape *inputs,
                                      int32_t n_inputs, int32_t classes, struct sy_error *err);
/* The same from a function, for tests. */
struct sy_built_graph *sy_graph_build_with(int (*build)(const void *self, const struct sy_builder *builder,
                                                        const struct sy_network_in *in, struct sy_error *err),
                                           const void *self, const struct sy_shape *inputs, int32_t n_inputs,
                                           int32_t classes, struct sy_error *err);
void sy_graph_destroy(struct sy_built_graph *built);

/* Index of an output by name, -1 if there is none. */
int32_t sy_graph_output(const struct sy_graph *graph, const char *name);

/* Whether some operator reads a value, or it is an output. */
bool sy_graph_reads(const struct sy_graph *graph, int32_t value);

/* A copy of the graph that has only the outputs named and the operators these need; every parameter stays (unused ones
 * too: they are part of the network's weights). The original must outlive it. NULL when memory is used up. */
struct sy_built_graph *sy_graph_prune(const struct sy_graph *graph, const int32_t *outputs, int32_t n_outputs);

/* Elements of trainable parameters. */
int64_t sy_graph_parameter_count(const struct sy_graph *graph);
/* Multiply-adds of one sample's forward pass: convolutions, linear layers and dot products. */
int64_t sy_graph_multiply_adds(const struct sy_graph *graph);
int64_t sy_op_multiply_adds(const struct sy_graph *graph, const struct sy_op *op);
/* Multiply-adds of one sample's training step: forward, and backward with respect to weights and, where some parameter
 * or an input whose gradient is asked for lies behind them, to inputs. Bit k of `input_gradients`: that of input k is; 0
 * for a network that looks at images. */
int64_t sy_graph_step_multiply_adds(const struct sy_graph *graph, uint32_t input_gradients);
/* Whether backward has to go on to an operator's inputs: some parameter lies behind one of them. */
bool sy_op_passes_gradient(const struct sy_graph *graph, const struct sy_op *op);
/* Name of an operator kind: "conv2d". */
const char *sy_op_kind_name(int32_t kind);

/* Initial value of a parameter, as graph.h's sy_init says; statistics are 0 (mean) and 1 (variance). `out` has the
 * parameter's element count. The numbers depend on (seed, node_key, index) only. */
void sy_param_initialise(float *out, const struct sy_graph *graph, int32_t index, uint64_t seed, uint32_t node_key);

#endif
