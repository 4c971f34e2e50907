/* budget.c - expert mode as often as a budget of multiply-adds asks for, on the batches where SwitOKD would want it most.
 *
 * Counting a backward pass as two forward ones, with m_t, m_s the multiply-adds of a forward pass, a batch costs
 * 3 (m_t + m_s) in learning mode and m_t + 3 m_s in expert mode. A share x of what learning mode alone would cost asks
 * for an expert share of
 *   e = (1 - x) 3 (m_t + m_s) / (2 m_t), cut to [0, 1].
 * Expert mode when G - delta > bar; then bar += rate (expert - e). As G - delta stays in [-2, 4], so does bar but for one
 * step, and after n batches the share is off e by at most (6 + 2 rate) / (rate n). */
#include "measure.h"

struct budget {
    double share, rate;
    double gap, delta, epsilon, s_label, t_label, wanted, bar;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct budget, share, .def = 0.8, .min = 0, .max = 1,
             .doc = "multiply-adds of the pair's training, as a share of those of learning mode alone"),
    SY_PARAM(struct budget, rate, .def = 0.05, .min = 0, .max = 1, .flags = SY_MIN_EXCLUSIVE,
             .doc = "how fast the bar follows: higher keeps the budget sooner, lower chooses batches better"),
    MEASURE_FIELDS(struct budget),
    SY_OBSERVED(struct budget, wanted, .doc = "expert share that meets the budget, in [0, 1]"),
    SY_OBSERVED(struct budget, bar, .doc = "what G - delta must exceed for expert mode; 0 would be SwitOKD"),
    SY_END,
};

static double wanted_share(const struct budget *rule, const struct sy_policy_in *in) {
    double teacher = (double)in->teacher_multiply_adds, student = (double)in->student_multiply_adds;
    double share = (1 - rule->share) * 3 * (teacher + student) / (2 * teacher);
    return share < 1 ? share : 1;
}

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct budget *rule = self;
    struct measure m = measure(in, 1, SUM);
    if (!SY_HAS(in, student_multiply_adds) || in->teacher_multiply_adds <= 0) {
        return sy_fail(err, SY_ENOTSUP, "a budget needs to know the multiply-adds of the teacher");
    }
    MEASURE_NOTE(rule, m);
    rule->wanted = wanted_share(rule, in);
    int expert = m.gap - m.delta > rule->bar;
    rule->bar += rule->rate * (expert - rule->wanted);
    out->mode = expert ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "budget", struct budget, .fields = fields, .ops = &ops,
          .doc = "pause the teacher just so often that training meets a budget of multiply-adds",
          .help =
              "With share = 0.8 the pair costs four fifths of what mutual learning would. Paused batches are those\n"
              "with the largest G - delta. A share below what pausing always would cost pauses always. Each gate\n"
              "keeps its own budget; a teacher of several students is paused only when all its gates agree.",
          .reference = "the measure: Qian et al., SwitOKD, ECCV 2022; the controller: no paper");
