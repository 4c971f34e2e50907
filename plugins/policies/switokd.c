/* switokd.c - the switching rule of SwitOKD: pause the teacher while the gap is wider than an adaptive threshold. */
#include "measure.h"

struct switokd {
    double temperature;
    int32_t require_teacher_better, epsilon_denominator, epsilon_source;
    double gap, delta, epsilon, s_label, t_label;
};

enum epsilon_source { OWN_PAIR, OFFICIAL };

static const struct sy_field fields[] = {
    SY_PARAM(struct switokd, temperature, .def = 1, .min = 0.01, .max = 1000, .doc = "T of the gap G",
             .reference = "released code: 1 everywhere"),
    SY_PARAM(struct switokd, require_teacher_better, .def = 1, .flags = SY_FLAG,
             .doc = "expert mode only while the teacher is nearer to the labels than the student",
             .reference = "released code; neither in the paper's text nor its figures"),
    SY_PARAM(struct switokd, epsilon_denominator, .choices = "sum|student",
             .doc = "epsilon = exp(-t / (s + t)), or exp(-t / s)",
             .reference = "sum: eq. 6 and the code; student: the overview figure"),
    SY_PARAM(struct switokd, epsilon_source, .choices = "own_pair|official",
             .doc = "with several gates: epsilon of the gate's own pair, or of the pair the released code takes",
             .reference = "official: released code of 1T2S (the last student's pair) and 2T1S (the first teacher's)"),
    MEASURE_FIELDS(struct switokd),
    SY_END,
};

/* The gate whose epsilon the released three-network code uses: the last of a teacher with several students, the first of
 * a student with several teachers. */
static int32_t official_gate(const struct sy_policy_in *in) {
    int32_t teacher = in->node(in->signals, in->gate, SY_TEACHER),
            student = in->node(in->signals, in->gate, SY_STUDENT);
    int32_t of_teacher = 0, last = in->gate, first = in->gate;
    for (int32_t g = in->n_gates - 1; g >= 0; g--) {
        if (in->node(in->signals, g, SY_TEACHER) == teacher) {
            last = of_teacher++ ? last : g;
        }
        if (in->node(in->signals, g, SY_STUDENT) == student) {
            first = g;
        }
    }
    return of_teacher > 1 ? last : first;
}

/* expert mode if G > delta (and t < s) */
static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct switokd *rule = self;
    struct measure m = measure(in, rule->temperature, rule->epsilon_denominator);
    (void)err;
    if (rule->epsilon_source == OFFICIAL) {
        m.epsilon = measure_epsilon_of(in, official_gate(in), rule->epsilon_denominator);
        m.delta = m.s_label - m.epsilon * m.t_label;
    }
    MEASURE_NOTE(rule, m);
    int teacher_better = m.t_label < m.s_label || !rule->require_teacher_better;
    out->mode = m.gap > m.delta && teacher_better ? SY_EXPERT : SY_LEARNING;
    return SY_OK;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .decide = decide};

SY_PLUGIN(SY_POLICY, "switokd", struct switokd, .fields = fields, .ops = &ops,
          .doc = "pause the teacher while the gap is wider than an adaptive threshold",
          .help = "G = ||p_s - p_t||, s = ||p_s - y||, t = ||p_t - y||: batch means of row-wise L1 norms. epsilon =\n"
                  "exp(-t/(s+t)), delta = s - epsilon t. G > delta: expert mode, the teacher is paused; else learning\n"
                  "mode, both learn. A measurement that is not a number means learning mode.",
          .reference = "Qian, Wang, Yin, Hong, Wang, Switchable Online Knowledge Distillation, ECCV 2022");
