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
    const char *const names[] = {"switokd",     "fixed_threshold", "learning",    "hysteresis",
                                 "lower_bound", "upper_bound",     "accuracy_gap"};
    for (int n = 0; n < 7; n++) {
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
    const char *const names[] = {"switokd",     "fixed_threshold", "hysteresis", "lower_bound",
                                 "upper_bound", "learning",        "budget",     "accuracy_gap"};
    for (int n = 0; n < 8; n++) {
        for (int better = 0; better < 2; better++) {
            for (int side = 0; side < 2; side++) {
                const struct setting settings[MAX_SETTINGS] = {{"require_teacher_better", better}};
                struct loaded policy = load(SY_POLICY, "policies", names[n], n < 5 ? settings : NULL);
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
    const char *const names[] = {"switokd", "fixed_threshold", "learning", "lower_bound", "upper_bound"};
    for (int n = 0; n < 5; n++) {
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

/* ---- several gates ---------------------------------------------------------------------------------------------- */

/* Probabilities of three nodes on two samples of two classes, and gates between them. */
struct trio {
    double p[3][4];
    int32_t gates[2][2]; /* teacher, student */
};

static const double *trio_p(const void *signals, int32_t gate, int32_t side, double temperature) {
    const struct trio *trio = signals;
    cr_assert_eq(temperature, 1);
    return trio->p[trio->gates[gate][side]];
}

static int32_t trio_node(const void *signals, int32_t gate, int32_t side) {
    const struct trio *trio = signals;
    return trio->gates[gate][side];
}

/* Observed epsilon and delta of one gate against s, t and the pair epsilon comes from. */
static void expect_epsilon(const struct trio *trio, int32_t gate, int32_t from, int official) {
    const int32_t labels[] = {0, 1};
    const struct setting settings[MAX_SETTINGS] = {{"epsilon_source", official}};
    struct loaded policy = load(SY_POLICY, "policies", "switokd", settings);
    const struct sy_policy_ops *ops = policy.ops;
    struct sy_policy_out out = {.size = sizeof out};
    struct sy_policy_in in = {.size = sizeof in,
                              .batch = 2,
                              .classes = 2,
                              .gate = gate,
                              .n_gates = 2,
                              .labels = labels,
                              .teacher = trio_p(trio, gate, SY_TEACHER, 1),
                              .student = trio_p(trio, gate, SY_STUDENT, 1),
                              .signals = trio,
                              .probabilities = trio_p,
                              .node = trio_node};
    double distance[3];
    for (int n = 0; n < 3; n++) {
        distance[n] = 2 - trio->p[n][0] - trio->p[n][3];
    }
    double t = distance[trio->gates[from][SY_TEACHER]], s = distance[trio->gates[from][SY_STUDENT]];
    cr_assert_eq(ops->decide(policy.self, &out, &in, NULL), SY_OK);
    cr_expect_float_eq(member(&policy, "epsilon"), exp(-t / (s + t)), 1e-15);
    cr_expect_float_eq(
        member(&policy, "delta"),
        distance[trio->gates[gate][SY_STUDENT]] - exp(-t / (s + t)) * distance[trio->gates[gate][SY_TEACHER]], 1e-15);
    unload(&policy);
}

/* The released code of three networks: the last student's epsilon for all, or the first teacher's. */
Test(policies, epsilon_can_come_from_the_pair_the_released_code_takes) {
    struct trio one_teacher = {{{0.9, 0.1, 0.2, 0.8}, {0.6, 0.4, 0.3, 0.7}, {0.5, 0.5, 0.75, 0.25}}, {{0, 1}, {0, 2}}};
    struct trio one_student = one_teacher;
    const int32_t gates[2][2] = {{0, 2}, {1, 2}};
    for (int i = 0; i < 4; i++) {
        one_student.gates[i / 2][i % 2] = gates[i / 2][i % 2];
    }
    for (int32_t gate = 0; gate < 2; gate++) {
        expect_epsilon(&one_teacher, gate, gate, 0);
        expect_epsilon(&one_student, gate, gate, 0);
        expect_epsilon(&one_teacher, gate, 1, 1);
        expect_epsilon(&one_student, gate, 0, 1);
    }
}

/* ---- rules beside SwitOKD --------------------------------------------------------------------------------------- */

/* Two classes put G on the lower bound exactly (|p_s - p_t| is twice the difference at the label), up to rounding. */
Test(policies, bounds_are_switokds_threshold_without_and_with_all_of_t) {
    for (int upper = 0; upper < 2; upper++) {
        for (int better = 0; better < 2; better++) {
            const struct setting settings[MAX_SETTINGS] = {{"temperature", 2}, {"require_teacher_better", better}};
            struct loaded policy = load(SY_POLICY, "policies", upper ? "upper_bound" : "lower_bound", settings);
            int experts = 0, learners = 0;
            for (int seed = 0; seed < 120; seed++) {
                struct problem problem = some_problem(seed);
                struct expected is = work_out(&problem, 2, 0);
                double bound = upper ? is.s : is.s - is.t;
                int mode = decide(&policy, &problem, seed, 0).mode;
                cr_expect_float_eq(member(&policy, "bound"), bound, 1e-13);
                expect_observed(&policy, &is);
                if (fabs(is.gap - bound) > 1e-12) {
                    int expert = is.gap > bound && (!better || is.t < is.s);
                    cr_expect_eq(mode, expert ? SY_EXPERT : SY_LEARNING, "seed %d", seed);
                    experts += expert, learners += !expert;
                }
                free_problem(&problem);
            }
            cr_expect(experts > 0 && learners > 0, "%d experts, %d learners", experts, learners);
            unload(&policy);
        }
    }
}

Test(policies, hysteresis_leaves_a_mode_only_clear_of_the_threshold) {
    const struct setting settings[MAX_SETTINGS] = {{"band", 0.2}, {"require_teacher_better", 0}};
    const struct setting none[MAX_SETTINGS] = {{"band", 0}};
    struct loaded policy = load(SY_POLICY, "policies", "hysteresis", settings);
    struct loaded sharp = load(SY_POLICY, "policies", "hysteresis", none);
    struct loaded switokd = load(SY_POLICY, "policies", "switokd", NULL);
    int expert = 0, kept = 0;
    for (int seed = 0; seed < 240; seed++) {
        struct problem problem = some_problem(seed);
        struct expected is = work_out(&problem, 1, 0);
        double over = is.gap - is.delta;
        cr_assert(fabs(fabs(over) - 0.2) > 1e-12);
        kept += fabs(over) < 0.2;
        expert = over > 0.2 || (expert && over > -0.2);
        cr_expect_eq(decide(&policy, &problem, seed, 0).mode, expert ? SY_EXPERT : SY_LEARNING, "seed %d", seed);
        cr_expect_eq(decide(&sharp, &problem, seed, 0).mode, decide(&switokd, &problem, seed, 0).mode, "band 0");
        free_problem(&problem);
    }
    cr_expect(kept > 20, "%d within the band", kept);
    unload(&policy), unload(&sharp), unload(&switokd);
}

Test(policies, schedule_changes_at_its_epochs) {
    const int64_t epochs[] = {2, 3, 7}, backwards[] = {4, 4};
    const char *const modes = "llEllllEE";
    struct sy_error err;
    for (int start = 0; start < 2; start++) {
        const struct setting settings[MAX_SETTINGS] = {{"start", start}};
        struct loaded policy =
            load_with_list(SY_POLICY, "policies", "schedule", settings, "epochs", (struct sy_ints){epochs, 3});
        struct problem problem = some_problem(1);
        struct expected is = work_out(&problem, 1, 0);
        for (int epoch = 0; modes[epoch]; epoch++) {
            int expert = (modes[epoch] == 'E') != start;
            cr_expect_eq(decide(&policy, &problem, 1000 - epoch, epoch).mode, expert ? SY_EXPERT : SY_LEARNING);
        }
        expect_observed(&policy, &is);
        free_problem(&problem);
        unload(&policy);
    }
    cr_expect_eq(try_load(SY_POLICY, "policies", "schedule", NULL, "epochs", (struct sy_ints){backwards, 2}, &err),
                 SY_EINVAL);
    cr_expect_str_eq(err.text, "epochs must ascend; 4 does not come after 4");
}

/* A batch of four with so many right. */
static struct problem graded(int teacher, int student) {
    struct problem problem = make_problem(1, 4, 3, 1, 0);
    for (int b = 0; b < 4; b++) {
        problem.logits[1][b * 3 + (problem.labels[b] + (b < teacher ? 0 : 1)) % 3] = 1;
        problem.logits[0][b * 3 + (problem.labels[b] + (b < student ? 0 : 2)) % 3] = 2;
    }
    return problem;
}

Test(policies, accuracy_gap_runs_a_mean_of_accuracies) {
    const struct setting settings[MAX_SETTINGS] = {{"threshold", 0.3}, {"memory", 0.75}};
    const int right[][2] = {{4, 3}, {4, 0}, {4, 2}, {0, 4}, {3, 3}};
    struct loaded policy = load(SY_POLICY, "policies", "accuracy_gap", settings);
    double teacher = 1, student = 0.75;
    for (int i = 0; i < 5; i++) {
        struct problem problem = graded(right[i][0], right[i][1]);
        int mode = decide(&policy, &problem, i, 0).mode;
        if (i) {
            teacher = 0.75 * teacher + 0.25 * right[i][0] / 4, student = 0.75 * student + 0.25 * right[i][1] / 4;
        }
        cr_expect_float_eq(member(&policy, "teacher_accuracy"), teacher, 1e-15);
        cr_expect_float_eq(member(&policy, "student_accuracy"), student, 1e-15);
        cr_expect_eq(mode, teacher - student > 0.3 ? SY_EXPERT : SY_LEARNING, "batch %d", i);
        free_problem(&problem);
    }
    cr_expect_eq(member(&policy, "batches"), 5);
    unload(&policy);
}

/* e = (1 - x) 3 (m_t + m_s) / (2 m_t): 1200 (1 - x) / 600 here; the share keeps to it within the bound of the file's head. */
Test(policies, budget_keeps_its_share_and_chooses_the_widest_gaps) {
    const double shares[][2] = {{1, 0}, {0.9, 0.2}, {0.8, 0.4}, {0.5, 1}, {0.2, 1}};
    cr_assert(TEACHER_MULTIPLY_ADDS == 300 && STUDENT_MULTIPLY_ADDS == 100);
    for (int i = 0; i < 5; i++) {
        const struct setting settings[MAX_SETTINGS] = {{"share", shares[i][0]}, {"rate", 0.1}};
        struct loaded policy = load(SY_POLICY, "policies", "budget", settings);
        double chosen = 0, left = 0;
        int experts = 0, count = 2000;
        for (int step = 0; step < count; step++) {
            struct problem problem = some_problem(step % 240);
            double bar = member(&policy, "bar");
            int expert = decide(&policy, &problem, step, 0).mode == SY_EXPERT;
            double over = member(&policy, "gap") - member(&policy, "delta");
            cr_expect_eq(expert, over > bar);
            cr_expect_float_eq(member(&policy, "bar"), bar + 0.1 * (expert - shares[i][1]), 1e-14);
            experts += expert;
            *(expert ? &chosen : &left) += over;
            free_problem(&problem);
        }
        cr_expect_float_eq(member(&policy, "wanted"), shares[i][1], 1e-14);
        cr_expect_float_eq((double)experts / count, shares[i][1], (6 + 2 * 0.1) / (0.1 * count));
        if (i == 1 || i == 2) {
            cr_expect(chosen / experts > left / (count - experts) + 0.3);
        }
        unload(&policy);
    }
}
