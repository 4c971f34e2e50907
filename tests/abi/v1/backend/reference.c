/* reference.c - the backend that is slow and obvious: the oracle for all others. Computes in double whatever the plan's
 * precision; fp32 means that parameters, optimiser state and tensors at the border are float. */
#include <stdlib.h>
#include <string.h>

#include "update.h"

struct reference {
    char unused;
};

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static double **take_arrays(int32_t count) {
    return calloc((size_t)count + 1, sizeof(double *));
}

static void free_arrays(void *arrays, int32_t count) {
    void **all = arrays;
    for (int32_t i = 0; all && i < count; i++) {
        free(all[i]);
    }
    free(all);
}

static void destroy(struct sy_plan *plan) {
    if (!plan) {
        return;
    }
    const struct sy_graph *graph = plan->graph;
    free_arrays(plan->value, graph->n_values);
    free_arrays(plan->value_gradient, graph->n_values);
    free_arrays(plan->parameter, graph->n_params);
    free_arrays(plan->parameter_gradient, graph->n_params);
    free_arrays(plan->slot0, graph->n_params);
    free_arrays(plan->slot1, graph->n_params);
    free_arrays(plan->batch_mean, graph->n_ops);
    free_arrays(plan->batch_variance, graph->n_ops);
    free_arrays(plan->output, graph->n_outputs);
    free_arrays(plan->input_gradient, graph->n_inputs);
    free(plan);
}

static bool take(double **out, size_t count, bool dry, size_t *bytes) {
    *bytes += count * sizeof **out;
    *out = dry ? NULL : calloc(count ? count : 1, sizeof **out);
    return dry || *out;
}

static bool take_values(struct sy_plan *plan, bool dry) {
    bool good = true;
    for (int32_t v = 0; good && v < plan->graph->n_values; v++) {
        size_t count = (size_t)plan->max_batch * value_row(plan, v);
        good = take(&plan->value[v], count, dry, &plan->bytes[1]) &&
               (plan->forward_only || take(&plan->value_gradient[v], count, dry, &plan->bytes[1]));
    }
    for (int32_t i = 0; good && i < plan->graph->n_ops; i++) {
        const struct sy_op *op = plan->graph->ops[i];
        size_t channels = (size_t)plan->graph->values[op->output].dim[0];
        good = op->kind != SY_OP_BATCH_NORM || (take(&plan->batch_mean[i], channels, dry, &plan->bytes[1]) &&
                                                take(&plan->batch_variance[i], channels, dry, &plan->bytes[1]));
    }
    return good;
}

static bool take_parameters(struct sy_plan *plan, bool dry) {
    bool good = true;
    for (int32_t p = 0; good && p < plan->graph->n_params; p++) {
        size_t count = param_count(plan->graph->params[p]), *bytes = &plan->bytes[0];
        good = take(&plan->parameter[p], count, dry, bytes) && take(&plan->parameter_gradient[p], count, dry, bytes) &&
               take(&plan->slot0[p], count, dry, bytes) && take(&plan->slot1[p], count, dry, bytes);
    }
    return good;
}

static bool take_border(struct sy_plan *plan, uint32_t input_gradients, bool dry) {
    bool good = true;
    for (int32_t k = 0; good && k < plan->graph->n_outputs; k++) {
        size_t count = (size_t)plan->max_batch * value_row(plan, plan->graph->outputs[k]->value);
        good = take((double **)&plan->output[k], count, dry, &plan->bytes[2]);
    }
    for (int32_t k = 0; good && k < plan->graph->n_inputs; k++) {
        size_t count = (size_t)plan->max_batch * value_row(plan, plan->graph->inputs[k]);
        good = k >= 32 || !(input_gradients >> k & 1) ||
               take((double **)&plan->input_gradient[k], count, dry, &plan->bytes[2]);
    }
    return good;
}

