/* Calls that make no sense are refused with a reason, by every backend. */
#include <stdlib.h>

#include "backends_param.h"
#include "cases.h"

struct subject {
    struct rig rig;
    struct sy_built_graph *built;
    struct trial trial;
    struct sy_plan *plan;
};

static void open_subject(struct subject *subject, const char *backend, const char *op_case, int32_t batch,
                         bool backward) {
    rig_open(&subject->rig, backend, 2);
    subject->built = case_build(case_find(op_case));
    subject->trial = trial_create(&subject->built->graph, batch, 4, 500);
    subject->plan = trial_compile(&subject->rig, &subject->trial, backward);
}

static void close_subject(struct subject *subject) {
    subject->rig.ops.destroy(subject->plan);
    trial_destroy(&subject->trial);
    sy_graph_destroy(subject->built);
    rig_close(&subject->rig);
}

static void expect_refused(int status, struct sy_error *err, const char *what) {
    cr_expect(status < 0, "%s was not refused", what);
    cr_expect(status == SY_OK || (err->code == status && err->text[0]), "%s: no reason was given", what);
    *err = (struct sy_error){.size = sizeof *err};
}

/* A forward of one input of the trial's batch, said to be `batch` samples. */
static int try_forward(struct subject *subject, int32_t batch, int32_t mode, struct sy_error *err) {
    const struct sy_shape *shape = &subject->trial.graph->values[subject->trial.graph->inputs[0]];
    float *zeros = calloc((size_t)subject->trial.batch * sy_shape_count(shape), sizeof *zeros);
    struct sy_tensor input = {.size = sizeof input, .dtype = SY_F32, .rank = 1 + shape->rank, .data = zeros};
    const struct sy_tensor *inputs[] = {&input};
    const struct sy_forward in = {.size = sizeof in, .mode = mode, .batch = batch, .keep = 1, .inputs = inputs};
    cr_assert_not_null(zeros);
    input.shape[0] = batch;
    for (int32_t d = 0; d < shape->rank; d++) {
        input.shape[1 + d] = shape->dim[d];
    }
    int status = subject->rig.ops.forward(subject->plan, &in, err);
    free(zeros);
    return status;
}

ParameterizedTestParameters(refusals, batches) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, refusals, batches) {
    struct subject subject;
    struct sy_error err = {.size = sizeof err};
    open_subject(&subject, param->backend, "relu", 4, true);
    expect_refused(try_forward(&subject, 0, SY_TRAIN, &err), &err, "a batch of 0");
    expect_refused(try_forward(&subject, -1, SY_TRAIN, &err), &err, "a batch of -1");
    expect_refused(try_forward(&subject, 5, SY_TRAIN, &err), &err, "a batch larger than the plan");
    cr_expect_eq(try_forward(&subject, 4, SY_TRAIN, &err), SY_OK, "%s", err.text);
    close_subject(&subject);
}

ParameterizedTestParameters(refusals, variance_of_one_value) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, refusals, variance_of_one_value) {
    struct subject subject;
    struct sy_error err = {.size = sizeof err};
    open_subject(&subject, param->backend, "batch norm of a vector", 4, true);
    cr_expect_eq(try_forward(&subject, 1, SY_EVALUATE, &err), SY_OK, "%s", err.text);
    cr_expect_eq(try_forward(&subject, 2, SY_TRAIN, &err), SY_OK, "%s", err.text);
    int status = try_forward(&subject, 1, SY_TRAIN, &err);
    cr_expect_eq(status, SY_EINVAL);
    cr_expect(strstr(err.text, "bn") && strstr(err.text, "batch"), "\"%s\" does not say where and what", err.text);
    expect_refused(status, &err, "the variance of one value");
    close_subject(&subject);
}

ParameterizedTestParameters(refusals, wishes_at_compile) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, refusals, wishes_at_compile) {
    struct subject subject;
    struct sy_error err = {.size = sizeof err};
    struct sy_plan *plan = NULL;
    open_subject(&subject, param->backend, "relu", 4, true);
    const struct sy_graph *graph = &subject.built->graph;
    struct sy_plan_options options = {.size = sizeof options, .precision = 99, .max_batch = 1};
    expect_refused(subject.rig.ops.compile(subject.rig.self, &plan, graph, &options, &err), &err, "precision 99");
    struct sy_op strange = *graph->ops[0];
    const struct sy_op *ops[] = {&strange};
    struct sy_graph newer = *graph;
    options.precision = SY_PRECISION_FP32;
    strange.kind = SY_OP_KINDS;
    newer.ops = ops;
    int status = subject.rig.ops.compile(subject.rig.self, &plan, &newer, &options, &err);
    cr_expect_eq(status, SY_ENOTSUP);
    expect_refused(status, &err, "an operator of the future");
    cr_expect_null(plan);
    close_subject(&subject);
}

