/* features.c - see features.h: the formula, then loops that say the same. */
#include "features.h"

#include <math.h>

/* y_i = exp(x_i - max x) / sum_j exp(x_j - max x) */
static void softmax_forward(const struct names *k) {
    size_t row = sy_shape_count(k->in);
    for (size_t n = 0; n < (size_t)k->n; n++) {
        const double *x = k->x + n * row;
        double *y = k->y + n * row, most = x[0], sum = 0;
        for (size_t i = 1; i < row; i++) {
            most = x[i] > most ? x[i] : most;
        }
        for (size_t i = 0; i < row; i++) {
            y[i] = exp(x[i] - most);
            sum += y[i];
        }
        for (size_t i = 0; i < row; i++) {
            y[i] /= sum;
        }
    }
}

/* dx_i = y_i (dy_i - sum_j y_j dy_j) */
static void softmax_backward(const struct names *k) {
    size_t row = sy_shape_count(k->in);
    for (size_t n = 0; n < (size_t)k->n; n++) {
        const double *y = k->y + n * row, *dy = k->dy + n * row;
        double *dx = k->dx + n * row, sum = 0;
        for (size_t i = 0; i < row; i++) {
            sum += y[i] * dy[i];
        }
        for (size_t i = 0; i < row; i++) {
            dx[i] += y[i] * (dy[i] - sum);
        }
    }
}

/* y = a b, and where b has one channel: y[c][h][w] = a[c][h][w] b[0][h][w] */
static void multiply_forward(const struct names *k) {
    size_t row = sy_shape_count(k->in), row2 = sy_shape_count(k->in2);
    for (size_t n = 0; n < (size_t)k->n; n++) {
        for (size_t i = 0; i < row; i++) {
            k->y[n * row + i] = k->x[n * row + i] * k->x2[n * row2 + i % row2];
        }
    }
}

/* da = b dy, db = a dy, summed over the channels where b has one */
static void multiply_backward(const struct names *k) {
    size_t row = sy_shape_count(k->in), row2 = sy_shape_count(k->in2);
    for (size_t n = 0; n < (size_t)k->n; n++) {
        for (size_t i = 0; i < row; i++) {
            size_t at1 = n * row + i, at2 = n * row2 + i % row2;
            k->dx[at1] += k->x2[at2] * k->dy[at1];
            k->dx2[at2] += k->x[at1] * k->dy[at1];
        }
    }
}

/* y[c][h][w] = x[first + c][h][w] */
static void slice_forward(const struct names *k) {
    FOR_OUTPUT(*k, n, c, oh, ow) {
        k->y[at(k->out, n, c, oh, ow)] = k->x[at(k->in, n, k->op->first + c, oh, ow)];
    }
}

/* dx[first + c][h][w] += dy[c][h][w] */
static void slice_backward(const struct names *k) {
    FOR_OUTPUT(*k, n, c, oh, ow) {
        k->dx[at(k->in, n, k->op->first + c, oh, ow)] += k->dy[at(k->out, n, c, oh, ow)];
    }
}

/* y = sum_i a_i b_i */
static void dot_forward(const struct names *k) {
    size_t row = sy_shape_count(k->in);
    for (size_t n = 0; n < (size_t)k->n; n++) {
        double sum = 0;
        for (size_t i = n * row; i < (n + 1) * row; i++) {
            sum += k->x[i] * k->x2[i];
        }
        k->y[n] = sum;
    }
}

/* da_i = b_i dy, db_i = a_i dy */
static void dot_backward(const struct names *k) {
    size_t row = sy_shape_count(k->in);
    for (size_t n = 0; n < (size_t)k->n; n++) {
        for (size_t i = n * row; i < (n + 1) * row; i++) {
            double b = k->x2[i], a = k->x[i];
            k->dx[i] += b * k->dy[n];
            k->dx2[i] += a * k->dy[n];
        }
    }
}

static double length(const double *x, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += x[i] * x[i];
    }
    return sqrt(sum);
}

/* y = x / max(|x|, eps) */
static void l2_normalize_forward(const struct names *k) {
    size_t row = sy_shape_count(k->in);
    for (size_t n = 0; n < (size_t)k->n; n++) {
        double norm = length(k->x + n * row, row);
        norm = norm < k->op->eps ? k->op->eps : norm;
        for (size_t i = n * row; i < (n + 1) * row; i++) {
            k->y[i] = k->x[i] / norm;
        }
    }
}

/* dx_i = (dy_i - y_i sum_j y_j dy_j) / |x| where |x| > eps, else dy_i / eps */
static void l2_normalize_backward(const struct names *k) {
    size_t row = sy_shape_count(k->in);
    for (size_t n = 0; n < (size_t)k->n; n++) {
        double norm = length(k->x + n * row, row), sum = 0;
        for (size_t i = n * row; i < (n + 1) * row; i++) {
            sum += norm > k->op->eps ? k->y[i] * k->dy[i] : 0;
        }
        for (size_t i = n * row; i < (n + 1) * row; i++) {
            k->dx[i] += (k->dy[i] - k->y[i] * sum) / (norm < k->op->eps ? k->op->eps : norm);
        }
    }
}

/* Where channel c of the shuffled image comes from: c = j groups + i, and i C/groups + j is where. */
static int32_t unshuffled(const struct names *k, int32_t c) {
    int32_t groups = k->op->groups;
    return c % groups * (k->in->dim[0] / groups) + c / groups;
}

/* y[j groups + i][h][w] = x[i C/groups + j][h][w] */
static void channel_shuffle_forward(const struct names *k) {
    FOR_OUTPUT(*k, n, c, oh, ow) {
        k->y[at(k->out, n, c, oh, ow)] = k->x[at(k->in, n, unshuffled(k, c), oh, ow)];
    }
}

/* dx[i C/groups + j][h][w] += dy[j groups + i][h][w] */
static void channel_shuffle_backward(const struct names *k) {
    FOR_OUTPUT(*k, n, c, oh, ow) {
        k->dx[at(k->in, n, unshuffled(k, c), oh, ow)] += k->dy[at(k->out, n, c, oh, ow)];
    }
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

typedef void (*pass)(const struct names *k);

/* Forward and backward; NULL where the operator is none of these. */
static pass pass_of(int32_t kind, bool backward) {
    switch (kind) {
    case SY_OP_SOFTMAX:
        return backward ? softmax_backward : softmax_forward;
    case SY_OP_MULTIPLY:
        return backward ? multiply_backward : multiply_forward;
    case SY_OP_SLICE:
        return backward ? slice_backward : slice_forward;
    case SY_OP_DOT:
        return backward ? dot_backward : dot_forward;
    case SY_OP_L2_NORMALIZE:
        return backward ? l2_normalize_backward : l2_normalize_forward;
    case SY_OP_CHANNEL_SHUFFLE:
        return backward ? channel_shuffle_backward : channel_shuffle_forward;
    default:
        return NULL;
    }
}

bool features_forward(const struct names *k) {
    pass forward = pass_of(k->op->kind, false);
    if (forward) {
        forward(k);
    }
    return forward != NULL;
}

void features_backward(const struct names *k) {
    pass backward = pass_of(k->op->kind, true);
    if (backward) {
        backward(k);
    }
}
