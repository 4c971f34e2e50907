/* planes.c - see planes.h.
 *
 *   view:      y = act((x - mean) scale + shift)
 *   complete:  g = dy where act let x through, else 0;  sums of g and g (x - mean) over the batch
 *   settle:    dx = (g - k1 - (x - mean) k2) scale,  k1 = sum(g) / m,  k2 = sum(g (x - mean)) / (m (variance + eps)) */
#include "planes.h"

#include <math.h>
#include <string.h>

#include "sums.h"

/* ---- views ------------------------------------------------------------------------------------------------------ */

/* Constants of one block of a view. */
struct affine {
    lanes mean, scale, shift, k1, k2;
    bool norm;
    int32_t act;
};

static struct affine affine_of(const struct value *v, int32_t block) {
    struct affine a = {.act = v->act, .norm = v->norm != NULL};
    a.mean = a.shift = a.k1 = a.k2 = lanes_zero();
    a.scale = lanes_of(1);
    if (v->norm) {
        size_t at = (size_t)block * BLOCK;
        a.mean = lanes_get(v->norm->mean + at);
        a.scale = lanes_get(v->norm->scale + at);
        a.shift = lanes_get(v->norm->shift + at);
        a.k1 = lanes_get(v->norm->k1 + at);
        a.k2 = lanes_get(v->norm->k2 + at);
    }
    return a;
}

/* What is not a number must come through: a maximum gives its second operand then. */
static inline lanes activate(lanes x, int32_t act) {
    if (act == ACT_NONE) {
        return x;
    }
    x = lanes_max(lanes_zero(), x);
    return act == ACT_RELU6 ? lanes_min(lanes_of(6), x) : x;
}

/* The gradient where the activation lets it through, else 0. */
static inline lanes let_through(lanes g, lanes x, int32_t act) {
    if (act == ACT_NONE) {
        return g;
    }
    g = lanes_where_less(lanes_zero(), x, g);
    return act == ACT_RELU6 ? lanes_where_less(x, lanes_of(6), g) : g;
}

static inline lanes apply(const struct affine *a, lanes x) {
    return a->norm ? lanes_fma(x - a->mean, a->scale, a->shift) : x;
}

void view_plane(const struct sy_plan *plan, int32_t value, size_t image, int32_t block, elem *to) {
    const struct value *v = &plan->values[value];
    const elem *from = value_plane(plan, v->base, image, block);
    struct affine a = affine_of(v, block);
    for (size_t i = 0; i < v->pixels * v->pixel_step; i += v->pixel_step) {
        elem_put(to + i, activate(apply(&a, elem_get(from + i)), a.act));
    }
}

void view_floats(const struct sy_plan *plan, int32_t value, size_t image, int32_t block, float *to, size_t row) {
    const struct value *v = &plan->values[value];
    const elem *from = value_plane(plan, v->base, image, block);
    struct affine a = affine_of(v, block);
    for (int32_t h = 0; h < v->height; h++, to += row) {
        for (size_t w = 0; w < (size_t)v->width; w++, from += v->pixel_step) {
            lanes_put(to + w * BLOCK, activate(apply(&a, elem_get(from)), a.act));
        }
    }
}

void save_plane(const struct sy_plan *plan, int32_t value, size_t image, int32_t block, const float *from) {
    const struct value *v = &plan->values[value];
    elem *to = value_plane(plan, value, image, block);
    for (size_t p = 0; p < v->pixels; p++) {
        elem_put(to + p * v->pixel_step, lanes_get(from + p * BLOCK));
    }
}

/* ---- forward: the end of a node --------------------------------------------------------------------------------- */

static void add_residual(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, elem *y) {
    const struct value *out = &plan->values[node->output];
    size_t step = out->pixel_step, end = out->pixels * step;
    if (node->residual.value < 0 && !node->act) {
        return;
    }
    if (node->residual.value < 0) {
        for (size_t i = 0; i < end; i += step) {
            elem_put(y + i, activate(elem_get(y + i), node->act));
        }
        return;
    }
    const struct value *r = &plan->values[node->residual.value];
    const elem *from = value_plane(plan, r->base, image, block);
    struct affine a = affine_of(r, block);
    for (size_t i = 0; i < end; i += step) {
        lanes x = activate(apply(&a, elem_get(from + i)), a.act);
        elem_put(y + i, activate(elem_get(y + i) + x, node->act));
    }
}

