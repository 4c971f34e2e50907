/* graph_parts.h - a graph while it is being built: growing arrays in memory that is freed at once. */
#ifndef SY_GRAPH_PARTS_H
#define SY_GRAPH_PARTS_H

#include <stdbool.h>

#include "graph_builder.h"

struct sy_building {
    struct sy_built_graph built; /* what becomes of it */
    struct sy_graph graph;       /* its counts, while it grows */
    struct sy_shape *values;
    struct sy_op **ops;
    struct sy_param **params;
    struct sy_output **outputs;
    int32_t unnamed[SY_OP_KINDS]; /* operators of each kind that had no name */
    bool failed;
    struct sy_error *err;
    void **blocks; /* everything taken */
    size_t n_blocks, room_blocks;
};

/* NULL and err when memory is used up. */
struct sy_building *sy_building_create(struct sy_error *err);
void sy_building_destroy(struct sy_building *building);
/* Zeroed memory that lives as long as the graph; NULL when memory is used up. */
void *sy_building_take(struct sy_building *building, size_t bytes);
char *sy_building_text(struct sy_building *building, const char *text);
/* Makes room for one more element in an array of `count`. */
bool sy_building_room(struct sy_building *building, void **array, int32_t count, size_t bytes);
/* Appends an output. */
bool sy_building_output(struct sy_building *building, int32_t value, const char *name);
/* The finished graph, owning all memory; `inputs` was taken from the building. */
struct sy_built_graph *sy_building_done(struct sy_building *building, const int32_t *inputs, int32_t n_inputs);

#endif
