/* js.c - Jensen-Shannon divergence between softened outputs: symmetric, and never above log 2. */
#include <math.h>
#include <string.h>
#include <switchyard/loss.h>

struct js {
    double temperature;
    int32_t t_squared;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct js, temperature, .def = 1, .min = 0.01, .max = 1000,
             .doc = "T: logits of both sides are divided by it"),
    SY_PARAM(struct js, t_squared, .flags = SY_FLAG,
             .doc = "multiply by T^2, so that the gradient's size does not depend on T"),
    SY_END,
};

static void formula(const void *self, char *out, size_t room, const char *target, const char *const *sources,
                    int32_t n_sources) {
    const struct js *js = self;
    size_t used = 0;
    for (int32_t s = 0; s < n_sources && used < room; s++) {
        used += (size_t)snprintf(out + used, room - used, "%s%sJS(%s, %s)", s ? " + " : "", js->t_squared ? "T^2 " : "",
                                 sources[s], target);
    }
}

/* With m = (p + q) / 2, log m from the larger of both logarithms, so that it is finite wherever p or q is not 0:
 *   side(p) = 1/2 sum_k p (log p - log m),  JS = side(p) + side(q)
 *   d JS / d z_k = 1/2 p_k (log p_k - log m_k - 2 side(p)) / T, as the terms in d m cancel (z: logits of p). */
static double log_mean(double log_p, double log_q) {
    double high = log_p > log_q ? log_p : log_q, low = log_p > log_q ? log_q : log_p;
    return high + log1p(exp(low - high)) - log(2);
}

/* One row of one side: its half of the divergence; adds its gradient where one is wanted. */
static double eval_side(const double *log_p, const double *log_q, int32_t classes, double factor, float *gradient) {
    double sum = 0;
    for (int32_t k = 0; k < classes; k++) {
        double p = exp(log_p[k]);
        sum += p > 0 ? 0.5 * p * (log_p[k] - log_mean(log_p[k], log_q[k])) : 0;
    }
    for (int32_t k = 0; gradient && k < classes; k++) {
        double p = exp(log_p[k]);
        double to = p > 0 ? 0.5 * p * (log_p[k] - log_mean(log_p[k], log_q[k]) - 2 * sum) : 0;
        gradient[k] += (float)(factor * to);
    }
    return sum;
}

/* value = 1/B sum over rows and sources of JS (times T^2 where asked for) */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct js *js = self;
    const double T = js->temperature, scale = js->t_squared ? T * T : 1, factor = scale / (T * in->batch);
    size_t row = (size_t)in->classes, count = (size_t)in->batch * row;
    double sum = 0;
    memset(out->gradient, 0, count * sizeof *out->gradient);
    for (int32_t s = 0; s < in->n_sources; s++) {
        const double *log_p = sy_loss_log_probabilities(in, SY_TARGET, T), *log_q = sy_loss_log_probabilities(in, s, T);
        float *to_source = out->source_gradients ? out->source_gradients[s] : NULL;
        if (!log_p || !log_q) {
            return sy_fail(err, SY_EINVAL, "the divergence needs logits on both sides");
        }
        if (to_source) {
            memset(to_source, 0, count * sizeof *to_source);
        }
        for (size_t at = 0; at < count; at += row) {
            sum += eval_side(log_p + at, log_q + at, in->classes, factor, out->gradient + at);
            sum += eval_side(log_q + at, log_p + at, in->classes, factor, to_source ? to_source + at : NULL);
        }
    }
    out->value = scale * sum / in->batch;
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .formula = formula, .eval = eval};

SY_PLUGIN(
    SY_LOSS, "js", struct js, .fields = fields, .ops = &ops,
    .doc = "Jensen-Shannon divergence from softened outputs of the sources, batch mean",
    .help = "1/2 KL(p || m) + 1/2 KL(q || m) with m the mean of both. Summed over the sources and the classes, mean\n"
            "over the batch. Bounded, so that an early, sure and wrong peer pulls less than under kl.",
    .reference = "Lin, Divergence Measures Based on the Shannon Entropy, IEEE Trans. Inf. Theory 37, 1991, eq. 4.1");
