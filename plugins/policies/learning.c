/* learning.c - always learning mode: with edges both ways, Deep Mutual Learning. */
#include "measure.h"

struct learning {
    double gap, delta, epsilon, s_label, t_label;
};

static const struct sy_field fields[] = {MEASURE_FIELDS(struct learning), SY_END};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct learning *rule = self;
    struct measure m = measure(in, 1, SUM);
    (void)err;
    MEASURE_NOTE(rule, m);
    out->mode = SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "learning", struct learning, .fields = fields, .ops = &ops,
          .doc = "always learning mode: both learn from each other in every batch (DML)",
          .help = "Measures what SwitOKD would look at, so that gap and threshold can be compared between methods.",
          .reference = "Zhang, Xiang, Hospedales, Lu, Deep Mutual Learning, CVPR 2018");
