/* rig.c - see rig.h. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "../graph/graph_builder.h"
#include "../train/weights.h"

/* Whether a backend works here and computes so; its rank. */
static bool can(int32_t *rank, struct sy_exam *exam, const struct sy_found *found, int32_t precision) {
    struct sy_exam other = {
        .verdicts = exam->verdicts, .registry = exam->registry, .found = found, .arena = exam->arena};
    struct sy_subject_of_exam subject;
    struct sy_error err = {.size = sizeof err};
    struct sy_backend_info info = {.size = sizeof info};
    bool usable = sy_exam_begin(&subject, &other, NULL, &err) == SY_OK;
    if (usable) {
        const struct sy_backend_ops *ops = subject.instance->ops;
        usable = ops->info(subject.instance->self, &info) == SY_OK && info.precisions & (1u << precision);
    }
    sy_exam_end(&subject);
    *rank = info.rank;
    return usable;
}

const struct sy_found *sy_rig_plainest(struct sy_exam *exam, int32_t precision) {
    const struct sy_candidate *candidates;
    const struct sy_found *best = NULL;
    int32_t best_rank = 0, rank;
    size_t count = sy_registry_candidates(exam->registry, SY_BACKEND, false, &candidates);
    char names[32][64];
    size_t n_names = 0;
    for (size_t i = 0; i < count && n_names < 32; i++) { /* a find that fails takes the list away */
        if (!candidates[i].shadowed_by) {
            snprintf(names[n_names++], sizeof names[0], "%s", candidates[i].name);
        }
    }
    for (size_t i = 0; i < n_names; i++) {
        struct sy_problems *quiet = sy_problems_create();
        const struct sy_found *found =
            quiet ? sy_registry_find(exam->registry, SY_BACKEND, names[i], NULL, quiet) : NULL;
        if (found && can(&rank, exam, found, precision) && (!best || rank < best_rank)) {
            best = found;
            best_rank = rank;
        }
        sy_problems_destroy(quiet);
    }
    return best;
}

/* ---- numbers ------------------------------------------------------------------------------------------------------ */

double sy_rig_element(const struct sy_tensor *tensor, size_t i) {
    return tensor->dtype == SY_F64 ? ((const double *)tensor->data)[i] : (double)((const float *)tensor->data)[i];
}

void sy_rig_set_element(const struct sy_tensor *tensor, size_t i, double value) {
    if (tensor->dtype == SY_F64) {
        ((double *)tensor->data)[i] = value;
    } else {
        ((float *)tensor->data)[i] = (float)value;
    }
}

static int32_t dtype_of(const struct sy_rig *rig) {
    return rig->precision == SY_PRECISION_FP64 ? SY_F64 : SY_F32;
}

static double direction_of(int32_t k, size_t i) {
    return sy_exam_draw(900 + (uint32_t)k, (uint32_t)i);
}

void sy_rig_move_input(struct sy_rig *rig, int32_t k, double step) {
    for (size_t i = 0; i < sy_tensor_count(&rig->tensors[k]); i++) {
        double drawn = 2 * sy_exam_draw(600 + (uint32_t)k, (uint32_t)i);
        sy_rig_set_element(&rig->tensors[k], i, drawn + step * direction_of(k, i));
    }
}

int sy_rig_along_input(double *out, struct sy_rig *rig, int32_t k, struct sy_error *err) {
    struct sy_tensor gradient = {.size = sizeof gradient};
    int status = SY_CALLED(rig->backend.instance->found, "input_gradient",
                           rig->ops->input_gradient(rig->plan, k, &gradient, err));
    *out = 0;
    for (size_t i = 0; status == SY_OK && i < sy_tensor_count(&gradient); i++) {
        *out += sy_rig_element(&gradient, i) * direction_of(k, i);
    }
    return status;
}

static bool make_input(struct sy_rig *rig, int32_t k) {
    const struct sy_shape *shape = &rig->graph->values[rig->graph->inputs[k]];
    size_t count = (size_t)rig->batch * sy_shape_count(shape);
    rig->input[k] = calloc(count, sizeof *rig->input[k]);
    rig->tensors[k] = (struct sy_tensor){.size = sizeof rig->tensors[k],
                                         .dtype = dtype_of(rig),
                                         .rank = 1 + shape->rank,
                                         .shape = {rig->batch, shape->dim[0], shape->dim[1], shape->dim[2]},
                                         .data = rig->input[k]};
    rig->pointers[k] = &rig->tensors[k];
    if (rig->input[k]) {
        sy_rig_move_input(rig, k, 0);
    }
    return rig->input[k] != NULL;
}

/* Weights as a run would draw them. */
static int set_weights(struct sy_rig *rig, struct sy_error *err) {
    int status = SY_OK;
    for (int32_t p = 0; p < rig->graph->n_params && status == SY_OK; p++) {
        size_t count = sy_param_count(rig->graph->params[p]);
        float *values = malloc(count * sizeof *values);
        if (!values) {
            return sy_fail(err, SY_ENOMEM, "memory is used up");
        }
        sy_param_initialise(values, rig->graph, p, 1, 1);
        struct sy_tensor tensor = sy_param_tensor(rig->graph->params[p], SY_F32, values);
        status = SY_CALLED(rig->backend.instance->found, "set",
                           rig->ops->set(rig->plan, SY_PARAMETER_VALUE, p, &tensor, err));
        free(values);
    }
    return status;
}

