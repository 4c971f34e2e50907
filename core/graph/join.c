/* join.c - see join.h. */
#include "join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_parts.h"

/* The joined graph in the making. */
struct joining {
    struct sy_building *building;
    const struct sy_join_part *parts;
    int32_t **values; /* per part: which value of the joined graph each of its values is */
    int32_t image;    /* the joined graph's input; -1 until the first part that asks for it */
};

static const char *prefixed(struct joining *joining, const struct sy_join_part *part, const char *name) {
    size_t room = strlen(part->name) + strlen(name) + 2;
    char *text = sy_building_take(joining->building, room);
    if (text) {
        snprintf(text, room, "%s.%s", part->name, name);
    }
    return text;
}

/* The value that feeds input k of a part. */
static int32_t feed(struct joining *joining, int32_t p, int32_t k) {
    const struct sy_join_part *part = &joining->parts[p];
    const struct sy_join_feed *from = &part->feeds[k];
    if (from->part >= 0) {
        return joining->values[from->part][joining->parts[from->part].graph->outputs[from->output]->value];
    }
    if (joining->image < 0) {
        const struct sy_shape *shape = &part->graph->values[part->graph->inputs[k]];
        joining->image = sy_building_value(joining->building, shape->rank, shape->dim[0], shape->dim[1], shape->dim[2]);
    }
    return joining->image;
}

/* A value for each of the part's: its inputs are others' outputs, the rest are new. */
static bool join_values(struct joining *joining, int32_t p) {
    const struct sy_graph *graph = joining->parts[p].graph;
    int32_t *values = sy_building_take(joining->building, (size_t)graph->n_values * sizeof *values);
    joining->values[p] = values;
    for (int32_t i = 0; values && i < graph->n_values; i++) {
        values[i] = -1;
    }
    for (int32_t k = 0; values && k < graph->n_inputs; k++) {
        values[graph->inputs[k]] = feed(joining, p, k);
    }
    for (int32_t i = 0; values && i < graph->n_values; i++) {
        const struct sy_shape *shape = &graph->values[i];
        if (values[i] < 0) {
            values[i] = sy_building_value(joining->building, shape->rank, shape->dim[0], shape->dim[1], shape->dim[2]);
        }
    }
    return values && !joining->building->failed;
}

static bool join_ops(struct joining *joining, int32_t p, int32_t first_param) {
    struct sy_building *building = joining->building;
    const struct sy_graph *graph = joining->parts[p].graph;
    const int32_t *values = joining->values[p];
    for (int32_t i = 0; i < graph->n_ops; i++) {
        struct sy_op *op = sy_building_take(building, sizeof *op);
        struct sy_op **ops = sy_building_room(building->ops, building->graph.n_ops, sizeof *ops);
        int32_t *inputs = sy_building_take(building, (size_t)graph->ops[i]->n_inputs * sizeof *inputs);
        building->ops = ops ? ops : building->ops;
        if (!op || !ops || !inputs) {
            return false;
        }
        *op = *graph->ops[i];
        for (int32_t k = 0; k < op->n_inputs; k++) {
            inputs[k] = values[op->inputs[k]];
        }
        for (int32_t k = 0; k < SY_OP_PARAMS; k++) {
            op->param[k] += op->param[k] >= 0 ? first_param : 0;
        }
        op->inputs = inputs;
        op->output = values[op->output];
        op->name = prefixed(joining, &joining->parts[p], op->name);
        building->ops[building->graph.n_ops++] = op;
        if (!op->name) {
            return false;
        }
    }
    return true;
}

static bool join_params(struct joining *joining, int32_t p, int32_t first_op) {
    struct sy_building *building = joining->building;
    const struct sy_graph *graph = joining->parts[p].graph;
    for (int32_t i = 0; i < graph->n_params; i++) {
        struct sy_param *param = sy_building_take(building, sizeof *param);
        struct sy_param **params = sy_building_room(building->params, building->graph.n_params, sizeof *params);
        building->params = params ? params : building->params;
        if (!param || !params) {
            return false;
        }
        *param = *graph->params[i];
        param->op += param->op >= 0 ? first_op : 0;
        param->name = prefixed(joining, &joining->parts[p], param->name);
        building->params[building->graph.n_params++] = param;
        if (!param->name) {
            return false;
        }
    }
    return true;
}

struct sy_built_graph *sy_graph_join(const struct sy_join_part *parts, int32_t n_parts, struct sy_error *err) {
    struct joining joining = {.building = sy_building_create(err), .parts = parts, .image = -1};
    struct sy_building *building = joining.building;
    if (!building) {
        return NULL;
    }
    joining.values = sy_building_take(building, (size_t)n_parts * sizeof *joining.values);
    int32_t *inputs = sy_building_take(building, sizeof *inputs);
    bool good = joining.values && inputs;
    for (int32_t p = 0; p < n_parts && good; p++) {
        int32_t first_op = building->graph.n_ops, first_param = building->graph.n_params;
        good = join_values(&joining, p) && join_ops(&joining, p, first_param) && join_params(&joining, p, first_op);
    }
    const struct sy_graph *last = parts[n_parts - 1].graph;
    for (int32_t k = 0; k < last->n_outputs && good; k++) {
        good =
            sy_building_output(building, joining.values[n_parts - 1][last->outputs[k]->value], last->outputs[k]->name);
    }
    if (!good || building->failed) {
        sy_building_out_of_memory(building);
        sy_building_destroy(building);
        return NULL;
    }
    inputs[0] = joining.image;
    return sy_building_done(building, inputs, joining.image >= 0);
}
