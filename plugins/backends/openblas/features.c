/* features.c - see features.h; graph.h has the formulas. */
#include "features.h"

#include <math.h>
#include <string.h>

/* The second operand's samples, and the gradient of them; NULL where nobody wants it. */
static const float *second_value(const struct part *p) {
    return p->plan->value[p->task->op->inputs[1]] + p->begin * p->second;
}
static float *second_gradient(const struct part *p) {
    float *whole = p->plan->gradient[p->task->op->inputs[1]];
    return whole ? whole + p->begin * p->second : NULL;
}

/* dx (+)= g */
static inline void give(float *dx, float g, bool overwrite) {
    *dx = overwrite ? g : *dx + g;
}

static double product(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

/* ---- softmax ---------------------------------------------------------------------------------------------------- */

/* y_i = exp(x_i - max x) / sum_j exp(x_j - max x) */
void softmax_forward(const struct part *p) {
    for (size_t n = 0; n < p->samples; n++) {
        const float *x = p->x + n * p->in_row;
        float *y = p->y + n * p->in_row, most = x[0];
        double sum = 0;
        for (size_t i = 1; i < p->in_row; i++) {
            most = x[i] > most ? x[i] : most;
        }
        for (size_t i = 0; i < p->in_row; i++) {
            y[i] = expf(x[i] - most);
            sum += (double)y[i];
        }
        for (size_t i = 0; i < p->in_row; i++) {
            y[i] = (float)((double)y[i] / sum);
        }
    }
}

/* dx_i = y_i (dy_i - sum_j y_j dy_j) */
void softmax_backward(const struct part *p) {
    for (size_t n = 0; n < p->samples; n++) {
        const float *y = p->y + n * p->in_row, *dy = p->dy + n * p->in_row;
        double sum = product(y, dy, p->in_row);
        for (size_t i = 0; i < p->in_row; i++) {
            give(&p->dx[n * p->in_row + i], (float)((double)y[i] * ((double)dy[i] - sum)), p->overwrite);
        }
    }
}

/* ---- multiply --------------------------------------------------------------------------------------------------- */

/* y = a b; b's row goes with every channel of a where it has but one */
void multiply_forward(const struct part *p) {
    const float *b = second_value(p);
    for (size_t n = 0; n < p->samples; n++, b += p->second) {
        for (size_t start = n * p->in_row; start < (n + 1) * p->in_row; start += p->second) {
            for (size_t i = 0; i < p->second; i++) {
                p->y[start + i] = p->x[start + i] * b[i];
            }
        }
    }
}

/* da = b dy */
static void multiply_first(const struct part *p) {
    const float *b = second_value(p);
    for (size_t n = 0; n < p->samples; n++, b += p->second) {
        for (size_t start = n * p->in_row; start < (n + 1) * p->in_row; start += p->second) {
            for (size_t i = 0; i < p->second; i++) {
                give(&p->dx[start + i], b[i] * p->dy[start + i], p->overwrite);
            }
        }
    }
}

/* db = a dy, summed over the channels where b has one */
void multiply_backward(const struct part *p) {
    float *db = second_gradient(p);
    if (p->dx) {
        multiply_first(p);
    }
    for (size_t n = 0; db && n < p->samples; n++, db += p->second) {
        for (size_t i = 0; i < p->second; i++) {
            double sum = 0;
            for (size_t at = n * p->in_row + i; at < (n + 1) * p->in_row; at += p->second) {
                sum += (double)p->x[at] * (double)p->dy[at];
            }
            give(&db[i], (float)sum, p->task->overwrite[1]);
        }
    }
}

/* ---- whole channels ------------------------------------------------------------------------------------------------------ */

static size_t slice_offset(const struct part *p) {
    return (size_t)p->task->op->first * (p->in_row / (size_t)p->in->dim[0]);
}

void slice_forward(const struct part *p) {
    for (size_t n = 0; n < p->samples; n++) {
        memcpy(p->y + n * p->out_row, p->x + n * p->in_row + slice_offset(p), p->out_row * sizeof *p->y);
    }
}

void slice_backward(const struct part *p) {
    if (p->overwrite) {
        memset(p->dx, 0, p->samples * p->in_row * sizeof *p->dx);
    }
    for (size_t n = 0; n < p->samples; n++) {
        float *to = p->dx + n * p->in_row + slice_offset(p);
        for (size_t i = 0; i < p->out_row; i++) {
            to[i] += p->dy[n * p->out_row + i];
        }
    }
}

/* Offset within a sample of x of what channel c of the shuffled image is: c = j groups + i, from i C/groups + j. */
static size_t unshuffled(const struct part *p, size_t c) {
    size_t groups = (size_t)p->task->op->groups, channels = (size_t)p->in->dim[0];
    return (c % groups * (channels / groups) + c / groups) * (p->in_row / channels);
}

void channel_shuffle_forward(const struct part *p) {
    size_t channels = (size_t)p->in->dim[0], pixels = p->in_row / channels;
    for (size_t i = 0; i < p->samples * channels; i++) {
        const float *from = p->x + i / channels * p->in_row + unshuffled(p, i % channels);
        memcpy(p->y + i * pixels, from, pixels * sizeof *p->y);
    }
}

void channel_shuffle_backward(const struct part *p) {
    size_t channels = (size_t)p->in->dim[0], pixels = p->in_row / channels;
    for (size_t i = 0; i < p->samples * channels; i++) {
        float *to = p->dx + i / channels * p->in_row + unshuffled(p, i % channels);
        for (size_t k = 0; k < pixels; k++) {
            give(&to[k], p->dy[i * pixels + k], p->overwrite);
        }
    }
}

/* ---- lengths and angles ----------------------------------------------------------------------------------------- */

/* y = sum_i a_i b_i */
void dot_forward(const struct part *p) {
    const float *b = second_value(p);
    for (size_t n = 0; n < p->samples; n++) {
        p->y[n] = (float)product(p->x + n * p->in_row, b + n * p->in_row, p->in_row);
    }
}

/* da_i = b_i dy, db_i = a_i dy */
void dot_backward(const struct part *p) {
    const float *b = second_value(p);
    float *db = second_gradient(p);
    for (size_t i = 0; p->dx && i < p->samples * p->in_row; i++) {
        give(&p->dx[i], b[i] * p->dy[i / p->in_row], p->overwrite);
    }
    for (size_t i = 0; db && i < p->samples * p->in_row; i++) {
        give(&db[i], p->x[i] * p->dy[i / p->in_row], p->task->overwrite[1]);
    }
}

/* y = x / max(|x|, eps) */
void l2_normalize_forward(const struct part *p) {
    for (size_t n = 0; n < p->samples; n++) {
        const float *x = p->x + n * p->in_row;
        double norm = sqrt(product(x, x, p->in_row));
        norm = norm < p->task->op->eps ? p->task->op->eps : norm;
        for (size_t i = 0; i < p->in_row; i++) {
            p->y[n * p->in_row + i] = (float)((double)x[i] / norm);
        }
    }
}

/* dx_i = (dy_i - y_i sum_j y_j dy_j) / |x| where |x| > eps, else dy_i / eps */
void l2_normalize_backward(const struct part *p) {
    double eps = p->task->op->eps;
    for (size_t n = 0; n < p->samples; n++) {
        const float *x = p->x + n * p->in_row, *y = p->y + n * p->in_row, *dy = p->dy + n * p->in_row;
        double norm = sqrt(product(x, x, p->in_row)), sum = norm > eps ? product(y, dy, p->in_row) : 0;
        norm = norm < eps ? eps : norm;
        for (size_t i = 0; i < p->in_row; i++) {
            give(&p->dx[n * p->in_row + i], (float)(((double)dy[i] - (double)y[i] * sum) / norm), p->overwrite);
        }
    }
}
