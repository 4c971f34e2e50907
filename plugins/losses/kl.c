/* kl.c - Kullback-Leibler divergence between softened outputs: what a node learns from others. */
#include <switchyard/loss.h>

struct kl {
    double temperature;
    int32_t t_squared, direction;
};

enum { FORWARD, REVERSE };

static const struct sy_field fields[] = {
    SY_PARAM(struct kl, temperature, .def = 1, .min = 0.01, .max = 1000,
             .doc = "T: logits of both sides are divided by it", .reference = "Hinton, Vinyals, Dean, 2014, eq. 1"),
    SY_PARAM(struct kl, t_squared, .flags = SY_FLAG,
             .doc = "multiply by T^2, so that the gradient's size does not depend on T",
             .reference = "Hinton, Vinyals, Dean, 2014, section 2.1"),
    SY_PARAM(struct kl, direction, .choices = "forward|reverse",
             .doc = "forward: KL(source || target); reverse: KL(target || source)"),
    SY_END,
};

static void formula(const void *self, char *out, size_t room, const char *target, const char *const *sources,
                    int32_t n_sources) {
    const struct kl *kl = self;
    char mark[32] = "";
    size_t used = 0;
    if (kl->temperature != 1) {
        snprintf(mark, sizeof mark, "^T=%g", kl->temperature);
    }
    for (int32_t s = 0; s < n_sources && used < room; s++) {
        const char *first = kl->direction == FORWARD ? sources[s] : target;
        const char *second = kl->direction == FORWARD ? target : sources[s];
        used += (size_t)snprintf(out + used, room - used, "%s%sKL(%s%s || %s%s)", s ? " + " : "",
                                 kl->t_squared ? "T^2 " : "", first, mark, second, mark);
    }
}

/* One row and source. With p the target's and q the source's softened probabilities:
 *   forward: KL = sum_k q (log q - log p),  d KL / d z_k = (p_k - q_k) / T,  d KL / d y_k = q_k (log q_k - log p_k - KL) / T
 *   reverse: KL = sum_k p (log p - log q),  d KL / d z_k = p_k (log p_k - log q_k - KL) / T,  d KL / d y_k = (q_k - p_k) / T
 * where z are the target's and y the source's logits. */
struct row {
    const double *p, *log_p, *q, *log_q;
    int32_t classes;
};

/* sum_k a (log a - log b); 0 log 0 = 0 */
static double divergence(const double *a, const double *log_a, const double *log_b, int32_t classes) {
    double sum = 0;
    for (int32_t k = 0; k < classes; k++) {
        sum += a[k] > 0 ? a[k] * (log_a[k] - log_b[k]) : 0;
    }
    return sum;
}

/* factor * a (log a - log b - KL) for the first argument's logits */
static double first_side(double a, double log_a, double log_b, double value) {
    return a > 0 ? a * (log_a - log_b - value) : 0;
}

static double eval_row(const struct kl *kl, const struct row *row, double factor, float *gradient,
                       float *source_gradient) {
    int32_t forward = kl->direction == FORWARD;
    double value = forward ? divergence(row->q, row->log_q, row->log_p, row->classes)
                           : divergence(row->p, row->log_p, row->log_q, row->classes);
    for (int32_t k = 0; k < row->classes; k++) {
        double difference = row->p[k] - row->q[k];
        double to_target = forward ? difference : first_side(row->p[k], row->log_p[k], row->log_q[k], value);
        gradient[k] += (float)(factor * to_target);
        if (source_gradient) {
            double to_source = forward ? first_side(row->q[k], row->log_q[k], row->log_p[k], value) : -difference;
            source_gradient[k] = (float)(factor * to_source);
        }
    }
    return value;
}

/* value = 1/B sum over rows and sources of KL (times T^2 where asked for) */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct kl *kl = self;
    const double T = kl->temperature, scale = kl->t_squared ? T * T : 1;
    size_t count = (size_t)in->batch * (size_t)in->classes;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        out->gradient[i] = 0;
    }
    for (int32_t s = 0; s < in->n_sources; s++) {
        struct row row = {sy_loss_probabilities(in, SY_TARGET, T), sy_loss_log_probabilities(in, SY_TARGET, T),
                          sy_loss_probabilities(in, s, T), sy_loss_log_probabilities(in, s, T), in->classes};
        float *source_gradient = out->source_gradients ? out->source_gradients[s] : NULL;
        if (!row.p || !row.q) {
            return sy_fail(err, SY_EINVAL, "the divergence needs logits on both sides");
        }
        for (int32_t b = 0; b < in->batch; b++) {
            size_t at = (size_t)b * (size_t)in->classes;
            sum += eval_row(kl, &row, scale / (T * in->batch), out->gradient + at,
                            source_gradient ? source_gradient + at : NULL);
            row.p += in->classes, row.log_p += in->classes, row.q += in->classes, row.log_q += in->classes;
        }
    }
    out->value = scale * sum / in->batch;
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .formula = formula, .eval = eval};

SY_PLUGIN(SY_LOSS, "kl", struct kl, .fields = fields, .ops = &ops,
          .doc = "Kullback-Leibler divergence from softened outputs of the sources, batch mean",
          .help =
              "Summed over the sources and the classes, mean over the batch (never over the classes). SwitOKD and DML\n"
              "as released use T = 1; knowledge distillation T = 4 with t_squared = true.",
          .reference = "Hinton, Vinyals, Dean, Distilling the Knowledge in a Neural Network, 2014, arXiv 1503.02531");
