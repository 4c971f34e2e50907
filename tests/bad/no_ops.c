/* no_ops.c - a descriptor without functions. */
#include <switchyard/policy.h>

struct broken {
    double limit;
};

SY_PLUGIN(SY_POLICY, "no_ops", struct broken, .doc = "no table of functions");
