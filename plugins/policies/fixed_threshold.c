/* fixed_threshold.c - SwitOKD's switch with a threshold that does not adapt. */
#include "measure.h"

struct fixed_threshold {
    double threshold, temperature;
    int32_t require_teacher_better;
    double gap, delta, epsilon, s_label, t_label;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct fixed_threshold, threshold, .def = 0.5, .min = 0, .max = 2,
             .doc = "expert mode while the gap is wider than this"),
    SY_PARAM(struct fixed_threshold, temperature, .def = 1, .min = 0.01, .max = 1000, .doc = "T of the gap G"),
    SY_PARAM(struct fixed_threshold, require_teacher_better, .def = 1, .flags = SY_FLAG,
             .doc = "expert mode only while the teacher is nearer to the labels than the student"),
    MEASURE_FIELDS(struct fixed_threshold),
    SY_END,
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct fixed_threshold *rule = self;
    struct measure m = measure(in, rule->temperature, SUM);
    (void)err;
    MEASURE_NOTE(rule, m);
    int teacher_better = m.t_label < m.s_label || !rule->require_teacher_better;
    out->mode = m.gap > rule->threshold && teacher_better ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "fixed_threshold", struct fixed_threshold, .fields = fields, .ops = &ops,
          .doc = "pause the teacher while the gap is wider than a fixed threshold",
          .help = "The ablation of SwitOKD's adaptive threshold. delta is observed as SwitOKD would have it.",
          .reference = "Qian et al., SwitOKD, ECCV 2022, ablations");
