/* operators.c - every operator, slow and obvious: the formula, then loops that say the same. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "features.h"

/* ---- convolution ------------------------------------------------------------------------------------------------ */

/* One output element: y[n][c][oh][ow] = b[c] + sum over i, kh, kw of w[c][i][kh][kw] x[n][i][oh s + kh - p][ow s + kw - p]
 * where i runs over the channels of c's group; backward, over the same products: dx += w dy, dw += x dy */
static double conv2d_window(const struct names *k, int32_t n, int32_t c, int32_t oh, int32_t ow, bool backward) {
    int32_t per = k->in->dim[0] / k->op->groups, first = c / (k->out->dim[0] / k->op->groups) * per;
    double sum = 0, dy = backward ? k->dy[at(k->out, n, c, oh, ow)] : 0;
    size_t wi = (size_t)c * (size_t)per * (size_t)k->op->kernel * (size_t)k->op->kernel;
    for (int32_t i = first; i < first + per; i++) {
        for (int32_t kh = 0; kh < k->op->kernel; kh++) {
            for (int32_t kw = 0; kw < k->op->kernel; kw++, wi++) {
                int32_t h = oh * k->op->stride + kh - k->op->padding, w = ow * k->op->stride + kw - k->op->padding;
                if (h < 0 || h >= k->in->dim[1] || w < 0 || w >= k->in->dim[2]) {
                    continue;
                }
                size_t xi = at(k->in, n, i, h, w);
                if (backward) {
                    k->dx[xi] += k->w[wi] * dy;
                    k->dw[wi] += k->x[xi] * dy;
                } else {
                    sum += k->w[wi] * k->x[xi];
                }
            }
        }
    }
    return sum;
}

static void conv2d_forward(const struct names *k) {
    FOR_OUTPUT(*k, n, c, oh, ow) {
        k->y[at(k->out, n, c, oh, ow)] = (k->b ? k->b[c] : 0) + conv2d_window(k, n, c, oh, ow, false);
    }
}

/* and db[c] += dy */
static void conv2d_backward(const struct names *k) {
    FOR_OUTPUT(*k, n, c, oh, ow) {
        conv2d_window(k, n, c, oh, ow, true);
        if (k->db) {
            k->db[c] += k->dy[at(k->out, n, c, oh, ow)];
        }
    }
}

/* ---- transposed convolution ------------------------------------------------------------------------------------- */

/* One input element spread out: y[n][o][h s + kh - p][w s + kw - p] += w[c][o - first][kh][kw] x[n][c][h][w] where o runs
 * over the channels of c's group; backward, over the same products: dx += w dy, dw += x dy */
static void transposed_conv2d_window(const struct names *k, int32_t n, int32_t c, int32_t h, int32_t w, bool backward) {
    int32_t per = k->out->dim[0] / k->op->groups, first = c / (k->in->dim[0] / k->op->groups) * per;
    size_t xi = at(k->in, n, c, h, w);
    size_t wi = (size_t)c * (size_t)per * (size_t)k->op->kernel * (size_t)k->op->kernel;
    for (int32_t o = first; o < first + per; o++) {
        for (int32_t kh = 0; kh < k->op->kernel; kh++) {
            for (int32_t kw = 0; kw < k->op->kernel; kw++, wi++) {
                int32_t oh = h * k->op->stride + kh - k->op->padding, ow = w * k->op->stride + kw - k->op->padding;
                if (oh < 0 || oh >= k->out->dim[1] || ow < 0 || ow >= k->out->dim[2]) {
                    continue;
                }
                size_t yi = at(k->out, n, o, oh, ow);
                if (backward) {
                    k->dx[xi] += k->w[wi] * k->dy[yi];
                    k->dw[wi] += k->x[xi] * k->dy[yi];
                } else {
                    k->y[yi] += k->w[wi] * k->x[xi];
                }
            }
        }
    }
}

/* y = b[c], or db[c] += dy; then every input element */
static void transposed_conv2d(const struct names *k, bool backward) {
    FOR_OUTPUT(*k, n, c, oh, ow) {
        size_t yi = at(k->out, n, c, oh, ow);
        if (!backward) {
            k->y[yi] = k->b ? k->b[c] : 0;
        } else if (k->db) {
            k->db[c] += k->dy[yi];
        }
    }
    for (int32_t n = 0; n < k->n; n++) {
        for (int32_t c = 0; c < k->in->dim[0]; c++) {
            for (int32_t h = 0; h < k->in->dim[1]; h++) {
                for (int32_t w = 0; w < k->in->dim[2]; w++) {
                    transposed_conv2d_window(k, n, c, h, w, backward);
                }
            }
        }
    }
}

/* ---- linear ----------------------------------------------------------------------------------------------------- */

