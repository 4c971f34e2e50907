/* ensemble.c - every node learns from one target made of all the others: KDCL and averaged peers. */
#include <stdlib.h>

#include "links.h"

struct ensemble {
    double weight;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct ensemble, weight, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what a node learns from the ensemble",
             .reference = "lambda of KDCL: 1, stable from 0.2 to 5"),
    SY_END,
};

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct ensemble *ensemble = self;
    if (in->n_nodes < 2) {
        return sy_fail(err, SY_EINVAL, "needs two nodes at least; there is %d", in->n_nodes);
    }
    int32_t *others = malloc((size_t)in->n_nodes * sizeof *others);
    if (!others) {
        return sy_fail(err, SY_ENOMEM, "no memory for %d nodes", in->n_nodes);
    }
    for (int32_t target = 0; target < in->n_nodes && ensemble->weight > 0; target++) {
        int32_t count = 0;
        for (int32_t i = 0; i < in->n_nodes; i++) {
            if (i != target) {
                others[count++] = i;
            }
        }
        wiring->edge(wiring->context, &(struct sy_edge){.size = sizeof(struct sy_edge),
                                                        .target = target,
                                                        .sources = others,
                                                        .n_sources = count,
                                                        .gate = -1,
                                                        .weight = ensemble->weight});
    }
    free(others);
    return SY_OK;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(SY_TOPOLOGY, "ensemble", struct ensemble, .fields = fields, .ops = &ops,
          .doc = "every node learns from one target made of all nodes' outputs: KDCL",
          .help =
              "One edge into each node, with all others as its sources, for losses that make one target of many: kdcl\n"
              "(which counts the learner in) and peers (which does not). Roles do not matter; no gates.",
          .reference = "Guo et al., Online Knowledge Distillation via Collaborative Learning, CVPR 2020");
