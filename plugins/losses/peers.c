/* peers.c - divergence from what the sources say together: one averaged target instead of one term a source. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <switchyard/loss.h>

struct peers {
    double temperature;
    int32_t t_squared, mean;
};

enum { OF_PROBABILITIES, OF_LOGITS };

static const struct sy_field fields[] = {
    SY_PARAM(struct peers, temperature, .def = 1, .min = 0.01, .max = 1000,
             .doc = "T: logits of both sides are divided by it"),
    SY_PARAM(struct peers, t_squared, .flags = SY_FLAG,
             .doc = "multiply by T^2, so that the gradient's size does not depend on T"),
    SY_PARAM(struct peers, mean, .choices = "probabilities|logits",
             .doc = "what is averaged over the sources: softened probabilities, or logits before softening",
             .reference = "probabilities: DML's averaged peers (DML_e); logits: CL-ILR, OKDDip's DML"),
    SY_END,
};

static void formula(const void *self, char *out, size_t room, const char *target, const char *const *sources,
                    int32_t n_sources) {
    const struct peers *peers = self;
    size_t used = (size_t)snprintf(out, room, "%sKL(%s", peers->t_squared ? "T^2 " : "",
                                   peers->mean == OF_LOGITS ? "softmax mean z(" : "mean p(");
    for (int32_t s = 0; s < n_sources && used < room; s++) {
        used += (size_t)snprintf(out + used, room - used, "%s%s", s ? ", " : "", sources[s]);
    }
    if (used < room) {
        snprintf(out + used, room - used, ") || %s)", target);
    }
}

/* log q of one row, q the averaged target. */
static void average(double *log_q, const struct peers *peers, const struct sy_loss_in *in, size_t at) {
    double largest = -INFINITY, sum = 0;
    for (int32_t k = 0; k < in->classes; k++) {
        double total = 0, top = -INFINITY;
        for (int32_t s = 0; s < in->n_sources; s++) {
            double log_s = sy_loss_log_probabilities(in, s, peers->temperature)[at + (size_t)k];
            total += log_s; /* differs from the logit by a constant of the row, which softmax does not see */
            top = log_s > top ? log_s : top;
        }
        if (peers->mean == OF_LOGITS) {
            log_q[k] = total / in->n_sources;
        } else {
            double share = 0;
            for (int32_t s = 0; s < in->n_sources; s++) {
                share += exp(sy_loss_log_probabilities(in, s, peers->temperature)[at + (size_t)k] - top);
            }
            log_q[k] = top + log(share / in->n_sources);
        }
        largest = log_q[k] > largest ? log_q[k] : largest;
    }
    for (int32_t k = 0; k < in->classes; k++) {
        sum += exp(log_q[k] - largest);
    }
    for (int32_t k = 0; k < in->classes; k++) {
        log_q[k] -= largest + log(sum);
    }
}

/* KL = sum_k q (log q - log p), h_k = log q_k - log p_k. To the logits y_s of source s:
 *   mean of logits:         1/S q_k (h_k - KL) / T
 *   mean of probabilities:  1/S q_sk (h_k - sum_j q_sj h_j) / T */
static void to_source(float *gradient, const struct peers *peers, const double *q_s, const double *log_q,
                      const double *log_p, int32_t classes, double factor) {
    double mean = 0;
    for (int32_t k = 0; k < classes; k++) {
        double weight = peers->mean == OF_LOGITS ? exp(log_q[k]) : q_s[k];
        mean += weight > 0 ? weight * (log_q[k] - log_p[k]) : 0;
    }
    for (int32_t k = 0; k < classes; k++) {
        double weight = peers->mean == OF_LOGITS ? exp(log_q[k]) : q_s[k];
        gradient[k] = (float)(weight > 0 ? factor * weight * (log_q[k] - log_p[k] - mean) : 0);
    }
}

/* value = 1/B sum over rows of KL(q || p); to the learner's logits: (p - q) / (T B). Both times T^2 where asked for. */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct peers *peers = self;
    const double T = peers->temperature, scale = peers->t_squared ? T * T : 1, factor = scale / (T * in->batch);
    const double *log_p = sy_loss_log_probabilities(in, SY_TARGET, T);
    size_t row = (size_t)in->classes, count = (size_t)in->batch * row;
    double sum = 0, *log_q = malloc(row * sizeof *log_q);
    for (int32_t s = 0; s < in->n_sources; s++) {
        log_p = sy_loss_log_probabilities(in, s, T) ? log_p : NULL;
    }
    if (!log_q || !log_p) {
        free(log_q);
        return log_p ? sy_fail(err, SY_ENOMEM, "no memory for a row of %zu classes", row)
                     : sy_fail(err, SY_EINVAL, "the divergence needs logits on both sides");
    }
    for (size_t at = 0; at < count; at += row) {
        average(log_q, peers, in, at);
        for (size_t k = 0; k < row; k++) {
            double q = exp(log_q[k]);
            sum += q > 0 ? q * (log_q[k] - log_p[at + k]) : 0;
            out->gradient[at + k] = (float)(factor * (exp(log_p[at + k]) - q));
        }
        for (int32_t s = 0; out->source_gradients && s < in->n_sources; s++) {
            if (out->source_gradients[s]) {
                to_source(out->source_gradients[s] + at, peers, sy_loss_probabilities(in, s, T) + at, log_q, log_p + at,
                          in->classes, factor / in->n_sources);
            }
        }
    }
    free(log_q);
    out->value = scale * sum / in->batch;
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .formula = formula, .eval = eval};

SY_PLUGIN(
    SY_LOSS, "peers", struct peers, .fields = fields, .ops = &ops,
    .doc = "Kullback-Leibler divergence from the average of the sources, batch mean",
    .help = "For edges with several sources (topology ensemble). With mean = \"probabilities\" the averaged-peers\n"
            "variant of DML, with mean = \"logits\", temperature = 3 and t_squared the target of CL-ILR and of\n"
            "OKDDip's DML. kl on the same edge has one term for each source instead.",
    .reference = "Zhang et al., Deep Mutual Learning, CVPR 2018; Song, Chai, Collaborative Learning, NeurIPS 2018");