static int check_wish(const struct sy_graph *graph, const struct sy_plan_options *options, struct sy_error *err) {
    if (options->precision != SY_PRECISION_FP32 && options->precision != SY_PRECISION_FP64) {
        return sy_fail(err, SY_ENOTSUP, "precision %d is unknown here; reference computes in fp32 and fp64",
                       options->precision);
    }
    if (options->max_batch < 1) {
        return sy_fail(err, SY_ERANGE, "a largest batch of %d; it must be 1 or more", options->max_batch);
    }
    for (int32_t i = 0; i < graph->n_ops; i++) {
        if (graph->ops[i]->kind < SY_OP_CONV2D || graph->ops[i]->kind >= SY_OP_KINDS) {
            return sy_fail(err, SY_ENOTSUP, "%s: operator %d is unknown here", graph->ops[i]->name,
                           graph->ops[i]->kind);
        }
    }
    return SY_OK;
}

static int compile(void *self, struct sy_plan **out, const struct sy_graph *graph,
                   const struct sy_plan_options *options, struct sy_error *err) {
    (void)self;
    *out = NULL;
    int status = check_wish(graph, options, err);
    if (status != SY_OK) {
        return status;
    }
    struct sy_plan *plan = calloc(1, sizeof *plan);
    bool dry = options->dry_run != 0;
    if (!plan) {
        return sy_fail(err, SY_ENOMEM, "no memory for a plan");
    }
    plan->graph = graph;
    plan->precision = options->precision;
    plan->max_batch = options->max_batch;
    plan->forward_only = options->forward_only;
    plan->dry_run = options->dry_run;
    plan->value = take_arrays(graph->n_values);
    plan->value_gradient = options->forward_only ? NULL : take_arrays(graph->n_values);
    plan->parameter = take_arrays(graph->n_params);
    plan->parameter_gradient = take_arrays(graph->n_params);
    plan->slot0 = take_arrays(graph->n_params);
    plan->slot1 = take_arrays(graph->n_params);
    plan->batch_mean = take_arrays(graph->n_ops);
    plan->batch_variance = take_arrays(graph->n_ops);
    plan->output = (void **)take_arrays(graph->n_outputs);
    plan->input_gradient = (void **)take_arrays(graph->n_inputs);
    bool good = plan->value && (plan->value_gradient || options->forward_only) && plan->parameter &&
                plan->parameter_gradient && plan->slot0 && plan->slot1 && plan->batch_mean && plan->batch_variance &&
                plan->output && plan->input_gradient;
    if (!good || !take_values(plan, dry) || !take_parameters(plan, dry) ||
        !take_border(plan, options->input_gradients, dry)) {
        destroy(plan);
        return sy_fail(err, SY_ENOMEM, "no memory for a plan");
    }
    *out = plan;
    return SY_OK;
}

static int plan_info(const struct sy_plan *plan, struct sy_plan_info *out) {
    out->parameter_bytes = plan->bytes[0];
    out->activation_bytes = plan->bytes[1];
    out->workspace_bytes = plan->bytes[2];
    return SY_OK;
}

/* ---- the border ------------------------------------------------------------------------------------------------- */

static void read_tensor(double *to, const struct sy_tensor *from) {
    size_t count = sy_tensor_count(from);
    for (size_t i = 0; i < count; i++) {
        to[i] = from->dtype == SY_F64 ? ((const double *)from->data)[i] : (double)((const float *)from->data)[i];
    }
}

static void write_numbers(void *to, const double *from, size_t count, int32_t dtype) {
    for (size_t i = 0; i < count; i++) {
        if (dtype == SY_F64) {
            ((double *)to)[i] = from[i];
        } else {
            ((float *)to)[i] = (float)from[i];
        }
    }
}

/* A value of the graph, or its gradient, as a tensor in `room`. */
static void show(const struct sy_plan *plan, struct sy_tensor *out, void *room, const double *from, int32_t value) {
    const struct sy_shape *shape = &plan->graph->values[value];
    out->dtype = plan->precision == SY_PRECISION_FP64 ? SY_F64 : SY_F32;
    out->rank = 1 + shape->rank;
    out->shape[0] = plan->batch;
    for (int32_t d = 0; d < shape->rank; d++) {
        out->shape[d + 1] = shape->dim[d];
    }
    out->data = room;
    write_numbers(room, from, value_count(plan, value), out->dtype);
}

