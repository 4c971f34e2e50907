/* Rules of a step that hold for every backend: same call, same bits; nothing is allocated once a plan is made; a smaller
 * batch than the largest; calls that make no sense are refused. */
#include <dlfcn.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "backends_param.h"
#include "cases.h"

/* ---- counting what is allocated --------------------------------------------------------------------------------- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

static atomic_long allocations;

/* These stand in front of the C library's, for the plugin too. A sanitizer has its own there already. */
#if defined(__GLIBC__) && !defined(SANITIZED)
#define COUNTED 1
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* Libraries take some memory of their own on every call: OpenBLAS' kernels for small products scratch room on some
 * processors, oneDNN (through libstdc++) its lists of arguments, the loader a library's variables of a thread. That is not
 * the plan's. */
#define COUNT() count_from(__builtin_return_address(0))
static void count_from(const void *caller) {
    Dl_info where;
    static const char *const libraries[] = {"libopenblas", "libdnnl", "libstdc++", "ld-linux"};
    bool library = false, known = dladdr(caller, &where) && where.dli_fname;
    for (size_t i = 0; known && i < sizeof libraries / sizeof libraries[0]; i++) {
        library |= strstr(where.dli_fname, libraries[i]) != NULL;
    }
    atomic_fetch_add(&allocations, !library);
}

void *malloc(size_t size) {
    COUNT();
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    COUNT();
    return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
    COUNT();
    return __libc_realloc(memory, size);
}
void *memalign(size_t alignment, size_t size) {
    COUNT();
    return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    COUNT();
    return __libc_memalign(alignment, size);
}
int posix_memalign(void **out, size_t alignment, size_t size) {
    COUNT();
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : 12; /* ENOMEM */
}
#else
#define COUNTED 0
#endif

/* ---- the subject ------------------------------------------------------------------------------------------------ */

static const char *const whole[] = {"residual block", "inverted block", "nested sums", "joined", "many readers"};
#define N_WHOLE (sizeof whole / sizeof whole[0])

static const struct sy_update decay = {
    .size = sizeof(struct sy_update), .rule = SY_SGD, .lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .count = 1};

static struct trial make_trial(const struct sy_graph *graph, int32_t batch) {
    static struct sy_update update;
    struct trial trial = trial_create(graph, batch, 4, 400);
    update = decay;
    trial.update = &update;
    return trial;
}

static bool same_bits(const struct numbers *a, const struct numbers *b) {
    return a->count == b->count && (!a->count || !memcmp(a->at, b->at, a->count * sizeof(double)));
}

static void expect_same(const struct trial *a, const struct trial *b, const char *why) {
    for (int32_t k = 0; k < a->graph->n_outputs; k++) {
        cr_expect(same_bits(&a->output[k], &b->output[k]), "%s: output %d differs", why, k);
    }
    for (int32_t k = 0; k < a->graph->n_inputs; k++) {
        cr_expect(same_bits(&a->input_gradient[k], &b->input_gradient[k]), "%s: input gradient %d differs", why, k);
    }
    for (int32_t p = 0; p < a->graph->n_params; p++) {
        cr_expect(same_bits(&a->gradient[p], &b->gradient[p]), "%s: gradient of %s differs", why,
                  a->graph->params[p]->name);
        cr_expect(same_bits(&a->after[p], &b->after[p]), "%s: %s differs", why, a->graph->params[p]->name);
    }
}

/* ---- same bits -------------------------------------------------------------------------------------------------- */

ParameterizedTestParameters(steps, same_call_same_bits) {
    return backend_cases(N_WHOLE);
}

/* Two plans; and one of them again, after a batch of another size went through it. */
ParameterizedTest(const struct backend_case *param, steps, same_call_same_bits) {
    struct rig rig;
    rig_open(&rig, param->backend, 2);
    struct sy_built_graph *built = case_build(case_find(whole[param->index]));
    struct trial first = make_trial(&built->graph, 9), again = make_trial(&built->graph, 9);
    struct trial other = make_trial(&built->graph, 4);
    trial_run(&rig, &first);
    struct sy_plan *plan = trial_compile(&rig, &again, true);
    trial_step(&rig, plan, &again);
    expect_same(&first, &again, "another plan");
    other.update = NULL;
    other.mode = SY_EVALUATE;
    trial_step(&rig, plan, &other);
    const struct sy_update still = {.size = sizeof still, .rule = SY_SGD, .count = 1};
    again.update = (struct sy_update *)(uintptr_t)&still;
    first.update = again.update;
    for (int32_t p = 0; p < built->graph.n_params; p++) {
        trial_set(&rig, plan, &again, p);
    }
    trial_step(&rig, plan, &again);
    trial_run(&rig, &first);
    expect_same(&first, &again, "the same plan");
    rig.ops.destroy(plan);
    trial_destroy(&first);
    trial_destroy(&again);
    trial_destroy(&other);
    sy_graph_destroy(built);
    rig_close(&rig);
}

