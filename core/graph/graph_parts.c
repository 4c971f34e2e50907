/* graph_parts.c - see graph_parts.h. */
#include "graph_parts.h"

#include <stdlib.h>
#include <string.h>

struct sy_building *sy_building_create(struct sy_error *err) {
    struct sy_building *building = calloc(1, sizeof *building);
    if (!building) {
        sy_fail(err, SY_ENOMEM, "no memory for the graph");
        return NULL;
    }
    building->err = err;
    building->graph.size = sizeof building->graph;
    building->built.memory = building;
    return building;
}

void sy_building_destroy(struct sy_building *building) {
    if (!building) {
        return;
    }
    for (size_t i = 0; i < building->n_blocks; i++) {
        free(building->blocks[i]);
    }
    free(building->blocks);
    free(building->values);
    free(building->ops);
    free(building->params);
    free(building->outputs);
    free(building);
}

void sy_graph_destroy(struct sy_built_graph *built) {
    if (built) {
        sy_building_destroy(built->memory);
    }
}

void *sy_building_take(struct sy_building *building, size_t bytes) {
    if (building->n_blocks == building->room_blocks) {
        size_t room = building->room_blocks ? 2 * building->room_blocks : 64;
        void **blocks = realloc(building->blocks, room * sizeof *blocks);
        if (!blocks) {
            return NULL;
        }
        building->blocks = blocks;
        building->room_blocks = room;
    }
    void *block = calloc(1, bytes ? bytes : 1);
    if (block) {
        building->blocks[building->n_blocks++] = block;
    }
    return block;
}

char *sy_building_text(struct sy_building *building, const char *text) {
    size_t room = strlen(text) + 1;
    char *copy = sy_building_take(building, room);
    return copy ? memcpy(copy, text, room) : NULL;
}

void *sy_building_room(void *array, int32_t count, size_t bytes) {
    /* Full at 0 and at every power of two from 16. */
    if (count != 0 && (count < 16 || (count & (count - 1)) != 0)) {
        return array;
    }
    return realloc(array, (size_t)(count ? 2 * (int64_t)count : 16) * bytes);
}

int32_t sy_building_fail(struct sy_building *building, const char *name, const char *format, ...) {
    if (!building->failed) {
        char text[512];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        sy_fail(building->err, SY_EINVAL, "%s%s%s", name ? name : "", name ? ": " : "", text);
    }
    building->failed = true;
    return -1;
}

int32_t sy_building_out_of_memory(struct sy_building *building) {
    if (!building->failed) {
        sy_fail(building->err, SY_ENOMEM, "no memory for the graph");
    }
    building->failed = true;
    return -1;
}

int32_t sy_building_value(struct sy_building *building, int32_t rank, int32_t a, int32_t b, int32_t c) {
    struct sy_shape *values = sy_building_room(building->values, building->graph.n_values, sizeof *values);
    if (!values) {
        return sy_building_out_of_memory(building);
    }
    building->values = values;
    values[building->graph.n_values] = (struct sy_shape){rank, {a, b, c}};
    return building->graph.n_values++;
}

const struct sy_shape *sy_building_shape(struct sy_building *building, int32_t value, const char *name) {
    if (building->failed) {
        return NULL;
    }
    if (value < 0 || value >= building->graph.n_values) {
        sy_building_fail(building, name, "its input %d is no value of this graph; pass what an earlier call returned",
                         value);
        return NULL;
    }
    return &building->values[value];
}

const struct sy_shape *sy_building_image(struct sy_building *building, int32_t value, const char *name) {
    const struct sy_shape *shape = sy_building_shape(building, value, name);
    if (shape && shape->rank != 3) {
        sy_building_fail(building, name, "needs an image (channels, height, width), its input is a vector of %d",
                         shape->dim[0]);
        return NULL;
    }
    return shape;
}

const struct sy_shape *sy_building_vector(struct sy_building *building, int32_t value, const char *name) {
    const struct sy_shape *shape = sy_building_shape(building, value, name);
    if (shape && shape->rank != 1) {
        sy_building_fail(building, name,
                         "needs a vector, its input is an image of %d x %d x %d; flatten or pool it first",
                         shape->dim[0], shape->dim[1], shape->dim[2]);
        return NULL;
    }
    return shape;
}

