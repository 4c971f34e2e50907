/* distill.c - one teacher teaches one student, who does not teach back: offline distillation, of logits and of taps. */
#include "links.h"

struct distill {
    double weight, hint_weight;
    struct sy_strings taps;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct distill, weight, .def = 1, .min = 0, .max = 1e6, .doc = "weight of topology.loss, on the logits"),
    SY_PARAM(struct distill, taps, .def_text = "[]",
             .doc = "outputs, of the same name in both networks, that the student learns from through topology.hint"),
    SY_PARAM(struct distill, hint_weight, .def = 1, .min = 0, .max = 1e6, .doc = "weight of topology.hint, on each tap",
             .reference = "released code: 1000 for at, 100 for a hint's mse"),
    SY_END,
};

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct distill *distill = self;
    if (in->n_nodes != 2 || count_role(in, SY_ROLE_TEACHER) != 1 || count_role(in, SY_ROLE_STUDENT) != 1) {
        return sy_fail(
            err, SY_EINVAL,
            "needs exactly two nodes, one with role = \"teacher\" and one with role = \"student\"; there are "
            "%d nodes",
            in->n_nodes);
    }
    int32_t teacher = in->roles[0] == SY_ROLE_TEACHER ? 0 : 1;
    link_nodes(wiring, teacher, 1 - teacher, -1, SY_ALWAYS_OPEN, distill->weight);
    for (size_t i = 0; i < distill->taps.count && distill->hint_weight > 0; i++) {
        char name[256];
        snprintf(name, sizeof name, "%s->%s %s", in->names[teacher], in->names[1 - teacher], distill->taps.at[i]);
        wiring->edge(wiring->context, &(struct sy_edge){.size = sizeof(struct sy_edge),
                                                        .target = 1 - teacher,
                                                        .sources = &teacher,
                                                        .n_sources = 1,
                                                        .gate = -1,
                                                        .weight = distill->hint_weight,
                                                        .name = name,
                                                        .output = distill->taps.at[i],
                                                        .source_output = distill->taps.at[i],
                                                        .loss = "hint"});
    }
    return SY_OK;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(SY_TOPOLOGY, "distill", struct distill, .fields = fields, .ops = &ops,
          .doc = "one teacher teaches one student: offline distillation of logits and taps",
          .help = "No gates. With nodes.TEACHER.frozen = \"eval\" and its init: KD (loss kl), DKD (dkd), AT (taps = "
                  "[\"stage1\",\n"
                  "\"stage2\", \"stage3\"], hint: { plugin = \"at\"; }) and hints of the same width (hint: { plugin = "
                  "\"mse\"; }).\n"
                  "weight = 0 leaves the logits out. Taps of a network: `switchyard check` lists them as outputs.",
          .reference = "Hinton et al., 2014; Zagoruyko, Komodakis, ICLR 2017; Romero et al., ICLR 2015");
