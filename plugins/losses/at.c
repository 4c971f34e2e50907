/* at.c - attention transfer: where two networks look, not what they see there. */
#include <math.h>
#include <stdlib.h>
#include <switchyard/loss.h>

struct at {
    int32_t distance, toward;
};

enum { SQUARES, NORM };
enum { SAME, SHIFTED };

static const struct sy_field fields[] = {
    SY_PARAM(struct at, distance, .choices = "squares|norm",
             .doc = "squares: mean of (A - A')^2 over batch and positions; norm: |A - A'|, mean over the batch",
             .reference = "squares: as released; norm: Zagoruyko, Komodakis, ICLR 2017, eq. 2"),
    SY_PARAM(struct at, toward, .choices = "same|shifted",
             .doc =
                 "what the learner's A is drawn to: the source's A, or, for diversity, N - A at all positions but the "
                 "third where A is least, with N the norm of the source's map before it was made a unit vector",
             .reference = "shifted: Li et al., FFSD, TNNLS 2022, as released"),
    SY_END,
};

/* Feature maps of one sample: (channels, height, width), seen through PyTorch's adaptive average pooling to (h, w):
 * cell i of n covers rows floor(i H / n) to ceil((i + 1) H / n). */
struct maps {
    const float *at;
    int32_t channels, height, width, h, w;
};

static size_t begin_of(int32_t i, int32_t size, int32_t cells) {
    return (size_t)i * (size_t)size / (size_t)cells;
}
static size_t end_of(int32_t i, int32_t size, int32_t cells) {
    return ((size_t)(i + 1) * (size_t)size + (size_t)cells - 1) / (size_t)cells;
}

/* Mean of one cell of one channel. */
static double pooled(const struct maps *m, int32_t c, int32_t i, int32_t j) {
    const float *plane = m->at + (size_t)c * (size_t)m->height * (size_t)m->width;
    size_t top = begin_of(i, m->height, m->h), bottom = end_of(i, m->height, m->h);
    size_t left = begin_of(j, m->width, m->w), right = end_of(j, m->width, m->w);
    double sum = 0;
    for (size_t y = top; y < bottom; y++) {
        for (size_t x = left; x < right; x++) {
            sum += (double)plane[y * (size_t)m->width + x];
        }
    }
    return sum / (double)((bottom - top) * (right - left));
}

/* a_ij = mean_c f_cij^2 and A = a / max(||a||, 1e-12); returns that norm. */
static double attention(double *A, const struct maps *m) {
    double norm = 0;
    for (int32_t i = 0; i < m->h; i++) {
        for (int32_t j = 0; j < m->w; j++) {
            double sum = 0;
            for (int32_t c = 0; c < m->channels; c++) {
                double f = pooled(m, c, i, j);
                sum += f * f;
            }
            A[i * m->w + j] = sum / m->channels;
            norm += A[i * m->w + j] * A[i * m->w + j];
        }
    }
    norm = fmax(sqrt(norm), 1e-12);
    for (int32_t i = 0; i < m->h * m->w; i++) {
        A[i] /= norm;
    }
    return norm;
}

/* A = a / ||a||: d A_i / d a_k = (delta_ik - A_i A_k) / ||a||. With g = d L / d A and d a_ij / d f_cij = 2 f_cij / C:
 *   d L / d f_cij = ((g_ij - A_ij sum_k g_k A_k) / ||a|| + h A_ij) * 2 f_cij / C,  spread evenly over the cell's elements,
 * where h = d L / d ||a||, of a loss that sees the norm, too. */
static void spread(float *gradient, const struct maps *m, const double *A, const double *g, double norm, double h) {
    double along = 0;
    for (int32_t k = 0; k < m->h * m->w; k++) {
        along += g[k] * A[k];
    }
    for (int32_t c = 0; c < m->channels; c++) {
        float *plane = gradient + (size_t)c * (size_t)m->height * (size_t)m->width;
        for (int32_t cell = 0; cell < m->h * m->w; cell++) {
            int32_t i = cell / m->w, j = cell % m->w;
            size_t top = begin_of(i, m->height, m->h), bottom = end_of(i, m->height, m->h);
            size_t left = begin_of(j, m->width, m->w), right = end_of(j, m->width, m->w);
            double to = ((g[cell] - A[cell] * along) / norm + h * A[cell]) * 2 * pooled(m, c, i, j) / m->channels;
            to /= (double)((bottom - top) * (right - left));
            for (size_t y = top; y < bottom; y++) {
                for (size_t x = left; x < right; x++) {
                    plane[y * (size_t)m->width + x] += (float)to;
                }
            }
        }
    }
}

static void formula(const void *self, char *out, size_t room, const char *target, const char *const *sources,
                    int32_t n_sources) {
    const struct at *at = self;
    size_t used = 0;
    for (int32_t s = 0; s < n_sources && used < room; s++) {
        used += (size_t)snprintf(out + used, room - used, "%sAT(%s%s%s, %s)", s ? " + " : "",
                                 at->toward == SHIFTED ? "shifted(" : "", sources[s], at->toward == SHIFTED ? ")" : "",
                                 target);
    }
}

