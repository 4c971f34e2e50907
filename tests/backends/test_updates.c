/* Update rules on every backend against what torch.optim computed in float64. The network is one product: with an output
 * gradient of 1, the gradient of its weights is its input, so any gradient can be sent. */
#include <math.h>
#include <stdlib.h>

#include "backends_param.h"
#include "record/safetensors.h"

/* A few roundings per update, five updates. PyTorch's own float32 is off by as much. */
#define BOUND_FP32 (16 * ldexp(1, -24))
#define BOUND_FP64 (16 * ldexp(1, -53))
#define ZERO_STEP  3 /* of updates.py */

static int product(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    (void)self;
    (void)err;
    sy_output(b, sy_linear(b, in->inputs[0], SY_LINEAR(.features = 1, .no_bias = 1), "product"), "out");
    return SY_OK;
}

static struct sy_safetensors *open_updates(void) {
    char path[4096];
    struct sy_error err = {.size = sizeof err};
    struct sy_safetensors *file = NULL;
    snprintf(path, sizeof path, "%s/updates.safetensors", getenv("SWITCHYARD_TEST_DATA"));
    cr_assert_eq(sy_safetensors_open(&file, path, &err), SY_OK, "%s", err.text);
    return file;
}

static const struct sy_tensor *find(const struct sy_safetensors *file, const char *rule, const char *what) {
    char name[128];
    snprintf(name, sizeof name, "%s%s%s", rule, rule[0] ? "." : "", what);
    const struct sy_named_tensor *found = sy_safetensors_find(file, name);
    return found ? &found->tensor : NULL;
}

/* Row of a (steps, n) tensor, or the whole of an (n) one. */
static struct numbers row_of(const struct sy_tensor *tensor, size_t row) {
    size_t count = (size_t)tensor->shape[tensor->rank - 1];
    return (struct numbers){count, (double *)tensor->data + row * count};
}

static struct sy_update read_rule(const struct sy_tensor *tensor) {
    const double *at = tensor->data;
    cr_assert_eq(sy_tensor_count(tensor), 8);
    return (struct sy_update){.size = sizeof(struct sy_update),
                              .rule = (int32_t)at[0],
                              .lr = at[1],
                              .momentum = at[2],
                              .weight_decay = at[3],
                              .beta1 = at[4],
                              .beta2 = at[5],
                              .eps = at[6],
                              .nesterov = at[7] != 0};
}

static void check_slots(struct rig *rig, struct sy_plan *plan, const struct trial *trial,
                        const struct sy_safetensors *file, const char *rule, double bound) {
    static const char *const names[] = {"slot0", "slot1"};
    for (int32_t i = 0; i < 2; i++) {
        const struct sy_tensor *right = find(file, rule, names[i]);
        if (right) {
            struct numbers expected = row_of(right, 0);
            trial_get(rig, plan, trial, SY_OPTIMIZER_SLOT_0 + i, 0, &trial->after[0]);
            double apart = relative(&trial->after[0], &expected);
            cr_expect(apart <= bound, "%s: slot %d is off by %.1e, at most %.1e is right", rule, i, apart, bound);
        }
    }
}

static void check_rule(struct rig *rig, const struct sy_graph *graph, const struct sy_safetensors *file,
                       const char *rule, int32_t precision) {
    double bound = precision == SY_PRECISION_FP64 ? BOUND_FP64 : BOUND_FP32;
    const struct sy_tensor *gradients = find(file, "", "gradients"), *values = find(file, rule, "values");
    struct numbers start = row_of(find(file, "", "start"), 0);
    struct sy_update update = read_rule(find(file, rule, "rule"));
    struct trial trial = trial_create(graph, 1, 1, 1);
    trial.precision = precision;
    trial.update = &update;
    trial.output_gradient[0].at[0] = 1;
    memcpy(trial.parameter[0].at, start.at, start.count * sizeof(double));
    struct sy_plan *plan = trial_compile(rig, &trial, true);
    for (size_t step = 0; step < (size_t)gradients->shape[0]; step++) {
        struct numbers gradient = row_of(gradients, step), expected = row_of(values, step);
        memcpy(trial.input[0].at, gradient.at, gradient.count * sizeof(double));
        update.count = (int64_t)step + 1;
        update.zero_gradient = step == ZERO_STEP;
        trial_step(rig, plan, &trial);
        double apart = relative(&trial.after[0], &expected);
        cr_expect(apart <= bound, "%s, update %zu: off by %.1e, at most %.1e is right", rule, step + 1, apart, bound);
    }
    check_slots(rig, plan, &trial, file, rule, bound);
    rig->ops.destroy(plan);
    trial_destroy(&trial);
}

ParameterizedTestParameters(updates, every_rule) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, updates, every_rule) {
    static const int32_t precisions[] = {SY_PRECISION_FP32, SY_PRECISION_FP64};
    struct sy_error err = {.size = sizeof err};
    struct sy_safetensors *file = open_updates();
    struct sy_shape shape = {1, {(int32_t)find(file, "", "start")->shape[0], 1, 1}};
    struct sy_built_graph *built = sy_graph_build_with(product, NULL, &shape, 1, 1, &err);
    size_t rules = 0;
    struct rig rig;
    cr_assert(built, "%s", err.text);
    rig_open(&rig, param->backend, 2);
    for (size_t i = 0; i < sy_safetensors_count(file); i++) {
        char rule[64] = "";
        int length = 0;
        sscanf(sy_safetensors_at(file, i)->name, "%63[^.].rule%n", rule, &length);
        for (size_t p = 0; length && p < 2; p++) {
            rules += rig_can(&rig, precisions[p]);
            if (rig_can(&rig, precisions[p])) {
                check_rule(&rig, &built->graph, file, rule, precisions[p]);
            }
        }
    }
    cr_expect(rules >= 9, "only %zu rules were found", rules);
    rig_close(&rig);
    sy_graph_destroy(built);
    sy_safetensors_close(file);
}