struct sy_op *sy_building_op(struct sy_building *building, int32_t kind, const char *name, const int32_t *inputs,
                             int32_t n_inputs, const struct sy_shape *shape) {
    char made_up[64];
    if (building->failed) {
        return NULL;
    }
    if (!name) {
        snprintf(made_up, sizeof made_up, "%s%d", sy_op_kind_name(kind), ++building->unnamed[kind]);
        name = made_up;
    } else if (!name[0] || strlen(name) >= SY_NAME_ROOM - 1) {
        sy_building_fail(building, sy_op_kind_name(kind), "its name must have 1 to %d characters", SY_NAME_ROOM - 2);
        return NULL;
    }
    if ((double)shape->dim[0] * shape->dim[1] * shape->dim[2] > INT32_MAX) {
        sy_building_fail(building, name, "%d x %d x %d elements of output are too many, at most %d", shape->dim[0],
                         shape->dim[1], shape->dim[2], INT32_MAX);
        return NULL;
    }
    struct sy_op *op = sy_building_take(building, sizeof *op);
    int32_t *copy = sy_building_take(building, (size_t)n_inputs * sizeof *copy);
    char *text = sy_building_text(building, name);
    struct sy_op **ops = sy_building_room(building->ops, building->graph.n_ops, sizeof *ops);
    building->ops = ops ? ops : building->ops;
    if (!op || !copy || !text || !ops) {
        sy_building_out_of_memory(building);
        return NULL;
    }
    memcpy(copy, inputs, (size_t)n_inputs * sizeof *copy);
    *op = (struct sy_op){.size = sizeof *op,
                         .kind = kind,
                         .name = text,
                         .inputs = copy,
                         .n_inputs = n_inputs,
                         .param = {-1, -1, -1, -1},
                         .kernel = 1,
                         .stride = 1,
                         .groups = 1};
    op->output = sy_building_value(building, shape->rank, shape->dim[0], shape->dim[1], shape->dim[2]);
    if (op->output < 0) {
        return NULL;
    }
    building->ops[building->graph.n_ops++] = op;
    return op;
}

void sy_building_param(struct sy_building *building, struct sy_op *op, int32_t which, const char *suffix, int32_t role,
                       const int64_t shape[4], int32_t rank, struct sy_init init) {
    char name[SY_NAME_ROOM + 32];
    if (building->failed) {
        return;
    }
    snprintf(name, sizeof name, "%s.%s", op->name, suffix);
    for (int32_t i = 0; i < building->graph.n_params; i++) {
        if (!strcmp(building->params[i]->name, name)) {
            sy_building_fail(building, op->name, "there is already a parameter %s; give each operator its own name",
                             name);
            return;
        }
    }
    struct sy_param *param = sy_building_take(building, sizeof *param);
    char *text = sy_building_text(building, name);
    struct sy_param **params = sy_building_room(building->params, building->graph.n_params, sizeof *params);
    building->params = params ? params : building->params;
    if (!param || !text || !params) {
        sy_building_out_of_memory(building);
        return;
    }
    *param = (struct sy_param){
        .size = sizeof *param, .role = role, .name = text, .rank = rank, .op = building->graph.n_ops - 1, .init = init};
    memcpy(param->shape, shape, sizeof param->shape);
    op->param[which] = building->graph.n_params;
    building->params[building->graph.n_params++] = param;
}

void sy_building_fans(struct sy_building *building, const struct sy_op *op, int64_t fan_in, int64_t fan_out) {
    for (int32_t k = 0; !building->failed && k < SY_OP_PARAMS; k++) {
        if (op->param[k] >= 0) {
            building->params[op->param[k]]->fan_in = fan_in;
            building->params[op->param[k]]->fan_out = fan_out;
        }
    }
}

bool sy_building_output(struct sy_building *building, int32_t value, const char *name) {
    struct sy_output *output = sy_building_take(building, sizeof *output);
    char *text = sy_building_text(building, name);
    struct sy_output **outputs = sy_building_room(building->outputs, building->graph.n_outputs, sizeof *outputs);
    building->outputs = outputs ? outputs : building->outputs;
    if (!output || !text || !outputs) {
        return false;
    }
    *output = (struct sy_output){.size = sizeof *output, .value = value, .name = text};
    building->outputs[building->graph.n_outputs++] = output;
    return true;
}

struct sy_built_graph *sy_building_done(struct sy_building *building, const int32_t *inputs, int32_t n_inputs) {
    struct sy_graph *graph = &building->graph;
    graph->n_inputs = n_inputs;
    graph->inputs = inputs;
    graph->values = building->values;
    graph->ops = (const struct sy_op *const *)building->ops;
    graph->params = (const struct sy_param *const *)building->params;
    graph->outputs = (const struct sy_output *const *)building->outputs;
    building->built.graph = *graph;
    return &building->built;
}
