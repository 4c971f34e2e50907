/* test_statistics.c - means, deviations and tests against SciPy's (tests/data/statistics.py). */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <report/distributions.h>
#include <report/statistics.h>

static void read_numbers(double *out, const json_t *array) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        out[i] = json_number_value(json_array_get(array, i));
    }
}

static void expect_near(double found, const json_t *stored, const char *key, const char *name) {
    double expected = json_number_value(json_object_get(stored, key));
    double scale = fabs(expected) > 1 ? fabs(expected) : 1;
    cr_assert(fabs(found - expected) <= 1e-9 * scale, "%s: %s is %.17g, SciPy has %.17g", name, key, found, expected);
}

/* As far as small figures and probabilities go, absolute 1e-9 says little: they are held to 1e-9 of themselves. */
static void expect_close(double found, const json_t *stored, const char *key, const char *name) {
    double expected = json_number_value(json_object_get(stored, key));
    expect_near(found, stored, key, name);
    cr_assert(fabs(found - expected) <= 1e-9 * fabs(expected) + 1e-18, "%s: %s is %.17g, SciPy has %.17g", name, key,
              found, expected);
}

static json_t *load_cases(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/statistics.json", getenv("SWITCHYARD_TEST_DATA"));
    json_t *cases = json_load_file(path, 0, NULL);
    cr_assert(json_array_size(cases) > 8, "%s", path);
    return cases;
}

Test(statistics, as_scipy_has_them) {
    json_t *cases = load_cases(), *stored;
    size_t index;
    json_array_foreach(cases, index, stored) {
        double a[100], b[100];
        const char *name = json_string_value(json_object_get(stored, "name"));
        int32_t n = (int32_t)json_array_size(json_object_get(stored, "a"));
        read_numbers(a, json_object_get(stored, "a"));
        read_numbers(b, json_object_get(stored, "b"));
        struct sy_summary summary = sy_summarize(a, n);
        struct sy_paired paired = sy_compare_pairs(a, b, n);
        cr_assert_eq(summary.n, n);
        cr_assert_eq(paired.n, n);
        cr_assert_not(paired.identical);
        expect_close(summary.mean, stored, "mean", name);
        expect_close(summary.sd, stored, "sd", name);
        expect_close(paired.mean, stored, "difference", name);
        expect_close(paired.sd, stored, "difference_sd", name);
        expect_near(paired.w, stored, "w", name);
        if (sy_has_distributions()) {
            expect_close(paired.low, stored, "low", name);
            expect_close(paired.high, stored, "high", name);
            expect_close(paired.t, stored, "t", name);
            expect_close(paired.p_t, stored, "p_t", name);
            expect_close(paired.p_wilcoxon, stored, "p_wilcoxon", name);
        }
    }
    json_decref(cases);
}

Test(statistics, equals_differ_by_exactly_nothing) {
    const double a[] = {67.1, 67.30000000001, 66.9};
    struct sy_paired paired = sy_compare_pairs(a, a, 3);
    cr_assert(paired.identical);
    cr_assert(paired.mean == 0 && paired.low == 0 && paired.high == 0);
    cr_assert(isnan(paired.t) && isnan(paired.p_t) && isnan(paired.p_wilcoxon));
    cr_assert_eq(paired.n_wilcoxon, 0);
}

Test(statistics, a_constant_difference_has_no_t) {
    const double a[] = {2, 3, 4}, b[] = {1, 2, 3};
    struct sy_paired paired = sy_compare_pairs(a, b, 3);
    cr_assert_not(paired.identical);
    cr_assert(paired.mean == 1 && paired.low == 1 && paired.high == 1 && isnan(paired.t) && isnan(paired.p_t));
}

Test(statistics, what_is_not_finite_is_left_out) {
    const double none = (double)NAN, a[] = {1, none, 3, 4}, b[] = {0.5, 2, (double)INFINITY, 3};
    cr_assert_eq(sy_summarize(a, 4).n, 3);
    cr_assert_eq(sy_compare_pairs(a, b, 4).n, 2);
    cr_assert_float_eq(sy_compare_pairs(a, b, 4).mean, 0.75, 1e-15);
}

Test(statistics, too_few_for_anything) {
    const double a[] = {1};
    struct sy_summary one = sy_summarize(a, 1), none = sy_summarize(a, 0);
    struct sy_paired paired = sy_compare_pairs(a, a, 0);
    cr_assert(one.n == 1 && one.mean == 1 && isnan(one.sd));
    cr_assert(none.n == 0 && isnan(none.mean));
    cr_assert(paired.n == 0 && !paired.identical && isnan(paired.mean) && isnan(paired.low));
}
