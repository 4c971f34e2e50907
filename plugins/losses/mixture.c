/* mixture.c - divergence from a mixture of predictions, whose weights differ from sample to sample and may be learnt. */
#include <math.h>
#include <switchyard/loss.h>

enum { MOST = 64 }; /* predictions in a mixture */

struct mixture {
    double temperature;
    int32_t t_squared;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct mixture, temperature, .def = 1, .min = 0.01, .max = 1000,
             .doc = "T: logits of the learner and of all who are mixed are divided by it"),
    SY_PARAM(struct mixture, t_squared, .flags = SY_FLAG, .doc = "multiply by T^2, as Hinton et al. advise"),
    SY_END,
};

static void formula(const void *self, char *out, size_t room, const char *target, const char *const *sources,
                    int32_t n_sources) {
    const struct mixture *mixture = self;
    (void)n_sources;
    snprintf(out, room, "%sKL(mix of %s^T=%g || %s^T=%g)", mixture->t_squared ? "T^2 " : "", sources[0],
             mixture->temperature, target, mixture->temperature);
}

/* How many predictions a source of so many numbers mixes: M weights, then M times the logits. 0: none that fits. */
static int32_t mixed(int64_t numbers, int32_t classes) {
    int64_t members = numbers / (1 + classes);
    return numbers % (1 + classes) == 0 && members <= MOST ? (int32_t)members : 0;
}

static int check(const void *self, int32_t classes, const struct sy_shape *target,
                 const struct sy_shape *const *sources, int32_t n_sources, struct sy_error *err) {
    (void)self;
    if (target->rank != 1 || target->dim[0] != classes || n_sources != 1) {
        return sy_fail(err, SY_EINVAL,
                       "is for a learner's logits and one source, which has the weights and what is mixed");
    }
    if (sources[0]->rank != 1 || !mixed(sources[0]->dim[0], classes)) {
        return sy_fail(err, SY_EINVAL,
                       "the source must be M weights and then the %d logits of each of M, for M of 1 to %d; it has %d "
                       "numbers",
                       classes, MOST, sources[0]->dim[0]);
    }
    return SY_OK;
}

/* log sum_k exp(z_k / T) */
static double log_sum(const float *z, int32_t classes, double T) {
    double largest = -INFINITY, sum = 0;
    for (int32_t k = 0; k < classes; k++) {
        largest = fmax(largest, (double)z[k] / T);
    }
    for (int32_t k = 0; k < classes; k++) {
        sum += exp((double)z[k] / T - largest);
    }
    return largest + log(sum);
}

/* One sample's numbers: a (M), z (M, K), the learner's log p (K); sums[m]: log sum exp of z_m / T. */
struct row {
    const float *a, *z;
    const double *log_p;
    double sums[MOST];
    int32_t members, classes;
    double temperature;
};

static double log_p_of(const struct row *row, int32_t m, int32_t k) {
    return (double)row->z[m * row->classes + k] / row->temperature - row->sums[m];
}
static double q_of(const struct row *row, int32_t k) {
    double q = 0;
    for (int32_t m = 0; m < row->members; m++) {
        q += (double)row->a[m] * exp(log_p_of(row, m, k));
    }
    return q;
}
/* log q_k - log p_k; where nobody gives the class anything, nothing is asked of it. */
static double excess_of(const struct row *row, int32_t k, double q) {
    return q > 0 ? log(q) - row->log_p[k] : 0;
}

/* q_k = sum_m a_m p_mk, D = sum_k q_k (log q_k - log p_k):
 *   d D / d a_m = sum_k p_mk (log q_k - log p_k + 1),   with r_k = log q_k - log p_k
 *   d D / d z_mk = a_m p_mk (r_k - sum_j p_mj r_j) / T */
static void to_mixed(float *gradient, const struct row *row, double factor) {
    for (int32_t m = 0; m < row->members; m++) {
        double mean = 0;
        for (int32_t k = 0; k < row->classes; k++) {
            mean += exp(log_p_of(row, m, k)) * excess_of(row, k, q_of(row, k));
        }
        gradient[m] = (float)(factor * (mean + 1));
        for (int32_t k = 0; k < row->classes; k++) {
            double weight = (double)row->a[m] * exp(log_p_of(row, m, k)) / row->temperature;
            gradient[row->members + m * row->classes + k] =
                (float)(factor * weight * (excess_of(row, k, q_of(row, k)) - mean));
        }
    }
}

/* value = [T^2] mean over the batch of KL(q || p^T); to the learner's z: (sum_j q_j p_k - q_k) / (T B), the same factor. */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct mixture *mixture = self;
    const double T = mixture->temperature, factor = (mixture->t_squared ? T * T : 1) / in->batch;
    const double *log_p = sy_loss_log_probabilities(in, SY_TARGET, T);
    const size_t width = sy_tensor_row(in->sources[0]);
    struct row row = {.members = mixed((int64_t)width, in->classes), .classes = in->classes, .temperature = T};
    float *to_source = out->source_gradients ? out->source_gradients[0] : NULL;
    (void)err;
    out->value = 0;
    for (int32_t b = 0; b < in->batch; b++) {
        float *gradient = out->gradient + (size_t)b * (size_t)in->classes;
        double total = 0;
        row.a = (const float *)in->sources[0]->data + (size_t)b * width;
        row.z = row.a + row.members;
        row.log_p = log_p + (size_t)b * (size_t)in->classes;
        for (int32_t m = 0; m < row.members; m++) {
            row.sums[m] = log_sum(row.z + (size_t)m * (size_t)in->classes, in->classes, T);
        }
        for (int32_t k = 0; k < in->classes; k++) {
            double q = q_of(&row, k);
            out->value += factor * q * excess_of(&row, k, q);
            total += q;
        }
        for (int32_t k = 0; k < in->classes; k++) {
            gradient[k] = (float)(factor / T * (total * exp(row.log_p[k]) - q_of(&row, k)));
        }
        if (to_source) {
            to_mixed(to_source + (size_t)b * width, &row, factor);
        }
    }
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .formula = formula, .check = check, .eval = eval};

SY_PLUGIN(SY_LOSS, "mixture", struct mixture, .fields = fields, .ops = &ops,
          .doc = "divergence from a weighted mixture of predictions",
          .help =
              "The source is one vector: M weights, then M times the logits of a prediction, as the outputs parts1,\n"
              "parts2, ... of network `attention` are. With attached=1 the weights learn, too.",
          .reference = "Chen, Mei, Wang, Feng, Chen, OKDDip, AAAI 2020, where the paper mixes predictions");
