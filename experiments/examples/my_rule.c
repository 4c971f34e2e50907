/* my_rule.c - a policy of your own: pause the teacher while the gap, smoothed over batches, is wider than a limit.
 *
 * SwitOKD decides from one batch alone, so a noisy batch can flip the mode; this rule remembers. */
#include <switchyard/policy.h>

struct my_rule {
    double limit, memory; /* parameters: read from the config, checked against the table below */
    double gap, smoothed; /* observed: journalled after every batch, saved in checkpoints */
    int64_t batches;      /* state: saved in checkpoints, so a resumed run decides as if never stopped */
};

static const struct sy_field fields[] = {
    SY_PARAM(struct my_rule, limit, .def = 0.6, .min = 0, .max = 2, .doc = "widest gap at which both learn"),
    SY_PARAM(struct my_rule, memory, .def = 0.9, .min = 0, .max = 0.999, .doc = "weight of the batches before"),
    SY_OBSERVED(struct my_rule, gap, .doc = "distance between student and teacher, in [0, 2]"),
    SY_OBSERVED(struct my_rule, smoothed, .doc = "its running average"),
    SY_STATE(struct my_rule, batches, .doc = "batches seen"),
    SY_END,
};

/* Called for every batch, after the forward passes and before any loss or update. */
static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct my_rule *rule = self;
    rule->gap = sy_distance(in->student, in->teacher, in->batch, in->classes); /* batch mean of ||p_s - p_t||_1 */
    if (!(rule->gap <= 2)) {
        return sy_fail(err, SY_ERANGE, "the gap is %g, must be in [0, 2]", rule->gap);
    }
    double before = rule->batches ? rule->memory : 0; /* the first batch has none before it */
    rule->smoothed = before * rule->smoothed + (1 - before) * rule->gap;
    rule->batches++;
    out->mode = rule->smoothed > rule->limit ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "my_rule", struct my_rule, .fields = fields, .ops = &ops,
          .doc = "pause the teacher while the smoothed gap is wider than a limit");
