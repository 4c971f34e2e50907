/* pair.c - one teacher, one student, each learning from the other: SwitOKD and DML. */
#include <switchyard/topology.h>

struct pair {
    double to_teacher, to_student;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct pair, to_teacher, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what the teacher learns from the student", .reference = "beta of the paper, eq. 8"),
    SY_PARAM(struct pair, to_student, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what the student learns from the teacher", .reference = "alpha of the paper, eq. 7"),
    SY_END,
};

/* The only node of a role, or -1. */
static int32_t only(const struct sy_topology_in *in, int32_t role) {
    int32_t found = -1;
    for (int32_t i = 0; i < in->n_nodes; i++) {
        if (in->roles[i] == role) {
            if (found >= 0) {
                return -1;
            }
            found = i;
        }
    }
    return found;
}

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct pair *pair = self;
    int32_t teacher = only(in, SY_ROLE_TEACHER), student = only(in, SY_ROLE_STUDENT);
    if (in->n_nodes != 2 || teacher < 0 || student < 0) {
        return sy_fail(err, SY_EINVAL,
                       "needs exactly two nodes, one with role = \"teacher\" and one with role = "
                       "\"student\"; there are %d nodes",
                       in->n_nodes);
    }
    int32_t gate = wiring->gate(
        wiring->context, &(struct sy_gate){.size = sizeof(struct sy_gate), .teacher = teacher, .student = student});
    struct sy_edge edge = {.size = sizeof edge, .n_sources = 1, .gate = gate};
    if (pair->to_teacher > 0) {
        edge.target = teacher, edge.sources = &student;
        edge.gate_effect = SY_CLOSED_IN_EXPERT_MODE, edge.weight = pair->to_teacher;
        wiring->edge(wiring->context, &edge);
    }
    if (pair->to_student > 0) {
        edge.target = student, edge.sources = &teacher;
        edge.gate_effect = SY_OPEN_IN_BOTH_MODES, edge.weight = pair->to_student;
        wiring->edge(wiring->context, &edge);
    }
    return SY_OK;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(SY_TOPOLOGY, "pair", struct pair, .fields = fields, .ops = &ops,
          .doc = "one teacher and one student, each learning from the other through one gate",
          .help =
              "The edge into the teacher is closed in expert mode; the edge into the student is open in both modes.\n"
              "The loss of both edges is topology.loss.",
          .reference = "Qian et al., SwitOKD, ECCV 2022");