/* Mean and squares of a plane about one of its own pixels, so that little cancels. */
struct moments {
    lanes mean, squares;
};

struct moment_sums {
    lanes origin, sum[4], square[4];
};

static inline struct moment_sums moments_about(lanes origin) {
    struct moment_sums m = {.origin = origin};
    for (int j = 0; j < 4; j++) {
        m.sum[j] = m.square[j] = lanes_zero();
    }
    return m;
}

static inline void moments_take(struct moment_sums *m, size_t j, lanes x) {
    lanes d = x - m->origin;
    m->sum[j] += d;
    m->square[j] = lanes_fma(d, d, m->square[j]);
}

static inline struct moments moments_of(const struct moment_sums *m, size_t pixels) {
    lanes total = (m->sum[0] + m->sum[1]) + (m->sum[2] + m->sum[3]), mean = total / lanes_of((float)pixels);
    lanes squares = (m->square[0] + m->square[1]) + (m->square[2] + m->square[3]) - total * mean;
    /* Not max(squares, 0): that would hide what is not a number. */
    return (struct moments){m->origin + mean, lanes_max(lanes_zero(), squares)};
}

static struct moments plane_moments(const elem *x, size_t pixels, size_t step) {
    struct moment_sums m = moments_about(elem_get(x));
    size_t i = 0;
    for (; i + 4 <= pixels; i += 4) {
        UNROLL
        for (size_t j = 0; j < 4; j++) {
            moments_take(&m, j, elem_get(x + (i + j) * step));
        }
    }
    for (; i < pixels; i++) {
        moments_take(&m, 0, elem_get(x + i * step));
    }
    return moments_of(&m, pixels);
}

/* Joins a plane's moments to those before (Chan, Golub and LeVeque 1983, equation 1.5). */
static void add_moments(struct norm_sums *sums, const struct moments *m, size_t pixels) {
    float mean[BLOCK], squares[BLOCK];
    double count = (double)pixels, total = sums->count + count;
    lanes_put(mean, m->mean);
    lanes_put(squares, m->squares);
    for (int i = 0; i < BLOCK; i++) {
        double apart = (double)mean[i] - sums->first[i];
        sums->first[i] += apart * (count / total);
        sums->second[i] += (double)squares[i] + apart * apart * (sums->count * count / total);
    }
    sums->count = total;
}

static struct norm_sums *sums_of(const struct norm *norm, int32_t block, int32_t thread) {
    return &norm->sums[thread * norm->blocks + block];
}

/* Each norm once: it has one view without activation. */
static bool is_measured(const struct sy_plan *plan, const struct value *view) {
    return plan->mode == SY_TRAIN && view->norm && view->act == ACT_NONE;
}

static bool any_measured(const struct sy_plan *plan, const struct value *out) {
    bool any = false;
    for (int32_t i = 0; i < out->n_views; i++) {
        any |= is_measured(plan, &plan->values[out->views[i]]);
    }
    return any;
}

static void note_moments(const struct sy_plan *plan, const struct value *out, const struct moments *moments,
                         int32_t block, int32_t thread) {
    for (int32_t i = 0; i < out->n_views; i++) {
        const struct value *view = &plan->values[out->views[i]];
        if (is_measured(plan, view)) {
            add_moments(sums_of(view->norm, block, thread), moments, out->pixels);
        }
    }
}

void finish_plane(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, int32_t thread) {
    const struct value *out = &plan->values[node->output];
    elem *y = value_plane(plan, node->output, image, block);
    add_residual(plan, node, image, block, y);
    if (any_measured(plan, out)) {
        struct moments moments = plane_moments(y, out->pixels, out->pixel_step);
        note_moments(plan, out, &moments, block, thread);
    }
}

/* One pixel of the output. */
static inline lanes finished(const struct node *node, const struct affine *a, const elem *residual, lanes x) {
    if (residual) {
        x += activate(apply(a, elem_get(residual)), a->act);
    }
    return activate(x, node->act);
}

