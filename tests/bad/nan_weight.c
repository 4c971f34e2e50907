/* nan_weight.c - a policy whose weight is no number. */
#include <switchyard/policy.h>

struct broken {
    double limit;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)err;
    out->mode = SY_LEARNING;
    out->student_weight = in->step >= 1 ? NAN : 1;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "nan_weight", struct broken, .ops = &ops, .doc = "decides a weight of NaN");