Test(steps, threads_do_not_change_the_oracle) {
    for (size_t i = 0; i < N_WHOLE; i++) {
        struct sy_built_graph *built = case_build(case_find(whole[i]));
        struct trial one = make_trial(&built->graph, 5);
        for (int32_t threads = 1; threads <= 3; threads++) {
            struct rig rig;
            rig_open(&rig, "reference", threads);
            struct trial many = make_trial(&built->graph, 5);
            trial_run(&rig, threads == 1 ? &one : &many);
            if (threads > 1) {
                expect_same(&one, &many, whole[i]);
            }
            trial_destroy(&many);
            rig_close(&rig);
        }
        trial_destroy(&one);
        sy_graph_destroy(built);
    }
}

ParameterizedTestParameters(steps, small_batch_in_a_large_plan) {
    return backend_cases(N_WHOLE);
}

/* Plans of different sizes may take images a different number at a time, and so add gradients up in another order: a few
 * roundings of float apart. */
static void expect_near(const struct trial *a, const struct trial *b, const char *why) {
    const double near = 2e-6;
    for (int32_t k = 0; k < a->graph->n_outputs; k++) {
        cr_expect_lt(relative(&a->output[k], &b->output[k]), near, "%s: output %d differs", why, k);
    }
    for (int32_t k = 0; k < a->graph->n_inputs; k++) {
        cr_expect_lt(relative(&a->input_gradient[k], &b->input_gradient[k]), near, "%s: input gradient %d differs", why,
                     k);
    }
    struct distance gradients = {0}, after = {0};
    for (int32_t p = 0; p < a->graph->n_params; p++) {
        distance_add(&gradients, &a->gradient[p], &b->gradient[p]);
        distance_add(&after, &a->after[p], &b->after[p]);
    }
    cr_expect_lt(distance_relative(&gradients), near, "%s: gradients differ", why);
    cr_expect_lt(distance_relative(&after), near, "%s: updated parameters differ", why);
}

ParameterizedTest(const struct backend_case *param, steps, small_batch_in_a_large_plan) {
    struct rig rig;
    rig_open(&rig, param->backend, 2);
    struct sy_built_graph *built = case_build(case_find(whole[param->index]));
    struct trial fitting = make_trial(&built->graph, 3), small = make_trial(&built->graph, 3);
    trial_run(&rig, &fitting);
    small.batch = 17;
    struct sy_plan *plan = trial_compile(&rig, &small, true);
    small.batch = 3;
    trial_step(&rig, plan, &small);
    expect_near(&fitting, &small, "a plan for 17");
    rig.ops.destroy(plan);
    trial_destroy(&fitting);
    trial_destroy(&small);
    sy_graph_destroy(built);
    rig_close(&rig);
}

/* In a plan that keeps all, and in one that keeps nothing. */
static void evaluate_both(struct rig *rig, const struct op_case *op_case, int32_t batch) {
    struct sy_built_graph *built = case_build(op_case);
    struct trial kept = make_trial(&built->graph, batch), passing = make_trial(&built->graph, batch);
    kept.mode = passing.mode = SY_EVALUATE;
    trial_run(rig, &kept);
    struct sy_plan *plan = trial_compile(rig, &passing, true);
    trial_forward(rig, plan, &passing);
    for (int32_t k = 0; k < kept.graph->n_outputs; k++) {
        cr_expect_lt(relative(&kept.output[k], &passing.output[k]), 2e-6, "%s, batch %d: output %d differs",
                     op_case->name, batch, k);
    }
    rig->ops.destroy(plan);
    trial_destroy(&kept);
    trial_destroy(&passing);
    sy_graph_destroy(built);
}

ParameterizedTestParameters(steps, evaluation_is_the_same_whatever_is_kept) {
    return backend_cases(1);
}

/* No image depends on another there, so that a backend may take them in any order and keep nothing. Products of a fully
 * connected layer are added up in another order where there are fewer images, hence a few roundings of float. */
