/* no_function.c - a policy that cannot decide. */
#include <switchyard/policy.h>

struct broken {
    double limit;
};

static const struct sy_policy_ops ops = {.size = sizeof ops};

SY_PLUGIN(SY_POLICY, "no_function", struct broken, .ops = &ops, .doc = "without its mandatory function");
