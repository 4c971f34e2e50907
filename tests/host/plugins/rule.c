/* rule.c - policy "rule": a little of everything a plugin may have. */
#include <switchyard/policy.h>

struct rule {
    double limit;
    int32_t side;
    int64_t calls;
    double seen;
    _Alignas(64) char line[64];
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct rule *rule = self;
    (void)in, (void)err;
    rule->calls++;
    rule->seen = rule->limit;
    out->mode = rule->side == 1 ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_field fields[] = {
    SY_PARAM(struct rule, limit, .def = 1.5, .min = 0, .max = 10, .unit = "apples", .doc = "how many are too many",
             .reference = "Gardener 2001, eq. 3"),
    SY_PARAM(struct rule, side, .def = 0, .choices = "left|right", .doc = "which side decides"),
    SY_STATE(struct rule, calls, .doc = "decisions so far"),
    SY_OBSERVED(struct rule, seen, .doc = "apples seen"),
    SY_END,
};

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "rule", struct rule, .fields = fields, .ops = &ops, .doc = "counts apples",
          .help = "Decides by the number of apples.\n\nA second paragraph.", .reference = "A. Gardener, Apples, 2001");
