/* memory.c - when each value and gradient is needed, and where it lies meanwhile.
 *
 * Time: 0 the inputs arrive, i + 1 node i runs forward, n + 1 outputs are read and gradients arrive, 2 n + 1 - i node i
 * runs backward, 2 n + 2 gradients of inputs are read. Everything has an interval of it; two things whose intervals
 * meet must not overlap. The largest are placed first, each as low as it can be. */
#include <stdlib.h>
#include <string.h>

#include "images.h"

struct piece {
    int32_t value;
    bool gradient;
    int32_t from, to; /* both included */
    size_t size, at;  /* elements */
};

struct memory {
    struct sy_plan *plan;
    int32_t *left;  /* per value: contributions still to come */
    int32_t *begin; /* per value: when its gradient is first written, -1: never */
    int32_t *next;  /* per value: when it is written for the second time */
    int32_t now;
};

static int32_t backward_time(const struct sy_plan *plan, int32_t node) {
    return 2 * plan->n_nodes + 1 - node;
}

/* ---- the order of contributions ---------------------------------------------------------------------------------- */

static void contribute(struct memory *m, struct link *link);

/* Mirrors complete_planes of planes_back.c: a sum without views hands its gradient on at once. */
static void complete(struct memory *m, int32_t value) {
    const struct value *v = &m->plan->values[value];
    if (v->base != value || v->producer < 0 || v->n_views > 0) {
        return;
    }
    struct node *node = &m->plan->nodes[v->producer];
    if (node->kind == NODE_SUM) {
        contribute(m, &node->inputs[0]);
        contribute(m, &node->residual);
    }
}

static void contribute(struct memory *m, struct link *link) {
    if (!link->wanted) {
        return;
    }
    int32_t value = link->value;
    link->first = m->begin[value] < 0;
    if (link->first) {
        m->begin[value] = m->now;
    } else if (m->next[value] < 0) {
        m->next[value] = m->now;
    }
    link->last = --m->left[value] == 0;
    if (link->last) {
        complete(m, value);
    }
}

static void order_contributions(struct memory *m) {
    struct sy_plan *plan = m->plan;
    m->now = plan->n_nodes + 1;
    for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
        int32_t value = plan->graph->outputs[k]->value;
        if (plan->values[value].wanted && m->begin[value] < 0) {
            m->begin[value] = m->now;
            if (--m->left[value] == 0) {
                complete(m, value);
            }
        }
    }
    for (int32_t i = plan->n_nodes; i-- > 0;) {
        struct node *node = &plan->nodes[i];
        m->now = backward_time(plan, i);
        if (!node->useful || (node->kind == NODE_SUM && plan->values[node->output].n_views == 0)) {
            continue;
        }
        if (node->kind == NODE_SUM) {
            contribute(m, &node->inputs[0]);
        }
        contribute(m, &node->residual);
        for (int32_t k = 0; k < node->n_inputs && node->kind != NODE_SUM; k++) {
            contribute(m, &node->inputs[k]);
        }
    }
}

/* ---- sharing ---------------------------------------------------------------------------------------------------- */

/* Whether what an addition hands on may stay where it is: nobody masks it in place at once. */
static bool may_share(const struct sy_plan *plan, const struct link *link) {
    const struct value *v = &plan->values[link->value];
    if (!link->wanted || !link->first) {
        return false;
    }
    if (v->base != link->value) {
        return v->act == ACT_NONE;
    }
    bool settles_at_once = link->last && v->producer >= 0 && plan->nodes[v->producer].kind == NODE_SUM;
    return !settles_at_once;
}

/* Whether a gradient that is only read, and read for the last time before another changes, may lie with it. */
static bool may_share_both(const struct memory *m, const struct link *still, const struct link *moving) {
    const struct value *a = &m->plan->values[still->value], *b = &m->plan->values[moving->value];
    if (a->base == still->value || a->n_gradients != 1 || b->base != moving->value) {
        return false;
    }
    int32_t read = backward_time(m->plan, m->plan->values[a->base].producer);
    int32_t changed = m->next[moving->value] >= 0 ? m->next[moving->value]
                      : b->producer >= 0          ? backward_time(m->plan, b->producer)
                                                  : 2 * m->plan->n_nodes + 2;
    return read < changed;
}

