/* crashes.c - a policy that writes where nothing is, from its third decision on. */
#include <switchyard/policy.h>

struct broken {
    double limit;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)err;
    if (in->step >= 2) {
        *(volatile int *)(uintptr_t)(64 + in->gate) = 1;
    }
    out->mode = SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "crashes", struct broken, .ops = &ops, .doc = "writes where nothing is");
