/* join.h - several graphs that feed one another as one: a trunk and a branch on it become the network they are together. */
#ifndef SY_GRAPH_JOIN_H
#define SY_GRAPH_JOIN_H

#include "graph_builder.h"

/* Where an input of a part comes from. */
struct sy_join_feed {
    int32_t part;   /* an earlier part; -1: the joined graph's only input */
    int32_t output; /* of that part's graph */
};

struct sy_join_part {
    const char *name; /* in front of its operators' and parameters' names: "trunk" makes "trunk.conv1.weight" */
    const struct sy_graph *graph;
    const struct sy_join_feed *feeds; /* one per input of the graph */
};

/* The parts in their order, each after those that feed it; at least one of them is fed from outside. The outputs are the
 * last part's; parameters are in the order of the parts. Everything is copied. NULL and err when memory is used up. */
struct sy_built_graph *sy_graph_join(const struct sy_join_part *parts, int32_t n_parts, struct sy_error *err);

#endif
