/* schedule.c - modes by the calendar: expert and learning phases whose epochs are written in the config. */
#include "measure.h"

struct schedule {
    struct sy_ints epochs;
    int32_t start;
    double gap, delta, epsilon, s_label, t_label;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct schedule, epochs, .def_text = "[]", .min = 1, .max = 1e9, .unit = "epochs",
             .doc = "epochs (from 0) at whose start the mode changes, ascending"),
    SY_PARAM(struct schedule, start, .choices = "learning|expert", .doc = "the mode of epoch 0"),
    MEASURE_FIELDS(struct schedule),
    SY_END,
};

static int init(void *self, const struct sy_host *host, struct sy_error *err) {
    const struct schedule *rule = self;
    (void)host;
    for (size_t i = 1; i < rule->epochs.count; i++) {
        if (rule->epochs.at[i] <= rule->epochs.at[i - 1]) {
            return sy_fail(err, SY_EINVAL, "epochs must ascend; %lld does not come after %lld",
                           (long long)rule->epochs.at[i], (long long)rule->epochs.at[i - 1]);
        }
    }
    return SY_OK;
}

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct schedule *rule = self;
    struct measure m = measure(in, 1, SUM);
    size_t changes = 0;
    (void)err;
    MEASURE_NOTE(rule, m);
    while (changes < rule->epochs.count && in->epoch >= rule->epochs.at[changes]) {
        changes++;
    }
    out->mode = (rule->start + (int32_t)(changes % 2)) % 2 ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .init = init, .decide = decide};

SY_PLUGIN(SY_POLICY, "schedule", struct schedule, .fields = fields, .ops = &ops,
          .doc = "modes by epoch, as written in the config",
          .help =
              "epochs = [10, 20] learns until epoch 9, is in expert mode from 10 to 19 and learns from 20 on; with\n"
              "start = \"expert\" the other way round. A control for rules that look at the networks.");
