/* aborts.c - a policy that gives up by itself, as assert does. */
#include <stdlib.h>
#include <switchyard/policy.h>

struct broken {
    double limit;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)err;
    if (in->step >= 1) {
        abort();
    }
    out->mode = SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "aborts", struct broken, .ops = &ops, .doc = "calls abort");
