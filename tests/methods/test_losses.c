/* test_losses.c - what holds for every loss: its gradient is that of its value, and what must not matter does not. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

struct variant {
    const char *name;
    int32_t n_sources;
    struct setting settings[MAX_SETTINGS];
    int constant; /* the sources are constants to it: their gradients are 0 whatever the differences say */
};

static const struct variant variants[] = {
    {"ce", 0, {{NULL, 0}}, 0},
    {"ce", 0, {{"label_smoothing", 0.1}}, 0},
    {"ce", 0, {{"label_smoothing", 1}}, 0},
    {"kl", 1, {{NULL, 0}}, 0},
    {"kl", 1, {{"temperature", 4}, {"t_squared", 1}}, 0},
    {"kl", 2, {{"temperature", 0.5}}, 0},
    {"kl", 1, {{"direction", 1}}, 0},
    {"kl", 3, {{"temperature", 3}, {"t_squared", 1}, {"direction", 1}}, 0},
    {"kl", 2, {{"temperature", 2}, {"t_squared", 1}, {"direction", 2}}, 0},
    {"js", 1, {{NULL, 0}}, 0},
    {"js", 2, {{"temperature", 3}, {"t_squared", 1}}, 0},
    {"peers", 1, {{NULL, 0}}, 0},
    {"peers", 3, {{"temperature", 2}}, 0},
    {"peers", 3, {{"temperature", 3}, {"t_squared", 1}, {"mean", 1}}, 0},
    {"dkd", 1, {{NULL, 0}}, 0},
    {"dkd", 2, {{"warmup_epochs", 0}, {"temperature", 1}, {"beta", 2}}, 0},
    {"dkd", 1, {{"alpha", 0}, {"warmup_epochs", 0}, {"temperature", 2}}, 0},
    {"kdcl", 2, {{"variant", 0}, {"include_target", 0}}, 1},
    {"kdcl", 2, {{"variant", 0}, {"include_target", 0}, {"scope", 1}, {"t_squared", 0}}, 1},
    {"kdcl", 3, {{"variant", 1}, {"include_target", 0}, {"temperature", 1}}, 1},
    {"kdcl", 3, {{"variant", 2}, {"include_target", 0}, {"temperature", 3}}, 1},
    {"kdcl", 2, {{"variant", 3}, {"include_target", 0}}, 1},
};
#define N_VARIANTS (sizeof variants / sizeof *variants)

/* A loss, something to evaluate it on, and room for its gradients. */
struct trial {
    struct loaded loss;
    struct problem problem;
    float *gradient[1 + MAX_SOURCES];
    size_t count;
    double value;
    int constant;
};

static void evaluate_trial(struct trial *trial) {
    trial->value = evaluate(&trial->loss, &trial->problem, trial->gradient, 1);
}

static struct trial begin(const struct variant *variant, int32_t batch, int32_t classes, double spread) {
    struct trial trial = {.loss = load(SY_LOSS, "losses", variant->name, variant->settings),
                          .problem = make_problem(11, batch, classes, variant->n_sources, spread),
                          .count = (size_t)batch * (size_t)classes,
                          .constant = variant->constant};
    for (int n = 0; n <= MAX_SOURCES; n++) {
        cr_assert(trial.gradient[n] = calloc(trial.count, sizeof(float)));
    }
    evaluate_trial(&trial);
    return trial;
}

static void end(struct trial *trial) {
    for (int n = 0; n <= MAX_SOURCES; n++) {
        free(trial->gradient[n]);
    }
    free_problem(&trial->problem);
    unload(&trial->loss);
}

static double largest(const float *values, size_t count) {
    double found = 0;
    for (size_t i = 0; i < count; i++) {
        found = fmax(found, fabs((double)values[i]));
    }
    return found;
}

/* Steps that a float holds exactly: logits are multiples of 1/64 and small. */
static double slope(struct trial *trial, float *at, double step) {
    float kept = *at;
    *at = (float)(kept + step);
    double above = evaluate(&trial->loss, &trial->problem, NULL, 0);
    *at = (float)(kept - step);
    double below = evaluate(&trial->loss, &trial->problem, NULL, 0);
    *at = kept;
    return (above - below) / (2 * step);
}

/* Richardson's extrapolation takes out the error of order step^2; what is left is step^4 / 120 of the fifth derivative,
 * under 1e-9 here, and the rounding of the gradient to float. */
static void expect_gradients_agree(struct trial *trial, size_t stride) {
    for (int32_t n = 0; n <= trial->problem.n_sources; n++) {
        double room = ldexp(largest(trial->gradient[n], trial->count), -23) + 2e-8;
        for (size_t i = 0; i < trial->count && n > 0 && trial->constant; i++) {
            cr_expect_eq(trial->gradient[n][i], 0, "%s: a constant", trial->loss.plugin->name);
        }
        for (size_t i = 0; i < trial->count && !(n > 0 && trial->constant); i += stride) {
            float *at = &trial->problem.logits[n][i];
            double found = (4 * slope(trial, at, 0x1p-8) - slope(trial, at, 0x1p-7)) / 3;
            cr_expect_float_eq(trial->gradient[n][i], found, room, "%s, tensor %d, element %zu: %.10g, found %.10g",
                               trial->loss.plugin->name, n, i, trial->gradient[n][i], found);
        }
    }
}

