/* kdcl.c - KDCL: all networks learn from one target made of all their outputs, the learner's among them.
 *
 * With members z_1 .. z_m (the sources, and the learner where include_target), T the temperature, y the label:
 *   naive     z_t = z_k, k = argmin_i CE(z_i, y), of each sample or of the batch
 *   linear    z_t = sum_i a_i z_i, a on the simplex, a = argmin CE(sum_i a_i z_i, y) of the batch
 *   minlogit  z_t[j] = min_i (z_i[j] - z_i[y])
 *   general   p_t = sum_i w_i softmax(z_i / T), w = C^-1 1 / (1^T C^-1 1), C_ij = mean (p_i - onehot).(p_j - onehot)
 * The target is a constant: no gradient flows into it, nor through the learner's part in it. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <switchyard/loss.h>

#define MOST 16 /* members */

enum { NAIVE, LINEAR, MINLOGIT, GENERAL };
enum { SAMPLE, BATCH };

struct kdcl {
    double temperature, ridge;
    int32_t variant, scope, t_squared, include_target;
    int64_t iterations, held_out_every;
    double sums[MOST * MOST], weights[MOST];
    int64_t counted, epoch, ready;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct kdcl, variant, .choices = "naive|linear|minlogit|general", .def = MINLOGIT,
             .doc = "how the target is made of the members' outputs",
             .reference = "Guo et al., CVPR 2020, section 3.2"),
    SY_PARAM(struct kdcl, scope, .choices = "sample|batch",
             .doc = "naive: the best member of each sample, or of the whole batch",
             .reference = "sample: the paper's formula; some read batch"),
    SY_PARAM(struct kdcl, temperature, .def = 2, .min = 0.01, .max = 1000,
             .doc = "T: logits of both sides are divided by it", .reference = "second-hand: 2 on CIFAR"),
    SY_PARAM(struct kdcl, t_squared, .def = 1, .flags = SY_FLAG, .doc = "multiply by T^2"),
    SY_PARAM(struct kdcl, include_target, .def = 1, .flags = SY_FLAG,
             .doc = "the learner is a member too, as in the paper; false: only its sources are"),
    SY_PARAM(struct kdcl, iterations, .def = 20, .min = 0, .max = 100000,
             .doc = "linear: steps of exponentiated gradient from equal shares; the paper names no solver; 0: the "
                    "mean logit"),
    SY_PARAM(struct kdcl, held_out_every, .def = 10, .min = 1, .max = 1000000000, .unit = "samples",
             .doc = "general: C is measured on samples whose number is divisible by this, an epoch at a time"),
    SY_PARAM(struct kdcl, ridge, .def = 1e-6, .min = 0, .max = 1, .doc = "general: added to the diagonal of C"),
    SY_STATE_ARRAY(struct kdcl, sums, .doc = "general: sums of (p_i - onehot).(p_j - onehot) in this epoch"),
    SY_STATE_ARRAY(struct kdcl, weights, .doc = "general: w, from the epoch before"),
    SY_STATE(struct kdcl, counted, .doc = "general: samples in the sums"),
    SY_STATE(struct kdcl, epoch, .doc = "general: epoch of the sums"),
    SY_STATE(struct kdcl, ready, .doc = "general: 1 once there are weights; equal shares before"),
    SY_END,
};

static void formula(const void *self, char *out, size_t room, const char *target, const char *const *sources,
                    int32_t n_sources) {
    static const char *const names[] = {"best", "linear", "minlogit", "general"};
    const struct kdcl *kdcl = self;
    size_t used = (size_t)snprintf(out, room, "%sKL(%s(%s", kdcl->t_squared ? "T^2 " : "", names[kdcl->variant],
                                   kdcl->include_target ? target : "");
    for (int32_t s = 0; s < n_sources && used < room; s++) {
        used += (size_t)snprintf(out + used, room - used, "%s%s", s || kdcl->include_target ? ", " : "", sources[s]);
    }
    if (used < room) {
        snprintf(out + used, room - used, ")^T=%g || %s^T=%g)", kdcl->temperature, target, kdcl->temperature);
    }
}

/* Who is in the ensemble, and the numbers of the call. */
struct ensemble {
    const struct sy_loss_in *in;
    int32_t which[MOST]; /* SY_TARGET or a source */
    int32_t count;
    double share[MOST]; /* linear's a, general's w */
    double *log_q;      /* (B, K): the target; general: its probabilities, first */
};