void finish_floats(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, int32_t thread,
                   const float *from) {
    const struct value *out = &plan->values[node->output];
    const struct value *r = node->residual.value >= 0 ? &plan->values[node->residual.value] : NULL;
    const elem *residual = r ? value_plane(plan, r->base, image, block) : NULL;
    struct affine a = affine_of(r ? r : out, block);
    elem *y = value_plane(plan, node->output, image, block);
    bool past = out->large && plan->kept;
    struct moment_sums m = moments_about(finished(node, &a, residual, lanes_get(from)));
    for (size_t p = 0; p < out->pixels; p++) {
        lanes x = finished(node, &a, residual ? residual + p * out->pixel_step : NULL, lanes_get(from + p * BLOCK));
        x = elem_rounded(x);
        if (past) {
            elem_stream(y + p * out->pixel_step, x);
        } else {
            elem_put(y + p * out->pixel_step, x);
        }
        moments_take(&m, p & 1, x);
    }
    if (any_measured(plan, out)) {
        struct moments moments = moments_of(&m, out->pixels);
        note_moments(plan, out, &moments, block, thread);
    }
}

/* ---- batch norm, between planes --------------------------------------------------------------------------------- */

static void norm_constants(const struct sy_plan *plan, struct norm *norm) {
    const float *weight = param_value(plan, norm->op, SY_WEIGHT), *bias = param_value(plan, norm->op, SY_BIAS);
    for (int32_t c = 0; c < norm->channels; c++) {
        norm->inverse[c] = (float)(1 / sqrt((double)norm->variance[c] + norm->op->eps));
        norm->scale[c] = norm->inverse[c] * (weight ? weight[c] : 1);
        norm->shift[c] = bias ? bias[c] : 0;
    }
}

