/* graph_builder.c - runs a network's build and hands over what it built. */
#include "graph_builder.h"

#include <stdbool.h>

#include "graph_state.h"

typedef int (*build_function)(const void *self, const struct sy_builder *builder, const struct sy_network_in *in,
                              struct sy_error *err);

/* The inputs become the graph's first values. NULL after a mistake. */
static int32_t *add_inputs(struct sy_graph_state *state, const struct sy_shape *shapes, int32_t count) {
    if (count < 1) {
        sy_graph_fail(state, SY_EINVAL, "a network has 1 or more inputs, not %d", (int)count);
        return NULL;
    }
    int32_t *values = sy_graph_memory_take(state->memory, (size_t)count, sizeof *values);
    if (!values) {
        sy_graph_fail(state, SY_ENOMEM, "memory for a graph is used up");
        return NULL;
    }
    for (int32_t i = 0; i < count; i++) {
        struct sy_shape shape = shapes[i];
        double elements = (double)shape.dim[0] * shape.dim[1] * shape.dim[2];
        bool flat = shape.rank == 1 && shape.dim[1] == 1 && shape.dim[2] == 1;
        if ((shape.rank != 3 && !flat) || shape.dim[0] < 1 || shape.dim[1] < 1 || shape.dim[2] < 1 ||
            elements > INT32_MAX) {
            sy_graph_fail(state, SY_EINVAL,
                          "input %d has rank %d and %d x %d x %d elements; it must be an image (rank 3) or features "
                          "(rank 1), at most %d elements",
                          (int)i, (int)shape.rank, (int)shape.dim[0], (int)shape.dim[1], (int)shape.dim[2], INT32_MAX);
            return NULL;
        }
        values[i] = sy_graph_add_value(state, &shape);
    }
    return state->err.code ? NULL : values;
}

static void run_build(struct sy_graph_state *state, build_function build, const void *self,
                      const struct sy_network_in *in) {
    struct sy_builder builder = {.size = sizeof builder, .graph = state};
    sy_builder_use_operators(&builder);
    sy_builder_use_weighted(&builder);
    struct sy_error err = {.size = sizeof err};
    int status = build(self, &builder, in, &err);
    /* A mistake in a call came before whatever the plugin made of it. */
    if (status != SY_OK) {
        sy_graph_fail(state, status < 0 ? status : SY_EINVAL, "%s",
                      err.code ? err.text : "its build failed and gave no reason");
    } else if (!state->n_outputs) {
        sy_graph_fail(state, SY_EINVAL, "it has no output; name one with sy_output, \"logits\"");
    }
}

static struct sy_built_graph *finish(struct sy_graph_state *state, const int32_t *inputs, int32_t n_inputs) {
    struct sy_built_graph *built = sy_graph_memory_take(state->memory, 1, sizeof *built);
    if (!built) {
        sy_graph_fail(state, SY_ENOMEM, "memory for a graph is used up");
        return NULL;
    }
    built->memory = state->memory;
    built->graph = (struct sy_graph){.size = sizeof built->graph,
                                     .n_ops = state->n_ops,
                                     .n_values = state->n_values,
                                     .n_params = state->n_params,
                                     .n_inputs = n_inputs,
                                     .n_outputs = state->n_outputs,
                                     .ops = (const struct sy_op *const *)state->ops,
                                     .values = state->values,
                                     .params = (const struct sy_param *const *)state->params,
                                     .inputs = inputs,
                                     .outputs = (const struct sy_output *const *)state->outputs};
    return built;
}

struct sy_built_graph *sy_graph_build_with(build_function build, const void *self, const struct sy_shape *inputs,
                                           int32_t n_inputs, int32_t classes, struct sy_error *err) {
    struct sy_graph_state state = {.memory = sy_graph_memory_create(), .err.size = sizeof state.err};
    struct sy_built_graph *built = NULL;
    if (!state.memory) {
        sy_fail(err, SY_ENOMEM, "memory for a graph is used up");
        return NULL;
    }
    if (classes < 1) {
        sy_graph_fail(&state, SY_ERANGE, "%d classes; there must be 1 or more", (int)classes);
    }
    int32_t *values = add_inputs(&state, inputs, n_inputs);
    if (values) {
        struct sy_network_in in = {.size = sizeof in, .classes = classes, .n_inputs = n_inputs, .inputs = values};
        run_build(&state, build, self, &in);
    }
    if (!state.err.code) {
        built = finish(&state, values, n_inputs);
    }
    if (!built) {
        sy_fail(err, state.err.code, "%s", state.err.text);
        sy_graph_memory_destroy(state.memory);
    }
    return built;
}

struct sy_built_graph *sy_graph_build(const struct sy_network_ops *ops, const void *self, const struct sy_shape *inputs,
                                      int32_t n_inputs, int32_t classes, struct sy_error *err) {
    return sy_graph_build_with(ops->build, self, inputs, n_inputs, classes, err);
}

void sy_graph_destroy(struct sy_built_graph *built) {
    if (built) {
        /* `built` lies in that memory itself. */
        sy_graph_memory_destroy(built->memory);
    }
}
