/* dkd.c - Decoupled Knowledge Distillation: how sure of the true class, and what it says of the others, weighed apart. */
#include <math.h>
#include <string.h>
#include <switchyard/loss.h>

struct dkd {
    double alpha, beta, temperature;
    int64_t warmup_epochs;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct dkd, alpha, .def = 1, .min = 0, .max = 1e6,
             .doc = "weight of TCKD, the true class against the rest", .reference = "Zhao et al., CVPR 2022: 1"),
    SY_PARAM(struct dkd, beta, .def = 8, .min = 0, .max = 1e6, .doc = "weight of NCKD, among the other classes",
             .reference = "Zhao et al., CVPR 2022: 8; 2 and 6 for some pairs"),
    SY_PARAM(struct dkd, temperature, .def = 4, .min = 0.01, .max = 1000,
             .doc = "T: logits of both sides are divided by it; the loss is multiplied by T^2",
             .reference = "Zhao et al., CVPR 2022: 4 on CIFAR-100, 1 on ImageNet"),
    SY_PARAM(struct dkd, warmup_epochs, .def = 20, .min = 0, .max = 1e9, .unit = "epochs",
             .doc = "the loss is multiplied by min(e / this, 1), e the epoch counted from 1; 0: from the start in full",
             .reference = "released code: 20"),
    SY_END,
};

static void formula(const void *self, char *out, size_t room, const char *target, const char *const *sources,
                    int32_t n_sources) {
    const struct dkd *dkd = self;
    size_t used = 0;
    for (int32_t s = 0; s < n_sources && used < room; s++) {
        used +=
            (size_t)snprintf(out + used, room - used, "%sT^2 (%g TCKD + %g NCKD)(%s^T=%g || %s^T=%g)", s ? " + " : "",
                             dkd->alpha, dkd->beta, sources[s], dkd->temperature, target, dkd->temperature);
    }
}

/* log sum over j != label of exp log_p[j]: log(1 - p[label]) without taking a difference of nearly equal numbers. */
static double log_rest(const double *log_p, int32_t label, int32_t classes) {
    double largest = -INFINITY, sum = 0;
    for (int32_t j = 0; j < classes; j++) {
        largest = j != label && log_p[j] > largest ? log_p[j] : largest;
    }
    for (int32_t j = 0; j < classes; j++) {
        sum += j != label ? exp(log_p[j] - largest) : 0;
    }
    return largest + log(sum);
}

struct row {
    const double *log_p, *log_q; /* of target and source, softened */
    int32_t label, classes;
};

/* a log(a / s), 0 where a is 0 */
static double term(double log_a, double log_s) {
    double a = exp(log_a);
    return a > 0 ? a * (log_a - log_s) : 0;
}

/* With s = p[y], a = q[y], and p^, q^ renormalised over j != y (methods: DKD):
 *   TCKD = a log(a/s) + (1-a) log((1-a)/(1-s)),  NCKD = sum_j q^_j log(q^_j / p^_j)
 *   to z_y: alpha (s - a) / T,  to z_j: (-alpha (s - a) p^_j + beta (p^_j - q^_j)) / T
 * and to the source's logits, with l = log(a/s) - log((1-a)/(1-s)), d TCKD / d a = l, d a / d y_y = a (1-a) / T:
 *   to y_y: alpha l a (1-a) / T,  to y_j: (-alpha l a (1-a) q^_j + beta q^_j (log(q^_j / p^_j) - NCKD)) / T */
static double eval_row(const struct dkd *dkd, const struct row *row, double factor, float *gradient, float *to_source) {
    const int32_t y = row->label;
    const double rest_p = log_rest(row->log_p, y, row->classes), rest_q = log_rest(row->log_q, y, row->classes);
    const double s = exp(row->log_p[y]), a = exp(row->log_q[y]), b = exp(rest_q);
    double tckd = term(row->log_q[y], row->log_p[y]) + term(rest_q, rest_p), nckd = 0;
    double slope = a > 0 && b > 0 ? a * b * (row->log_q[y] - row->log_p[y] - rest_q + rest_p) : 0;
    for (int32_t j = 0; j < row->classes; j++) {
        nckd += j != y ? term(row->log_q[j] - rest_q, row->log_p[j] - rest_p) : 0;
    }
    for (int32_t j = 0; j < row->classes; j++) {
        double log_p = row->log_p[j] - rest_p, log_q = row->log_q[j] - rest_q, p = exp(log_p), q = exp(log_q);
        double to = j == y ? dkd->alpha * (s - a) : -dkd->alpha * (s - a) * p + dkd->beta * (p - q);
        gradient[j] += (float)(factor * to);
        if (to_source) {
            double among = q > 0 ? q * (log_q - log_p - nckd) : 0;
            to_source[j] =
                (float)(factor * (j == y ? dkd->alpha * slope : -dkd->alpha * slope * q + dkd->beta * among));
        }
    }
    return dkd->alpha * tckd + dkd->beta * nckd;
}

/* value = warm-up T^2 / B sum over rows and sources of alpha TCKD + beta NCKD */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct dkd *dkd = self;
    const double T = dkd->temperature;
    double ramp = dkd->warmup_epochs > 0 ? (double)(in->epoch + 1) / (double)dkd->warmup_epochs : 1, sum = 0;
    double scale = T * T * (ramp < 1 ? ramp : 1);
    memset(out->gradient, 0, (size_t)in->batch * (size_t)in->classes * sizeof *out->gradient);
    for (int32_t s = 0; s < in->n_sources; s++) {
        struct row row = {.log_p = sy_loss_log_probabilities(in, SY_TARGET, T),
                          .log_q = sy_loss_log_probabilities(in, s, T),
                          .classes = in->classes};
        float *to_source = out->source_gradients ? out->source_gradients[s] : NULL;
        if (!row.log_p || !row.log_q) {
            return sy_fail(err, SY_EINVAL, "decoupled distillation needs logits on both sides");
        }
        for (int32_t b = 0; b < in->batch; b++, row.log_p += in->classes, row.log_q += in->classes) {
            size_t at = (size_t)b * (size_t)in->classes;
            row.label = in->labels[b];
            sum += eval_row(dkd, &row, scale / (T * in->batch), out->gradient + at, to_source ? to_source + at : NULL);
        }
    }
    out->value = scale * sum / in->batch;
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .formula = formula, .eval = eval};

SY_PLUGIN(SY_LOSS, "dkd", struct dkd, .fields = fields, .ops = &ops,
          .doc = "Decoupled Knowledge Distillation: target class and other classes weighed apart",
          .help =
              "KL(q || p) = TCKD + (1 - q[y]) NCKD; here NCKD has a weight of its own, so that a sure teacher still\n"
              "tells of the other classes. Always times T^2. beta by pair in the released code: 2 for ResNet-110 to\n"
              "32 and 56 to 20, 6 for VGG-13 and WRN-40-2, 8 otherwise; ImageNet T = 1, beta 0.5 or 2.",
          .reference = "Zhao, Cui, Song, Qiu, Liang, Decoupled Knowledge Distillation, CVPR 2022");
