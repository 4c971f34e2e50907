/* third_mode.c - a policy that decides a mode there is not. */
#include <switchyard/policy.h>

struct broken {
    double limit;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)err;
    (void)in;
    out->mode = 7;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "third_mode", struct broken, .ops = &ops, .doc = "decides mode 7");
