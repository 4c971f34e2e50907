/* tree.c - a teacher of teachers: nodes hang on those before them in the config. */
#include "links.h"

struct tree {
    double to_parent, to_child;
    int32_t inner;
    int64_t branching;
};

static const struct sy_field fields[] = {
    PARENT_FIELDS(struct tree),
    SY_PARAM(struct tree, branching, .def = 2, .min = 1, .max = 1e6, .unit = "nodes",
             .doc = "children of a node: node i of the config (from 0) hangs on node (i - 1) / branching"),
    SY_END,
};

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct tree *tree = self;
    if (in->n_nodes < 2) {
        return sy_fail(err, SY_EINVAL, "needs two nodes at least; there is %d", in->n_nodes);
    }
    for (int32_t child = 1; child < in->n_nodes; child++) {
        int32_t parent = (int32_t)((child - 1) / tree->branching);
        struct pair_weights weights = {
            .to_teacher = tree->to_parent, .to_student = tree->to_child, .closes_only = tree->inner && parent > 0};
        link_pair(wiring, parent, child, &weights);
    }
    return SY_OK;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(SY_TOPOLOGY, "tree", struct tree, .fields = fields, .ops = &ops,
          .doc = "nodes in levels: each teaches its children and learns from them unless a gate says expert",
          .help = "In the order of the config, level by level, whatever the roles: the first is the root, the next "
                  "`branching` its\nchildren, and so on.\n" INNER_HELP);
