/* prune.c - a graph with fewer outputs, and without the operators only the others needed. */
#include <string.h>

#include "graph_parts.h"

/* Marks every operator that some kept output depends on; operators are in topological order. */
static void mark(const struct sy_graph *graph, bool *value_needed, bool *op_needed) {
    for (int32_t i = graph->n_ops; i-- > 0;) {
        const struct sy_op *op = graph->ops[i];
        op_needed[i] = value_needed[op->output];
        for (int32_t k = 0; op_needed[i] && k < op->n_inputs; k++) {
            value_needed[op->inputs[k]] = true;
        }
    }
}

/* Copies the operators that are needed; values keep their numbers. */
static bool copy_ops(struct sy_building *building, const struct sy_graph *graph, const bool *op_needed,
                     int32_t *new_index) {
    for (int32_t i = 0; i < graph->n_ops; i++) {
        new_index[i] = -1;
        if (!op_needed[i]) {
            continue;
        }
        struct sy_op *op = sy_building_take(building, sizeof *op);
        struct sy_op **ops = sy_building_room(building->ops, building->graph.n_ops, sizeof *ops);
        building->ops = ops ? ops : building->ops;
        if (!op || !ops) {
            return false;
        }
        *op = *graph->ops[i]; /* names and inputs are the original's, which outlives the copy */
        new_index[i] = building->graph.n_ops;
        building->ops[building->graph.n_ops++] = op;
    }
    return true;
}

static bool copy_params(struct sy_building *building, const struct sy_graph *graph, const int32_t *new_index) {
    for (int32_t i = 0; i < graph->n_params; i++) {
        struct sy_param *param = sy_building_take(building, sizeof *param);
        struct sy_param **params = sy_building_room(building->params, i, sizeof *params);
        building->params = params ? params : building->params;
        if (!param || !params) {
            return false;
        }
        *param = *graph->params[i];
        param->op = param->op >= 0 ? new_index[param->op] : -1;
        building->params[building->graph.n_params++] = param;
    }
    return true;
}

static bool copy_values(struct sy_building *building, const struct sy_graph *graph) {
    for (int32_t i = 0; i < graph->n_values; i++) {
        struct sy_shape *values = sy_building_room(building->values, i, sizeof *values);
        if (!values) {
            return false;
        }
        building->values = values;
        building->values[i] = graph->values[i];
        building->graph.n_values++;
    }
    return true;
}

struct sy_built_graph *sy_graph_prune(const struct sy_graph *graph, const int32_t *outputs, int32_t n_outputs) {
    struct sy_building *building = sy_building_create(NULL);
    if (!building) {
        return NULL;
    }
    bool *value_needed = sy_building_take(building, (size_t)graph->n_values * sizeof *value_needed);
    bool *op_needed = sy_building_take(building, (size_t)graph->n_ops * sizeof *op_needed);
    int32_t *new_index = sy_building_take(building, (size_t)graph->n_ops * sizeof *new_index);
    bool good = value_needed && op_needed && new_index;
    for (int32_t i = 0; good && i < n_outputs; i++) {
        const struct sy_output *output = graph->outputs[outputs[i]];
        value_needed[output->value] = true;
        good = sy_building_output(building, output->value, output->name);
    }
    if (good) {
        mark(graph, value_needed, op_needed);
        good = copy_values(building, graph) && copy_ops(building, graph, op_needed, new_index) &&
               copy_params(building, graph, new_index);
    }
    if (!good) {
        sy_building_destroy(building);
        return NULL;
    }
    return sy_building_done(building, graph->inputs, graph->n_inputs);
}
