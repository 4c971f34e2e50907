/* hidden_state.c - a policy that remembers in a global what belongs into its instance: two gates get into each other's
 * way, and a resumed run decides otherwise. */
#include <switchyard/policy.h>

struct broken {
    double gap;
};

static const struct sy_field fields[] = {
    SY_OBSERVED(struct broken, gap, .doc = "distance of student and teacher"),
    SY_END,
};

static double smoothed; /* the mistake */

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct broken *rule = self;
    (void)err;
    rule->gap = sy_distance(in->student, in->teacher, in->batch, in->classes);
    smoothed = 0.5 * smoothed + 0.5 * rule->gap;
    out->mode = rule->gap > smoothed ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "hidden_state", struct broken, .fields = fields, .ops = &ops, .doc = "remembers in a global");