/* y[n][o] = b[o] + sum_i w[o][i] x[n][i] */
static void linear_forward(const struct names *k) {
    size_t in = (size_t)k->in->dim[0], out = (size_t)k->out->dim[0];
    for (size_t n = 0; n < (size_t)k->n; n++) {
        for (size_t o = 0; o < out; o++) {
            double sum = k->b ? k->b[o] : 0;
            for (size_t i = 0; i < in; i++) {
                sum += k->w[o * in + i] * k->x[n * in + i];
            }
            k->y[n * out + o] = sum;
        }
    }
}

/* dx[n][i] += w[o][i] dy[n][o], dw[o][i] += x[n][i] dy[n][o], db[o] += dy[n][o] */
static void linear_backward(const struct names *k) {
    size_t in = (size_t)k->in->dim[0], out = (size_t)k->out->dim[0];
    for (size_t n = 0; n < (size_t)k->n; n++) {
        for (size_t o = 0; o < out; o++) {
            double dy = k->dy[n * out + o];
            for (size_t i = 0; i < in; i++) {
                k->dx[n * in + i] += k->w[o * in + i] * dy;
                k->dw[o * in + i] += k->x[n * in + i] * dy;
            }
            if (k->db) {
                k->db[o] += dy;
            }
        }
    }
}

/* ---- batch norm ------------------------------------------------------------------------------------------------- */

/* Visits every element of channel c: its index as `i`. */
#define FOR_CHANNEL(k, c, i)                                                                               \
    for (size_t plane = (size_t)(k)->in->dim[1] * (size_t)(k)->in->dim[2], n = 0; n < (size_t)(k)->n; n++) \
        for (size_t start = (n * (size_t)(k)->in->dim[0] + (size_t)(c)) * plane, i = start; i < start + plane; i++)

/* y = (x - m) / sqrt(v + eps) w + b; training: m, v the batch's mean and biased variance; else the running ones */
static int batch_norm_forward(struct sy_plan *plan, const struct names *k, int32_t index, struct sy_error *err) {
    double count = (double)k->n * k->in->dim[1] * k->in->dim[2];
    if (plan->mode == SY_TRAIN && count < 2) {
        return sy_fail(err, SY_EINVAL, "%s: one value per channel has no variance; use a larger batch", k->op->name);
    }
    for (int32_t c = 0; c < k->in->dim[0]; c++) {
        double mean = plan->parameter[k->op->param[SY_MEAN]][c], variance;
        variance = plan->parameter[k->op->param[SY_VARIANCE]][c];
        if (plan->mode == SY_TRAIN) {
            mean = variance = 0;
            FOR_CHANNEL(k, c, i) {
                mean += k->x[i] / count;
            }
            FOR_CHANNEL(k, c, i) {
                variance += (k->x[i] - mean) * (k->x[i] - mean) / count;
            }
            plan->batch_mean[index][c] = mean;
            plan->batch_variance[index][c] = variance;
        }
        double scale = k->w[c] / sqrt(variance + k->op->eps);
        FOR_CHANNEL(k, c, i) {
            k->y[i] = (k->x[i] - mean) * scale + k->b[c];
        }
    }
    return SY_OK;
}

/* With x^ = (x - m) / sqrt(v + eps): db = sum dy, dw = sum dy x^,
 * training: dx = w / sqrt(v + eps) (dy - db / count - x^ dw / count); evaluation: dx = w / sqrt(v + eps) dy */
static void batch_norm_backward(struct sy_plan *plan, const struct names *k, int32_t index) {
    double count = (double)k->n * k->in->dim[1] * k->in->dim[2];
    bool train = plan->mode == SY_TRAIN;
    for (int32_t c = 0; c < k->in->dim[0]; c++) {
        double mean = train ? plan->batch_mean[index][c] : plan->parameter[k->op->param[SY_MEAN]][c];
        double variance = train ? plan->batch_variance[index][c] : plan->parameter[k->op->param[SY_VARIANCE]][c];
        double inverse = 1 / sqrt(variance + k->op->eps), sum = 0, product = 0;
        FOR_CHANNEL(k, c, i) {
            sum += k->dy[i];
            product += k->dy[i] * (k->x[i] - mean) * inverse;
        }
        k->db[c] += sum;
        k->dw[c] += product;
        FOR_CHANNEL(k, c, i) {
            double centred = train ? sum / count + (k->x[i] - mean) * inverse * product / count : 0;
            k->dx[i] += k->w[c] * inverse * (k->dy[i] - centred);
        }
    }
}

/* ---- element by element ----------------------------------------------------------------------------------------- */

/* y = max(x, 0), dx = dy where x > 0; with a ceiling: y = min(max(x, 0), 6), dx = dy where 0 < x < 6. What is not a
 * number stays none: a network that diverged must not look well. */
