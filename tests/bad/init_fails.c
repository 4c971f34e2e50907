/* init_fails.c - sound to look at; its init refuses. */
#include <switchyard/policy.h>

struct broken {
    double limit;
};

static int init(void *self, const struct sy_host *host, struct sy_error *err) {
    (void)self, (void)host;
    return sy_fail(err, SY_ENOTSUP, "this policy needs a full moon; run it in %d days", 12);
}

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)out, (void)in;
    return sy_fail(err, SY_EINVAL, "decide after a failed init");
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .init = init, .decide = decide};

SY_PLUGIN(SY_POLICY, "init_fails", struct broken, .ops = &ops, .doc = "refuses in init");
