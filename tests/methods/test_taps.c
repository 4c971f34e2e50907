/* test_taps.c - losses on feature maps: gradients by differences, what must not matter, and shapes that do not fit. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

struct variant {
    const char *name;
    int32_t n_sources;
    struct setting settings[MAX_SETTINGS];
    struct sy_shape target, source;
};

static const struct variant variants[] = {
    {"mse", 1, {{NULL, 0}}, {3, {3, 4, 4}}, {3, {3, 4, 4}}},
    {"mse", 3, {{"over", 1}}, {1, {7, 1, 1}}, {1, {7, 1, 1}}},
    {"at", 1, {{NULL, 0}}, {3, {3, 4, 4}}, {3, {5, 4, 4}}},
    {"at", 2, {{NULL, 0}}, {3, {2, 2, 2}}, {3, {3, 5, 5}}},
    {"at", 1, {{NULL, 0}}, {3, {2, 5, 5}}, {3, {3, 2, 2}}},
    {"mse", 2, {{"normalize", 1}}, {3, {2, 3, 3}}, {3, {2, 3, 3}}},
    {"at", 1, {{"toward", 1}}, {3, {3, 3, 3}}, {3, {2, 3, 3}}},
    {"at", 1, {{"distance", 1}}, {3, {3, 3, 3}}, {3, {2, 3, 3}}},
    {"at", 2, {{"distance", 1}, {"toward", 1}}, {3, {2, 4, 4}}, {3, {3, 2, 2}}},
};
#define N_VARIANTS (sizeof variants / sizeof *variants)

static double slope(const struct loaded *loss, const struct problem *problem, float *at, double step) {
    float kept = *at;
    *at = (float)(kept + step);
    double above = evaluate(loss, problem, NULL, 0);
    *at = (float)(kept - step);
    double below = evaluate(loss, problem, NULL, 0);
    *at = kept;
    return (above - below) / (2 * step);
}

/* As in test_losses.c: Richardson's extrapolation leaves step^4; attention's fifth derivative is larger, so the step is
 * smaller. Takes over both. */
static void expect_gradients(struct loaded *loss, struct problem *problem, const char *name, size_t number) {
    float *gradient[1 + MAX_SOURCES] = {NULL};
    for (int32_t n = 0; n <= problem->n_sources; n++) {
        cr_assert(gradient[n] = calloc(problem_count(problem, n), sizeof(float)));
    }
    evaluate(loss, problem, gradient, 1);
    for (int32_t n = 0; n <= problem->n_sources; n++) {
        double largest = 0;
        for (size_t i = 0; i < problem_count(problem, n); i++) {
            largest = fmax(largest, fabs((double)gradient[n][i]));
        }
        cr_expect(largest > 0, "%s says something", name);
        for (size_t i = 0; i < problem_count(problem, n); i++) {
            float *at = &problem->logits[n][i];
            double found = (4 * slope(loss, problem, at, 0x1p-9) - slope(loss, problem, at, 0x1p-8)) / 3;
            cr_expect_float_eq(gradient[n][i], found, ldexp(largest, -22) + 1e-8,
                               "%s %zu, tensor %d, element %zu: %.10g, found %.10g", name, number, n, i, gradient[n][i],
                               found);
        }
        free(gradient[n]);
    }
    free_problem(problem);
    unload(loss);
}

Test(taps, gradients_are_those_of_the_value) {
    for (size_t v = 0; v < N_VARIANTS; v++) {
        const struct variant *variant = &variants[v];
        struct loaded loss = load(SY_LOSS, "losses", variant->name, variant->settings);
        struct problem problem = make_tap_problem(5 + v, 2, variant->n_sources, variant->target, variant->source, 2);
        expect_gradients(&loss, &problem, variant->name, v);
    }
}

/* Weights of a mixture are not below 0; that they add up to 1 is not asked. */
Test(taps, gradients_of_mixtures_are_those_of_the_value) {
    const struct setting settings[][MAX_SETTINGS] = {{{"temperature", 1}}, {{"temperature", 3}, {"t_squared", 1}}};
    for (size_t v = 0; v < 2; v++) {
        const struct sy_shape logits = {0, {0, 0, 0}}, parts = {1, {33, 1, 1}}; /* ten classes */
        struct loaded loss = load(SY_LOSS, "losses", "mixture", settings[v]);
        struct problem problem = make_tap_problem(3 + v, 2, 1, logits, parts, 2);
        for (size_t i = 0; i < problem_count(&problem, 1); i++) {
            float *at = &problem.logits[1][i];
            *at = i % 33 < 3 ? 0.125f + fabsf(*at) / 4 : *at;
        }
        expect_gradients(&loss, &problem, "mixture", v);
    }
}

/* Attention is a direction: maps twice as large look at the same places; equal maps are no distance apart. */
Test(taps, attention_does_not_see_scale) {
    struct loaded loss = load(SY_LOSS, "losses", "at", NULL);
    const struct sy_shape shape = {3, {2, 3, 3}};
    struct problem problem = make_tap_problem(3, 2, 1, shape, shape, 2);
    double before = evaluate(&loss, &problem, NULL, 0);
    for (size_t i = 0; i < problem_count(&problem, 1); i++) {
        problem.logits[1][i] *= -2;
    }
    cr_expect_float_eq(evaluate(&loss, &problem, NULL, 0), before, 1e-15);
    memcpy(problem.logits[0], problem.logits[1], problem_count(&problem, 1) * sizeof(float));
    cr_expect_eq(evaluate(&loss, &problem, NULL, 0), 0);
    memset(problem.logits[0], 0, problem_count(&problem, 0) * sizeof(float));
    cr_expect(isfinite(evaluate(&loss, &problem, NULL, 0)), "maps of zeros have no direction");
    free_problem(&problem);
    unload(&loss);
}

static int checked(const char *name, struct sy_shape target, struct sy_shape source, struct sy_error *err) {
    struct loaded loss = load(SY_LOSS, "losses", name, NULL);
    const struct sy_loss_ops *ops = loss.ops;
    const struct sy_shape *sources[] = {&source};
    *err = (struct sy_error){.size = sizeof *err};
    int status = ops->check(loss.self, 10, &target, sources, 1, err);
    unload(&loss);
    return status;
}

Test(taps, shapes_that_do_not_fit_are_refused) {
    const struct sy_shape maps = {3, {4, 8, 8}}, wider = {3, {5, 8, 8}}, vector = {1, {10, 1, 1}};
    struct sy_error err;
    cr_expect_eq(checked("mse", maps, maps, &err), SY_OK);
    cr_expect_eq(checked("mse", maps, wider, &err), SY_EINVAL);
    cr_expect(strstr(err.text, "the learner's is 4 x 8 x 8, a source's 5 x 8 x 8"), "%s", err.text);
    const struct sy_shape three = {1, {33, 1, 1}}, none = {1, {32, 1, 1}};
    cr_expect_eq(checked("mixture", vector, three, &err), SY_OK);
    cr_expect_eq(checked("mixture", vector, none, &err), SY_EINVAL);
    cr_expect(strstr(err.text, "it has 32 numbers"), "%s", err.text);
    cr_expect_eq(checked("at", maps, wider, &err), SY_OK);
    cr_expect_eq(checked("at", maps, vector, &err), SY_EINVAL);
    cr_expect(strstr(err.text, "feature maps"), "%s", err.text);
}
