/* star.c - one hub teaches everybody else, who do not see each other. */
#include "links.h"

struct star {
    double to_parent, to_child;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct star, to_parent, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what the hub learns from a leaf"),
    SY_PARAM(struct star, to_child, .def = 1, .min = 0, .max = 1e6, .doc = "weight of what a leaf learns from the hub"),
    SY_END,
};

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct star *star = self;
    if (in->n_nodes < 2) {
        return sy_fail(err, SY_EINVAL, "needs two nodes at least; there is %d", in->n_nodes);
    }
    for (int32_t child = 1; child < in->n_nodes; child++) {
        link_pair(wiring, 0, child, &(struct pair_weights){star->to_parent, star->to_child, 0});
    }
    return SY_OK;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(SY_TOPOLOGY, "star", struct star, .fields = fields, .ops = &ops,
          .doc = "the first node teaches all others, who do not learn from each other",
          .help = "The first node of the config is the hub, whatever the roles; it is paused when every leaf's gate "
                  "says expert.");