Test(losses, gradients_are_those_of_the_value) {
    for (size_t v = 0; v < N_VARIANTS; v++) {
        struct trial trial = begin(&variants[v], 3, 5, 2);
        expect_gradients_agree(&trial, 1);
        end(&trial);
    }
}

Test(losses, two_classes_and_a_thousand) {
    for (size_t v = 0; v < N_VARIANTS; v++) {
        struct trial two = begin(&variants[v], 4, 2, 2), many = begin(&variants[v], 2, 1000, 2);
        expect_gradients_agree(&two, 1);
        expect_gradients_agree(&many, 97);
        end(&two), end(&many);
    }
}

/* Softmax does not see a constant added to a row, so no gradient points along it. */
Test(losses, every_row_of_a_gradient_sums_to_zero) {
    for (size_t v = 0; v < N_VARIANTS; v++) {
        struct trial trial = begin(&variants[v], 6, 10, 4);
        for (int32_t n = 0; n <= trial.problem.n_sources; n++) {
            double room = ldexp(largest(trial.gradient[n], trial.count), -23) * 10;
            for (size_t row = 0; row < trial.count; row += 10) {
                double sum = 0;
                for (size_t k = 0; k < 10; k++) {
                    sum += (double)trial.gradient[n][row + k];
                }
                cr_expect_float_eq(sum, 0, room, "%s, tensor %d: %g", variants[v].name, n, sum);
            }
        }
        end(&trial);
    }
}

/* A mean over the batch, not a sum: the same samples twice make the same loss, and each counts half. Up to the last bit of a
 * float: what is solved on a batch (kdcl's linear) sums other numbers. */
Test(losses, the_batch_twice_is_the_same_loss) {
    for (size_t v = 0; v < N_VARIANTS; v++) {
        struct trial once = begin(&variants[v], 3, 7, 3), twice = begin(&variants[v], 6, 7, 3);
        for (int half = 0; half < 2; half++) {
            memcpy(twice.problem.labels + 3 * half, once.problem.labels, 3 * sizeof(int32_t));
            for (int32_t n = 0; n <= variants[v].n_sources; n++) {
                memcpy(twice.problem.logits[n] + 21 * half, once.problem.logits[n], 21 * sizeof(float));
            }
        }
        evaluate_trial(&twice);
        cr_expect_float_eq(once.value, twice.value, 1e-14 * fabs(once.value));
        for (size_t i = 0; i < twice.count; i++) {
            double right = (double)once.gradient[0][i % 21];
            cr_expect_float_eq(2 * (double)twice.gradient[0][i], right, 0x1p-23 * fabs(right) + 1e-17);
        }
        end(&once), end(&twice);
    }
}

Test(losses, the_order_of_samples_and_classes_does_not_matter) {
    for (size_t v = 0; v < N_VARIANTS; v++) {
        struct trial one = begin(&variants[v], 4, 6, 3), other = begin(&variants[v], 4, 6, 3);
        for (size_t i = 0; i < one.count; i++) {
            for (int32_t n = 0; n <= variants[v].n_sources; n++) {
                other.problem.logits[n][one.count - 1 - i] = one.problem.logits[n][i];
            }
        }
        for (int b = 0; b < 4; b++) {
            other.problem.labels[3 - b] = 5 - one.problem.labels[b];
        }
        evaluate_trial(&other);
        double room = ldexp(largest(one.gradient[0], one.count), -23);
        cr_expect_float_eq(one.value, other.value, 1e-13 * fabs(one.value));
        for (size_t i = 0; i < one.count; i++) {
            cr_expect_float_eq(one.gradient[0][i], other.gradient[0][one.count - 1 - i], room);
        }
        end(&one), end(&other);
    }
}

Test(losses, extreme_logits_stay_finite) {
    const float patterns[][2] = {{1e4f, -1e4f}, {-1e4f, 1e4f}, {0, 0}, {1e4f, 1e4f}, {1e4f, 0}};
    for (size_t v = 0; v < N_VARIANTS; v++) {
        for (size_t a = 0; a < 5; a++) {
            struct trial trial = begin(&variants[v], 2, 4, 1);
            for (int32_t n = 0; n <= variants[v].n_sources; n++) {
                for (size_t i = 0; i < trial.count; i++) {
                    trial.problem.logits[n][i] = patterns[(a + (size_t)n) % 5][i % 4 > 0];
                }
            }
            evaluate_trial(&trial);
            cr_expect(isfinite(trial.value) && trial.value > -1e-12, "%s: %g", variants[v].name, trial.value);
            for (size_t i = 0; i < trial.count; i++) {
                for (int32_t n = 0; n <= variants[v].n_sources; n++) {
                    cr_expect(isfinite(trial.gradient[n][i]), "%s, pattern %zu", variants[v].name, a);
                }
            }
            end(&trial);
        }
    }
}