static void share(struct memory *m) {
    struct sy_plan *plan = m->plan;
    for (int32_t i = plan->n_nodes; i-- > 0;) {
        struct node *node = &plan->nodes[i];
        struct link *one = node->kind == NODE_SUM ? &node->inputs[0] : NULL, *two = &node->residual;
        if (!node->useful) {
            continue;
        }
        bool first = one && may_share(plan, one), second = two->value >= 0 && may_share(plan, two);
        if (first && second && !may_share_both(m, one, two) && !may_share_both(m, two, one)) {
            first = false;
        }
        if (first) {
            one->shared = true;
            plan->values[one->value].shares = plan->values[node->output].shares;
        }
        if (second) {
            two->shared = true;
            plan->values[two->value].shares = plan->values[node->output].shares;
        }
    }
}

/* ---- intervals -------------------------------------------------------------------------------------------------- */

static bool reads_again(const struct node *node) {
    return node->kind != NODE_SUM && (node->kind != NODE_IMAGE || images_reads(node));
}

/* The last time a stored value is read. */
static int32_t last_read(const struct sy_plan *plan, int32_t value, bool keep) {
    const struct value *v = &plan->values[value];
    int32_t to = v->producer + 1;
    bool again = v->n_views > 0 || (v->producer >= 0 && plan->nodes[v->producer].act);
    for (int32_t i = 0; i < plan->n_nodes; i++) {
        const struct node *node = &plan->nodes[i];
        for (int32_t k = 0; k <= node->n_inputs; k++) {
            const struct link *link = k < node->n_inputs ? &node->inputs[k] : &node->residual;
            if (link->value >= 0 && plan->values[link->value].base == value) {
                to = i + 1 > to ? i + 1 : to;
                again |= k < node->n_inputs && reads_again(node);
            }
        }
    }
    for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
        if (plan->values[plan->graph->outputs[k]->value].base == value) {
            to = plan->n_nodes + 1;
        }
    }
    return keep && again ? backward_time(plan, v->producer) : to;
}

static int32_t gradient_end(const struct sy_plan *plan, int32_t value) {
    int32_t producer = plan->values[plan->values[value].base].producer;
    return producer < 0 ? 2 * plan->n_nodes + 2 : backward_time(plan, producer);
}

static bool needs_gradient(const struct sy_plan *plan, int32_t value) {
    const struct value *v = &plan->values[value];
    if (v->base != value || v->producer < 0) {
        return v->n_gradients > 0;
    }
    const struct node *node = &plan->nodes[v->producer];
    bool hands_on = node->useful && (node->kind == NODE_SUM || node->residual.wanted);
    return v->n_gradients > 0 || hands_on;
}

/* ---- placing ---------------------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b) {
    const struct piece *x = a, *y = b;
    if (x->size != y->size) {
        return x->size > y->size ? -1 : 1;
    }
    return x->from != y->from ? x->from - y->from : x->value - y->value;
}

/* Lowest place for piece i among those placed before it. */
static size_t place(const struct piece *pieces, size_t i) {
    size_t at = 0;
    bool moved = true;
    while (moved) {
        moved = false;
        for (size_t j = 0; j < i; j++) {
            const struct piece *p = &pieces[j];
            bool meet = p->from <= pieces[i].to && pieces[i].from <= p->to;
            if (meet && p->at < at + pieces[i].size && at < p->at + p->size) {
                at = p->at + p->size;
                moved = true;
            }
        }
    }
    return at;
}

static size_t place_all(struct piece *pieces, size_t n) {
    size_t end = 0;
    qsort(pieces, n, sizeof *pieces, by_size);
    for (size_t i = 0; i < n; i++) {
        pieces[i].at = place(pieces, i);
        end = pieces[i].at + pieces[i].size > end ? pieces[i].at + pieces[i].size : end;
    }
    return end;
}

static bool is_stored(const struct sy_plan *plan, int32_t value) {
    bool input = false;
    for (int32_t k = 0; k < plan->graph->n_inputs; k++) {
        input |= plan->graph->inputs[k] == value;
    }
    return input || (plan->values[value].base == value && plan->values[value].producer >= 0);
}

static size_t piece_size(size_t images, const struct value *v) {
    return (images * v->row + 31) / 32 * 32;
}

