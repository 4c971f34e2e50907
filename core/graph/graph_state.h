/* graph_state.h - a graph while it is being built: what the builder's functions (operators.c, operators_weighted.c)
 * share. Errors stick: after the first every function here does nothing and returns -1. */
#ifndef SY_GRAPH_STATE_H
#define SY_GRAPH_STATE_H

#include <switchyard/network.h>

#include "memory.h"

struct sy_graph_state {
    struct sy_graph_memory *memory;
    struct sy_error err; /* the first mistake */
    struct sy_op **ops;
    struct sy_shape *values;
    struct sy_param **params;
    struct sy_output **outputs;
    int32_t n_ops, n_values, n_params, n_outputs;
    int32_t room_ops, room_values, room_params, room_outputs;
    int32_t n_unnamed[SY_OP_KINDS]; /* names given so far: "relu1", "relu2", ... */
};

/* Notes the first mistake; always -1. */
SY_PRINTF(3, 4)
int32_t sy_graph_fail(struct sy_graph_state *state, int code, const char *format, ...);
/* The same, with "NAME (KIND): " in front; "KIND: " where the name is empty or NULL. */
SY_PRINTF(4, 5)
int32_t sy_graph_fail_at(struct sy_graph_state *state, int32_t kind, const char *name, const char *format, ...);

/* "16 x 32 x 32" or "64 features". */
struct sy_shape_text {
    char at[64];
};
struct sy_shape_text sy_shape_words(const struct sy_shape *shape);

/* Appends a value of this shape; its index or -1. */
int32_t sy_graph_add_value(struct sy_graph_state *state, const struct sy_shape *shape);

/* The shape of an operand, or NULL after a mistake, this one included: x is not a value of the graph. */
const struct sy_shape *sy_graph_operand(struct sy_graph_state *state, int32_t kind, const char *name, int32_t x);

/* Appends an operator and the value it makes; NULL after a mistake. `name` NULL: one is found. Parameters are all -1. */
struct sy_op *sy_graph_add_op(struct sy_graph_state *state, int32_t kind, const char *name, const int32_t *inputs,
                              int32_t n_inputs, const struct sy_shape *shape);

/* Appends a parameter named OPERATOR.`suffix`; its index or -1. What it does not say of itself (shape, rank, fans, init)
 * comes from `like`. */
int32_t sy_graph_add_param(struct sy_graph_state *state, const struct sy_op *op, const char *suffix,
                           const struct sy_param *like);

int32_t sy_graph_add_output(struct sy_graph_state *state, int32_t x, const char *name);

/* Points the builder's functions at their implementations. */
void sy_builder_use_operators(struct sy_builder *builder);
void sy_builder_use_weighted(struct sy_builder *builder);

#endif