/* ---- ensembles -------------------------------------------------------------------------------------------------- */

/* The learner as a member is one more source with its logits, as the target is a constant either way. */
Test(losses, kdcls_learner_is_a_member_like_others) {
    for (int variant = 0; variant < 4; variant++) {
        const struct variant with = {"kdcl", 2, {{"variant", variant}, {"include_target", 1}}, 1};
        const struct variant without = {"kdcl", 3, {{"variant", variant}, {"include_target", 0}}, 1};
        struct trial one = begin(&with, 5, 6, 3), other = begin(&without, 5, 6, 3);
        memcpy(other.problem.logits[1], one.problem.logits[0], one.count * sizeof(float));
        for (int n = 0; n < 3; n++) {
            memcpy(other.problem.logits[n ? n + 1 : 0], one.problem.logits[n], one.count * sizeof(float));
        }
        memcpy(other.problem.labels, one.problem.labels, 5 * sizeof(int32_t));
        evaluate_trial(&other);
        cr_expect_float_eq(one.value, other.value, 1e-14 * (1 + one.value), "variant %d", variant);
        for (size_t i = 0; i < one.count; i++) {
            cr_expect_eq(one.gradient[0][i], other.gradient[0][i]);
        }
        end(&one), end(&other);
    }
}

static double mixture_error(const struct problem *problem, const double *share) {
    double sum = 0;
    for (int32_t b = 0; b < problem->batch; b++) {
        double all = 0, label = 0;
        for (int32_t k = 0; k < problem->classes; k++) {
            double z = 0;
            for (int n = 0; n < 3; n++) {
                z += share[n] * (double)problem->logits[1 + n][b * problem->classes + k];
            }
            all += exp(z);
            label = k == problem->labels[b] ? z : label;
        }
        sum += (log(all) - label) / problem->batch;
    }
    return sum;
}

/* The learner's gradient tells the mixture: T = 1, so mix p = p - B gradient, and its error is the least of a fine grid's. */
Test(losses, kdcls_linear_mixture_is_the_best_of_all) {
    const struct variant variant = {
        "kdcl", 3, {{"variant", 1}, {"include_target", 0}, {"temperature", 1}, {"iterations", 400}}, 1};
    struct trial trial = begin(&variant, 8, 5, 2);
    for (int b = 0; b < 8; b++) { /* sources that know something, or the best mixture is a corner */
        trial.problem.logits[1][b * 5 + trial.problem.labels[b]] += 2;
        trial.problem.logits[2][b * 5 + trial.problem.labels[b]] += 2;
    }
    evaluate_trial(&trial);
    double error = 0, least = INFINITY;
    for (int b = 0; b < 8; b++) {
        double sum = 0, label = 0;
        for (int k = 0; k < 5; k++) {
            sum += exp((double)trial.problem.logits[0][b * 5 + k]);
        }
        label = exp((double)trial.problem.logits[0][b * 5 + trial.problem.labels[b]]) / sum;
        error -= log(label - 8 * (double)trial.gradient[0][b * 5 + trial.problem.labels[b]]) / 8;
    }
    for (int i = 0; i <= 200; i++) {
        for (int j = 0; i + j <= 200; j++) {
            const double share[] = {i / 200.0, j / 200.0, 1 - (i + j) / 200.0};
            least = fmin(least, mixture_error(&trial.problem, share));
        }
    }
    /* the grid is off the best by half a step; the gradient is a float */
    cr_expect(error <= least + 1e-6 && error > least - 1e-3, "%.9g, the grid's best is %.9g", error, least);
    end(&trial);
}

/* minlogit's target gives the true class at least what every member gives it. */
Test(losses, kdcls_minlogit_is_surer_than_every_member) {
    const struct variant variant = {"kdcl", 3, {{"variant", 2}, {"temperature", 1}}, 1};
    struct trial trial = begin(&variant, 6, 7, 2);
    for (int b = 0; b < 6; b++) {
        double mine = 0;
        for (int n = 0; n < 4; n++) {
            double sum = 0, label = (double)trial.problem.logits[n][b * 7 + trial.problem.labels[b]];
            for (int k = 0; k < 7; k++) {
                sum += exp((double)trial.problem.logits[n][b * 7 + k] - label);
            }
            mine = n ? mine : 1 / sum;
            double target = mine - 6 * (double)trial.gradient[0][b * 7 + trial.problem.labels[b]];
            cr_expect(target > 1 / sum - 1e-6, "sample %d, member %d", b, n);
        }
    }
    end(&trial);
}
