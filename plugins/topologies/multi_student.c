/* multi_student.c - one teacher, any number of students: SwitOKD's 1T2S and on. */
#include "links.h"

struct multi_student {
    double to_teacher, to_student, among;
    int32_t peer_norm;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct multi_student, to_teacher, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what a teacher learns from a student", .reference = "released code: 1"),
    SY_PARAM(struct multi_student, to_student, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what a student learns from a teacher", .reference = "released code: 1"),
    SY_PARAM(struct multi_student, among, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what students learn from each other", .reference = "released code: 1"),
    SY_PARAM(struct multi_student, peer_norm, .choices = "none|mean",
             .doc = "mean: every weight is divided by the number of other nodes",
             .reference = "none: released code of SwitOKD; mean: Zhang et al., CVPR 2018"),
    SY_END,
};

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct multi_student *multi = self;
    int32_t n = in->n_nodes, teachers = count_role(in, SY_ROLE_TEACHER), students = count_role(in, SY_ROLE_STUDENT);
    if (teachers != 1 || students < 1 || teachers + students != n) {
        return sy_fail(err, SY_EINVAL,
                       "needs one node with role = \"teacher\" and any number with role = \"student\"; there are %d "
                       "teachers, %d students and %d peers",
                       teachers, students, n - teachers - students);
    }
    struct pair_weights weights = {.to_teacher = peer_weight(multi->to_teacher, multi->peer_norm, n - 1),
                                   .to_student = peer_weight(multi->to_student, multi->peer_norm, n - 1)};
    for (int32_t t = 0; t < n; t++) {
        for (int32_t s = 0; s < n; s++) {
            if (in->roles[t] == SY_ROLE_TEACHER && in->roles[s] == SY_ROLE_STUDENT) {
                link_pair(wiring, t, s, &weights);
            }
        }
    }
    for (int32_t target = 0; target < n; target++) {
        for (int32_t source = 0; source < n; source++) {
            if (source != target && in->roles[source] == SY_ROLE_STUDENT && in->roles[target] == SY_ROLE_STUDENT) {
                link_nodes(wiring, source, target, -1, SY_ALWAYS_OPEN,
                           peer_weight(multi->among, multi->peer_norm, n - 1));
            }
        }
    }
    return SY_OK;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(
    SY_TOPOLOGY, "multi_student", struct multi_student, .fields = fields, .ops = &ops,
    .doc = "one teacher, many students, who learn from each other as well (1T2S)",
    .help = "A gate for each student: it closes that student's edge into the teacher. The teacher is paused when all\n"
            "gates say expert. The released 1T2S code is pause = \"zero_grad_step\" here and\n"
            "epsilon_source = \"official\" in the policy. With policy learning and peer_norm = \"mean\" it is DML.",
    .reference = "Qian et al., SwitOKD, ECCV 2022, section 3.5 and the released three-network code");
