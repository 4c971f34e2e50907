/* test_golden.c - numbers that PyTorch computed in double, and closed forms worked out by hand. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

static struct problem golden_problem(int32_t n_sources) {
    struct problem problem = make_problem(1, GOLDEN_BATCH, GOLDEN_CLASSES, n_sources, 1);
    memcpy(problem.labels, golden_labels, sizeof golden_labels);
    for (int32_t n = 0; n <= n_sources; n++) {
        memcpy(problem.logits[n], golden_logits[n], sizeof golden_logits[n]);
    }
    return problem;
}

/* Values are doubles; a gradient is a float sum of one float per source. */
Test(golden, losses_are_pytorchs) {
    for (size_t i = 0; i < sizeof golden_losses / sizeof *golden_losses; i++) {
        const struct golden_loss *golden = &golden_losses[i];
        struct loaded loss = load(SY_LOSS, "losses", golden->name, golden->settings);
        struct problem problem = golden_problem(golden->n_sources);
        float room[3][GOLDEN_COUNT], *gradient[1 + MAX_SOURCES] = {room[0], room[1], room[2]};
        double value = evaluate(&loss, &problem, gradient, 1);
        cr_expect_float_eq(value, golden->value, 1e-14 * (1 + golden->value), "%s %zu", golden->name, i);
        for (int32_t n = 0; n <= golden->n_sources; n++) {
            for (size_t at = 0; at < GOLDEN_COUNT; at++) {
                double right = golden->gradient[n][at];
                cr_expect_float_eq(gradient[n][at], right, 0x1p-23 * fabs(right) + 1e-8,
                                   "%s %zu, tensor %d, element %zu: %.9g, must be %.9g", golden->name, i, n, at,
                                   gradient[n][at], right);
            }
        }
        free_problem(&problem);
        unload(&loss);
    }
}

static struct problem golden_tap_problem(const struct golden_tap *golden) {
    struct problem problem = make_tap_problem(1, 2, 1, golden->shapes[0], golden->shapes[1], 1);
    for (int32_t n = 0; n < 2; n++) {
        memcpy(problem.logits[n], golden->taps[n], problem_count(&problem, n) * sizeof(float));
    }
    return problem;
}

/* A pooled gradient is a float sum of up to four floats. */
Test(golden, losses_of_taps_are_pytorchs) {
    for (size_t i = 0; i < sizeof golden_taps / sizeof *golden_taps; i++) {
        const struct golden_tap *golden = &golden_taps[i];
        struct loaded loss = load(SY_LOSS, "losses", golden->name, golden->settings);
        struct problem problem = golden_tap_problem(golden);
        float room[2][GOLDEN_TAP], *gradient[1 + MAX_SOURCES] = {room[0], room[1]};
        double value = evaluate(&loss, &problem, gradient, 1);
        cr_expect_float_eq(value, golden->value, 1e-14 * (1 + golden->value), "%s %zu: %.17g", golden->name, i, value);
        for (int32_t n = 0; n < 2; n++) {
            for (size_t at = 0; at < problem_count(&problem, n); at++) {
                double right = golden->gradient[n][at];
                cr_expect_float_eq(gradient[n][at], right, 0x1p-22 * fabs(right) + 1e-9,
                                   "%s %zu, tensor %d, element %zu: %.9g, must be %.9g", golden->name, i, n, at,
                                   gradient[n][at], right);
            }
        }
        free_problem(&problem);
        unload(&loss);
    }
}

/* An epoch that measures, then one that uses what was measured; only every second sample's number is divisible by 2. */
Test(golden, kdcls_general_weights_come_from_the_epoch_before) {
    const struct setting settings[MAX_SETTINGS] = {{"variant", 3}, {"ridge", 1e-3}, {"held_out_every", 2}};
    const int64_t even[] = {4, 0, 2}, odd[] = {1, 3, 5};
    struct loaded loss = load(SY_LOSS, "losses", "kdcl", settings);
    struct problem problem = golden_problem(2), other = make_problem(9, GOLDEN_BATCH, GOLDEN_CLASSES, 2, 3);
    float gradient[GOLDEN_COUNT], *gradients[] = {gradient};
    problem.samples = even, other.samples = odd;
    evaluate(&loss, &problem, gradients, 0);
    evaluate(&loss, &other, gradients, 0);
    cr_expect_eq(member(&loss, "counted"), 3, "what is not held out is not measured");
    problem.epoch = 1;
    double value = evaluate(&loss, &problem, gradients, 0);
    cr_expect_eq(member(&loss, "ready"), 1);
    cr_expect_float_eq(member(&loss, "weights"), golden_general_weights[0], 1e-11);
    cr_expect_float_eq(value, golden_general_value, 1e-11);
    for (int at = 0; at < GOLDEN_COUNT; at++) {
        double right = golden_general_gradient[at];
        cr_expect_float_eq(gradient[at], right, 0x1p-23 * fabs(right) + 1e-10);
    }
    free_problem(&problem), free_problem(&other);
    unload(&loss);
}

