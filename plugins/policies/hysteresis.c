/* hysteresis.c - SwitOKD's switch with a dead band: once in a mode, it takes more than noise to leave it. */
#include "measure.h"

struct hysteresis {
    double band, temperature;
    int32_t require_teacher_better;
    double gap, delta, epsilon, s_label, t_label;
    int32_t mode;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct hysteresis, band, .def = 0.05, .min = 0, .max = 2,
             .doc = "expert mode begins above delta + band and ends below delta - band"),
    SY_PARAM(struct hysteresis, temperature, .def = 1, .min = 0.01, .max = 1000, .doc = "T of the gap G"),
    SY_PARAM(struct hysteresis, require_teacher_better, .def = 1, .flags = SY_FLAG,
             .doc = "expert mode only while the teacher is nearer to the labels than the student"),
    MEASURE_FIELDS(struct hysteresis),
    SY_STATE(struct hysteresis, mode, .doc = "mode of the last batch: 0 learning, 1 expert"),
    SY_END,
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct hysteresis *rule = self;
    struct measure m = measure(in, rule->temperature, SUM);
    (void)err;
    MEASURE_NOTE(rule, m);
    int teacher_better = m.t_label < m.s_label || !rule->require_teacher_better;
    double limit = rule->mode == SY_EXPERT ? m.delta - rule->band : m.delta + rule->band;
    rule->mode = m.gap > limit && teacher_better ? SY_EXPERT : SY_LEARNING;
    out->mode = rule->mode;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "hysteresis", struct hysteresis, .fields = fields, .ops = &ops,
          .doc = "SwitOKD with a dead band around the threshold",
          .help =
              "SwitOKD decides on noisy batch means; here a mode is kept until the gap is clear of the threshold by\n"
              "`band`. band = 0 is SwitOKD. A teacher that is no longer better leaves expert mode at once, and so\n"
              "does a measurement that is not a number.",
          .reference = "the threshold: Qian et al., SwitOKD, ECCV 2022; the band: no paper");
