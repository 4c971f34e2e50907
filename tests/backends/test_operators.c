/* test_operators.c - single operators on every backend against what PyTorch computed in float64: outputs and every gradient.
 * tests/data/operators.py wrote the numbers; its cases are those of cases.c by name. */
#include <stdlib.h>
#include <string.h>

#include "backends_param.h"
#include "cases.h"
#include "record/safetensors.h"

/* PyTorch's numbers are rounded to float once; sums of about a hundred products in float are off by a few of these. */
#define BOUND 2e-6

static struct sy_safetensors *open_operators(void) {
    char path[4096];
    struct sy_error err = {.size = sizeof err};
    struct sy_safetensors *file = NULL;
    snprintf(path, sizeof path, "%s/operators.safetensors", getenv("SWITCHYARD_TEST_DATA"));
    cr_assert_eq(sy_safetensors_open(&file, path, &err), SY_OK, "%s", err.text);
    return file;
}

/* The numbers of "CASE/WHAT", in double; `at` must be freed. NULL where the file has none. */
static struct numbers read_numbers(const struct sy_safetensors *file, const char *name, const char *what) {
    char full[256];
    snprintf(full, sizeof full, "%s/%s", name, what);
    const struct sy_named_tensor *found = sy_safetensors_find(file, full);
    struct numbers numbers = {found ? sy_tensor_count(&found->tensor) : 0, NULL};
    numbers.at = found ? malloc(numbers.count * sizeof *numbers.at) : NULL;
    for (size_t i = 0; numbers.at && i < numbers.count; i++) {
        numbers.at[i] = (double)((const float *)found->tensor.data)[i];
    }
    return numbers;
}

static void set(const struct sy_safetensors *file, const char *name, const char *what, const struct numbers *to) {
    struct numbers from = read_numbers(file, name, what);
    cr_assert(from.at && from.count == to->count, "%s: %s is missing or of another size", name, what);
    memcpy(to->at, from.at, to->count * sizeof *to->at);
    free(from.at);
}

static void expect(const struct sy_safetensors *file, const char *name, const char *what, const struct numbers *found) {
    struct numbers right = read_numbers(file, name, what);
    cr_assert(right.at && right.count == found->count, "%s: %s is missing or of another size", name, what);
    double apart = relative(found, &right);
    cr_expect(apart <= BOUND, "%s: %s is off by %.1e, at most %.1e is right", name, what, apart, BOUND);
    free(right.at);
}

/* "weight" of "linear.weight" */
static const char *suffix_of(const struct sy_param *param) {
    return strrchr(param->name, '.') + 1;
}

static void check(struct rig *rig, const struct sy_safetensors *file, const char *name) {
    struct sy_built_graph *built = case_build(case_find(name));
    const struct sy_graph *graph = &built->graph;
    const struct sy_named_tensor *input = NULL;
    char what[64];
    snprintf(what, sizeof what, "%s/input0", name);
    input = sy_safetensors_find(file, what);
    struct trial trial = trial_create(graph, (int32_t)input->tensor.shape[0], 4, 1);
    for (int32_t k = 0; k < graph->n_inputs; k++) {
        snprintf(what, sizeof what, "input%d", (int)k);
        set(file, name, what, &trial.input[k]);
    }
    for (int32_t p = 0; p < graph->n_params; p++) {
        if (graph->params[p]->role == SY_TRAINABLE) {
            set(file, name, suffix_of(graph->params[p]), &trial.parameter[p]);
        }
    }
    set(file, name, "dy", &trial.output_gradient[0]);
    trial_run(rig, &trial);
    expect(file, name, "output", &trial.output[0]);
    for (int32_t k = 0; k < graph->n_inputs; k++) {
        snprintf(what, sizeof what, "dinput%d", (int)k);
        expect(file, name, what, &trial.input_gradient[k]);
    }
    for (int32_t p = 0; p < graph->n_params; p++) {
        snprintf(what, sizeof what, "d%s", suffix_of(graph->params[p]));
        if (graph->params[p]->role == SY_TRAINABLE) {
            expect(file, name, what, &trial.gradient[p]);
        }
    }
    trial_destroy(&trial);
    sy_graph_destroy(built);
}

ParameterizedTestParameters(operators, agree_with_pytorch) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, operators, agree_with_pytorch) {
    struct sy_safetensors *file = open_operators();
    struct rig rig;
    size_t cases = 0;
    rig_open(&rig, param->backend, 2);
    for (size_t i = 0; i < sy_safetensors_count(file); i++) {
        char name[128];
        const char *full = sy_safetensors_at(file, i)->name, *slash = strchr(full, '/');
        if (slash && !strcmp(slash, "/output")) {
            snprintf(name, sizeof name, "%.*s", (int)(slash - full), full);
            check(&rig, file, name);
            cases++;
        }
    }
    cr_expect_geq(cases, 18, "only %zu cases were found", cases);
    rig_close(&rig);
    sy_safetensors_close(file);
}
