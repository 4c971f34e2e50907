/* measure.h - what SwitOKD looks at in a gate, measured in one place for every policy that watches or uses it.
 *
 * With p_t, p_s the probabilities of teacher and student and y the labels (methods: SwitOKD, ECCV 2022, eq. 3 to 6):
 *   G = ||p_s^T - p_t^T||_1,  s = ||p_s - y||_1,  t = ||p_t - y||_1,  batch means first, then
 *   epsilon = exp(-t / (s + t)),  delta = s - epsilon t. */
#ifndef MEASURE_H
#define MEASURE_H

#include <switchyard/policy.h>

struct measure {
    double gap, delta, epsilon, s_label, t_label;
};

enum epsilon_denominator { SUM, STUDENT };

/* Rows of the field table for a struct with the five members of struct measure. */
#define MEASURE_FIELDS(type)                                                                                \
    SY_OBSERVED(type, gap, .doc = "G: distance between student and teacher, in [0, 2]"),                    \
        SY_OBSERVED(type, delta, .doc = "the adaptive threshold"),                                          \
        SY_OBSERVED(type, epsilon, .doc = "how much of the teacher's distance to the labels is taken off"), \
        SY_OBSERVED(type, s_label, .doc = "distance of the student to the labels, in [0, 2]"),              \
        SY_OBSERVED(type, t_label, .doc = "distance of the teacher to the labels, in [0, 2]")

/* Copies a struct measure into the members that MEASURE_FIELDS describes. */
#define MEASURE_NOTE(rule, m)                                                                                        \
    ((rule)->gap = (m).gap, (rule)->delta = (m).delta, (rule)->epsilon = (m).epsilon, (rule)->s_label = (m).s_label, \
     (rule)->t_label = (m).t_label)

/* Where both distances are 0, epsilon is 1. */
static inline double measure_epsilon(double s_label, double t_label, int32_t denominator) {
    double below = denominator == SUM ? s_label + t_label : s_label;
    return t_label > 0 ? exp(-t_label / below) : 1;
}

/* epsilon of another gate's pair. */
static inline double measure_epsilon_of(const struct sy_policy_in *in, int32_t gate, int32_t denominator) {
    const double *teacher = sy_policy_probabilities(in, gate, SY_TEACHER, 1);
    const double *student = sy_policy_probabilities(in, gate, SY_STUDENT, 1);
    return measure_epsilon(sy_label_distance(student, in->labels, in->batch, in->classes),
                           sy_label_distance(teacher, in->labels, in->batch, in->classes), denominator);
}

/* G at a temperature; the label distances always at temperature 1, as the released code has them. */
static inline struct measure measure(const struct sy_policy_in *in, double temperature, int32_t denominator) {
    struct measure m;
    const double *teacher = sy_policy_probabilities(in, in->gate, SY_TEACHER, temperature);
    const double *student = sy_policy_probabilities(in, in->gate, SY_STUDENT, temperature);
    m.gap = sy_distance(student, teacher, in->batch, in->classes);
    m.s_label = sy_label_distance(in->student, in->labels, in->batch, in->classes);
    m.t_label = sy_label_distance(in->teacher, in->labels, in->batch, in->classes);
    m.epsilon = measure_epsilon(m.s_label, m.t_label, denominator);
    m.delta = m.s_label - m.epsilon * m.t_label;
    return m;
}

#endif
