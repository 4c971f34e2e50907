/* accuracy_gap.c - the gap as a difference of accuracies: the notion that SwitOKD argues against. */
#include "measure.h"

struct accuracy_gap {
    double threshold, memory;
    double gap, delta, epsilon, s_label, t_label, teacher_accuracy, student_accuracy, accuracy_gap;
    int64_t batches;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct accuracy_gap, threshold, .def = 0.1, .min = -1, .max = 1,
             .doc = "expert mode while the teacher is more accurate by more than this"),
    SY_PARAM(struct accuracy_gap, memory, .def = 0.9, .min = 0, .max = 0.999999,
             .doc = "share of what was before in the running accuracies; 0: this batch alone"),
    MEASURE_FIELDS(struct accuracy_gap),
    SY_OBSERVED(struct accuracy_gap, teacher_accuracy, .doc = "running accuracy of the teacher, in [0, 1]"),
    SY_OBSERVED(struct accuracy_gap, student_accuracy, .doc = "running accuracy of the student, in [0, 1]"),
    SY_OBSERVED(struct accuracy_gap, accuracy_gap, .doc = "teacher_accuracy - student_accuracy"),
    SY_STATE(struct accuracy_gap, batches, .doc = "batches seen"),
    SY_END,
};

/* Share of rows whose largest probability (the first of equal ones) is their label's; NaN where any number is NaN, so
 * that a network that broke is not taken for a bad one. */
static double accuracy(const double *p, const struct sy_policy_in *in) {
    int32_t correct = 0;
    for (int32_t b = 0; b < in->batch; b++, p += in->classes) {
        int32_t best = 0;
        for (int32_t k = 0; k < in->classes; k++) {
            best = p[k] > p[best] ? k : best;
            if (isnan(p[k])) {
                return NAN;
            }
        }
        correct += best == in->labels[b];
    }
    return in->batch > 0 ? (double)correct / in->batch : 0;
}

/* The first batch stands for all that was before it. */
static double run_on(const struct accuracy_gap *rule, double before, double now) {
    return rule->batches && isfinite(before) ? rule->memory * before + (1 - rule->memory) * now : now;
}

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct accuracy_gap *rule = self;
    struct measure m = measure(in, 1, SUM);
    (void)err;
    MEASURE_NOTE(rule, m);
    rule->teacher_accuracy = run_on(rule, rule->teacher_accuracy, accuracy(in->teacher, in));
    rule->student_accuracy = run_on(rule, rule->student_accuracy, accuracy(in->student, in));
    rule->accuracy_gap = rule->teacher_accuracy - rule->student_accuracy;
    rule->batches++;
    out->mode = rule->accuracy_gap > rule->threshold ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "accuracy_gap", struct accuracy_gap, .fields = fields, .ops = &ops,
          .doc = "pause the teacher while it is more accurate than the student by a margin",
          .help =
              "Earlier work calls the difference of accuracies the gap; SwitOKD argues that probabilities tell more.\n"
              "Accuracies are those of the training batches before the update, in a running mean: the test split is\n"
              "no policy's business. A measurement that is not a number means learning mode.",
          .reference = "Qian et al., SwitOKD, ECCV 2022, section 1 (the notion it replaces)");
