/* test_policies.c - decisions against formulas worked out another way, bounds, and what happens where there are none. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "harness.h"

/* Of one problem, from the closed form: a row's L1 distance to its label is 2 (1 - p[label]). */
struct expected {
    double gap, s, t, epsilon, delta;
};

static double true_class(const float *z, int32_t label, int32_t classes) {
    long double sum = 0;
    for (int32_t k = 0; k < classes; k++) {
        sum += expl((long double)z[k] - (long double)z[label]);
    }
    return (double)(1 / sum);
}

static double row_gap(const float *a, const float *b, int32_t classes, double temperature) {
    long double sum_a = 0, sum_b = 0, sum = 0;
    for (int32_t k = 0; k < classes; k++) {
        sum_a += expl((long double)a[k] / temperature), sum_b += expl((long double)b[k] / temperature);
    }
    for (int32_t k = 0; k < classes; k++) {
        sum += fabsl(expl((long double)a[k] / temperature) / sum_a - expl((long double)b[k] / temperature) / sum_b);
    }
    return (double)sum;
}

static struct expected work_out(const struct problem *problem, double temperature, int by_student) {
    double student = 0, teacher = 0;
    struct expected is = {0};
    for (int32_t b = 0; b < problem->batch; b++) {
        const float *z = problem->logits[0] + b * problem->classes, *y = problem->logits[1] + b * problem->classes;
        student += true_class(z, problem->labels[b], problem->classes) / problem->batch;
        teacher += true_class(y, problem->labels[b], problem->classes) / problem->batch;
        is.gap += row_gap(z, y, problem->classes, temperature) / problem->batch;
    }
    is.s = 2 * (1 - student), is.t = 2 * (1 - teacher);
    is.epsilon = exp(-(1 - teacher) / (by_student ? 1 - student : 2 - student - teacher));
    is.delta = is.s - is.epsilon * is.t;
    return is;
}

/* The teacher of half of the problems leans towards the labels, so that both modes occur. */
static struct problem some_problem(int seed) {
    const int32_t batches[] = {1, 3, 16}, classes[] = {2, 10, 100};
    struct problem problem = make_problem((uint64_t)seed, batches[seed % 3], classes[seed / 3 % 3], 1, 2);
    for (int32_t b = 0; b < problem.batch; b++) {
        for (int side = 0; side < 2; side++) {
            problem.logits[side][b * problem.classes + problem.labels[b]] += (float)((seed >> (2 * side)) % 4);
        }
    }
    return problem;
}

static void expect_observed(const struct loaded *policy, const struct expected *is) {
    cr_expect_float_eq(member(policy, "gap"), is->gap, 1e-13);
    cr_expect_float_eq(member(policy, "s_label"), is->s, 1e-13);
    cr_expect_float_eq(member(policy, "t_label"), is->t, 1e-13);
    cr_expect_float_eq(member(policy, "epsilon"), is->epsilon, 1e-13);
    cr_expect_float_eq(member(policy, "delta"), is->delta, 1e-12);
}

/* Decides `count` problems; each mode must have occurred, and none may hang on the last bits. */
static void expect_decisions(const struct loaded *policy, double temperature, int by_student, int better,
                             double limit) {
    int experts = 0, count = 120;
    for (int seed = 0; seed < count; seed++) {
        struct problem problem = some_problem(seed);
        struct expected is = work_out(&problem, temperature, by_student);
        struct sy_policy_out out = decide(policy, &problem, seed, 0);
        double threshold = limit >= 0 ? limit : is.delta;
        int expert = is.gap > threshold && (!better || is.t < is.s);
        cr_assert(fabs(is.gap - threshold) > 1e-12 && fabs(is.t - is.s) > 1e-12, "seed %d is no test", seed);
        cr_expect_eq(out.mode, expert ? SY_EXPERT : SY_LEARNING, "seed %d", seed);
        cr_expect(out.teacher_weight == 1 && out.student_weight == 1, "weights are not switokd's business");
        expect_observed(policy, &is);
        experts += expert;
        free_problem(&problem);
    }
    cr_expect(experts > 0 && experts < count, "%d of %d in expert mode", experts, count);
}

