/* loops_forever.c - a policy that does not come back from its second decision. */
#include <switchyard/policy.h>

struct broken {
    double limit;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)err;
    for (volatile int waiting = in->step >= 1; waiting;) {
    }
    out->mode = SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "loops_forever", struct broken, .ops = &ops, .doc = "does not come back");
