/* upper_bound.c - SwitOKD with its threshold at the upper end of what epsilon allows: delta = s. */
#include "measure.h"

struct upper_bound {
    double temperature;
    int32_t require_teacher_better;
    double gap, delta, epsilon, s_label, t_label, bound;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct upper_bound, temperature, .def = 1, .min = 0.01, .max = 1000, .doc = "T of the gap G"),
    SY_PARAM(struct upper_bound, require_teacher_better, .def = 1, .flags = SY_FLAG,
             .doc = "expert mode only while the teacher is nearer to the labels than the student"),
    MEASURE_FIELDS(struct upper_bound),
    SY_OBSERVED(struct upper_bound, bound, .doc = "the threshold in use: s"),
    SY_END,
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct upper_bound *rule = self;
    struct measure m = measure(in, rule->temperature, SUM);
    (void)err;
    MEASURE_NOTE(rule, m);
    rule->bound = m.s_label;
    int teacher_better = m.t_label < m.s_label || !rule->require_teacher_better;
    out->mode = m.gap > rule->bound && teacher_better ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "upper_bound", struct upper_bound, .fields = fields, .ops = &ops,
          .doc = "SwitOKD's switch with the upper bound of its threshold, s (epsilon = 0)",
          .help = "The ablation of the adaptive epsilon from one side. It pauses it least: the teacher's own distance "
                  "to the labels takes nothing off.\ndelta is observed as SwitOKD would have it.",
          .reference = "Qian et al., SwitOKD, ECCV 2022, bounds of the threshold");
