/* alternating.c - learning and expert mode in turn, whatever the networks do: a control for rules that look. */
#include "measure.h"

struct alternating {
    int64_t period;
    double gap, delta, epsilon, s_label, t_label;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct alternating, period, .def = 1, .min = 1, .max = 1e9, .unit = "batches",
             .doc = "length of each turn; learning mode begins"),
    MEASURE_FIELDS(struct alternating),
    SY_END,
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct alternating *rule = self;
    struct measure m = measure(in, 1, SUM);
    (void)err;
    MEASURE_NOTE(rule, m);
    out->mode = in->step / rule->period % 2 ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "alternating", struct alternating, .fields = fields, .ops = &ops,
          .doc = "learning and expert mode in turn, each for a fixed number of batches",
          .help =
              "Half of the batches in expert mode without looking at any of them: what SwitOKD gains over it is the\n"
              "gain of looking. Turns are counted over the whole run, not from the start of each epoch.");
