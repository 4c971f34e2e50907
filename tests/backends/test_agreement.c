/* Every backend in fp32 against the oracle in double, on the same floats: every operator, batches that divide by nothing,
 * both modes. */
#include <math.h>
#include <string.h>

#include "backends_param.h"
#include "cases.h"

static const int32_t batches[] = {1, 3, 17};

/* A sum of n products of random sign, rounded after each, is off by sqrt(n) / 2 units of 2^-24 of its own size, and a
 * gradient is the end of a few such sums; 4 is for those few. Every operator with parameters on the way adds its own. */
static double bound_of(const struct sy_graph *graph, int32_t batch) {
    int32_t summing = 0;
    for (int32_t i = 0; i < graph->n_ops; i++) {
        summing += graph->ops[i]->param[SY_WEIGHT] >= 0;
    }
    return 4 * ldexp(1, -24) * sqrt(case_longest_sum(graph, batch)) * (summing > 1 ? summing : 1);
}

/* Tensors of one kind: each by itself; those that should be nearly zero, such as the gradient of a bias in front of a
 * batch norm, are measured by the size of all. */
static void compare(const char *what, const struct op_case *op_case, const struct trial *trial, double bound,
                    const struct numbers *found, const struct numbers *right, int32_t count) {
    struct distance all = {0};
    for (int32_t i = 0; i < count; i++) {
        distance_add(&all, &found[i], &right[i]);
    }
    for (int32_t i = 0; i < count; i++) {
        struct distance one = {0};
        distance_add(&one, &found[i], &right[i]);
        double size = sqrt(one.size) + 0.01 * sqrt(all.size);
        cr_expect(sqrt(one.apart) <= bound * size, "%s, batch %d, mode %d: %s %d is off by %.2e, at most %.2e is right",
                  op_case->name, trial->batch, trial->mode, what, i, sqrt(one.apart) / size, bound);
    }
}

/* bfloat16 has eight bits: every value that is stored, and every weight, is off by up to 2^-9 of itself. Errors of
 * unlike sign add up as the square root of how many there are; each operator stores its result and the gradient of it, and a
 * batch norm's gradient is what is left of a difference: 5. Where factors of Winograd's F(4x4, 3x3) are bfloat16s, two more
 * roundings come out 4.8 times as large: sqrt(5^2 + 2 4.8^2) = 8.4. */
static double bound_in_bf16(const struct sy_graph *graph, bool chosen) {
    return ldexp(1, -9) * (chosen ? 8.4 : 5) * sqrt(2.0 * graph->n_ops + 2);
}

/* chosen: how it is done, not as by default. */
static void check(struct rig *rig, struct rig *oracle, const struct op_case *op_case, const struct sy_graph *graph,
                  int32_t batch, int32_t mode, int32_t precision, bool chosen) {
    double spread = op_case->spread > 0 ? op_case->spread : 4;
    double bound = precision == SY_PRECISION_BF16 ? bound_in_bf16(graph, chosen) : bound_of(graph, batch);
    struct trial found = trial_create(graph, batch, spread, 200), right = trial_create(graph, batch, spread, 200);
    found.mode = right.mode = mode;
    found.precision = precision;
    right.precision = SY_PRECISION_FP64;
    trial_run(rig, &found);
    trial_run(oracle, &right);
    compare("output", op_case, &found, bound, found.output, right.output, graph->n_outputs);
    compare("input gradient", op_case, &found, bound, found.input_gradient, right.input_gradient, graph->n_inputs);
    compare("gradient", op_case, &found, bound, found.gradient, right.gradient, graph->n_params);
    compare("parameter", op_case, &found, bound, found.after, right.after, graph->n_params);
    trial_destroy(&found);
    trial_destroy(&right);
}