ParameterizedTest(const struct backend_case *param, steps, evaluation_is_the_same_whatever_is_kept) {
    struct rig rig;
    rig_open(&rig, param->backend, 2);
    for (size_t i = 0; i < n_op_cases; i++) {
        evaluate_both(&rig, &op_cases[i], 1);
        evaluate_both(&rig, &op_cases[i], 19);
    }
    rig_close(&rig);
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

struct bench {
    struct rig *rig;
    struct sy_plan *plan;
    const struct sy_tensor *inputs[3], *gradients[4];
};

/* All calls of a step. The tensors were made before. */
static int whole_step(struct bench *bench, int32_t batch, int32_t mode, struct sy_error *err) {
    const struct sy_backend_ops *ops = &bench->rig->ops;
    struct sy_tensor out = {.size = sizeof out};
    const struct sy_forward in = {.size = sizeof in, .mode = mode, .batch = batch, .keep = 1, .inputs = bench->inputs};
    int status = ops->forward(bench->plan, &in, err);
    status = status == SY_OK ? ops->output(bench->plan, 0, &out, err) : status;
    status = status == SY_OK && mode == SY_TRAIN ? ops->statistics(bench->plan, err) : status;
    status = status == SY_OK ? ops->backward(bench->plan, bench->gradients, err) : status;
    status = status == SY_OK ? ops->input_gradient(bench->plan, 0, &out, err) : status;
    return status == SY_OK ? ops->update(bench->plan, &decay, err) : status;
}

static struct sy_tensor zeros(const struct sy_graph *graph, int32_t value, int32_t batch) {
    const struct sy_shape *shape = &graph->values[value];
    struct sy_tensor tensor = {.size = sizeof tensor, .dtype = SY_F32, .rank = 1 + shape->rank};
    tensor.shape[0] = batch;
    for (int32_t d = 0; d < shape->rank; d++) {
        tensor.shape[1 + d] = shape->dim[d];
    }
    tensor.data = calloc((size_t)batch * sy_shape_count(shape), sizeof(float));
    cr_assert_not_null(tensor.data);
    return tensor;
}

ParameterizedTestParameters(steps, nothing_is_allocated) {
    return backend_cases(N_WHOLE);
}

ParameterizedTest(const struct backend_case *param, steps, nothing_is_allocated) {
    struct rig rig;
    struct sy_error err = {.size = sizeof err};
    rig_open(&rig, param->backend, 2);
    struct sy_built_graph *built = case_build(case_find(whole[param->index]));
    const struct sy_graph *graph = &built->graph;
    struct trial trial = make_trial(graph, 6);
    struct sy_tensor inputs[3], gradients[4];
    struct bench bench = {.rig = &rig};
    for (int32_t k = 0; k < graph->n_inputs; k++) {
        inputs[k] = zeros(graph, graph->inputs[k], 6);
        bench.inputs[k] = &inputs[k];
    }
    for (int32_t k = 0; k < graph->n_outputs; k++) {
        gradients[k] = zeros(graph, graph->outputs[k]->value, 6);
        bench.gradients[k] = &gradients[k];
    }
    long before = atomic_load(&allocations);
    bench.plan = trial_compile(&rig, &trial, true);
    cr_expect(!COUNTED || atomic_load(&allocations) > before, "the plugin's allocations are not seen");
    before = atomic_load(&allocations);
    int trained = whole_step(&bench, 6, SY_TRAIN, &err), evaluated = whole_step(&bench, 6, SY_EVALUATE, &err);
    cr_expect_eq(atomic_load(&allocations), before, "%ld allocations in two steps", atomic_load(&allocations) - before);
    cr_expect(trained == SY_OK && evaluated == SY_OK, "%s", err.text);
    for (int32_t k = 0; k < graph->n_inputs; k++) {
        free(inputs[k].data);
    }
    for (int32_t k = 0; k < graph->n_outputs; k++) {
        free(gradients[k].data);
    }
    rig.ops.destroy(bench.plan);
    trial_destroy(&trial);
    sy_graph_destroy(built);
    rig_close(&rig);
}

/* ---- what a plan says of itself --------------------------------------------------------------------------------- */

ParameterizedTestParameters(steps, dry_run_knows_the_sizes) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, steps, dry_run_knows_the_sizes) {
    struct rig rig;
    struct sy_error err = {.size = sizeof err};
    rig_open(&rig, param->backend, 2);
    struct sy_built_graph *built = case_build(case_find("residual block"));
    struct sy_plan_options options = {.size = sizeof options, .precision = SY_PRECISION_FP32, .max_batch = 8};
    struct sy_plan_info dry = {.size = sizeof dry}, wet = {.size = sizeof wet}, huge = {.size = sizeof huge};
    struct sy_plan *plan = NULL;
    cr_assert_eq(rig.ops.compile(rig.self, &plan, &built->graph, &options, &err), SY_OK, "%s", err.text);
    cr_assert_eq(rig.ops.plan_info(plan, &wet), SY_OK);
    rig.ops.destroy(plan);
    options.dry_run = 1;
    cr_assert_eq(rig.ops.compile(rig.self, &plan, &built->graph, &options, &err), SY_OK, "%s", err.text);
    cr_assert_eq(rig.ops.plan_info(plan, &dry), SY_OK);
    rig.ops.destroy(plan);
    options.max_batch = 1 << 28; /* far more than there is memory for */
    cr_assert_eq(rig.ops.compile(rig.self, &plan, &built->graph, &options, &err), SY_OK, "%s", err.text);
    cr_assert_eq(rig.ops.plan_info(plan, &huge), SY_OK);
    rig.ops.destroy(plan);
    cr_expect_eq(dry.parameter_bytes, wet.parameter_bytes);
    cr_expect_eq(dry.activation_bytes, wet.activation_bytes);
    cr_expect_eq(dry.workspace_bytes, wet.workspace_bytes);
    cr_expect_gt(huge.activation_bytes, (size_t)1 << 35);
    rig.ops.destroy(NULL);
    sy_graph_destroy(built);
    rig_close(&rig);
}

