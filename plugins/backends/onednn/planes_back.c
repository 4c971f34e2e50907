/* planes_back.c - planes backward: contributions, completing and settling. See planes.h.
 *
 *   complete:  g = dy where act let x through, else 0;  sums of g and g (x - mean) over the batch
 *   settle:    dx = (g - k1 - (x - mean) k2) scale,  k1 and k2 from these sums (norms.c) */
#include "planes.h"

#include "norms.h"
#include "views.h"

/* ---- completing ------------------------------------------------------------------------------------------------- */

/* What completing a pixel takes. */
struct complete {
    const struct value *v;
    struct affine view;
    const float *from; /* NULL: the gradient is where it is stored already */
    size_t from_row, from_image;
    const elem *x;
    elem *g;
    lanes first[2], second[2]; /* sums of g and of g (x - mean) */
};

/* One pixel; j: which of the sums. `from`, `masked` and `past` (the caches) are constants. */
INLINED void complete_pixel(struct complete *c, size_t j, const float *row, size_t w, size_t at, bool from, bool masked,
                            bool past) {
    fetch_next(c->x + at, c->v);
    lanes x = elem_get(c->x + at), dy = from ? lanes_get(row + w * BLOCK) : elem_get(c->g + at);
    if (masked) {
        dy = let_through(&c->view, dy, norm_of(&c->view, x));
    }
    dy = elem_rounded(dy); /* sums are of what is stored */
    if (from && past) {
        elem_stream(c->g + at, dy);
    } else if (from || masked) {
        elem_put(c->g + at, dy);
    }
    c->first[j] += dy;
    c->second[j] = lanes_fma(dy, x - c->view.mean, c->second[j]);
}

/* Masks the gradient of a view of some images, and takes their sums. */
INLINED void complete_images(struct complete *c, size_t count, bool from, bool masked, bool past) {
    const struct apart apart = stored_apart(c->v);
    const struct walk walk = walk_of(c->v, count, from ? c->from_row : 0);
    struct complete k = *c;
    k.first[0] = k.first[1] = k.second[0] = k.second[1] = lanes_zero();
    for (size_t n = 0; n < count; n++) {
        for (size_t h = 0; h < walk.rows; h++) {
            const float *row = from ? k.from + h * k.from_row : NULL;
            size_t w = 0, at = h * apart.row;
            for (; w + 2 <= walk.columns; w += 2, at += 2 * apart.pixel) {
                complete_pixel(&k, 0, row, w, at, from, masked, past);
                complete_pixel(&k, 1, row, w + 1, at + apart.pixel, from, masked, past);
            }
            if (w < walk.columns) {
                complete_pixel(&k, 0, row, w, at, from, masked, past);
            }
        }
        k.from += from ? k.from_image : 0;
        k.x += apart.image;
        k.g += apart.image;
    }
    *c = k;
}

static void complete_view(const struct sy_plan *plan, int32_t value, struct planes planes, const struct floats *from,
                          int32_t thread) {
    const struct value *v = &plan->values[value];
    struct complete c = {.v = v, .view = affine_of(v, planes.block)};
    bool masked = v->act != ACT_NONE;
    c.x = value_plane(plan, v->base, planes.image, planes.block);
    c.g = gradient_at(plan, value, planes.image, planes.block);
    if (from) {
        c.from = from->at;
        c.from_row = from->row;
        c.from_image = from->image;
    }
    for (size_t count; planes.count > 0; planes.count -= count) {
        count = images_summed(v, planes.count);
        if (!from) {
            masked ? complete_images(&c, count, false, true, false) : complete_images(&c, count, false, false, false);
        } else if (v->large) {
            masked ? complete_images(&c, count, true, true, true) : complete_images(&c, count, true, false, true);
        } else {
            masked ? complete_images(&c, count, true, true, false) : complete_images(&c, count, true, false, false);
        }
        if (v->norm) {
            norms_add_gradient(v->norm, planes.block, thread, c.first[0] + c.first[1], c.second[0] + c.second[1]);
        }
    }
}

