/* odd_ops.c - a table of functions that forgot its size. */
#include <switchyard/policy.h>

struct broken {
    double limit;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)out, (void)in, (void)err;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.decide = decide};

SY_PLUGIN(SY_POLICY, "odd_ops", struct broken, .ops = &ops, .doc = "ops.size forgotten");