static int check(const void *self, int32_t classes, const struct sy_shape *target,
                 const struct sy_shape *const *sources, int32_t n_sources, struct sy_error *err) {
    const struct at *at = self;
    (void)classes;
    for (int32_t s = 0; s < n_sources; s++) {
        if (target->rank != 3 || sources[s]->rank != 3) {
            return sy_fail(err, SY_EINVAL,
                           "attention needs feature maps (channels, height, width) on both sides, such "
                           "as a stage's output");
        }
        int32_t h = target->dim[1] < sources[s]->dim[1] ? target->dim[1] : sources[s]->dim[1];
        int32_t w = target->dim[2] < sources[s]->dim[2] ? target->dim[2] : sources[s]->dim[2];
        if (at->toward == SHIFTED && h * w < 3) {
            return sy_fail(err, SY_EINVAL, "toward = \"shifted\" needs maps of 3 positions at least; there are %d",
                           h * w);
        }
    }
    return SY_OK;
}

static struct maps maps_of(const struct sy_tensor *tensor) {
    return (struct maps){.at = tensor->data,
                         .channels = (int32_t)tensor->shape[1],
                         .height = (int32_t)tensor->shape[2],
                         .width = (int32_t)tensor->shape[3]};
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What A of the learner is drawn to, as slope * Q + lift * ||q||: (1, 0) for Q itself. Shifted: the k-th least of n, with k
 * a third of n, is the threshold; Q stays below it, is ||q|| / 2 at it and ||q|| - Q above it. room: n doubles. */
struct goal {
    double slope, lift;
};
static struct goal goal_at(double q, double threshold, int32_t toward) {
    return toward == SAME || q < threshold ? (struct goal){1, 0}
           : q > threshold                 ? (struct goal){-1, 1}
                                           : (struct goal){0, 0.5};
}
static double threshold_of(double *room, const double *Q, int32_t cells, int32_t toward) {
    if (toward == SAME) {
        return 0;
    }
    for (int32_t k = 0; k < cells; k++) {
        room[k] = Q[k];
    }
    qsort(room, (size_t)cells, sizeof *room, compare);
    return room[cells / 3 - 1];
}

/* One sample's distance D of A from its goal t, and d D / d A into g: sum of squares / cells, or the root of the sum. */
static double distance(double *g, const double *A, const double *Q, const struct at *at, int32_t cells,
                       double threshold, double norm) {
    double sum = 0;
    for (int32_t k = 0; k < cells; k++) {
        struct goal goal = goal_at(Q[k], threshold, at->toward);
        g[k] = A[k] - goal.slope * Q[k] - goal.lift * norm;
        sum += g[k] * g[k];
    }
    double root = sqrt(sum);
    for (int32_t k = 0; k < cells; k++) {
        g[k] *= at->distance == SQUARES ? 2.0 / cells : root > 0 ? 1 / root : 0;
    }
    return at->distance == SQUARES ? sum / cells : root;
}

/* Two tensors, sample by sample; adds gradients. room: 4 h w doubles. */
static double eval_source(const struct at *at, const struct sy_tensor *target, const struct sy_tensor *source,
                          float *gradient, float *to_source, double *room) {
    struct maps s = maps_of(target), t = maps_of(source);
    s.h = t.h = s.height < t.height ? s.height : t.height;
    s.w = t.w = s.width < t.width ? s.width : t.width;
    int32_t cells = s.h * s.w;
    int64_t batch = target->shape[0];
    double *A = room, *Q = room + cells, *g = room + 2 * cells, sum = 0;
    for (int64_t b = 0; b < batch; b++) {
        double norm_s = attention(A, &s), norm_t = attention(Q, &t), to_norm = 0;
        double threshold = threshold_of(room + 3 * cells, Q, cells, at->toward);
        sum += distance(g, A, Q, at, cells, threshold, norm_t);
        for (int32_t k = 0; k < cells; k++) {
            g[k] /= (double)batch;
        }
        spread(gradient, &s, A, g, norm_s, 0);
        for (int32_t k = 0; k < cells; k++) {
            struct goal goal = goal_at(Q[k], threshold, at->toward);
            to_norm -= goal.lift * g[k];
            g[k] *= -goal.slope;
        }
        if (to_source) {
            spread(to_source, &t, Q, g, norm_t, to_norm);
            to_source += sy_tensor_row(source);
        }
        s.at += sy_tensor_row(target), t.at += sy_tensor_row(source);
        gradient += sy_tensor_row(target);
    }
    return sum / (double)batch;
}

/* value = sum over sources of the batch's mean of D(A(target), goal of A(source)) */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    size_t count = sy_tensor_count(in->target);
    const struct at *at = self;
    double *room = malloc(4 * (size_t)in->target->shape[2] * (size_t)in->target->shape[3] * sizeof *room);
    if (!room) {
        return sy_fail(err, SY_ENOMEM, "no memory for attention maps");
    }
    for (size_t i = 0; i < count; i++) {
        out->gradient[i] = 0;
    }
    out->value = 0;
    for (int32_t s = 0; s < in->n_sources; s++) {
        float *to_source = out->source_gradients ? out->source_gradients[s] : NULL;
        for (size_t i = 0; to_source && i < sy_tensor_count(in->sources[s]); i++) {
            to_source[i] = 0;
        }
        out->value += eval_source(at, in->target, in->sources[s], out->gradient, to_source, room);
    }
    free(room);
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .formula = formula, .check = check, .eval = eval};

SY_PLUGIN(
    SY_LOSS, "at", struct at, .fields = fields, .ops = &ops, .doc = "attention transfer between feature maps",
    .help = "A(f) = mean over the channels of f^2, made a unit vector; the larger map is average-pooled to the\n"
            "smaller one first. One edge for each stage, weight 1000 (paper: 2 beta with another mean).",
    .reference = "Zagoruyko, Komodakis, Paying More Attention to Attention, ICLR 2017; mean of squares as released");