static void relu_forward(const struct sy_plan *plan, const struct names *k, double ceiling) {
    for (size_t i = 0; i < value_count(plan, k->op->output); i++) {
        k->y[i] = k->x[i] <= 0 ? 0 : k->x[i] >= ceiling ? ceiling : k->x[i];
    }
}

static void relu_backward(const struct sy_plan *plan, const struct names *k, double ceiling) {
    for (size_t i = 0; i < value_count(plan, k->op->output); i++) {
        k->dx[i] += k->x[i] <= 0 || k->x[i] >= ceiling ? 0 : k->dy[i];
    }
}

/* y = a + b, da = db = dy */
static void add_forward(const struct sy_plan *plan, const struct names *k) {
    for (size_t i = 0; i < value_count(plan, k->op->output); i++) {
        k->y[i] = k->x[i] + k->x2[i];
    }
}

static void add_backward(const struct sy_plan *plan, const struct names *k) {
    for (size_t i = 0; i < value_count(plan, k->op->output); i++) {
        k->dx[i] += k->dy[i];
        k->dx2[i] += k->dy[i];
    }
}

/* y = x m, dx = dy m, where m is 0 with probability p and 1 / (1 - p) otherwise (evaluation: 1) */
static void dropout(const struct sy_plan *plan, int32_t index, double *to, const double *from, bool add) {
    const struct sy_op *op = plan->graph->ops[index];
    struct sy_rng rng = sy_rng_make(plan->seed, SY_FOR_DROPOUT, plan->stream, plan->step, (uint32_t)index);
    for (size_t i = 0; i < value_count(plan, op->output); i++) {
        bool dropped = plan->mode == SY_TRAIN && sy_rng_uniform(&rng) < op->probability;
        double m = plan->mode == SY_TRAIN ? (dropped ? 0 : 1 / (1 - op->probability)) : 1;
        to[i] = (add ? to[i] : 0) + m * from[i];
    }
}

/* ---- moving channels and pixels --------------------------------------------------------------------------------- */

/* y = inputs side by side along the channels; the gradient goes back to where the values came from */
static void concat(const struct sy_plan *plan, const struct names *k, bool backward) {
    size_t whole = value_row(plan, k->op->output);
    for (size_t n = 0; n < (size_t)k->n; n++) {
        size_t offset = n * whole;
        for (int32_t j = 0; j < k->op->n_inputs; j++) {
            size_t row = value_row(plan, k->op->inputs[j]);
            for (size_t i = 0; i < row; i++) {
                if (backward) {
                    plan->value_gradient[k->op->inputs[j]][n * row + i] += k->dy[offset + i];
                } else {
                    k->y[offset + i] = plan->value[k->op->inputs[j]][n * row + i];
                }
            }
            offset += row;
        }
    }
}

/* y[n][before + c][h][w] = x[n][c][h s][w s], zero in the other channels */
static void slice_pad(const struct names *k, bool backward) {
    FOR_OUTPUT(*k, n, c, oh, ow) {
        int32_t from = c - k->op->pad_before;
        size_t to = at(k->out, n, c, oh, ow);
        bool inside = from >= 0 && from < k->in->dim[0];
        size_t xi = inside ? at(k->in, n, from, oh * k->op->stride, ow * k->op->stride) : 0;
        if (!backward) {
            k->y[to] = inside ? k->x[xi] : 0;
        } else if (inside) {
            k->dx[xi] += k->dy[to];
        }
    }
}

/* y[n][c] = mean over the image, dx = dy / pixels */
static void global_avg_pool(const struct names *k, bool backward) {
    size_t pixels = (size_t)k->in->dim[1] * (size_t)k->in->dim[2];
    for (size_t i = 0; i < (size_t)k->n * (size_t)k->in->dim[0]; i++) {
        double sum = 0;
        for (size_t p = 0; p < pixels; p++) {
            if (backward) {
                k->dx[i * pixels + p] += k->dy[i] / (double)pixels;
            } else {
                sum += k->x[i * pixels + p];
            }
        }
        if (!backward) {
            k->y[i] = sum / (double)pixels;
        }
    }
}

/* ---- pooling ---------------------------------------------------------------------------------------------------- */

/* y = sum over the window of x / k^2 (outside the image: 0); dx = dy / k^2 */
static void avg_pool(const struct names *k, bool backward) {
    double share = 1.0 / ((double)k->op->kernel * k->op->kernel);
    FOR_OUTPUT(*k, n, c, oh, ow) {
        size_t to = at(k->out, n, c, oh, ow);
        double sum = 0;
        for (int32_t kh = 0; kh < k->op->kernel; kh++) {
            for (int32_t kw = 0; kw < k->op->kernel; kw++) {
                int32_t h = oh * k->op->stride + kh - k->op->padding, w = ow * k->op->stride + kw - k->op->padding;
                if (h < 0 || h >= k->in->dim[1] || w < 0 || w >= k->in->dim[2]) {
                    continue;
                }
                size_t xi = at(k->in, n, c, h, w);
                sum += k->x[xi] * share;
                if (backward) {
                    k->dx[xi] += k->dy[to] * share;
                }
            }
        }
        if (!backward) {
            k->y[to] = sum;
        }
    }
}