static void check_batches(const struct backend_case *param, int32_t precision) {
    const struct op_case *op_case = &op_cases[param->index];
    struct rig rig, oracle;
    rig_open(&rig, param->backend, 2);
    if (!rig_can(&rig, precision)) {
        rig_close(&rig);
        return;
    }
    rig_open(&oracle, "reference", 1);
    struct sy_built_graph *built = case_build(op_case);
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        if (batches[i] >= case_least_batch(&built->graph) || op_case->kind == SY_OP_DROPOUT) {
            check(&rig, &oracle, op_case, &built->graph, batches[i], SY_TRAIN, precision, false);
        }
        check(&rig, &oracle, op_case, &built->graph, batches[i], SY_EVALUATE, precision, false);
    }
    sy_graph_destroy(built);
    rig_close(&oracle);
    rig_close(&rig);
}

ParameterizedTestParameters(agreement, every_operator) {
    return backend_cases(n_op_cases);
}

ParameterizedTest(const struct backend_case *param, agreement, every_operator) {
    check_batches(param, SY_PRECISION_FP32);
}

ParameterizedTestParameters(agreement, every_operator_in_bf16) {
    return backend_cases(n_op_cases);
}

/* Not where rounding makes equal what was not, and so sends a gradient elsewhere: two maxima, or a 5.99 and the 6. */
static bool rounding_moves_little(const struct op_case *op_case) {
    return op_case->kind != SY_OP_MAX_POOL && op_case->kind != SY_OP_RELU6;
}

ParameterizedTest(const struct backend_case *param, agreement, every_operator_in_bf16) {
    if (rounding_moves_little(&op_cases[param->index])) {
        check_batches(param, SY_PRECISION_BF16);
    }
}

/* Sums of two bfloat16s that are none: to the nearest one, and to the even one where two are as near. */
static const struct {
    double a, b, sum;
} roundings[] = {
    {1, 0x1p-8, 1},
    {1 + 0x1p-7, 0x1p-8, 1 + 0x1p-6},
    {1, 0x1p-8 + 0x1p-15, 1 + 0x1p-7},
    {1 + 0x1p-7, 0x1p-8 - 0x1p-16, 1 + 0x1p-7},
    {-1, -0x1p-8, -1},
    {-1 - 0x1p-7, -0x1p-8, -1 - 0x1p-6},
    {2 - 0x1p-7, 0x1p-8, 2},
    {0x1.fep127, 0x1p119, INFINITY},
};
#define N_ROUNDINGS (sizeof roundings / sizeof roundings[0])

ParameterizedTestParameters(agreement, bf16_is_rounded_to_the_nearest) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, agreement, bf16_is_rounded_to_the_nearest) {
    struct sy_built_graph *built = case_build(case_find("add"));
    struct trial trial = trial_create(&built->graph, 2, 4, 300);
    struct rig rig;
    rig_open(&rig, param->backend, 2);
    trial.precision = SY_PRECISION_BF16;
    trial.mode = SY_EVALUATE;
    for (size_t i = 0; i < trial.input[0].count; i++) {
        trial.input[0].at[i] = roundings[i % N_ROUNDINGS].a;
        trial.input[1].at[i] = roundings[i % N_ROUNDINGS].b;
    }
    if (rig_can(&rig, SY_PRECISION_BF16)) {
        trial_run(&rig, &trial);
        for (size_t i = 0; i < trial.output[0].count; i++) {
            cr_expect_eq(trial.output[0].at[i], roundings[i % N_ROUNDINGS].sum, "%s: %a + %a became %a, not %a",
                         param->backend, roundings[i % N_ROUNDINGS].a, roundings[i % N_ROUNDINGS].b,
                         trial.output[0].at[i], roundings[i % N_ROUNDINGS].sum);
        }
    }
    trial_destroy(&trial);
    sy_graph_destroy(built);
    rig_close(&rig);
}

