/* kl.c - Kullback-Leibler divergence between softened outputs: what a node learns from others. */
#include <string.h>
#include <switchyard/loss.h>

struct kl {
    double temperature;
    int32_t t_squared, direction;
};

enum { FORWARD, REVERSE, SYMMETRIC };

static const struct sy_field fields[] = {
    SY_PARAM(struct kl, temperature, .def = 1, .min = 0.01, .max = 1000,
             .doc = "T: logits of both sides are divided by it", .reference = "Hinton, Vinyals, Dean, 2014, eq. 1"),
    SY_PARAM(struct kl, t_squared, .flags = SY_FLAG,
             .doc = "multiply by T^2, so that the gradient's size does not depend on T",
             .reference = "Hinton, Vinyals, Dean, 2014, section 2.1"),
    SY_PARAM(struct kl, direction, .choices = "forward|reverse|symmetric",
             .doc = "forward: KL(source || target); reverse: KL(target || source); symmetric: their sum"),
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
    for (int32_t s = 0; s < n_sources; s++) {
        for (int32_t d = FORWARD; d <= REVERSE && used < room; d++) {
            if (kl->direction == d || kl->direction == SYMMETRIC) {
                used += (size_t)snprintf(out + used, room - used, "%s%sKL(%s%s || %s%s)", used ? " + " : "",
                                         kl->t_squared ? "T^2 " : "", d == FORWARD ? sources[s] : target, mark,
                                         d == FORWARD ? target : sources[s], mark);
            }
        }
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

/* Adds to the gradient of the target, and to that of the source where it is wanted. */
static double eval_row(int32_t forward, const struct row *row, double factor, float *gradient, float *source_gradient) {
    double value = forward ? divergence(row->q, row->log_q, row->log_p, row->classes)
                           : divergence(row->p, row->log_p, row->log_q, row->classes);
    for (int32_t k = 0; k < row->classes; k++) {
        double difference = row->p[k] - row->q[k];
        double to_target = forward ? difference : first_side(row->p[k], row->log_p[k], row->log_q[k], value);
        gradient[k] += (float)(factor * to_target);
        if (source_gradient) {
            double to_source = forward ? first_side(row->q[k], row->log_q[k], row->log_p[k], value) : -difference;
            source_gradient[k] += (float)(factor * to_source);
        }
    }
    return value;
}

/* Rows of one source in the directions asked for; the sum of the divergences. */
static double eval_source(const struct kl *kl, struct row row, double factor, float *gradient, float *source_gradient,
                          int32_t batch) {
    double sum = 0;
    for (int32_t b = 0; b < batch; b++) {
        if (kl->direction != REVERSE) {
            sum += eval_row(1, &row, factor, gradient, source_gradient);
        }
        if (kl->direction != FORWARD) {
            sum += eval_row(0, &row, factor, gradient, source_gradient);
        }
        row.p += row.classes, row.log_p += row.classes, row.q += row.classes, row.log_q += row.classes;
        gradient += row.classes;
        source_gradient = source_gradient ? source_gradient + row.classes : NULL;
    }
    return sum;
}

/* value = 1/B sum over rows and sources of KL (times T^2 where asked for) */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct kl *kl = self;
    const double T = kl->temperature, scale = kl->t_squared ? T * T : 1;
    size_t count = (size_t)in->batch * (size_t)in->classes;
    double sum = 0;
    memset(out->gradient, 0, count * sizeof *out->gradient);
    for (int32_t s = 0; s < in->n_sources; s++) {
        struct row row = {sy_loss_probabilities(in, SY_TARGET, T), sy_loss_log_probabilities(in, SY_TARGET, T),
                          sy_loss_probabilities(in, s, T), sy_loss_log_probabilities(in, s, T), in->classes};
        float *source_gradient = out->source_gradients ? out->source_gradients[s] : NULL;
        if (!row.p || !row.q) {
            return sy_fail(err, SY_EINVAL, "the divergence needs logits on both sides");
        }
        if (source_gradient) {
            memset(source_gradient, 0, count * sizeof *source_gradient);
        }
        sum += eval_source(kl, row, scale / (T * in->batch), out->gradient, source_gradient, in->batch);
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
