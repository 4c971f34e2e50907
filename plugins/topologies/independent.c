/* independent.c - nobody teaches anybody: vanilla training, side by side. */
#include <switchyard/topology.h>

struct independent {
    int32_t watch;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct independent, watch, .def = 1, .flags = SY_FLAG,
             .doc = "let the policy measure every teacher-student pair, without any consequence"),
    SY_END,
};

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct independent *independent = self;
    (void)err;
    for (int32_t t = 0; independent->watch && t < in->n_nodes; t++) {
        for (int32_t s = 0; s < in->n_nodes; s++) {
            if (in->roles[t] == SY_ROLE_TEACHER && in->roles[s] == SY_ROLE_STUDENT) {
                wiring->gate(
                    wiring->context,
                    &(struct sy_gate){.size = sizeof(struct sy_gate), .teacher = t, .student = s, .watch_only = 1});
            }
        }
    }
    return SY_OK;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(SY_TOPOLOGY, "independent", struct independent, .fields = fields, .ops = &ops,
          .doc = "no edges: every node learns from the labels alone (vanilla)",
          .help = "Gates only watch: gap and threshold are journalled, nothing is opened, closed or paused.");
