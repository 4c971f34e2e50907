/* decides.h - the sound parts of the broken policies. */
#ifndef SY_TESTS_BAD_DECIDES_H
#define SY_TESTS_BAD_DECIDES_H

#include <switchyard/policy.h>

struct broken {
    double limit;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)in, (void)err;
    out->mode = SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

#endif
