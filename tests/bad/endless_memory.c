/* endless_memory.c - a policy that takes more and more memory and never gives it back. */
#include <stdlib.h>
#include <string.h>

#include <switchyard/policy.h>

struct broken {
    double limit;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)err;
    static void *volatile last; /* so that no compiler leaves it out */
    last = malloc(1 << 20);
    if (last) {
        memset(last, 1, 1 << 20);
    }
    out->mode = in->step < 0 ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "endless_memory", struct broken, .ops = &ops, .doc = "takes a mebibyte for every decision");