static void complete_planes(const struct sy_plan *plan, int32_t value, struct planes planes, int32_t thread) {
    const struct value *v = &plan->values[value];
    if (v->base != value) {
        complete_view(plan, value, planes, NULL, thread);
    } else if (v->producer >= 0 && v->n_views == 0 && plan->nodes[v->producer].kind == NODE_SUM) {
        settle_planes(plan, &plan->nodes[v->producer], planes, thread);
    }
}

/* ---- contributions ---------------------------------------------------------------------------------------------- */

void contribute_planes(const struct sy_plan *plan, const struct link *link, struct planes planes, const elem *from,
                       int32_t thread) {
    const struct value *v = &plan->values[link->value];
    elem *to = gradient_at(plan, link->value, planes.image, planes.block);
    size_t step = v->pixel_step;
    for (size_t n = 0; n < planes.count && !(link->first && from == to); n++) {
        elem *at = to + n * v->row;
        const elem *more = from + n * v->row;
        for (size_t i = 0; i < v->pixels * step; i += step) {
            lanes x = elem_get(more + i);
            elem_put(at + i, link->first ? x : lanes_add(elem_get(at + i), x));
        }
    }
    if (link->last) {
        complete_planes(plan, link->value, planes, thread);
    }
}

void contribute_floats(const struct sy_plan *plan, const struct link *link, struct planes planes, struct floats from,
                       int32_t thread) {
    const struct value *v = &plan->values[link->value];
    const struct apart apart = stored_apart(v);
    const struct walk walk = walk_of(v, planes.count, from.row);
    elem *image = gradient_at(plan, link->value, planes.image, planes.block);
    if (link->first && link->last && v->base != link->value) {
        complete_view(plan, link->value, planes, &from, thread);
        return;
    }
    for (size_t n = 0; n < walk.images; n++, image += apart.image, from.at += from.image) {
        for (size_t h = 0; h < walk.rows; h++) {
            elem *to = image + h * apart.row;
            for (size_t w = 0; w < walk.columns; w++, to += apart.pixel) {
                lanes x = lanes_get(from.at + h * from.row + w * BLOCK);
                elem_put(to, link->first ? x : lanes_add(elem_get(to), x));
            }
        }
    }
    if (link->last) {
        complete_planes(plan, link->value, planes, thread);
    }
}

/* ---- settling --------------------------------------------------------------------------------------------------- */

#define MAX_THROUGH 4

/* What settling a pixel takes: what is stored, and what comes through the views. */
struct settle {
    const struct value *v;
    const elem *y, *stored; /* the value; its gradient so far, NULL: none */
    struct {
        const elem *gradient;
        struct affine affine;
    } through[MAX_THROUGH];
    struct affine end; /* limits of the node's own activation */
};

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
static int32_t views_through(struct settle *s, const struct sy_plan *plan, struct planes planes, int32_t *from) {
    const struct value *v = s->v;
    int32_t n = 0;
    for (; *from < v->n_views && n < MAX_THROUGH; ++*from) {
        const struct value *view = &plan->values[v->views[*from]];
        if (view->n_gradients > 0) {
            s->through[n].gradient = gradient_at(plan, v->views[*from], planes.image, planes.block);
            s->through[n].affine = affine_of(view, planes.block);
            if (norm_came_before(plan, v, *from)) {
                s->through[n].affine.k1 = s->through[n].affine.k2 = lanes_zero();
            }
            n++;
        }
    }
    return n;
}

/* sum + what comes through n views */
INLINED lanes settled(const struct settle *s, lanes sum, int32_t n, bool masked, size_t at) {
    lanes x = elem_get(s->y + at);
    fetch_next(s->y + at, s->v);
    for (int32_t k = 0; k < n; k++) {
        const struct affine *a = &s->through[k].affine;
        lanes g = elem_get(s->through[k].gradient + at);
        fetch_next(s->through[k].gradient + at, s->v);
        sum += lanes_fnma(x - a->mean, a->k2, g - a->k1) * a->scale;
    }
    return masked ? let_through(&s->end, sum, x) : sum;
}

/* Into the value's own layout from `to` on, or into floats; on top of what is there already where `begun`. All but
 * pointers and `count` are constants where that pays. */
