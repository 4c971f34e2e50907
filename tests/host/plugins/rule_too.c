/* rule_too.c - another policy "rule", to be shadowed or to shadow. */
#include <switchyard/policy.h>

struct rule {
    double limit;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)in, (void)err;
    out->mode = SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "rule", struct rule, .ops = &ops, .doc = "counts pears");
