/* my_plugin.c - a loss: a number to be made small, and its gradient.
 *
 * As it stands: the squared distance of probabilities at temperature T, L = T^2 mean_b sum_k (q[b][k] - p[b][k])^2, where
 * q = softmax(z / T) is the learner's and p its source's. `switchyard probe my_plugin.so` compares the gradient with
 * finite differences of the value: trust that more than your derivation. */
#include <switchyard/loss.h>

struct my_plugin {
    double temperature; /* parameter: read from the config, checked against the table below */
};

static const struct sy_field fields[] = {
    SY_PARAM(struct my_plugin, temperature, .def = 2, .min = 0.01, .max = 100, .doc = "T, softens both sides"),
    SY_END,
};

/* Called for every batch, once per edge. Sources are detached: only the gradient to the target's logits is asked for.
 * A mean over the batch, never over classes. */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct my_plugin *loss = self;
    double t = loss->temperature, sum = 0;
    if (in->n_sources != 1) {
        return sy_fail(err, SY_EINVAL, "has %d sources; it compares with exactly 1", in->n_sources);
    }
    if (out->source_gradients) {
        return sy_fail(err, SY_ENOTSUP, "trains no source: not for an edge with attached=1");
    }
    for (int32_t b = 0; b < in->batch; b++) {
        size_t row = (size_t)b * (size_t)in->classes;
        const double *q = sy_loss_probabilities(in, SY_TARGET, t) + row, *p = sy_loss_probabilities(in, 0, t) + row;
        double inner = 0; /* sum_k q_k (q_k - p_k) */
        for (int32_t k = 0; k < in->classes; k++) {
            sum += (q[k] - p[k]) * (q[k] - p[k]);
            inner += q[k] * (q[k] - p[k]);
        }
        /* q = softmax(z / T): dq_k / dz_j = q_k (1[j = k] - q_j) / T, so
         * dL / dz_j = T^2 / B sum_k 2 (q_k - p_k) dq_k / dz_j = 2 T / B q_j ((q_j - p_j) - inner) */
        for (int32_t j = 0; j < in->classes; j++) {
            out->gradient[row + (size_t)j] = (float)(2 * t / in->batch * q[j] * ((q[j] - p[j]) - inner));
        }
    }
    out->value = t * t * sum / in->batch;
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .eval = eval};

SY_PLUGIN(SY_LOSS, "my_plugin", struct my_plugin, .fields = fields, .ops = &ops,
          .doc = "squared distance of softened probabilities");
