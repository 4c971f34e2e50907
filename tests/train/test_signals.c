/* test_signals.c - softmax at several temperatures, computed once and forgotten with new logits. */
#include <criterion/criterion.h>
#include <math.h>

#include "train/signals.h"

static const float logits[] = {1, 2, 3, -1e4f, 0, 1e4f};

Test(signals, softmax_and_its_logarithm_agree_with_the_formula) {
    struct sy_signals signals;
    cr_assert(sy_signals_init(&signals, 2, 3));
    sy_signals_set(&signals, logits, 2);
    const double *p = sy_signals_probabilities(&signals, 2);
    double sum = exp(0.5) + exp(1.0) + exp(1.5);
    cr_expect_float_eq(p[0], exp(0.5) / sum, 1e-15);
    cr_expect_float_eq(p[2], exp(1.5) / sum, 1e-15);
    const double *log_p = sy_signals_log_probabilities(&signals, 2);
    cr_expect_float_eq(log_p[1], 1 - log(sum), 1e-15);
    cr_expect_eq(p, sy_signals_probabilities(&signals, 2), "the second to ask gets the first's");
    sy_signals_finish(&signals);
}

Test(signals, extreme_logits_stay_finite_in_the_logarithm) {
    struct sy_signals signals;
    cr_assert(sy_signals_init(&signals, 2, 3));
    sy_signals_set(&signals, logits, 2);
    const double *log_p = sy_signals_log_probabilities(&signals, 1);
    cr_expect_float_eq(log_p[3], -2e4, 1e-9);
    cr_expect_float_eq(log_p[5], 0, 1e-15);
    sy_signals_finish(&signals);
}

Test(signals, new_logits_and_many_temperatures_are_never_mixed_up) {
    struct sy_signals signals;
    const float other[] = {0, 0, 0};
    cr_assert(sy_signals_init(&signals, 2, 3));
    sy_signals_set(&signals, logits, 1);
    for (int round = 0; round < 2; round++) {
        for (int t = 1; t <= SY_SIGNAL_SLOTS + 2; t++) {
            double sum = exp(1.0 / t) + exp(2.0 / t) + exp(3.0 / t);
            cr_expect_float_eq(sy_signals_probabilities(&signals, t)[1], exp(2.0 / t) / sum, 1e-15);
        }
    }
    sy_signals_set(&signals, other, 1);
    cr_expect_float_eq(sy_signals_probabilities(&signals, 1)[2], 1.0 / 3, 1e-15);
    sy_signals_finish(&signals);
}
