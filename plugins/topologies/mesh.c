/* mesh.c - everybody learns from everybody: Deep Mutual Learning of any number of networks. */
#include "links.h"

struct mesh {
    double weight;
    int32_t peer_norm;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct mesh, weight, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what a node learns from the others"),
    SY_PARAM(struct mesh, peer_norm, .choices = "none|mean", .def = PEER_MEAN,
             .doc = "mean: over the K - 1 others; none: their sum",
             .reference = "mean: Zhang et al., CVPR 2018, eq. 8; none: their released code"),
    SY_END,
};

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct mesh *mesh = self;
    if (in->n_nodes < 2) {
        return sy_fail(err, SY_EINVAL, "needs two nodes at least; there is %d", in->n_nodes);
    }
    for (int32_t target = 0; target < in->n_nodes; target++) {
        for (int32_t source = 0; source < in->n_nodes; source++) {
            if (source != target) {
                link_nodes(wiring, source, target, -1, SY_ALWAYS_OPEN,
                           peer_weight(mesh->weight, mesh->peer_norm, in->n_nodes - 1));
            }
        }
    }
    return SY_OK;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(SY_TOPOLOGY, "mesh", struct mesh, .fields = fields, .ops = &ops,
          .doc = "every node learns from every other one: Deep Mutual Learning of any number",
          .help = "One edge from each other node, whatever the roles; no gates. Loss kl at temperature 1 is DML;\n"
                  "update = \"alternating\" is the paper's algorithm 1, \"simultaneous\" what most code does.",
          .reference = "Zhang, Xiang, Hospedales, Lu, Deep Mutual Learning, CVPR 2018");
