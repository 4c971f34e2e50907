/* openblas.c - the border of the openblas backend: the portable default. */
#include <stdlib.h>
#include <string.h>

#include "../cpu/calls.h"
#include "plan.h"

struct openblas {
    struct blas blas;
    const struct sy_host *host;
};

static int init(void *self, const struct sy_host *host, struct sy_error *err) {
    struct openblas *openblas = self;
    openblas->host = host;
    return blas_open(&openblas->blas, err);
}

static void fini(void *self) {
    struct openblas *openblas = self;
    blas_close(&openblas->blas);
}

static int info(const void *self, struct sy_backend_info *out) {
    const struct openblas *openblas = self;
    out->rank = 10;
    out->precisions = 1u << SY_PRECISION_FP32;
    out->processor = openblas->blas.processor;
    out->note = openblas->blas.note[0] ? openblas->blas.note : NULL;
    return SY_OK;
}

static int compile(void *self, struct sy_plan **out, const struct sy_graph *graph,
                   const struct sy_plan_options *options, struct sy_error *err) {
    struct openblas *openblas = self;
    *out = NULL;
    if (options->precision != SY_PRECISION_FP32) {
        return sy_fail(err, SY_ENOTSUP, "openblas computes in fp32 only");
    }
    int status = cpu_check_operators(graph, err);
    return status != SY_OK ? status : plan_create(out, &openblas->blas, openblas->host, graph, options, err);
}

static int plan_info(const struct sy_plan *plan, struct sy_plan_info *out) {
    size_t threads = (size_t)plan->host->threads;
    out->parameter_bytes = store_bytes(&plan->store);
    out->activation_bytes = plan->arena_floats * sizeof(float);
    out->workspace_bytes = (plan->scratch_floats + plan->partial_floats) * threads * sizeof(float);
    return SY_OK;
}

/* ---- forward and backward --------------------------------------------------------------------------------------- */

static void run_forward(struct sy_plan *plan, const struct task *task) {
    switch (task->op->kind) {
    case SY_OP_CONV2D:
        if (is_depthwise(plan, task->op)) {
            depthwise_forward(plan, task);
        } else {
            conv2d_forward(plan, task);
        }
        break;
    case SY_OP_TRANSPOSED_CONV2D:
        transposed_forward(plan, task);
        break;
    case SY_OP_LINEAR:
        linear_forward(plan, task);
        break;
    case SY_OP_BATCH_NORM:
        batch_norm_forward(plan, task);
        break;
    default:
        simple_forward(plan, task);
        break;
    }
}

static void run_backward(struct sy_plan *plan, const struct task *task) {
    switch (task->op->kind) {
    case SY_OP_CONV2D:
        if (is_depthwise(plan, task->op)) {
            depthwise_backward(plan, task);
        } else {
            conv2d_backward(plan, task);
        }
        break;
    case SY_OP_TRANSPOSED_CONV2D:
        transposed_backward(plan, task);
        break;
    case SY_OP_LINEAR:
        linear_backward(plan, task);
        break;
    case SY_OP_BATCH_NORM:
        batch_norm_backward(plan, task);
        break;
    default:
        simple_backward(plan, task);
        break;
    }
}

static int forward(struct sy_plan *plan, const struct sy_forward *in, struct sy_error *err) {
    int status = cpu_check_batch(plan->graph, plan->max_batch, in, err);
    if (status != SY_OK) {
        return status;
    }
    plan->batch = in->batch;
    plan->mode = in->mode;
    plan->seed = in->seed;
    plan->stream = in->stream;
    plan->step = in->step;
    for (int32_t k = 0; k < plan->graph->n_inputs; k++) {
        int32_t value = plan->graph->inputs[k];
        memcpy(plan->value[value], in->inputs[k]->data, (size_t)in->batch * value_row(plan, value) * sizeof(float));
    }
    for (int32_t i = 0; i < plan->graph->n_ops; i++) {
        if (!plan->tasks[i].skipped) {
            run_forward(plan, &plan->tasks[i]);
        }
    }
    return SY_OK;
}