static const float *logits_of(const struct ensemble *of, int32_t member) {
    int32_t which = of->which[member];
    return which == SY_TARGET ? of->in->target->data : of->in->sources[which]->data;
}

/* Logits to log softmax(z / T), in place, one row. */
static void soften(double *z, int32_t classes, double temperature) {
    double largest = -INFINITY, sum = 0;
    for (int32_t k = 0; k < classes; k++) {
        largest = z[k] > largest ? z[k] : largest;
    }
    for (int32_t k = 0; k < classes; k++) {
        sum += exp((z[k] - largest) / temperature);
    }
    for (int32_t k = 0; k < classes; k++) {
        z[k] = (z[k] - largest) / temperature - log(sum);
    }
}

/* -log p[y] of one sample. */
static double cross_entropy(const struct ensemble *of, int32_t member, int32_t b) {
    const double *log_p = sy_loss_log_probabilities(of->in, of->which[member], 1);
    return -log_p[(size_t)b * (size_t)of->in->classes + (size_t)of->in->labels[b]];
}

/* The member with the least cross-entropy on samples begin .. end-1; the first of equal ones. */
static int32_t best_member(const struct ensemble *of, int32_t begin, int32_t end) {
    int32_t best = 0;
    double least = INFINITY;
    for (int32_t i = 0; i < of->count; i++) {
        double sum = 0;
        for (int32_t b = begin; b < end; b++) {
            sum += cross_entropy(of, i, b);
        }
        best = sum < least ? i : best;
        least = sum < least ? sum : least;
    }
    return best;
}

static void naive(struct ensemble *of, const struct kdcl *kdcl) {
    const int32_t classes = of->in->classes;
    int32_t best = kdcl->scope == BATCH ? best_member(of, 0, of->in->batch) : 0;
    for (int32_t b = 0; b < of->in->batch; b++) {
        best = kdcl->scope == BATCH ? best : best_member(of, b, b + 1);
        for (int32_t k = 0; k < classes; k++) {
            size_t at = (size_t)b * (size_t)classes + (size_t)k;
            of->log_q[at] = (double)logits_of(of, best)[at];
        }
    }
}

static void minlogit(struct ensemble *of) {
    const int32_t classes = of->in->classes;
    for (int32_t b = 0; b < of->in->batch; b++) {
        size_t row = (size_t)b * (size_t)classes, label = row + (size_t)of->in->labels[b];
        for (size_t at = row; at < row + (size_t)classes; at++) {
            double least = INFINITY;
            for (int32_t i = 0; i < of->count; i++) {
                const float *z = logits_of(of, i);
                double above = (double)z[at] - (double)z[label];
                least = above < least ? above : least;
            }
            of->log_q[at] = least;
        }
    }
}

static void mix_logits(struct ensemble *of) {
    size_t count = (size_t)of->in->batch * (size_t)of->in->classes;
    memset(of->log_q, 0, count * sizeof *of->log_q);
    for (int32_t i = 0; i < of->count; i++) {
        const float *z = logits_of(of, i);
        for (size_t at = 0; at < count; at++) {
            of->log_q[at] += of->share[i] * (double)z[at];
        }
    }
}

/* Mean cross-entropy of the mixture, and d CE / d a_i = mean_b (p_mix - onehot).z_i. */
static double mixture_error(struct ensemble *of, double *slope) {
    const size_t classes = (size_t)of->in->classes, rows = (size_t)of->in->batch;
    double value = 0;
    mix_logits(of);
    memset(slope, 0, MOST * sizeof *slope);
    for (size_t b = 0; b < rows; b++) {
        double *q = of->log_q + b * classes;
        soften(q, of->in->classes, 1);
        value -= q[of->in->labels[b]] / (double)rows;
        for (size_t k = 0; k < classes; k++) {
            double error = exp(q[k]) - ((int32_t)k == of->in->labels[b] ? 1 : 0);
            for (int32_t i = 0; i < of->count; i++) {
                slope[i] += error * (double)logits_of(of, i)[b * classes + k] / (double)rows;
            }
        }
    }
    return value;
}

/* Exponentiated gradient, which stays on the simplex: a_i exp(-rate slope_i), normalised. A step that does not help is
 * taken back and tried shorter. */
