/* my_plugin.c - a policy: batch by batch, who learns?
 *
 * As it stands: the teacher pauses while the gap, smoothed over batches, is wider than a limit. The rule is in decide;
 * everything else is what any policy needs. */
#include <switchyard/policy.h>

/* One instance per (teacher, student) pair. Made and zeroed by Switchyard; keep nothing anywhere else. */
struct my_plugin {
    double limit, memory; /* parameters: read from the config, checked against the table below */
    double gap, smoothed; /* observed: in steps.jsonl after every batch, and in checkpoints */
    int64_t batches;      /* state: in checkpoints only */
};

/* All that the config, `switchyard help my_plugin`, journals and checkpoints know about this policy. */
static const struct sy_field fields[] = {
    SY_PARAM(struct my_plugin, limit, .def = 0.6, .min = 0, .max = 2, .doc = "widest gap at which both learn"),
    SY_PARAM(struct my_plugin, memory, .def = 0.9, .min = 0, .max = 0.999, .doc = "weight of the batches before"),
    SY_OBSERVED(struct my_plugin, gap, .doc = "distance between student and teacher, in [0, 2]"),
    SY_OBSERVED(struct my_plugin, smoothed, .doc = "its running average"),
    SY_STATE(struct my_plugin, batches, .doc = "batches seen"),
    SY_END,
};

/* Called for every batch, after all forward passes and before any loss or update. in->teacher and in->student are
 * probabilities, (batch, classes), at temperature 1; sy_policy_probabilities gives those at another. */
static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct my_plugin *rule = self;
    rule->gap = sy_distance(in->student, in->teacher, in->batch, in->classes); /* batch mean of ||p_s - p_t||_1 */
    if (!(rule->gap <= 2)) {                                                   /* so written, a NaN is caught too */
        return sy_fail(err, SY_ERANGE, "the gap is %g, must be in [0, 2]", rule->gap);
    }
    double before = rule->batches ? rule->memory : 0; /* the first batch has none before it */
    rule->smoothed = before * rule->smoothed + (1 - before) * rule->gap;
    rule->batches++;
    out->mode = rule->smoothed > rule->limit ? SY_EXPERT : SY_LEARNING; /* SY_EXPERT: the teacher pauses */
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "my_plugin", struct my_plugin, .fields = fields, .ops = &ops,
          .doc = "pause the teacher while the smoothed gap is wider than a limit");
