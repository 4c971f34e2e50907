/* graph_prune.c - a graph without the operators that nothing asked for depends on. */
#include "graph_builder.h"

#include <stdbool.h>
#include <string.h>

#include "memory.h"

/* What is kept, and the new number of it: -1 where it goes. */
struct renumbering {
    int32_t *op, *value;
};

/* Marks (with 0) the values the outputs need and the operators that make them, last to first. */
static void mark(struct renumbering *kept, const struct sy_graph *graph, const int32_t *outputs, int32_t n_outputs) {
    memset(kept->op, -1, (size_t)graph->n_ops * sizeof *kept->op);
    memset(kept->value, -1, (size_t)graph->n_values * sizeof *kept->value);
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        kept->value[graph->inputs[i]] = 0;
    }
    for (int32_t i = 0; i < n_outputs; i++) {
        kept->value[graph->outputs[outputs[i]]->value] = 0;
    }
    for (int32_t i = graph->n_ops - 1; i >= 0; i--) {
        const struct sy_op *op = graph->ops[i];
        if (kept->value[op->output] < 0) {
            continue;
        }
        kept->op[i] = 0;
        for (int32_t k = 0; k < op->n_inputs; k++) {
            kept->value[op->inputs[k]] = 0;
        }
    }
}

static int32_t renumber(int32_t *kept, int32_t count) {
    int32_t next = 0;
    for (int32_t i = 0; i < count; i++) {
        kept[i] = kept[i] < 0 ? -1 : next++;
    }
    return next;
}

static bool copy_ops(struct sy_graph *out, const struct sy_graph *graph, const struct renumbering *kept,
                     struct sy_graph_memory *memory) {
    const struct sy_op **list = sy_graph_memory_take(memory, (size_t)out->n_ops, sizeof *list);
    for (int32_t i = 0; list && i < graph->n_ops; i++) {
        if (kept->op[i] < 0) {
            continue;
        }
        struct sy_op *op = sy_graph_memory_take(memory, 1, sizeof *op);
        int32_t *inputs = sy_graph_memory_take(memory, (size_t)graph->ops[i]->n_inputs, sizeof *inputs);
        if (!op || !inputs) {
            return false;
        }
        *op = *graph->ops[i];
        for (int32_t k = 0; k < op->n_inputs; k++) {
            inputs[k] = kept->value[op->inputs[k]];
        }
        op->inputs = inputs;
        op->output = kept->value[op->output];
        list[kept->op[i]] = op;
    }
    out->ops = list;
    return list;
}

static bool copy_params(struct sy_graph *out, const struct sy_graph *graph, const struct renumbering *kept,
                        struct sy_graph_memory *memory) {
    const struct sy_param **list = sy_graph_memory_take(memory, (size_t)graph->n_params, sizeof *list);
    for (int32_t i = 0; list && i < graph->n_params; i++) {
        struct sy_param *param = sy_graph_memory_take(memory, 1, sizeof *param);
        if (!param) {
            return false;
        }
        *param = *graph->params[i];
        param->op = param->op < 0 ? -1 : kept->op[param->op];
        list[i] = param;
    }
    out->params = list;
    return list;
}

static bool copy_values(struct sy_graph *out, const struct sy_graph *graph, const struct renumbering *kept,
                        struct sy_graph_memory *memory) {
    struct sy_shape *values = sy_graph_memory_take(memory, (size_t)out->n_values, sizeof *values);
    int32_t *inputs = sy_graph_memory_take(memory, (size_t)graph->n_inputs, sizeof *inputs);
    if (!values || !inputs) {
        return false;
    }
    for (int32_t i = 0; i < graph->n_values; i++) {
        if (kept->value[i] >= 0) {
            values[kept->value[i]] = graph->values[i];
        }
    }
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        inputs[i] = kept->value[graph->inputs[i]];
    }
    out->values = values;
    out->inputs = inputs;
    return true;
}

static bool copy_outputs(struct sy_graph *out, const struct sy_graph *graph, const struct renumbering *kept,
                         const int32_t *outputs, struct sy_graph_memory *memory) {
    const struct sy_output **list = sy_graph_memory_take(memory, (size_t)out->n_outputs, sizeof *list);
    for (int32_t i = 0; list && i < out->n_outputs; i++) {
        struct sy_output *output = sy_graph_memory_take(memory, 1, sizeof *output);
        if (!output) {
            return false;
        }
        *output = *graph->outputs[outputs[i]];
        output->value = kept->value[output->value];
        list[i] = output;
    }
    out->outputs = list;
    return list;
}

struct sy_built_graph *sy_graph_prune(const struct sy_graph *graph, const int32_t *outputs, int32_t n_outputs) {
    struct sy_graph_memory *memory = sy_graph_memory_create();
    if (!memory) {
        return NULL;
    }
    struct sy_built_graph *built = sy_graph_memory_take(memory, 1, sizeof *built);
    struct renumbering kept = {.op = sy_graph_memory_take(memory, (size_t)graph->n_ops, sizeof *kept.op),
                               .value = sy_graph_memory_take(memory, (size_t)graph->n_values, sizeof *kept.value)};
    if (!built || !kept.op || !kept.value) {
        goto fail;
    }
    mark(&kept, graph, outputs, n_outputs);
    built->memory = memory;
    built->graph = (struct sy_graph){.size = sizeof built->graph,
                                     .n_ops = renumber(kept.op, graph->n_ops),
                                     .n_values = renumber(kept.value, graph->n_values),
                                     .n_params = graph->n_params,
                                     .n_inputs = graph->n_inputs,
                                     .n_outputs = n_outputs};
    if (!copy_ops(&built->graph, graph, &kept, memory) || !copy_params(&built->graph, graph, &kept, memory) ||
        !copy_values(&built->graph, graph, &kept, memory) ||
        !copy_outputs(&built->graph, graph, &kept, outputs, memory)) {
        goto fail;
    }
    return built;
fail:
    sy_graph_memory_destroy(memory);
    return NULL;
}