static size_t layout(struct sy_plan *plan, const struct memory *m, struct piece *pieces, enum pass pass) {
    size_t n = 0, images = (size_t)(pass == PASS_WINDOWS ? plan->window : plan->max_batch);
    bool keep = pass == PASS_KEPT;
    for (int32_t v = 0; v < plan->n_values; v++) {
        const struct value *value = &plan->values[v];
        if (is_stored(plan, v)) {
            pieces[n++] =
                (struct piece){v, false, value->producer + 1, last_read(plan, v, keep), piece_size(images, value), 0};
        }
        if (keep && value->has_gradient && value->shares == v) {
            struct piece p = {v, true, m->begin[v], gradient_end(plan, v), piece_size(images, value), 0};
            p.from = p.from < 0 ? p.to : p.from;
            for (int32_t u = 0; u < plan->n_values; u++) {
                int32_t end = plan->values[u].shares == v ? gradient_end(plan, u) : 0;
                p.to = end > p.to ? end : p.to;
            }
            pieces[n++] = p;
        }
    }
    size_t end = place_all(pieces, n);
    for (size_t i = 0; i < n; i++) {
        struct value *value = &plan->values[pieces[i].value];
        if (pieces[i].gradient) {
            value->gradient_at = pieces[i].at;
        } else {
            value->at[pass] = pieces[i].at;
        }
    }
    return end;
}

/* Windows need not keep what a view is computed of. Where what leaves its node plane by plane is read by convolutions of
 * oneDNN's only, and by all as the same view, this is stored in its place, and they need no copy. -1: none. */
static int32_t read_as(const struct sy_plan *plan, int32_t value) {
    int32_t kind = plan->values[value].producer < 0 ? NODE_SUM : plan->nodes[plan->values[value].producer].kind;
    int32_t as = -1;
    bool same = kind != NODE_SUM && kind != NODE_CONV2D;
    for (int32_t i = 0; i < plan->n_nodes && same; i++) {
        const struct node *node = &plan->nodes[i];
        for (int32_t k = 0; k <= node->n_inputs; k++) {
            int32_t read = k < node->n_inputs ? node->inputs[k].value : node->residual.value;
            if (read >= 0 && plan->values[read].base == value) {
                same &= node->kind == NODE_CONV2D && k < node->n_inputs && (as < 0 || as == read);
                as = read;
            }
        }
    }
    for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
        same &= plan->values[plan->graph->outputs[k]->value].base != value;
    }
    return same && as != value ? as : -1;
}

/* Below this a batch may stay in a cache until it is read again. */
#define LARGE_BYTES ((size_t)4 << 20)

bool plan_layout(struct sy_plan *plan) {
    size_t n = (size_t)plan->n_values + 1;
    struct memory m = {.plan = plan};
    struct piece *pieces = calloc(2 * n, sizeof *pieces);
    m.left = calloc(n, sizeof *m.left);
    m.begin = calloc(n, sizeof *m.begin);
    m.next = calloc(n, sizeof *m.next);
    bool good = pieces && m.left && m.begin && m.next;
    for (int32_t v = 0; good && v < plan->n_values; v++) {
        m.left[v] = plan->values[v].n_gradients;
        m.begin[v] = m.next[v] = -1;
        plan->values[v].large = piece_size((size_t)plan->max_batch, &plan->values[v]) * plan->elem_size >= LARGE_BYTES;
        plan->values[v].has_gradient = !plan->forward_only && needs_gradient(plan, v);
        plan->values[v].instead = plan->values[v].base == v ? read_as(plan, v) : -1;
    }
    if (good) {
        size_t kept = 0;
        if (!plan->forward_only) {
            order_contributions(&m);
            share(&m);
            kept = layout(plan, &m, pieces, PASS_KEPT);
        }
        size_t passing = layout(plan, &m, pieces, PASS_BATCH);
        plan->window_elems = layout(plan, &m, pieces, PASS_WINDOWS);
        plan->arena_elems = kept > passing ? kept : passing;
        size_t windows = plan->window_elems * (size_t)plan->host->threads;
        plan->arena_elems = windows > plan->arena_elems ? windows : plan->arena_elems;
    }
    for (int32_t v = 0; good && v < plan->n_values; v++) {
        plan->values[v].gradient_at = plan->values[plan->values[v].shares].gradient_at;
    }
    free(pieces);
    free(m.left);
    free(m.begin);
    free(m.next);
    return good;
}