static int output(struct sy_plan *plan, int32_t k, struct sy_tensor *out, struct sy_error *err) {
    if (k < 0 || k >= plan->graph->n_outputs) {
        return sy_fail(err, SY_ERANGE, "output %d of %d", k, plan->graph->n_outputs);
    }
    int32_t value = plan->graph->outputs[k]->value;
    cpu_show(plan->graph, value, plan->batch, plan->value[value], out);
    return SY_OK;
}

static int statistics(struct sy_plan *plan, struct sy_error *err) {
    (void)err;
    for (int32_t i = 0; i < plan->graph->n_ops && plan->mode == SY_TRAIN; i++) {
        if (plan->tasks[i].op->kind == SY_OP_BATCH_NORM) {
            batch_norm_statistics(plan, &plan->tasks[i]);
        }
    }
    return SY_OK;
}

/* Gradients that arrive at outputs; two outputs may be one value. */
static void seed_gradients(struct sy_plan *plan, const struct sy_tensor *const *from) {
    for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
        int32_t value = plan->graph->outputs[k]->value;
        if (plan->gradient[value]) {
            memset(plan->gradient[value], 0, (size_t)plan->batch * value_row(plan, value) * sizeof(float));
        }
    }
    for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
        float *to = plan->gradient[plan->graph->outputs[k]->value];
        for (size_t i = 0; from[k] && to && i < sy_tensor_count(from[k]); i++) {
            to[i] += ((const float *)from[k]->data)[i];
        }
    }
}

static int backward(struct sy_plan *plan, const struct sy_tensor *const *output_gradients, struct sy_error *err) {
    if (plan->forward_only) {
        return sy_fail(err, SY_EINVAL, "this plan only goes forward");
    }
    seed_gradients(plan, output_gradients);
    for (int32_t i = plan->graph->n_ops; i-- > 0;) {
        const struct task *task = &plan->tasks[i];
        if (!task->skipped && plan->gradient[task->output]) {
            run_backward(plan, task);
        }
    }
    return SY_OK;
}

static int input_gradient(struct sy_plan *plan, int32_t k, struct sy_tensor *out, struct sy_error *err) {
    if (k < 0 || k >= plan->graph->n_inputs || !plan->gradient[plan->graph->inputs[k]]) {
        return sy_fail(err, SY_EINVAL, "the gradient of input %d was not asked for in compile", k);
    }
    int32_t value = plan->graph->inputs[k];
    cpu_show(plan->graph, value, plan->batch, plan->gradient[value], out);
    return SY_OK;
}

static int update(struct sy_plan *plan, const struct sy_update *in, struct sy_error *err) {
    return store_update(&plan->store, plan->host, in, err);
}

static int get(struct sy_plan *plan, int32_t stored, int32_t index, struct sy_tensor *out, struct sy_error *err) {
    return store_get(&plan->store, stored, index, out, err);
}

static int set(struct sy_plan *plan, int32_t stored, int32_t index, const struct sy_tensor *in, struct sy_error *err) {
    return store_set(&plan->store, stored, index, in, err);
}

static const struct sy_backend_ops ops = {
    .size = sizeof ops,
    .init = init,
    .fini = fini,
    .info = info,
    .compile = compile,
    .destroy = plan_destroy,
    .plan_info = plan_info,
    .forward = forward,
    .output = output,
    .statistics = statistics,
    .backward = backward,
    .input_gradient = input_gradient,
    .update = update,
    .get = get,
    .set = set,
};

SY_PLUGIN(
    SY_BACKEND, "openblas", struct openblas, .ops = &ops,
    .doc = "matrix products by OpenBLAS, everything else by own loops: the portable default",
    .help = "fp32. Convolutions as products over columns, batch norm fused with the ReLU behind it, the batch shared\n"
            "by threads with OpenBLAS single-threaded in each. Where OpenBLAS picks kernels for AVX2 on a processor\n"
            "with AVX-512 that is corrected and told; OPENBLAS_CORETYPE in the environment wins.");
