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