/* Whatever a backend lets people choose, in whatever precision it goes with: the same results. */
static void check_choices(struct rig *rig, struct rig *oracle, const struct op_case *op_case,
                          const struct sy_graph *graph, int32_t precision) {
    struct trial trial = trial_create(graph, 17, 4, 200);
    trial.precision = precision;
    for (const struct sy_field *field = rig->plugin->fields; field && field->name; field++) {
        int32_t *chosen = field->choices ? (int32_t *)(void *)((char *)rig->self + field->offset) : NULL;
        const char *word = field->choices;
        for (int32_t choice = 0; word; choice++) {
            *chosen = choice;
            if (!trial_is_refused(rig, &trial)) {
                check(rig, oracle, op_case, graph, 17, SY_TRAIN, precision, true);
            }
            word = strchr(word, '|');
            word = word ? word + 1 : NULL;
        }
        if (chosen) {
            *chosen = (int32_t)field->def;
        }
    }
    trial_destroy(&trial);
}

ParameterizedTestParameters(agreement, every_choice) {
    return backend_cases(n_op_cases);
}

ParameterizedTest(const struct backend_case *param, agreement, every_choice) {
    const struct op_case *op_case = &op_cases[param->index];
    struct rig rig, oracle;
    rig_open(&rig, param->backend, 2);
    rig_open(&oracle, "reference", 1);
    struct sy_built_graph *built = case_build(op_case);
    check_choices(&rig, &oracle, op_case, &built->graph, SY_PRECISION_FP32);
    if (rig_can(&rig, SY_PRECISION_BF16) && rounding_moves_little(op_case)) {
        check_choices(&rig, &oracle, op_case, &built->graph, SY_PRECISION_BF16);
    }
    sy_graph_destroy(built);
    rig_close(&oracle);
    rig_close(&rig);
}

/* A gradient that nobody sends counts as zero. */
ParameterizedTestParameters(agreement, missing_gradients) {
    return backend_cases(n_op_cases);
}

ParameterizedTest(const struct backend_case *param, agreement, missing_gradients) {
    struct sy_built_graph *built = case_build(&op_cases[param->index]);
    struct rig rig;
    if (built->graph.n_outputs < 2) {
        sy_graph_destroy(built);
        return;
    }
    rig_open(&rig, param->backend, 2);
    struct trial missing = trial_create(&built->graph, 3, 4, 300), zero = trial_create(&built->graph, 3, 4, 300);
    double *kept = missing.output_gradient[0].at;
    memset(zero.output_gradient[0].at, 0, zero.output_gradient[0].count * sizeof(double));
    missing.output_gradient[0].at = NULL;
    trial_run(&rig, &missing);
    trial_run(&rig, &zero);
    for (int32_t k = 0; k < built->graph.n_inputs; k++) {
        cr_expect_eq(relative(&missing.input_gradient[k], &zero.input_gradient[k]), 0);
    }
    for (int32_t p = 0; p < built->graph.n_params; p++) {
        cr_expect_eq(relative(&missing.gradient[p], &zero.gradient[p]), 0);
    }
    missing.output_gradient[0].at = kept;
    trial_destroy(&missing);
    trial_destroy(&zero);
    rig_close(&rig);
    sy_graph_destroy(built);
}

/* A network that diverged must not look well: what is not a number comes out at the other end as what it is. */
static const char *const passing[] = {"relu", "relu6", "max pool", "max pool with padding"};
#define N_PASSING (sizeof passing / sizeof passing[0])

ParameterizedTestParameters(agreement, not_a_number_is_passed_on) {
    return backend_cases(N_PASSING);
}

ParameterizedTest(const struct backend_case *param, agreement, not_a_number_is_passed_on) {
    struct sy_built_graph *built = case_build(case_find(passing[param->index]));
    struct rig rig;
    rig_open(&rig, param->backend, 2);
    for (size_t at = 0; at < 9; at += 8) { /* 8 is a later element of a window: the maximum so far is a number */
        struct trial trial = trial_create(&built->graph, 2, 4, 300);
        size_t found = 0;
        trial.input[0].at[at] = NAN;
        trial_run(&rig, &trial);
        for (size_t i = 0; i < trial.output[0].count; i++) {
            found += isnan(trial.output[0].at[i]) != 0;
        }
        cr_expect(found > 0, "%s, %s: element %zu was lost", param->backend, passing[param->index], at);
        trial_destroy(&trial);
    }
    rig_close(&rig);
    sy_graph_destroy(built);
}
