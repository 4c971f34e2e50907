/* update.c - the optimisers, each as PyTorch writes it. */
#include <math.h>

#include "update.h"

/* In a plan of precision fp32 what is stored is float, so that what get and set move is exact. */
static double stored(const struct sy_plan *plan, double value) {
    return plan->precision == SY_PRECISION_FP64 ? value : (double)(float)value;
}

/* g = gradient + weight_decay w;  m = momentum m + g;  w -= lr (nesterov ? g + momentum m : m) */
static void sgd(struct sy_plan *plan, int32_t p, size_t i, const struct sy_update *u, double g) {
    double *w = &plan->parameter[p][i], *m = &plan->slot0[p][i];
    g += u->weight_decay * *w;
    *m = stored(plan, u->momentum * *m + g);
    *w = stored(plan, *w - u->lr * (u->nesterov ? g + u->momentum * *m : *m));
}

/* adam: g = gradient + weight_decay w;  adamw: w -= lr weight_decay w
 * m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
 * w -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps) */
static void adam(struct sy_plan *plan, int32_t p, size_t i, const struct sy_update *u, double g) {
    double *w = &plan->parameter[p][i], *m = &plan->slot0[p][i], *v = &plan->slot1[p][i], now = *w;
    if (u->rule == SY_ADAMW) {
        now -= u->lr * u->weight_decay * now;
    } else {
        g += u->weight_decay * now;
    }
    *m = stored(plan, u->beta1 * *m + (1 - u->beta1) * g);
    *v = stored(plan, u->beta2 * *v + (1 - u->beta2) * g * g);
    double first = 1 - pow(u->beta1, (double)u->count), second = 1 - pow(u->beta2, (double)u->count);
    *w = stored(plan, now - u->lr / first * *m / (sqrt(*v) / sqrt(second) + u->eps));
}

int reference_update(struct sy_plan *plan, const struct sy_update *in, struct sy_error *err) {
    if (in->rule < SY_SGD || in->rule > SY_ADAMW) {
        return sy_fail(err, SY_ENOTSUP, "update rule %d is unknown here; %d to %d are known", in->rule, SY_SGD,
                       SY_ADAMW);
    }
    if (plan->forward_only || plan->dry_run) {
        return sy_fail(err, SY_EINVAL, "this plan was not made to train");
    }
    plan->kept = false;
    for (int32_t p = 0; p < plan->graph->n_params; p++) {
        const struct sy_param *param = plan->graph->params[p];
        /* a parameter no operator uses has no gradient, and PyTorch leaves it alone */
        for (size_t i = 0; param->role == SY_TRAINABLE && param->op >= 0 && i < param_count(param); i++) {
            double g = in->zero_gradient ? 0 : plan->parameter_gradient[p][i];
            if (in->rule == SY_SGD) {
                sgd(plan, p, i, in, g);
            } else {
                adam(plan, p, i, in, g);
            }
        }
    }
    return SY_OK;
}

/* running = (1 - momentum) running + momentum batch; the variance unbiased: times count / (count - 1) */
int reference_statistics(struct sy_plan *plan, struct sy_error *err) {
    if (!plan->measured) {
        return sy_fail(err, SY_EINVAL, "statistics need a forward in training mode before them, once each");
    }
    plan->measured = false;
    for (int32_t i = 0; i < plan->graph->n_ops; i++) {
        const struct sy_op *op = plan->graph->ops[i];
        if (op->kind != SY_OP_BATCH_NORM) {
            continue;
        }
        const struct sy_shape *shape = &plan->graph->values[op->inputs[0]];
        double count = (double)plan->batch * shape->dim[1] * shape->dim[2];
        double *mean = plan->parameter[op->param[SY_MEAN]], *variance = plan->parameter[op->param[SY_VARIANCE]];
        for (int32_t c = 0; c < shape->dim[0]; c++) {
            double unbiased = plan->batch_variance[i][c] * count / (count - 1);
            mean[c] = stored(plan, (1 - op->momentum) * mean[c] + op->momentum * plan->batch_mean[i][c]);
            variance[c] = stored(plan, (1 - op->momentum) * variance[c] + op->momentum * unbiased);
        }
    }
    return SY_OK;
}
