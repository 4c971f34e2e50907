/* endless_memory.c - a policy that takes more and more memory and never gives it back. */
#include <stdlib.h>
#include <string.h>

#include <switchyard/policy.h>

struct broken {
    double limit;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)err;
    void *more = malloc(1 << 20);
    if (more) {
        memset(more, 1, 1 << 20);
    }
    out->mode = in->step < 0 || !more ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "endless_memory", struct broken, .ops = &ops, .doc = "takes a mebibyte for every decision");