INLINED void settle_images(const struct settle *s, size_t count, int32_t n, bool masked, bool begun, elem *to,
                           const struct floats *floats) {
    const struct apart apart = stored_apart(s->v);
    const struct walk walk = walk_of(s->v, count, floats ? floats->row : 0);
    for (size_t i = 0; i < count; i++) {
        for (size_t h = 0; h < walk.rows; h++) {
            size_t at = i * apart.image + h * apart.row;
            float *row = floats ? floats->at + i * floats->image + h * floats->row : NULL;
            for (size_t w = 0; w < walk.columns; w++, at += apart.pixel) {
                lanes sum = s->stored ? elem_get(s->stored + at) : lanes_zero();
                if (begun) {
                    sum = floats ? lanes_get(row + w * BLOCK) : elem_get(to + at);
                }
                sum = settled(s, sum, n, masked, at);
                if (floats) {
                    lanes_put(row + w * BLOCK, sum);
                } else {
                    elem_put(to + at, sum);
                }
            }
        }
    }
}

/* to, or floats, = gradient of the value, up to the node's own activation. */
static void settle(const struct sy_plan *plan, const struct node *node, struct planes planes, elem *to,
                   const struct floats *floats) {
    const struct value *v = &plan->values[node->output];
    struct settle s = {.v = v, .y = value_plane(plan, node->output, planes.image, planes.block)};
    bool begun = false;
    int32_t next = 0;
    set_limits(&s.end, node->act);
    s.stored = v->n_gradients > 0 ? gradient_at(plan, node->output, planes.image, planes.block) : NULL;
    do {
        int32_t n = views_through(&s, plan, planes, &next);
        bool masked = node->act && next >= v->n_views;
        if (n != 1 || masked || begun) {
            settle_images(&s, planes.count, n, masked, begun, to, floats);
        } else if (floats) {
            settle_images(&s, planes.count, 1, false, false, NULL, floats);
        } else {
            settle_images(&s, planes.count, 1, false, false, to, NULL);
        }
        begun = true;
    } while (next < v->n_views);
}

static void hand_on(const struct sy_plan *plan, const struct link *link, struct planes planes, const elem *g,
                    int32_t thread) {
    if (link->wanted && !link->shared) {
        contribute_planes(plan, link, planes, g, thread);
    } else if (link->wanted && link->last) {
        complete_planes(plan, link->value, planes, thread);
    }
}

void settle_planes(const struct sy_plan *plan, const struct node *node, struct planes planes, int32_t thread) {
    const struct value *v = &plan->values[node->output];
    elem *g = gradient_at(plan, node->output, planes.image, planes.block);
    if (node->act || v->n_views) {
        settle(plan, node, planes, g, NULL);
    }
    if (node->kind == NODE_SUM) {
        hand_on(plan, &node->inputs[0], planes, g, thread);
    }
    if (node->residual.value >= 0) {
        hand_on(plan, &node->residual, planes, g, thread);
    }
}

void gradient_planes(const struct sy_plan *plan, const struct node *node, struct planes planes, elem *to) {
    settle(plan, node, planes, to, NULL);
}

void gradient_floats(const struct sy_plan *plan, const struct node *node, struct planes planes, struct floats to,
                     int32_t thread) {
    const struct value *v = &plan->values[node->output];
    if (!v->has_gradient) {
        settle(plan, node, planes, NULL, &to);
        return;
    }
    settle_planes(plan, node, planes, thread);
    const struct apart apart = stored_apart(v);
    const struct walk walk = walk_of(v, planes.count, to.row);
    const elem *image = gradient_at(plan, node->output, planes.image, planes.block);
    for (size_t n = 0; n < walk.images; n++, image += apart.image, to.at += to.image) {
        for (size_t h = 0; h < walk.rows; h++) {
            const elem *g = image + h * apart.row;
            for (size_t w = 0; w < walk.columns; w++, g += apart.pixel) {
                lanes_put(to.at + h * to.row + w * BLOCK, elem_get(g));
            }
        }
    }
}