/* y = the window's maximum, or what is not a number; dy goes to the first element that has it */
static void max_pool(const struct names *k, bool backward) {
    FOR_OUTPUT(*k, n, c, oh, ow) {
        size_t to = at(k->out, n, c, oh, ow), best = 0;
        bool found = false;
        for (int32_t kh = 0; kh < k->op->kernel; kh++) {
            for (int32_t kw = 0; kw < k->op->kernel; kw++) {
                int32_t h = oh * k->op->stride + kh - k->op->padding, w = ow * k->op->stride + kw - k->op->padding;
                bool inside = h >= 0 && h < k->in->dim[1] && w >= 0 && w < k->in->dim[2];
                size_t xi = inside ? at(k->in, n, c, h, w) : 0;
                if (inside && (!found || k->x[xi] > k->x[best] || (isnan(k->x[xi]) && !isnan(k->x[best])))) {
                    best = xi;
                    found = true;
                }
            }
        }
        if (backward) {
            k->dx[best] += k->dy[to];
        } else {
            k->y[to] = k->x[best];
        }
    }
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

int operator_forward(struct sy_plan *plan, int32_t index, struct sy_error *err) {
    struct names k = names_of(plan, index);
    switch (k.op->kind) {
    case SY_OP_CONV2D:
        conv2d_forward(&k);
        return SY_OK;
    case SY_OP_LINEAR:
        linear_forward(&k);
        return SY_OK;
    case SY_OP_BATCH_NORM:
        return batch_norm_forward(plan, &k, index, err);
    case SY_OP_RELU:
        relu_forward(plan, &k, INFINITY);
        return SY_OK;
    case SY_OP_RELU6:
        relu_forward(plan, &k, 6);
        return SY_OK;
    case SY_OP_ADD:
        add_forward(plan, &k);
        return SY_OK;
    case SY_OP_CONCAT:
        concat(plan, &k, false);
        return SY_OK;
    case SY_OP_AVG_POOL:
        avg_pool(&k, false);
        return SY_OK;
    case SY_OP_MAX_POOL:
        max_pool(&k, false);
        return SY_OK;
    case SY_OP_GLOBAL_AVG_POOL:
        global_avg_pool(&k, false);
        return SY_OK;
    case SY_OP_FLATTEN:
        memcpy(k.y, k.x, value_count(plan, k.op->output) * sizeof *k.y);
        return SY_OK;
    case SY_OP_SLICE_PAD:
        slice_pad(&k, false);
        return SY_OK;
    case SY_OP_DROPOUT:
        dropout(plan, index, k.y, k.x, false);
        return SY_OK;
    case SY_OP_TRANSPOSED_CONV2D:
        transposed_conv2d(&k, false);
        return SY_OK;
    default:
        return features_forward(&k)
                   ? SY_OK
                   : sy_fail(err, SY_ENOTSUP, "%s: operator %d is unknown here", k.op->name, k.op->kind);
    }
}

void operator_backward(struct sy_plan *plan, int32_t index) {
    struct names k = names_of(plan, index);
    switch (k.op->kind) {
    case SY_OP_CONV2D:
        conv2d_backward(&k);
        break;
    case SY_OP_LINEAR:
        linear_backward(&k);
        break;
    case SY_OP_BATCH_NORM:
        batch_norm_backward(plan, &k, index);
        break;
    case SY_OP_RELU:
        relu_backward(plan, &k, INFINITY);
        break;
    case SY_OP_RELU6:
        relu_backward(plan, &k, 6);
        break;
    case SY_OP_ADD:
        add_backward(plan, &k);
        break;
    case SY_OP_CONCAT:
        concat(plan, &k, true);
        break;
    case SY_OP_AVG_POOL:
        avg_pool(&k, true);
        break;
    case SY_OP_MAX_POOL:
        max_pool(&k, true);
        break;
    case SY_OP_GLOBAL_AVG_POOL:
        global_avg_pool(&k, true);
        break;
    case SY_OP_FLATTEN:
        for (size_t i = 0; i < value_count(plan, k.op->output); i++) {
            k.dx[i] += k.dy[i];
        }
        break;
    case SY_OP_SLICE_PAD:
        slice_pad(&k, true);
        break;
    case SY_OP_DROPOUT:
        dropout(plan, index, k.dx, k.dy, true);
        break;
    case SY_OP_TRANSPOSED_CONV2D:
        transposed_conv2d(&k, true);
        break;
    default:
        features_backward(&k);
        break;
    }
}