Test(policies, switokd_decides_as_the_closed_form) {
    for (int choice = 0; choice < 8; choice++) {
        double temperature = choice & 1 ? 3 : 1;
        int by_student = choice >> 1 & 1, better = choice >> 2;
        const struct setting settings[MAX_SETTINGS] = {
            {"temperature", temperature}, {"epsilon_denominator", by_student}, {"require_teacher_better", better}};
        struct loaded policy = load(SY_POLICY, "policies", "switokd", settings);
        expect_decisions(&policy, temperature, by_student, better, -1);
        unload(&policy);
    }
}

Test(policies, fixed_threshold_compares_the_gap_with_a_number) {
    for (int better = 0; better < 2; better++) {
        const struct setting settings[MAX_SETTINGS] = {
            {"threshold", 0.7}, {"temperature", 2}, {"require_teacher_better", better}};
        struct loaded policy = load(SY_POLICY, "policies", "fixed_threshold", settings);
        expect_decisions(&policy, 2, 0, better, 0.7);
        unload(&policy);
    }
}

Test(policies, defaults_are_those_of_the_released_code) {
    struct loaded policy = load(SY_POLICY, "policies", "switokd", NULL);
    cr_expect_eq(member(&policy, "temperature"), 1);
    cr_expect_eq(member(&policy, "require_teacher_better"), 1);
    cr_expect_eq(member(&policy, "epsilon_denominator"), 0);
    expect_decisions(&policy, 1, 0, 1, -1);
    unload(&policy);
}

Test(policies, learning_only_measures) {
    struct loaded policy = load(SY_POLICY, "policies", "learning", NULL);
    for (int seed = 0; seed < 30; seed++) {
        struct problem problem = some_problem(seed);
        struct expected is = work_out(&problem, 1, 0);
        cr_expect_eq(decide(&policy, &problem, seed, 0).mode, SY_LEARNING);
        expect_observed(&policy, &is);
        free_problem(&problem);
    }
    unload(&policy);
}

/* G is at least |s - t| (triangle inequality) and at most 2; epsilon is above exp(-1/2) while the teacher is better. */
Test(policies, measurements_stay_in_their_bounds) {
    struct loaded policy = load(SY_POLICY, "policies", "switokd", NULL);
    for (int seed = 0; seed < 120; seed++) {
        struct problem problem = some_problem(seed);
        decide(&policy, &problem, seed, 0);
        double gap = member(&policy, "gap"), s = member(&policy, "s_label"), t = member(&policy, "t_label");
        double epsilon = member(&policy, "epsilon"), delta = member(&policy, "delta");
        cr_expect(gap >= fabs(s - t) - 1e-14 && gap <= 2);
        cr_expect(epsilon > exp(-1) && epsilon <= 1 && (t >= s || epsilon > exp(-0.5)));
        cr_expect(delta >= s - t - 1e-14 && delta <= s);
        free_problem(&problem);
    }
    unload(&policy);
}

Test(policies, equal_nodes_and_sure_ones_learn) {
    const char *const names[] = {"switokd", "fixed_threshold", "learning"};
    for (int n = 0; n < 3; n++) {
        struct loaded policy = load(SY_POLICY, "policies", names[n], NULL);
        struct problem problem = make_problem(3, 4, 5, 1, 0);
        cr_expect_eq(decide(&policy, &problem, 0, 0).mode, SY_LEARNING, "%s", names[n]);
        cr_expect_eq(member(&policy, "gap"), 0);
        for (int side = 0; side < 2; side++) {
            for (int b = 0; b < 4; b++) {
                problem.logits[side][b * 5 + problem.labels[b]] = 1e4f;
            }
        }
        cr_expect_eq(decide(&policy, &problem, 0, 0).mode, SY_LEARNING, "%s", names[n]);
        cr_expect_eq(member(&policy, "s_label"), 0);
        cr_expect_eq(member(&policy, "epsilon"), 1, "not 0/0");
        free_problem(&problem);
        unload(&policy);
    }
}

