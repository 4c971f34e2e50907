/* divides.c - a policy that divides a whole number by zero. */
#include <switchyard/policy.h>

struct broken {
    double limit;
};

/* Where a sanitizer looks out for it, it is not to come first. */
__attribute__((no_sanitize("undefined"))) static int decide(void *self, struct sy_policy_out *out,
                                                            const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)err;
    out->mode = (int32_t)(in->batch / in->reserved);
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "divides", struct broken, .ops = &ops, .doc = "divides by zero");
