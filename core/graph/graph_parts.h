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
/* An array of `count` elements, all added with this function, with room for one more: where it is from now on. NULL when
 * memory is used up; the array is then as before. */
void *sy_building_room(void *array, int32_t count, size_t bytes);
/* Notes the first mistake, "NAME: ..." where there is a name; later ones change nothing. Always -1. */
SY_PRINTF(3, 4)
int32_t sy_building_fail(struct sy_building *building, const char *name, const char *format, ...);
int32_t sy_building_out_of_memory(struct sy_building *building);
/* Appends a value; its number or -1. */
int32_t sy_building_value(struct sy_building *building, int32_t rank, int32_t a, int32_t b, int32_t c);
/* The shape of a value, or NULL after a mistake; image, vector: the other being a mistake. `name`: who asks. */
const struct sy_shape *sy_building_shape(struct sy_building *building, int32_t value, const char *name);
const struct sy_shape *sy_building_image(struct sy_building *building, int32_t value, const char *name);
const struct sy_shape *sy_building_vector(struct sy_building *building, int32_t value, const char *name);
/* Appends an operator with its output, of that shape; the caller fills in the rest. name NULL: one is made up. NULL after a
 * mistake. */
struct sy_op *sy_building_op(struct sy_building *building, int32_t kind, const char *name, const int32_t *inputs,
                             int32_t n_inputs, const struct sy_shape *shape);
/* Appends a parameter of the newest operator: NAME.suffix, at sy_op.param[which]. */
void sy_building_param(struct sy_building *building, struct sy_op *op, int32_t which, const char *suffix, int32_t role,
                       const int64_t shape[4], int32_t rank, struct sy_init init);
void sy_building_fans(struct sy_building *building, const struct sy_op *op, int64_t fan_in, int64_t fan_out);
/* Appends an output. */
bool sy_building_output(struct sy_building *building, int32_t value, const char *name);
/* The finished graph, owning all memory; `inputs` was taken from the building. */
struct sy_built_graph *sy_building_done(struct sy_building *building, const int32_t *inputs, int32_t n_inputs);

#endif