static int check_tensor(const struct sy_plan *plan, const struct sy_tensor *tensor, int32_t value, const char *what,
                        int32_t k, struct sy_error *err) {
    int32_t dtype = plan->precision == SY_PRECISION_FP64 ? SY_F64 : SY_F32;
    size_t count = value_count(plan, value);
    if (tensor->dtype != dtype || sy_tensor_count(tensor) != count) {
        return sy_fail(err, SY_EINVAL, "%s %d must be %zu numbers of type %d, not %zu of type %d", what, k, count,
                       dtype, sy_tensor_count(tensor), tensor->dtype);
    }
    return SY_OK;
}

static int forward(struct sy_plan *plan, const struct sy_forward *in, struct sy_error *err) {
    int status = SY_OK;
    if (plan->dry_run) {
        return sy_fail(err, SY_EINVAL, "this plan is a dry run: it only knows its sizes");
    }
    if (in->batch < 1 || in->batch > plan->max_batch) {
        return sy_fail(err, SY_ERANGE, "a batch of %d; the plan is made for 1 to %d", in->batch, plan->max_batch);
    }
    plan->kept = plan->measured = false;
    plan->batch = in->batch;
    plan->mode = in->mode;
    plan->seed = in->seed;
    plan->stream = in->stream;
    plan->step = in->step;
    for (int32_t k = 0; k < plan->graph->n_inputs && status == SY_OK; k++) {
        status = check_tensor(plan, in->inputs[k], plan->graph->inputs[k], "input", k, err);
        if (status == SY_OK) {
            read_tensor(plan->value[plan->graph->inputs[k]], in->inputs[k]);
        }
    }
    for (int32_t i = 0; i < plan->graph->n_ops && status == SY_OK; i++) {
        status = operator_forward(plan, i, err);
    }
    plan->kept = status == SY_OK && in->keep;
    plan->measured = status == SY_OK && in->mode == SY_TRAIN;
    return status;
}

static int output(struct sy_plan *plan, int32_t k, struct sy_tensor *out, struct sy_error *err) {
    if (k < 0 || k >= plan->graph->n_outputs) {
        return sy_fail(err, SY_ERANGE, "output %d does not exist; there are 0 to %d", k, plan->graph->n_outputs - 1);
    }
    if (!plan->batch) {
        return sy_fail(err, SY_EINVAL, "output %d needs a forward before it", k);
    }
    int32_t value = plan->graph->outputs[k]->value;
    show(plan, out, plan->output[k], plan->value[value], value);
    return SY_OK;
}

static int backward(struct sy_plan *plan, const struct sy_tensor *const *output_gradients, struct sy_error *err) {
    const struct sy_graph *graph = plan->graph;
    if (plan->forward_only) {
        return sy_fail(err, SY_EINVAL, "this plan only goes forward");
    }
    if (!plan->kept) {
        return sy_fail(err, SY_EINVAL, "backward needs a forward before it that keeps its values, and no update since");
    }
    for (int32_t k = 0; k < graph->n_outputs; k++) {
        if (output_gradients[k] &&
            check_tensor(plan, output_gradients[k], graph->outputs[k]->value, "gradient of output", k, err) != SY_OK) {
            return SY_EINVAL;
        }
    }
    for (int32_t v = 0; v < graph->n_values; v++) {
        memset(plan->value_gradient[v], 0, value_count(plan, v) * sizeof(double));
    }
    for (int32_t p = 0; p < graph->n_params; p++) {
        memset(plan->parameter_gradient[p], 0, param_count(graph->params[p]) * sizeof(double));
    }
    for (int32_t k = 0; k < graph->n_outputs; k++) {
        const struct sy_tensor *from = output_gradients[k];
        double *to = plan->value_gradient[graph->outputs[k]->value];
        for (size_t i = 0; from && i < sy_tensor_count(from); i++) {
            to[i] += from->dtype == SY_F64 ? ((const double *)from->data)[i] : (double)((const float *)from->data)[i];
        }
    }
    for (int32_t i = graph->n_ops; i-- > 0;) {
        operator_backward(plan, i);
    }
    return SY_OK;
}