Test(policies, what_is_not_a_number_means_learning_mode) {
    const char *const names[] = {"switokd", "fixed_threshold", "learning"};
    for (int n = 0; n < 3; n++) {
        for (int better = 0; better < 2; better++) {
            for (int side = 0; side < 2; side++) {
                const struct setting settings[MAX_SETTINGS] = {{"require_teacher_better", better}};
                struct loaded policy = load(SY_POLICY, "policies", names[n], n < 2 ? settings : NULL);
                struct problem problem = some_problem(8);
                problem.logits[side][0] = NAN;
                cr_expect_eq(decide(&policy, &problem, 0, 0).mode, SY_LEARNING, "%s", names[n]);
                cr_expect(isnan(member(&policy, "gap")));
                free_problem(&problem);
                unload(&policy);
            }
        }
    }
}

/* Whatever was decided before: the same batch, the same decision. */
Test(policies, decisions_depend_on_the_batch_alone) {
    const char *const names[] = {"switokd", "fixed_threshold", "learning"};
    for (int n = 0; n < 3; n++) {
        struct loaded fresh = load(SY_POLICY, "policies", names[n], NULL);
        struct loaded used = load(SY_POLICY, "policies", names[n], NULL);
        for (int seed = 0; seed < 40; seed++) {
            struct problem problem = some_problem(seed), between = some_problem(seed + 7);
            decide(&used, &between, 0, 0);
            cr_expect_eq(decide(&used, &problem, 99, 9).mode, decide(&fresh, &problem, 0, 0).mode);
            cr_expect_eq(member(&used, "delta"), member(&fresh, "delta"));
            free_problem(&problem), free_problem(&between);
        }
        unload(&fresh), unload(&used);
    }
}

Test(policies, alternating_takes_turns) {
    const struct setting settings[MAX_SETTINGS] = {{"period", 3}};
    struct loaded policy = load(SY_POLICY, "policies", "alternating", settings);
    struct problem problem = some_problem(1);
    struct expected is = work_out(&problem, 1, 0);
    const char *const turns = "lllEEElllEEE";
    for (int step = 0; turns[step]; step++) {
        cr_expect_eq(decide(&policy, &problem, step, 0).mode, turns[step] == 'E' ? SY_EXPERT : SY_LEARNING);
    }
    expect_observed(&policy, &is);
    free_problem(&problem);
    unload(&policy);
}

/* 2000 lots of share 0.3: the count is within five standard deviations (20.5) of 600. */
Test(policies, random_draws_its_share_by_step_alone) {
    const struct setting some[MAX_SETTINGS] = {{"expert_share", 0.3}}, none[MAX_SETTINGS] = {{"expert_share", 0}},
                         all[MAX_SETTINGS] = {{"expert_share", 1}};
    struct loaded policy = load(SY_POLICY, "policies", "random", some);
    struct loaded again = load(SY_POLICY, "policies", "random", some);
    struct loaded never = load(SY_POLICY, "policies", "random", none);
    struct loaded always = load(SY_POLICY, "policies", "random", all);
    struct problem problem = some_problem(1);
    struct expected is = work_out(&problem, 1, 0);
    int experts = 0;
    int32_t modes[2000];
    for (int step = 0; step < 2000; step++) {
        modes[step] = decide(&policy, &problem, step, 0).mode;
        experts += modes[step] == SY_EXPERT;
        cr_expect_eq(decide(&never, &problem, step, 0).mode, SY_LEARNING);
        cr_expect_eq(decide(&always, &problem, step, 0).mode, SY_EXPERT);
    }
    cr_expect(experts > 600 - 103 && experts < 600 + 103, "%d", experts);
    for (int step = 1999; step >= 0; step--) {
        cr_expect_eq(decide(&again, &problem, step, 0).mode, modes[step], "the same backwards");
    }
    expect_observed(&policy, &is);
    free_problem(&problem);
    unload(&policy), unload(&again), unload(&never), unload(&always);
}