ParameterizedTestParameters(refusals, plan_that_only_goes_forward) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, refusals, plan_that_only_goes_forward) {
    struct subject subject;
    struct sy_error err = {.size = sizeof err};
    struct sy_tensor out = {.size = sizeof out};
    const struct sy_tensor *none[] = {NULL};
    open_subject(&subject, param->backend, "relu", 4, false);
    cr_assert_eq(try_forward(&subject, 4, SY_TRAIN, &err), SY_OK, "%s", err.text);
    expect_refused(subject.rig.ops.backward(subject.plan, none, &err), &err, "backward");
    expect_refused(subject.rig.ops.input_gradient(subject.plan, 0, &out, &err), &err, "an input's gradient");
    close_subject(&subject);
}

ParameterizedTestParameters(refusals, things_that_are_not_there) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, refusals, things_that_are_not_there) {
    struct subject subject;
    struct sy_error err = {.size = sizeof err};
    float numbers[64] = {0};
    struct sy_tensor tensor = {.size = sizeof tensor, .dtype = SY_F32, .rank = 1, .shape = {12}, .data = numbers};
    struct sy_update update = {.size = sizeof update, .rule = 99, .count = 1};
    open_subject(&subject, param->backend, "batch norm of a vector", 4, true);
    const struct sy_backend_ops *ops = &subject.rig.ops;
    struct sy_plan *plan = subject.plan;
    cr_assert_eq(try_forward(&subject, 4, SY_TRAIN, &err), SY_OK, "%s", err.text);
    expect_refused(ops->output(plan, 1, &tensor, &err), &err, "output 1");
    expect_refused(ops->output(plan, -1, &tensor, &err), &err, "output -1");
    tensor = (struct sy_tensor){.size = sizeof tensor, .dtype = SY_F32, .rank = 1, .shape = {12}, .data = numbers};
    expect_refused(ops->get(plan, SY_PARAMETER_VALUE, 4, &tensor, &err), &err, "parameter 4");
    expect_refused(ops->get(plan, SY_PARAMETER_VALUE, -1, &tensor, &err), &err, "parameter -1");
    expect_refused(ops->get(plan, 0, 0, &tensor, &err), &err, "get of nothing");
    expect_refused(ops->get(plan, SY_OPTIMIZER_SLOT_1 + 1, 0, &tensor, &err), &err, "slot 2");
    expect_refused(ops->get(plan, SY_PARAMETER_GRADIENT, 2, &tensor, &err), &err, "gradient of a running mean");
    expect_refused(ops->set(plan, SY_OPTIMIZER_SLOT_0, 2, &tensor, &err), &err, "slot of a running mean");
    expect_refused(ops->set(plan, SY_PARAMETER_GRADIENT, 2, &tensor, &err), &err, "set of a running mean's gradient");
    expect_refused(ops->update(plan, &update, &err), &err, "update rule 99");
    tensor.dtype = SY_I32;
    expect_refused(ops->get(plan, SY_PARAMETER_VALUE, 0, &tensor, &err), &err, "a parameter as integers");
    tensor.dtype = SY_F32;
    tensor.shape[0] = 11;
    expect_refused(ops->get(plan, SY_PARAMETER_VALUE, 0, &tensor, &err), &err, "room for 11 of 12");
    expect_refused(ops->set(plan, SY_PARAMETER_VALUE, 0, &tensor, &err), &err, "11 of 12 numbers");
    close_subject(&subject);
}

/* The oracle holds callers to the legal order of calls. */
Test(refusals, order_of_calls) {
    struct subject subject;
    struct sy_error err = {.size = sizeof err};
    struct sy_tensor out = {.size = sizeof out};
    const struct sy_tensor *none[] = {NULL};
    const struct sy_update update = {.size = sizeof update, .rule = SY_SGD, .count = 1};
    open_subject(&subject, "reference", "batch norm", 4, true);
    const struct sy_backend_ops *ops = &subject.rig.ops;
    struct sy_plan *plan = subject.plan;
    expect_refused(ops->output(plan, 0, &out, &err), &err, "output before forward");
    expect_refused(ops->backward(plan, none, &err), &err, "backward before forward");
    expect_refused(ops->statistics(plan, &err), &err, "statistics before forward");
    cr_assert_eq(try_forward(&subject, 4, SY_EVALUATE, &err), SY_OK, "%s", err.text);
    expect_refused(ops->statistics(plan, &err), &err, "statistics of an evaluation");
    cr_assert_eq(try_forward(&subject, 4, SY_TRAIN, &err), SY_OK, "%s", err.text);
    cr_expect_eq(ops->statistics(plan, &err), SY_OK);
    expect_refused(ops->statistics(plan, &err), &err, "statistics twice");
    cr_expect_eq(ops->backward(plan, none, &err), SY_OK);
    cr_expect_eq(ops->update(plan, &update, &err), SY_OK);
    expect_refused(ops->backward(plan, none, &err), &err, "backward after update");
    trial_forward(&subject.rig, plan, &subject.trial);
    expect_refused(ops->backward(plan, none, &err), &err, "backward after a forward that keeps nothing");
    close_subject(&subject);
}
