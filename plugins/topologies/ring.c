/* ring.c - every node learns from its neighbours in the order of the config, the first from the last. */
#include "links.h"

struct ring {
    double weight;
    int32_t both_ways;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct ring, weight, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what a node learns from a neighbour"),
    SY_PARAM(struct ring, both_ways, .flags = SY_FLAG,
             .doc = "from the node after it, too, not only from the one before"),
    SY_END,
};

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct ring *ring = self;
    int32_t n = in->n_nodes;
    if (n < 3) {
        return sy_fail(err, SY_EINVAL, "needs three nodes at least; there are %d", n);
    }
    for (int32_t i = 0; i < n; i++) {
        link_nodes(wiring, (i + n - 1) % n, i, -1, SY_ALWAYS_OPEN, ring->weight);
        if (ring->both_ways) {
            link_nodes(wiring, (i + 1) % n, i, -1, SY_ALWAYS_OPEN, ring->weight);
        }
    }
    return SY_OK;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(SY_TOPOLOGY, "ring", struct ring, .fields = fields, .ops = &ops,
          .doc = "every node learns from the one before it, the first from the last",
          .help =
              "Mutual learning at a cost that grows with the number of nodes, not its square. Roles do not matter;\n"
              "no gates.");
