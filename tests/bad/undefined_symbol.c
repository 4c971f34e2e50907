/* undefined_symbol.c - needs a function that nobody has. */
#include <switchyard/policy.h>

struct broken {
    double limit;
};

int sy_no_such_function(void);

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)in, (void)err;
    out->mode = sy_no_such_function();
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "undefined_symbol", struct broken, .ops = &ops, .doc = "links against nothing it needs");
