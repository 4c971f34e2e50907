/* chain.c - each node teaches the next one of the config. */
#include "links.h"

struct chain {
    double to_parent, to_child;
    int32_t inner;
};

static const struct sy_field fields[] = {
    PARENT_FIELDS(struct chain),
    SY_END,
};

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct chain *chain = self;
    if (in->n_nodes < 2) {
        return sy_fail(err, SY_EINVAL, "needs two nodes at least; there is %d", in->n_nodes);
    }
    for (int32_t child = 1; child < in->n_nodes; child++) {
        int32_t parent = child - 1;
        struct pair_weights weights = {
            .to_teacher = chain->to_parent, .to_student = chain->to_child, .closes_only = chain->inner && parent > 0};
        link_pair(wiring, parent, child, &weights);
    }
    return SY_OK;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(SY_TOPOLOGY, "chain", struct chain, .fields = fields, .ops = &ops,
          .doc = "each node teaches the next one, and learns from it unless its gate says expert",
          .help = "In the order of the config, whatever the roles: the first is the teacher of all.\n" INNER_HELP);