static int input_gradient(struct sy_plan *plan, int32_t k, struct sy_tensor *out, struct sy_error *err) {
    if (k < 0 || k >= plan->graph->n_inputs || !plan->input_gradient[k]) {
        return sy_fail(err, SY_EINVAL, "the gradient of input %d was not asked for in compile", k);
    }
    int32_t value = plan->graph->inputs[k];
    show(plan, out, plan->input_gradient[k], plan->value_gradient[value], value);
    return SY_OK;
}

/* What `stored` of a parameter means, or NULL. */
static double *stored_array(const struct sy_plan *plan, int32_t stored, int32_t index) {
    if (index < 0 || index >= plan->graph->n_params) {
        return NULL;
    }
    bool trainable = plan->graph->params[index]->role == SY_TRAINABLE;
    switch (stored) {
    case SY_PARAMETER_VALUE:
        return plan->parameter[index];
    case SY_PARAMETER_GRADIENT:
        return trainable ? plan->parameter_gradient[index] : NULL;
    case SY_OPTIMIZER_SLOT_0:
        return trainable ? plan->slot0[index] : NULL;
    case SY_OPTIMIZER_SLOT_1:
        return trainable ? plan->slot1[index] : NULL;
    default:
        return NULL;
    }
}

static int check_stored(const struct sy_plan *plan, const double *array, int32_t index, const struct sy_tensor *tensor,
                        struct sy_error *err) {
    if (!array) {
        return sy_fail(err, SY_EINVAL, "parameter %d has nothing of that sort to move; statistics have only a value",
                       index);
    }
    bool wide = plan->precision == SY_PRECISION_FP64;
    if ((tensor->dtype != SY_F32 && !(wide && tensor->dtype == SY_F64)) ||
        sy_tensor_count(tensor) != param_count(plan->graph->params[index])) {
        return sy_fail(err, SY_EINVAL, "%s: must be given as %zu floats%s", plan->graph->params[index]->name,
                       param_count(plan->graph->params[index]), wide ? " or doubles" : "");
    }
    return SY_OK;
}

static int get(struct sy_plan *plan, int32_t stored, int32_t index, struct sy_tensor *out, struct sy_error *err) {
    double *array = stored_array(plan, stored, index);
    int status = check_stored(plan, array, index, out, err);
    if (status == SY_OK) {
        write_numbers(out->data, array, sy_tensor_count(out), out->dtype);
    }
    return status;
}

static int set(struct sy_plan *plan, int32_t stored, int32_t index, const struct sy_tensor *in, struct sy_error *err) {
    double *array = stored_array(plan, stored, index);
    int status = check_stored(plan, array, index, in, err);
    if (status == SY_OK) {
        read_tensor(array, in);
        /* Running statistics are of no meaning to a backward of what was normalised by its batch. */
        bool matters = stored == SY_PARAMETER_VALUE && plan->graph->params[index]->role == SY_TRAINABLE;
        plan->kept = plan->kept && !matters;
    }
    return status;
}

static int info(const void *self, struct sy_backend_info *out) {
    (void)self;
    out->rank = 0;
    out->precisions = (1u << SY_PRECISION_FP32) | (1u << SY_PRECISION_FP64);
    out->processor = "plain loops in double precision";
    out->note = "slow and obvious: for tests and for looking things up";
    return SY_OK;
}

static const struct sy_backend_ops ops = {
    .size = sizeof ops,
    .info = info,
    .compile = compile,
    .destroy = destroy,
    .plan_info = plan_info,
    .forward = forward,
    .output = output,
    .statistics = reference_statistics,
    .backward = backward,
    .input_gradient = input_gradient,
    .update = reference_update,
    .get = get,
    .set = set,
};

SY_PLUGIN(
    SY_BACKEND, "reference", struct reference, .ops = &ops,
    .doc = "slow and obvious: plain loops in double, the oracle for the others",
    .help = "Computes every operator by its formula. Good for tests and for tiny networks; use another to train.");
