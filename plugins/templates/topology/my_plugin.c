/* my_plugin.c - a topology: who teaches whom.
 *
 * As it stands: every teacher teaches every student and, in learning mode, learns from it; each such pair has a gate that
 * the policy decides. Only called once, before training; nothing is computed here. */
#include <switchyard/topology.h>

struct my_plugin {
    double weight; /* parameter: read from the config, checked against the table below */
};

static const struct sy_field fields[] = {
    SY_PARAM(struct my_plugin, weight, .def = 1, .min = 0, .max = 1000, .flags = SY_MIN_EXCLUSIVE,
             .doc = "factor on what students learn from teachers"),
    SY_END,
};

/* in->names and in->roles are the nodes, in the config's order. wiring->gate and wiring->edge need no check: the first
 * mistake is kept and told. */
static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct my_plugin *topology = self;
    int32_t pairs = 0;
    for (int32_t t = 0; t < in->n_nodes; t++) {
        for (int32_t s = 0; s < in->n_nodes; s++) {
            if (in->roles[t] != SY_ROLE_TEACHER || in->roles[s] != SY_ROLE_STUDENT) {
                continue;
            }
            struct sy_gate gate = {.size = sizeof gate, .teacher = t, .student = s};
            int32_t g = wiring->gate(wiring->context, &gate);
            struct sy_edge down = {.size = sizeof down,
                                   .target = s,
                                   .sources = &t,
                                   .n_sources = 1,
                                   .gate = g,
                                   .gate_effect = SY_OPEN_IN_BOTH_MODES,
                                   .weight = topology->weight};
            struct sy_edge up = {.size = sizeof up,
                                 .target = t,
                                 .sources = &s,
                                 .n_sources = 1,
                                 .gate = g,
                                 .gate_effect = SY_CLOSED_IN_EXPERT_MODE};
            wiring->edge(wiring->context, &down);
            wiring->edge(wiring->context, &up);
            pairs++;
        }
    }
    return pairs ? SY_OK : sy_fail(err, SY_EINVAL, "needs a node of role teacher and one of role student");
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(SY_TOPOLOGY, "my_plugin", struct my_plugin, .fields = fields, .ops = &ops,
          .doc = "every teacher with every student");