/* softmax at a temperature, in long double and without any trick */
static void soft(long double *p, const float *z, long double temperature) {
    long double sum = 0;
    for (int k = 0; k < GOLDEN_CLASSES; k++) {
        sum += p[k] = expl((long double)z[k] / temperature);
    }
    for (int k = 0; k < GOLDEN_CLASSES; k++) {
        p[k] /= sum;
    }
}

/* d/dz of T^2 KL(q || p) is T (p - q) / B: the temperature is in the gradient once, with its square from outside. */
Test(golden, temperature_is_in_the_gradient_of_kl) {
    const double temperatures[] = {0.5, 1, 2, 4, 20};
    for (size_t i = 0; i < 5; i++) {
        for (int squared = 0; squared < 2; squared++) {
            const double T = temperatures[i];
            const struct setting settings[MAX_SETTINGS] = {{"temperature", T}, {"t_squared", squared}};
            struct loaded loss = load(SY_LOSS, "losses", "kl", settings);
            struct problem problem = golden_problem(1);
            float gradient[GOLDEN_COUNT], *gradients[] = {gradient};
            evaluate(&loss, &problem, gradients, 0);
            for (int at = 0; at < GOLDEN_COUNT; at++) {
                long double p[GOLDEN_CLASSES], q[GOLDEN_CLASSES];
                int row = at - at % GOLDEN_CLASSES;
                soft(p, golden_logits[0] + row, T), soft(q, golden_logits[1] + row, T);
                long double difference = p[at - row] - q[at - row];
                double right = (double)(difference / GOLDEN_BATCH * (squared ? T : 1 / T));
                cr_expect_float_eq(gradient[at], right, 0x1p-23 * fabs(right) + 1e-15);
            }
            free_problem(&problem);
            unload(&loss);
        }
    }
}

/* With equal logits everywhere p = 1/K: CE = log K whatever the label and the smoothing, and KL = 0. */
Test(golden, equal_logits) {
    struct problem problem = make_problem(5, 4, 10, 1, 0);
    float gradient[40], *gradients[] = {gradient};
    const struct setting smooth[MAX_SETTINGS] = {{"label_smoothing", 0.3}};
    struct loaded ce = load(SY_LOSS, "losses", "ce", smooth), kl = load(SY_LOSS, "losses", "kl", NULL);
    cr_expect_float_eq(evaluate(&kl, &problem, gradients, 0), 0, 1e-15);
    for (int i = 0; i < 40; i++) {
        cr_expect_eq(gradient[i], 0);
    }
    problem.n_sources = 0;
    cr_expect_float_eq(evaluate(&ce, &problem, gradients, 0), log(10), 1e-14);
    for (int i = 0; i < 40; i++) {
        double right = (0.1 - 0.03 - (i % 10 == problem.labels[i / 10] ? 0.7 : 0)) / 4;
        cr_expect_float_eq(gradient[i], right, 0x1p-24);
    }
    problem.n_sources = 1;
    free_problem(&problem);
    unload(&ce), unload(&kl);
}

/* CE of a row that is sure and wrong is the distance of the logits; KL(p || q) is never negative. */
Test(golden, sure_rows_and_signs) {
    struct problem problem = make_problem(5, 1, 3, 0, 0);
    struct loaded ce = load(SY_LOSS, "losses", "ce", NULL);
    problem.labels[0] = 1, problem.logits[0][0] = 1e4f, problem.logits[0][1] = -1e4f;
    cr_expect_float_eq(evaluate(&ce, &problem, NULL, 0), 2e4, 1e-9);
    problem.labels[0] = 0;
    cr_expect_float_eq(evaluate(&ce, &problem, NULL, 0), 0, 1e-15);
    free_problem(&problem);
    unload(&ce);
}

Test(golden, what_switokd_measures_is_pytorchs) {
    for (size_t i = 0; i < sizeof golden_measures / sizeof *golden_measures; i++) {
        for (int student = 0; student < 2; student++) {
            const double *golden = golden_measures[i];
            const struct setting settings[MAX_SETTINGS] = {{"temperature", golden[0]},
                                                           {"epsilon_denominator", student}};
            struct loaded policy = load(SY_POLICY, "policies", "switokd", settings);
            struct problem problem = golden_problem(1);
            decide(&policy, &problem, 0, 0);
            cr_expect_float_eq(member(&policy, "gap"), golden[1], 1e-14);
            cr_expect_float_eq(member(&policy, "s_label"), golden[2], 1e-14);
            cr_expect_float_eq(member(&policy, "t_label"), golden[3], 1e-14);
            cr_expect_float_eq(member(&policy, "epsilon"), golden[student ? 6 : 4], 1e-14);
            cr_expect_float_eq(member(&policy, "delta"), golden[student ? 7 : 5], 1e-14);
            free_problem(&problem);
            unload(&policy);
        }
    }
}