static void linear(struct ensemble *of, const struct kdcl *kdcl) {
    double slope[MOST], next_slope[MOST], kept[MOST], rate = 1;
    for (int32_t i = 0; i < of->count; i++) {
        of->share[i] = 1.0 / of->count;
    }
    double value = mixture_error(of, slope);
    for (int64_t step = 0; step < kdcl->iterations; step++) {
        double least = INFINITY, sum = 0;
        memcpy(kept, of->share, sizeof kept);
        for (int32_t i = 0; i < of->count; i++) {
            least = slope[i] < least ? slope[i] : least;
        }
        for (int32_t i = 0; i < of->count; i++) {
            of->share[i] *= exp(rate * (least - slope[i]));
            sum += of->share[i];
        }
        for (int32_t i = 0; i < of->count; i++) {
            of->share[i] /= sum;
        }
        double next = sum > 0 ? mixture_error(of, next_slope) : INFINITY;
        if (next <= value) {
            value = next, rate *= 2;
            memcpy(slope, next_slope, sizeof slope);
        } else {
            rate /= 4;
            memcpy(of->share, kept, sizeof kept);
        }
    }
    mix_logits(of);
}

/* w = C^-1 1 / (1^T C^-1 1) by Gaussian elimination with pivots; false where C is singular. */
static int solve_weights(double *weights, const double *sums, int32_t count, double samples, double ridge) {
    double a[MOST][MOST + 1], total = 0;
    for (int32_t i = 0; i < count; i++) {
        for (int32_t j = 0; j < count; j++) {
            a[i][j] = sums[i * MOST + j] / samples + (i == j ? ridge : 0);
        }
        a[i][count] = 1;
    }
    for (int32_t c = 0; c < count; c++) {
        int32_t pivot = c;
        for (int32_t r = c + 1; r < count; r++) {
            pivot = fabs(a[r][c]) > fabs(a[pivot][c]) ? r : pivot;
        }
        if (!(fabs(a[pivot][c]) > DBL_MIN)) {
            return 0;
        }
        for (int32_t k = c; k <= count; k++) {
            double kept = a[c][k];
            a[c][k] = a[pivot][k], a[pivot][k] = kept;
        }
        for (int32_t r = 0; r < count; r++) {
            double factor = r != c ? a[r][c] / a[c][c] : 0;
            for (int32_t k = c; k <= count; k++) {
                a[r][k] -= factor * a[c][k];
            }
        }
    }
    for (int32_t i = 0; i < count; i++) {
        weights[i] = a[i][count] / a[i][i];
        total += weights[i];
    }
    for (int32_t i = 0; i < count; i++) {
        weights[i] /= total;
    }
    return isfinite(total) && total != 0;
}

/* Weights from the epoch before, at the start of a new one; sums of this one as its samples pass by. */
static void measure_errors(struct kdcl *kdcl, const struct ensemble *of) {
    const struct sy_loss_in *in = of->in;
    const size_t classes = (size_t)in->classes;
    if (in->epoch != kdcl->epoch) {
        double weights[MOST];
        if (kdcl->counted && solve_weights(weights, kdcl->sums, of->count, (double)kdcl->counted, kdcl->ridge)) {
            memcpy(kdcl->weights, weights, (size_t)of->count * sizeof *weights);
            kdcl->ready = 1;
        }
        memset(kdcl->sums, 0, sizeof kdcl->sums);
        kdcl->counted = 0, kdcl->epoch = in->epoch;
    }
    for (int32_t b = 0; b < in->batch; b++) {
        if (in->samples && in->samples[b] % kdcl->held_out_every) {
            continue;
        }
        kdcl->counted++;
        for (int32_t i = 0; i < of->count * of->count; i++) {
            int32_t one = i / of->count, other = i % of->count;
            const double *p = sy_loss_probabilities(in, of->which[one], 1) + (size_t)b * classes;
            const double *q = sy_loss_probabilities(in, of->which[other], 1) + (size_t)b * classes;
            for (size_t k = 0; k < classes; k++) {
                double hot = (int32_t)k == in->labels[b] ? 1 : 0;
                kdcl->sums[one * MOST + other] += (p[k] - hot) * (q[k] - hot);
            }
        }
    }
}

