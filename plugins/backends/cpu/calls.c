/* calls.c - see calls.h. */
#include "calls.h"

int cpu_check_operators(const struct sy_graph *graph, struct sy_error *err) {
    for (int32_t i = 0; i < graph->n_ops; i++) {
        if (graph->ops[i]->kind <= 0 || graph->ops[i]->kind >= SY_OP_KINDS) {
            return sy_fail(err, SY_ENOTSUP, "%s: operator %d is unknown here", graph->ops[i]->name,
                           graph->ops[i]->kind);
        }
    }
    return SY_OK;
}

int cpu_check_batch(const struct sy_graph *graph, int32_t max_batch, const struct sy_forward *in,
                    struct sy_error *err) {
    if (in->batch < 1 || in->batch > max_batch) {
        return sy_fail(err, SY_ERANGE, "a batch of %d; the plan is made for 1 to %d", in->batch, max_batch);
    }
    for (int32_t i = 0; i < graph->n_ops && in->mode == SY_TRAIN && in->batch == 1; i++) {
        const struct sy_op *op = graph->ops[i];
        const struct sy_shape *shape = &graph->values[op->output];
        if (op->kind == SY_OP_BATCH_NORM && shape->dim[1] * shape->dim[2] == 1) {
            return sy_fail(err, SY_EINVAL, "%s: one value per channel has no variance; use a larger batch", op->name);
        }
    }
    return SY_OK;
}

void cpu_show(const struct sy_graph *graph, int32_t value, int32_t batch, float *data, struct sy_tensor *out) {
    const struct sy_shape *shape = &graph->values[value];
    out->dtype = SY_F32;
    out->rank = 1 + shape->rank;
    out->shape[0] = batch;
    for (int32_t d = 0; d < shape->rank; d++) {
        out->shape[d + 1] = shape->dim[d];
    }
    out->data = data;
}

void cpu_move_statistics(const struct store *store, const struct sy_op *op, const float *mean, const float *variance,
                         size_t channels, double count) {
    float *running_mean = store_value(store, op->param[SY_MEAN]);
    float *running_variance = store_value(store, op->param[SY_VARIANCE]);
    double momentum = op->momentum;
    for (size_t c = 0; c < channels; c++) {
        double unbiased = (double)variance[c] * (count / (count - 1));
        running_mean[c] = (float)((1 - momentum) * (double)running_mean[c] + momentum * (double)mean[c]);
        running_variance[c] = (float)((1 - momentum) * (double)running_variance[c] + momentum * unbiased);
    }
}
