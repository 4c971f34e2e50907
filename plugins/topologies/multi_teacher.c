/* multi_teacher.c - any number of teachers, one student: SwitOKD's 2T1S and on. */
#include "links.h"

struct multi_teacher {
    double to_teacher, to_student, among;
    int32_t peer_norm;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct multi_teacher, to_teacher, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what a teacher learns from a student", .reference = "released code: 1"),
    SY_PARAM(struct multi_teacher, to_student, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what a student learns from a teacher", .reference = "released code: 1"),
    SY_PARAM(struct multi_teacher, among, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of what teachers learn from each other", .reference = "released code: 1"),
    SY_PARAM(struct multi_teacher, peer_norm, .choices = "none|mean",
             .doc = "mean: every weight is divided by the number of other nodes",
             .reference = "none: released code of SwitOKD; mean: Zhang et al., CVPR 2018"),
    SY_END,
};

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct multi_teacher *multi = self;
    int32_t n = in->n_nodes, teachers = count_role(in, SY_ROLE_TEACHER), students = count_role(in, SY_ROLE_STUDENT);
    if (students != 1 || teachers < 1 || teachers + students != n) {
        return sy_fail(err, SY_EINVAL,
                       "needs one node with role = \"student\" and any number with role = \"teacher\"; there are %d "
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
            if (source != target && in->roles[source] == SY_ROLE_TEACHER && in->roles[target] == SY_ROLE_TEACHER) {
                link_nodes(wiring, source, target, -1, SY_ALWAYS_OPEN,
                           peer_weight(multi->among, multi->peer_norm, n - 1));
            }
        }
    }
    return SY_OK;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(
    SY_TOPOLOGY, "multi_teacher", struct multi_teacher, .fields = fields, .ops = &ops,
    .doc = "many teachers, who learn from each other as well, and one student (2T1S)",
    .help =
        "A gate for each teacher, which alone decides whether that teacher is paused; a paused one still teaches the\n"
        "student and the other teachers. The released 2T1S code is epsilon_source = \"official\" in the policy.",
    .reference = "Qian et al., SwitOKD, ECCV 2022, section 3.5 and the released three-network code");
