/* features.c - see features.h. graph.h has the formulas. Vectors lie as they are counted: one pixel, blocks side by side. */
#include "features.h"

#include <math.h>

static const struct value *value_of(const struct image *im, int32_t input) {
    return &im->plan->values[input < 0 ? im->node->output : im->node->inputs[input].value];
}

static double product(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

/* y_i = exp(x_i - max x) / sum_j exp(x_j - max x); dx_i = y_i (dy_i - sum_j y_j dy_j) */
static void softmax(const struct image *im, bool back) {
    size_t count = (size_t)value_of(im, 0)->channels;
    const float *x = im->in[0];
    double most = (double)x[0], sum = 0, product_sum = 0;
    for (size_t i = 1; i < count; i++) {
        most = (double)x[i] > most ? (double)x[i] : most;
    }
    for (size_t i = 0; i < count; i++) {
        double e = exp((double)x[i] - most);
        sum += e;
        product_sum += back ? e * (double)im->out[i] : 0;
    }
    for (size_t i = 0; i < count; i++) {
        double y = exp((double)x[i] - most) / sum;
        if (back) {
            im->din[0][i] += (float)(y * ((double)im->out[i] - product_sum / sum));
        } else {
            im->out[i] = (float)y;
        }
    }
}

/* y = a b; da = b dy, db = a dy, summed over the channels where b has one */
static void multiply(const struct image *im, bool back) {
    const struct value *a = value_of(im, 0), *b = value_of(im, 1);
    for (size_t c = 0; c < (size_t)a->channels; c++) {
        for (size_t p = 0; p < a->pixels; p++) {
            size_t i = image_at(a->pixels, c, p), j = image_at(b->pixels, b->channels == 1 ? 0 : c, p);
            if (back) {
                im->din[0][i] += im->in[1][j] * im->out[i];
                im->din[1][j] += im->in[0][i] * im->out[i];
            } else {
                im->out[i] = im->in[0][i] * im->in[1][j];
            }
        }
    }
}

static void slice(const struct image *im, bool back) {
    const struct value *out = value_of(im, -1);
    for (size_t c = 0; c < (size_t)out->channels; c++) {
        for (size_t p = 0; p < out->pixels; p++) {
            size_t from = image_at(out->pixels, (size_t)im->node->op->first + c, p);
            size_t to = image_at(out->pixels, c, p);
            if (back) {
                im->din[0][from] += im->out[to];
            } else {
                im->out[to] = im->in[0][from];
            }
        }
    }
}

/* y = sum_i a_i b_i; da_i = b_i dy, db_i = a_i dy */
static void dot(const struct image *im, bool back) {
    size_t count = (size_t)value_of(im, 0)->channels;
    if (!back) {
        im->out[0] = (float)product(im->in[0], im->in[1], count);
    }
    for (size_t i = 0; back && i < count; i++) {
        im->din[0][i] += im->in[1][i] * im->out[0];
        im->din[1][i] += im->in[0][i] * im->out[0];
    }
}

/* y = x / max(|x|, eps); dx_i = (dy_i - y_i sum_j y_j dy_j) / |x| where |x| > eps, else dy_i / eps */
static void l2_normalize(const struct image *im, bool back) {
    size_t count = (size_t)value_of(im, 0)->channels;
    const float *x = im->in[0];
    double eps = im->node->op->eps, norm = sqrt(product(x, x, count));
    double sum = back && norm > eps ? product(x, im->out, count) / (norm * norm) : 0;
    norm = norm < eps ? eps : norm;
    for (size_t i = 0; i < count; i++) {
        if (back) {
            im->din[0][i] += (float)(((double)im->out[i] - (double)x[i] * sum) / norm);
        } else {
            im->out[i] = (float)((double)x[i] / norm);
        }
    }
}

/* y[j groups + i] = x[i C/groups + j] */
static void channel_shuffle(const struct image *im, bool back) {
    const struct value *in = value_of(im, 0);
    size_t groups = (size_t)im->node->op->groups, per = (size_t)in->channels / groups;
    for (size_t c = 0; c < (size_t)in->channels; c++) {
        for (size_t p = 0; p < in->pixels; p++) {
            size_t from = image_at(in->pixels, c % groups * per + c / groups, p), to = image_at(in->pixels, c, p);
            if (back) {
                im->din[0][from] += im->out[to];
            } else {
                im->out[to] = im->in[0][from];
            }
        }
    }
}

bool features_has(int32_t kind) {
    return kind >= SY_OP_SOFTMAX && kind <= SY_OP_CHANNEL_SHUFFLE;
}

bool features_reads(int32_t kind) {
    return features_has(kind) && kind != SY_OP_SLICE && kind != SY_OP_CHANNEL_SHUFFLE;
}

void features_run(const struct image *im, bool back) {
    switch (im->node->op->kind) {
    case SY_OP_SOFTMAX:
        softmax(im, back);
        break;
    case SY_OP_MULTIPLY:
        multiply(im, back);
        break;
    case SY_OP_SLICE:
        slice(im, back);
        break;
    case SY_OP_DOT:
        dot(im, back);
        break;
    case SY_OP_L2_NORMALIZE:
        l2_normalize(im, back);
        break;
    default:
        channel_shuffle(im, back);
        break;
    }
}
