/* norms.c - see norms.h.
 *
 *   forward:   mean and variance of a channel over batch and pixels, from the moments of planes
 *   backward:  k1 = sum(g) / m,  k2 = sum(g (x - mean)) / (m (variance + eps))
 *              dweight = sum(g (x - mean)) / sqrt(variance + eps),  dbias = sum(g) */
#include "norms.h"

#include <math.h>
#include <string.h>

static struct norm_sums *sums_of(const struct norm *norm, int32_t block, int32_t thread) {
    return &norm->sums[thread * norm->blocks + block];
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

/* Each norm once: it has one view without activation. */
static bool is_measured(const struct sy_plan *plan, const struct value *view) {
    return plan->mode == SY_TRAIN && view->norm && view->act == ACT_NONE;
}

bool norms_measured(const struct sy_plan *plan, const struct value *out) {
    bool any = false;
    for (int32_t i = 0; i < out->n_views; i++) {
        any |= is_measured(plan, &plan->values[out->views[i]]);
    }
    return any;
}

/* Joins moments to those before (Chan, Golub and LeVeque 1983, equation 1.5). */
static void join_moments(struct norm_sums *sums, struct moments m, size_t pixels) {
    float mean[BLOCK], squares[BLOCK];
    double count = (double)pixels, total = sums->count + count;
    double share = count / total, both = sums->count * share;
    lanes_put(mean, m.mean);
    lanes_put(squares, m.squares);
    for (int i = 0; i < BLOCK; i++) {
        double apart = (double)mean[i] - sums->first[i];
        sums->first[i] += apart * share;
        sums->second[i] += (double)squares[i] + apart * apart * both;
    }
    sums->count = total;
}

void norms_add_moments(const struct sy_plan *plan, const struct value *out, int32_t block, int32_t thread,
                       struct moments moments, size_t pixels) {
    for (int32_t i = 0; i < out->n_views; i++) {
        const struct value *view = &plan->values[out->views[i]];
        if (is_measured(plan, view)) {
            join_moments(sums_of(view->norm, block, thread), moments, pixels);
        }
    }
}

static void constants(const struct sy_plan *plan, struct norm *norm) {
    const float *weight = param_value(plan, norm->op, SY_WEIGHT), *bias = param_value(plan, norm->op, SY_BIAS);
    for (int32_t c = 0; c < norm->channels; c++) {
        norm->inverse[c] = (float)(1 / sqrt((double)norm->variance[c] + norm->op->eps));
        norm->scale[c] = norm->inverse[c] * (weight ? weight[c] : 1);
        norm->shift[c] = bias ? bias[c] : 0;
    }
}

static void clear_sums(const struct sy_plan *plan, struct norm *norm) {
    memset(norm->sums, 0, (size_t)(norm->blocks * plan->host->threads) * sizeof *norm->sums);
}

/* Evaluation: the running statistics are known beforehand. */
void norms_start(struct sy_plan *plan) {
    for (int32_t i = 0; i < plan->graph->n_ops; i++) {
        struct norm *norm = &plan->norms[i];
        if (!norm->op) {
            continue;
        }
        clear_sums(plan, norm);
        if (plan->mode == SY_EVALUATE) {
            memcpy(norm->mean, param_value(plan, norm->op, SY_MEAN), (size_t)norm->channels * sizeof(float));
            memcpy(norm->variance, param_value(plan, norm->op, SY_VARIANCE), (size_t)norm->channels * sizeof(float));
            constants(plan, norm);
        }
    }
}

static void join_block(const struct sy_plan *plan, struct norm *norm, int32_t block) {
    struct norm_sums all = *sums_of(norm, block, 0);
    for (int32_t t = 1; t < plan->host->threads; t++) {
        const struct norm_sums *more = sums_of(norm, block, t);
        double total = all.count + more->count;
        for (int i = 0; i < BLOCK && more->count > 0; i++) {
            double apart = more->first[i] - all.first[i];
            all.first[i] += apart * (more->count / total);
            all.second[i] += more->second[i] + apart * apart * (all.count * more->count / total);
        }
        all.count = total;
    }
    for (int32_t i = 0; i < BLOCK && block * BLOCK + i < norm->channels; i++) {
        norm->mean[block * BLOCK + i] = (float)all.first[i];
        norm->variance[block * BLOCK + i] = (float)(all.second[i] / all.count);
    }
}

void norms_finish(struct sy_plan *plan, int32_t value) {
    const struct value *v = &plan->values[value];
    for (int32_t i = 0; i < v->n_views && plan->mode == SY_TRAIN; i++) {
        struct norm *norm = plan->values[v->views[i]].norm;
        if (norm && plan->values[v->views[i]].act == ACT_NONE) {
            for (int32_t block = 0; block < norm->blocks; block++) {
                join_block(plan, norm, block);
            }
            constants(plan, norm);
            clear_sums(plan, norm);
        }
    }
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

void norms_add_gradient(const struct norm *norm, int32_t block, int32_t thread, lanes first, lanes second) {
    struct norm_sums *sums = sums_of(norm, block, thread);
    float more[2][BLOCK];
    lanes_put(more[0], first);
    lanes_put(more[1], second);
    for (int i = 0; i < BLOCK; i++) {
        sums->first[i] += (double)more[0][i];
        sums->second[i] += (double)more[1][i];
    }
}

/* Gradients of a batch norm's own parameters, and the constants of dx. Statistics that were running ones do not depend
 * on x. */
static void norm_gradients(struct sy_plan *plan, const struct norm *norm, double count) {
    float *weight = param_gradient(plan, norm->op, SY_WEIGHT), *bias = param_gradient(plan, norm->op, SY_BIAS);
    for (int32_t c = 0; c < norm->channels; c++) {
        double first = 0, second = 0, inverse = norm->inverse[c];
        for (int32_t t = 0; t < plan->host->threads; t++) {
            const struct norm_sums *sums = sums_of(norm, c / BLOCK, t);
            first += sums->first[c % BLOCK];
            second += sums->second[c % BLOCK];
        }
        if (weight) {
            weight[c] = (float)(second * inverse);
        }
        if (bias) {
            bias[c] = (float)first;
        }
        norm->k1[c] = plan->mode == SY_TRAIN ? (float)(first / count) : 0;
        norm->k2[c] = plan->mode == SY_TRAIN ? (float)(second * inverse * inverse / count) : 0;
    }
}

void norms_start_gradient(struct sy_plan *plan, int32_t value) {
    const struct value *v = &plan->values[value];
    for (int32_t i = 0; i < v->n_views; i++) {
        const struct value *view = &plan->values[v->views[i]];
        if (view->norm && view->n_gradients > 0) {
            norm_gradients(plan, view->norm, (double)plan->batch * (double)v->pixels);
        }
    }
}