/* ---- what moves, and what does not ------------------------------------------------------------------------------ */

ParameterizedTestParameters(steps, forward_leaves_statistics_alone) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, steps, forward_leaves_statistics_alone) {
    struct rig rig;
    rig_open(&rig, param->backend, 2);
    struct sy_built_graph *built = case_build(case_find("residual block"));
    struct trial trial = make_trial(&built->graph, 4);
    struct sy_plan *plan = trial_compile(&rig, &trial, true);
    trial_forward(&rig, plan, &trial);
    for (int32_t p = 0; p < built->graph.n_params; p++) {
        trial_get(&rig, plan, &trial, SY_PARAMETER_VALUE, p, &trial.after[p]);
        cr_expect(same_bits(&trial.after[p], &trial.parameter[p]), "%s moved", built->graph.params[p]->name);
    }
    rig.ops.destroy(plan);
    trial_destroy(&trial);
    sy_graph_destroy(built);
    rig_close(&rig);
}

ParameterizedTestParameters(steps, unused_parameters_stay) {
    return backend_cases(1);
}

/* PyTorch does not decay what has no gradient either. */
ParameterizedTest(const struct backend_case *param, steps, unused_parameters_stay) {
    struct rig rig;
    int32_t output = 0, unused = 0;
    rig_open(&rig, param->backend, 2);
    struct sy_built_graph *built = case_build(case_find("many readers"));
    struct sy_built_graph *pruned = sy_graph_prune(&built->graph, &output, 1);
    struct trial trial = make_trial(&pruned->graph, 4);
    trial_run(&rig, &trial);
    for (int32_t p = 0; p < pruned->graph.n_params; p++) {
        bool used = pruned->graph.params[p]->op >= 0;
        unused += !used;
        cr_expect_eq(same_bits(&trial.after[p], &trial.parameter[p]), !used, "%s", pruned->graph.params[p]->name);
    }
    cr_expect_eq(unused, 1);
    trial_destroy(&trial);
    sy_graph_destroy(pruned);
    sy_graph_destroy(built);
    rig_close(&rig);
}

ParameterizedTestParameters(steps, get_gives_what_set_took) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, steps, get_gives_what_set_took) {
    struct rig rig;
    struct sy_error err = {.size = sizeof err};
    rig_open(&rig, param->backend, 2);
    struct sy_built_graph *built = case_build(case_find("linear"));
    struct trial trial = make_trial(&built->graph, 4);
    struct sy_plan *plan = trial_compile(&rig, &trial, true);
    for (int32_t stored = SY_PARAMETER_VALUE; stored <= SY_OPTIMIZER_SLOT_1; stored++) {
        float in[35], out[35] = {0};
        struct sy_tensor from = {.size = sizeof from, .dtype = SY_F32, .rank = 2, .shape = {5, 7}, .data = in};
        struct sy_tensor to = from;
        to.data = out;
        for (int i = 0; i < 35; i++) {
            in[i] = (float)(stored + i) / 3;
        }
        int status = rig.ops.set(plan, stored, 0, &from, &err);
        cr_expect_eq(status, SY_OK, "set of %d", stored);
        cr_expect_eq(rig.ops.get(plan, stored, 0, &to, &err), SY_OK);
        cr_expect(!memcmp(in, out, sizeof in), "get of %d", stored);
    }
    rig.ops.destroy(plan);
    trial_destroy(&trial);
    sy_graph_destroy(built);
    rig_close(&rig);
}