int sy_rig_make(struct sy_rig *rig, struct sy_exam *exam, const struct sy_found *backend, int32_t precision,
                const struct sy_graph *graph, int32_t batch, struct sy_error *err) {
    struct sy_exam other = *exam;
    *rig = (struct sy_rig){.graph = graph, .precision = precision, .batch = batch, .n_inputs = graph->n_inputs};
    other.found = backend;
    other.settings = backend == exam->found ? exam->settings : NULL;
    int status = graph->n_inputs <= SY_RIG_INPUTS ? sy_exam_begin(&rig->backend, &other, NULL, err)
                                                  : sy_fail(err, SY_ERANGE, "it has too many inputs to be tried");
    struct sy_plan_options options = {.size = sizeof options, .precision = precision, .max_batch = batch};
    options.input_gradients = (UINT32_C(1) << graph->n_inputs) - 1;
    if (status == SY_OK) {
        rig->ops = rig->backend.instance->ops;
        status = SY_CALLED(backend, "compile",
                           rig->ops->compile(rig->backend.instance->self, &rig->plan, graph, &options, err));
    }
    for (int32_t k = 0; k < graph->n_inputs && status == SY_OK; k++) {
        status = make_input(rig, k) ? SY_OK : sy_fail(err, SY_ENOMEM, "memory is used up");
    }
    return status == SY_OK ? set_weights(rig, err) : status;
}

void sy_rig_finish(struct sy_rig *rig) {
    if (rig->ops) {
        rig->ops->destroy(rig->plan);
    }
    sy_exam_end(&rig->backend);
    for (int k = 0; k < SY_RIG_INPUTS; k++) {
        free(rig->input[k]);
    }
    *rig = (struct sy_rig){.graph = NULL};
}

/* ---- passes ------------------------------------------------------------------------------------------------------- */

int sy_rig_forward(struct sy_rig *rig, int32_t mode, struct sy_error *err) {
    struct sy_forward in = {.size = sizeof in,
                            .mode = mode,
                            .batch = rig->batch,
                            .keep = mode == SY_TRAIN,
                            .seed = 1,
                            .stream = 1,
                            .inputs = rig->pointers};
    return SY_CALLED(rig->backend.instance->found, "forward", rig->ops->forward(rig->plan, &in, err));
}

static double weight_of(int32_t output, size_t i) {
    return sy_exam_draw(700 + (uint32_t)output, (uint32_t)i);
}

int sy_rig_scalar(double *out, struct sy_rig *rig, struct sy_error *err) {
    int status = SY_OK;
    *out = 0;
    for (int32_t k = 0; k < rig->graph->n_outputs && status == SY_OK; k++) {
        struct sy_tensor tensor = {.size = sizeof tensor};
        status = SY_CALLED(rig->backend.instance->found, "output", rig->ops->output(rig->plan, k, &tensor, err));
        for (size_t i = 0; status == SY_OK && i < sy_tensor_count(&tensor); i++) {
            *out += weight_of(k, i) * sy_rig_element(&tensor, i);
        }
    }
    return status;
}

int sy_rig_backward(struct sy_rig *rig, struct sy_error *err) {
    int32_t n = rig->graph->n_outputs;
    struct sy_tensor *tensors = calloc((size_t)n, sizeof *tensors);
    const struct sy_tensor **pointers = calloc((size_t)n, sizeof *pointers);
    int status = tensors && pointers ? SY_OK : sy_fail(err, SY_ENOMEM, "memory is used up");
    for (int32_t k = 0; k < n && status == SY_OK; k++) {
        tensors[k].size = sizeof tensors[k];
        status = rig->ops->output(rig->plan, k, &tensors[k], err);
        if (status != SY_OK) {
            break;
        }
        tensors[k].data = calloc(sy_tensor_count(&tensors[k]), sizeof(double));
        pointers[k] = &tensors[k];
        if (!tensors[k].data) {
            status = sy_fail(err, SY_ENOMEM, "memory is used up");
            break;
        }
        for (size_t i = 0; i < sy_tensor_count(&tensors[k]); i++) {
            sy_rig_set_element(&tensors[k], i, weight_of(k, i));
        }
    }
    if (status == SY_OK) {
        status = SY_CALLED(rig->backend.instance->found, "backward", rig->ops->backward(rig->plan, pointers, err));
    }
    for (int32_t k = 0; pointers && k < n; k++) {
        free(pointers[k] ? tensors[k].data : NULL);
    }
    free(pointers);
    free(tensors);
    return status;
}

int sy_rig_get(struct sy_tensor *out, double *room, struct sy_rig *rig, int32_t stored, int32_t index,
               struct sy_error *err) {
    *out = sy_param_tensor(rig->graph->params[index], dtype_of(rig), room);
    return SY_CALLED(rig->backend.instance->found, "get", rig->ops->get(rig->plan, stored, index, out, err));
}
