/* random.c - expert mode by lot: SwitOKD's saving without its judgement. */
#include "measure.h"

#include <switchyard/rng.h>

struct by_lot {
    double expert_share;
    double gap, delta, epsilon, s_label, t_label;
    uint64_t seed; /* the experiment's, set by init */
};

static const struct sy_field fields[] = {
    SY_PARAM(struct by_lot, expert_share, .def = 0.5, .min = 0, .max = 1,
             .doc = "probability of expert mode, batch by batch"),
    MEASURE_FIELDS(struct by_lot),
    SY_END,
};

static int init(void *self, const struct sy_host *host, struct sy_error *err) {
    struct by_lot *rule = self;
    (void)err;
    rule->seed = host->seed;
    return SY_OK;
}

/* The lot depends on seed, gate and step alone: a resumed run draws what it would have drawn. */
static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct by_lot *rule = self;
    struct measure m = measure(in, 1, SUM);
    struct sy_rng rng = sy_rng_make(rule->seed, SY_FOR_PLUGIN, (uint32_t)in->gate, 0, (uint32_t)in->step);
    (void)err;
    MEASURE_NOTE(rule, m);
    out->mode = sy_rng_uniform(&rng) < rule->expert_share ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .init = init, .decide = decide};

SY_PLUGIN(SY_POLICY, "random", struct by_lot, .fields = fields, .ops = &ops,
          .doc = "expert mode by lot, with a given probability for every batch",
          .help =
              "With expert_share set to the share that SwitOKD had, the difference between the two runs is what its\n"
              "choice of batches is worth. Every gate draws for itself.");