/* Weights may be negative, and so may a mixture be; it is cut at 0 and made to sum to 1 again. */
static void general(struct ensemble *of, struct kdcl *kdcl) {
    const size_t classes = (size_t)of->in->classes, rows = (size_t)of->in->batch;
    measure_errors(kdcl, of);
    for (size_t b = 0; b < rows; b++) {
        double *q = of->log_q + b * classes, sum = 0;
        for (size_t k = 0; k < classes; k++) {
            q[k] = 0;
            for (int32_t i = 0; i < of->count; i++) {
                double share = kdcl->ready ? kdcl->weights[i] : 1.0 / of->count;
                q[k] += share * sy_loss_probabilities(of->in, of->which[i], kdcl->temperature)[b * classes + k];
            }
            q[k] = q[k] > DBL_MIN ? q[k] : DBL_MIN;
            sum += q[k];
        }
        for (size_t k = 0; k < classes; k++) {
            q[k] = log(q[k] / sum);
        }
    }
}

static int gather(struct ensemble *of, const struct kdcl *kdcl, const struct sy_loss_in *in, struct sy_error *err) {
    of->in = in;
    if (kdcl->include_target) {
        of->which[of->count++] = SY_TARGET;
    }
    if (in->n_sources + of->count > MOST) {
        return sy_fail(err, SY_EINVAL, "an ensemble has at most %d members, this one %d", MOST,
                       in->n_sources + of->count);
    }
    for (int32_t s = 0; s < in->n_sources; s++) {
        if (!sy_loss_probabilities(in, s, kdcl->temperature)) {
            return sy_fail(err, SY_EINVAL, "the ensemble needs logits of every member");
        }
        of->which[of->count++] = s;
    }
    of->log_q = malloc((size_t)in->batch * (size_t)in->classes * sizeof *of->log_q);
    return of->log_q ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory for the ensemble's output");
}

/* value = T^2 / B sum_b KL(p_t^T || p^T); to the learner's logits: T (p^T - p_t^T) / B (without T^2 where not asked for) */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    struct kdcl *kdcl = self;
    struct ensemble of = {.count = 0};
    const double T = kdcl->temperature, scale = kdcl->t_squared ? T * T : 1;
    const size_t count = (size_t)in->batch * (size_t)in->classes;
    const double *log_p = sy_loss_log_probabilities(in, SY_TARGET, T);
    double sum = 0;
    int status = gather(&of, kdcl, in, err);
    if (status != SY_OK) {
        return status;
    }
    switch (kdcl->variant) {
    case NAIVE:
        naive(&of, kdcl);
        break;
    case LINEAR:
        linear(&of, kdcl);
        break;
    case MINLOGIT:
        minlogit(&of);
        break;
    default:
        general(&of, kdcl);
    }
    for (int32_t b = 0; b < in->batch && kdcl->variant != GENERAL; b++) {
        soften(of.log_q + (size_t)b * (size_t)in->classes, in->classes, T);
    }
    log_p = sy_loss_log_probabilities(in, SY_TARGET, T); /* may have been computed anew meanwhile */
    for (size_t at = 0; at < count; at++) {
        double q = exp(of.log_q[at]);
        sum += q > 0 ? q * (of.log_q[at] - log_p[at]) : 0;
        out->gradient[at] = (float)(scale / (T * in->batch) * (exp(log_p[at]) - q));
    }
    for (int32_t s = 0; out->source_gradients && s < in->n_sources; s++) {
        if (out->source_gradients[s]) {
            memset(out->source_gradients[s], 0, count * sizeof *out->source_gradients[s]);
        }
    }
    free(of.log_q);
    out->value = scale * sum / in->batch;
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .formula = formula, .eval = eval};

static const void *extension(const char *id) {
    static const struct sy_loss_exceptions exceptions = {
        .size = sizeof exceptions, .constant = "the target is a constant, though the learner has a part in it"};
    return strcmp(id, SY_LOSS_EXCEPTIONS) ? NULL : &exceptions;
}

SY_PLUGIN(
    SY_LOSS, "kdcl", struct kdcl, .fields = fields, .ops = &ops, .extension = extension,
    .doc = "KDCL: divergence from one target made of the outputs of all networks, the learner's among them",
    .help =
        "For edges with several sources (topology ensemble), each node with its own view of the batch\n"
        "(data.views = \"own\"). There is no official code; defaults name their sources. general measures C, once an\n"
        "epoch, where the paper wants held-out samples: on a part of the training samples as they pass by, which\n"
        "train as well; equal weights in the first epoch. The target is never differentiated.",
    .reference =
        "Guo, Wang, Wu, Yu, Liang, Hu, Luo, Online Knowledge Distillation via Collaborative Learning, CVPR 2020");