/* Evaluation: the running statistics are known beforehand. */
void start_norms(struct sy_plan *plan) {
    for (int32_t i = 0; i < plan->graph->n_ops; i++) {
        struct norm *norm = &plan->norms[i];
        if (!norm->op) {
            continue;
        }
        memset(norm->sums, 0, (size_t)(norm->blocks * plan->host->threads) * sizeof *norm->sums);
        if (plan->mode == SY_EVALUATE) {
            memcpy(norm->mean, param_value(plan, norm->op, SY_MEAN), (size_t)norm->channels * sizeof(float));
            memcpy(norm->variance, param_value(plan, norm->op, SY_VARIANCE), (size_t)norm->channels * sizeof(float));
            norm_constants(plan, norm);
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

void finish_norms(struct sy_plan *plan, int32_t value) {
    const struct value *v = &plan->values[value];
    for (int32_t i = 0; i < v->n_views && plan->mode == SY_TRAIN; i++) {
        struct norm *norm = plan->values[v->views[i]].norm;
        if (norm && plan->values[v->views[i]].act == ACT_NONE) {
            for (int32_t block = 0; block < norm->blocks; block++) {
                join_block(plan, norm, block);
            }
            norm_constants(plan, norm);
            memset(norm->sums, 0, (size_t)(norm->blocks * plan->host->threads) * sizeof *norm->sums);
        }
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

void start_gradient(struct sy_plan *plan, int32_t value) {
    const struct value *v = &plan->values[value];
    for (int32_t i = 0; i < v->n_views; i++) {
        const struct value *view = &plan->values[v->views[i]];
        if (view->norm && view->n_gradients > 0) {
            norm_gradients(plan, view->norm, (double)plan->batch * (double)v->pixels);
        }
    }
}

/* ---- backward: completing --------------------------------------------------------------------------------------- */

/* Masks the gradient of a view and takes its sums. From floats with rows `row` apart, or where it is stored already. */
static inline __attribute__((always_inline)) void complete_rows(const struct sy_plan *plan, int32_t value, size_t image,
                                                                int32_t block, const float *from, size_t row,
                                                                int32_t thread) {
    const struct value *v = &plan->values[value];
    elem *g = gradient_at(plan, value, image, block);
    const elem *x = value_plane(plan, v->base, image, block);
    struct affine a = affine_of(v, block);
    lanes first[2] = {lanes_zero(), lanes_zero()}, second[2] = {lanes_zero(), lanes_zero()};
    for (size_t h = 0, i = 0; h < (size_t)v->height; h++) {
        for (size_t w = 0; w < (size_t)v->width; w++, i += v->pixel_step) {
            lanes at = elem_get(x + i), dy = from ? lanes_get(from + h * row + w * BLOCK) : elem_get(g + i);
            if (a.act) {
                dy = let_through(dy, apply(&a, at), a.act);
            }
            dy = elem_rounded(dy); /* sums are of what is stored */
            if (from && v->large) {
                elem_stream(g + i, dy);
            } else if (from || a.act) {
                elem_put(g + i, dy);
            }
            first[w & 1] += dy;
            second[w & 1] = lanes_fma(dy, at - a.mean, second[w & 1]);
        }
    }
    if (v->norm) {
        float sums[2][BLOCK];
        struct norm_sums *to = sums_of(v->norm, block, thread);
        lanes_put(sums[0], first[0] + first[1]);
        lanes_put(sums[1], second[0] + second[1]);
        for (int i = 0; i < BLOCK; i++) {
            to->first[i] += (double)sums[0][i];
            to->second[i] += (double)sums[1][i];
        }
    }
}

static void complete_view(const struct sy_plan *plan, int32_t value, size_t image, int32_t block, int32_t thread) {
    complete_rows(plan, value, image, block, NULL, 0, thread);
}

static void complete_floats(const struct sy_plan *plan, int32_t value, size_t image, int32_t block, const float *from,
                            size_t row, int32_t thread) {
    complete_rows(plan, value, image, block, from, row, thread);
}

void complete_plane(const struct sy_plan *plan, int32_t value, size_t image, int32_t block, int32_t thread) {
    const struct value *v = &plan->values[value];
    if (v->base != value) {
        complete_view(plan, value, image, block, thread);
    } else if (v->producer >= 0 && v->n_views == 0 && plan->nodes[v->producer].kind == NODE_SUM) {
        settle_plane(plan, &plan->nodes[v->producer], image, block, thread);
    }
}

void contribute_plane(const struct sy_plan *plan, const struct link *link, size_t image, int32_t block,
                      const elem *from, int32_t thread) {
    const struct value *v = &plan->values[link->value];
    elem *to = gradient_at(plan, link->value, image, block);
    size_t end = v->pixels * v->pixel_step;
    if (link->first && from != to) {
        for (size_t i = 0; i < end; i += v->pixel_step) {
            elem_put(to + i, elem_get(from + i));
        }
    } else if (!link->first) {
        for (size_t i = 0; i < end; i += v->pixel_step) {
            elem_put(to + i, elem_get(to + i) + elem_get(from + i));
        }
    }
    if (link->last) {
        complete_plane(plan, link->value, image, block, thread);
    }
}

void contribute_floats(const struct sy_plan *plan, const struct link *link, size_t image, int32_t block,
                       const float *from, size_t row, int32_t thread) {
    const struct value *v = &plan->values[link->value];
    elem *to = gradient_at(plan, link->value, image, block);
    if (link->first && link->last && v->base != link->value) {
        complete_floats(plan, link->value, image, block, from, row, thread);
        return;
    }
    for (int32_t h = 0; h < v->height; h++, from += row) {
        for (size_t w = 0; w < (size_t)v->width; w++, to += v->pixel_step) {
            lanes x = lanes_get(from + w * BLOCK);
            elem_put(to, link->first ? x : lanes_add(elem_get(to), x));
        }
    }
    if (link->last) {
        complete_plane(plan, link->value, image, block, thread);
    }
}

/* ---- backward: settling ----------------------------------------------------------------------------------------- */

/* The gradient of one pixel: what is stored, and what comes through the views. */
struct through {
    const elem *gradient;
    struct affine affine;
};

#define MAX_THROUGH 4

/* Batch norm's own part of the gradient counts once, however many views share the norm. */
static bool norm_came_before(const struct sy_plan *plan, const struct value *v, int32_t index) {
    for (int32_t i = 0; i < index; i++) {
        const struct value *view = &plan->values[v->views[i]];
        if (view->n_gradients > 0 && view->norm == plan->values[v->views[index]].norm) {
            return true;
        }
    }
    return false;
}

/* Views of a value that have a gradient, from the `from`-th on; at most MAX_THROUGH of them. */
static int32_t views_through(const struct sy_plan *plan, const struct value *v, size_t image, int32_t block,
                             int32_t *from, struct through through[MAX_THROUGH]) {
    int32_t n = 0;
    for (; *from < v->n_views && n < MAX_THROUGH; ++*from) {
        const struct value *view = &plan->values[v->views[*from]];
        if (view->n_gradients > 0) {
            through[n].gradient = gradient_at(plan, v->views[*from], image, block);
            through[n].affine = affine_of(view, block);
            if (norm_came_before(plan, v, *from)) {
                through[n].affine.k1 = through[n].affine.k2 = lanes_zero();
            }
            n++;
        }
    }
    return n;
}

static inline lanes settled(lanes sum, const struct through *through, int32_t n, lanes at, size_t i) {
    for (int32_t k = 0; k < n; k++) {
        const struct affine *a = &through[k].affine;
        lanes g = elem_get(through[k].gradient + i);
        if (a->norm) {
            g = lanes_fnma(at - a->mean, a->k2, g - a->k1) * a->scale;
        }
        sum += g;
    }
    return sum;
}

/* to (+)= gradient of the value, up to the node's own activation. */
static void settle_rows(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, elem *to,
                        float *floats, size_t row) {
    const struct value *v = &plan->values[node->output];
    const elem *y = value_plane(plan, node->output, image, block);
    const elem *stored = v->has_gradient ? gradient_at(plan, node->output, image, block) : NULL;
    struct through through[MAX_THROUGH];
    int32_t next = 0;
    bool begun = false, direct = v->n_gradients > 0;
    do {
        int32_t n = views_through(plan, v, image, block, &next, through);
        bool ended = next >= v->n_views;
        for (size_t h = 0, i = 0; h < (size_t)v->height; h++) {
            for (size_t w = 0; w < (size_t)v->width; w++, i += v->pixel_step) {
                size_t at = floats ? h * row + w * BLOCK : i;
                lanes sum = lanes_zero(), x = elem_get(y + i);
                if (begun) {
                    sum = floats ? lanes_get(floats + at) : elem_get(to + at);
                } else if (direct) {
                    sum = elem_get(stored + i);
                }
                sum = settled(sum, through, n, x, i);
                if (ended) {
                    sum = let_through(sum, x, node->act);
                }
                if (floats) {
                    lanes_put(floats + at, sum);
                } else {
                    elem_put(to + at, sum);
                }
            }
        }
        begun = true;
    } while (next < v->n_views);
}

static void hand_on(const struct sy_plan *plan, const struct link *link, size_t image, int32_t block, const elem *g,
                    int32_t thread) {
    if (link->wanted && !link->shared) {
        contribute_plane(plan, link, image, block, g, thread);
    } else if (link->wanted && link->last) {
        complete_plane(plan, link->value, image, block, thread);
    }
}

void settle_plane(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, int32_t thread) {
    const struct value *v = &plan->values[node->output];
    elem *g = gradient_at(plan, node->output, image, block);
    if (node->act || v->n_views) {
        settle_rows(plan, node, image, block, g, NULL, 0);
    }
    if (node->kind == NODE_SUM) {
        hand_on(plan, &node->inputs[0], image, block, g, thread);
    }
    if (node->residual.value >= 0) {
        hand_on(plan, &node->residual, image, block, g, thread);
    }
}

void gradient_plane(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, elem *to) {
    settle_rows(plan, node, image, block, to, NULL, 0);
}

void gradient_floats(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, float *to,
                     size_t row, int32_t thread) {
    const struct value *v = &plan->values[node->output];
    if (!v->has_gradient) {
        settle_rows(plan, node, image, block, NULL, to, row);
        return;
    }
    settle_plane(plan, node, image, block, thread);
    const elem *g = gradient_at(plan, node->output, image, block);
    for (int32_t h = 0; h < v->height; h++, to += row) {
        for (size_t w = 0; w < (size_t)v->width; w++, g += v->pixel_step) {
            lanes_put(to + w * BLOCK, elem_get(g));
        }
    }
}
