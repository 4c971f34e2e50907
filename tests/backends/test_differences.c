/* Gradients of the oracle against differences of its own forward pass, in double: every operator, with respect to every
 * input and parameter. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>

#include "cases.h"
#include "rig.h"

#define STEP    1e-3
#define SAMPLES 40 /* elements looked at per tensor */
/* Four-point differences err by h^4/30 of the fifth derivative, 1e-13 of it here, and by the rounding of sums of about
 * 10 divided by h, 1e-12: what is left, with gradients around 1, is no more than this. */
#define BOUND 1e-10

/* sum over outputs of <what comes back as its gradient, output> */
static double objective(struct rig *rig, struct sy_plan *plan, struct trial *trial) {
    double sum = 0;
    trial_forward(rig, plan, trial);
    for (int32_t k = 0; k < trial->graph->n_outputs; k++) {
        for (size_t i = 0; i < trial->output[k].count; i++) {
            sum += trial->output[k].at[i] * trial->output_gradient[k].at[i];
        }
    }
    return sum;
}

/* One number of the trial moved, and the objective there. parameter < 0: an input's. */
static double moved(struct rig *rig, struct sy_plan *plan, struct trial *trial, double *number, double by,
                    int32_t parameter) {
    double was = *number;
    *number = was + by;
    if (parameter >= 0) {
        trial_set(rig, plan, trial, parameter);
    }
    double value = objective(rig, plan, trial);
    *number = was;
    if (parameter >= 0) {
        trial_set(rig, plan, trial, parameter);
    }
    return value;
}

/* d objective / d number: (f(-2h) - 8 f(-h) + 8 f(h) - f(2h)) / 12h */
static double difference(struct rig *rig, struct sy_plan *plan, struct trial *trial, double *number,
                         int32_t parameter) {
    return (moved(rig, plan, trial, number, -2 * STEP, parameter) -
            8 * moved(rig, plan, trial, number, -STEP, parameter) +
            8 * moved(rig, plan, trial, number, STEP, parameter) -
            moved(rig, plan, trial, number, 2 * STEP, parameter)) /
           (12 * STEP);
}

/* One tensor's gradient. */
static void check(struct rig *rig, struct sy_plan *plan, struct trial *trial, const struct numbers *at,
                  const struct numbers *gradient, const char *what, int32_t parameter) {
    size_t stride = gradient->count / SAMPLES + 1;
    double scale = 0;
    for (size_t i = 0; i < gradient->count; i++) {
        scale = fmax(scale, fabs(gradient->at[i]));
    }
    for (size_t i = 0; i < gradient->count; i += stride) {
        double found = difference(rig, plan, trial, &at->at[i], parameter), apart = found - gradient->at[i];
        cr_expect(fabs(apart) <= BOUND * fmax(scale, 1), "%s, element %zu: gradient %.12g, difference %.12g (%.1e)",
                  what, i, gradient->at[i], found, apart / fmax(scale, 1));
    }
}

static void check_mode(struct rig *rig, const struct sy_graph *graph, const char *name, double spread, int32_t mode) {
    char what[160];
    int32_t least = case_least_batch(graph);
    struct trial trial = trial_create(graph, least > 2 ? least : 2, spread, 100);
    trial.precision = SY_PRECISION_FP64;
    trial.mode = mode;
    struct sy_plan *plan = trial_compile(rig, &trial, true);
    trial_step(rig, plan, &trial);
    for (int32_t p = 0; p < graph->n_params; p++) {
        trial_set(rig, plan, &trial, p); /* statistics moved */
    }
    for (int32_t k = 0; k < graph->n_inputs; k++) {
        snprintf(what, sizeof what, "%s: input %d", name, k);
        check(rig, plan, &trial, &trial.input[k], &trial.input_gradient[k], what, -1);
    }
    for (int32_t p = 0; p < graph->n_params; p++) {
        snprintf(what, sizeof what, "%s: %s", name, graph->params[p]->name);
        check(rig, plan, &trial, &trial.parameter[p], &trial.gradient[p], what, p);
    }
    rig->ops.destroy(plan);
    trial_destroy(&trial);
}

static void free_parameters(struct criterion_test_params *params) {
    cr_free(params->params);
}

ParameterizedTestParameters(differences, every_operator) {
    size_t *index = cr_malloc(n_op_cases * sizeof *index);
    for (size_t i = 0; i < n_op_cases; i++) {
        index[i] = i;
    }
    return cr_make_param_array(size_t, index, n_op_cases, free_parameters);
}

ParameterizedTest(const size_t *index, differences, every_operator) {
    const struct op_case *op_case = &op_cases[*index];
    double spread = op_case->spread > 0 ? op_case->spread : 4;
    struct sy_built_graph *built = case_build(op_case);
    struct rig rig;
    rig_open(&rig, "reference", 1);
    check_mode(&rig, &built->graph, op_case->name, spread, SY_TRAIN);
    if (op_case->evaluated) {
        check_mode(&rig, &built->graph, op_case->name, spread, SY_EVALUATE);
    }
    rig_close(&rig);
    sy_graph_destroy(built);
}
