/* planes.c - planes forward: as their readers see them, and what is left to do when they were written. See planes.h. */
#include "planes.h"

#include "norms.h"
#include "views.h"

static struct affine affine_read(const struct sy_plan *plan, int32_t value, int32_t block) {
    return is_view(plan, value) ? affine_of(&plan->values[value], block) : affine_none();
}

/* ---- views ------------------------------------------------------------------------------------------------------ */

void view_planes(const struct sy_plan *plan, int32_t value, struct planes planes, elem *to) {
    const struct value *v = &plan->values[value];
    const elem *from = value_plane(plan, v->base, planes.image, planes.block);
    const struct affine a = affine_read(plan, value, planes.block);
    for (size_t n = 0; n < planes.count; n++, from += v->row, to += v->row) {
        for (size_t i = 0; i < v->pixels * v->pixel_step; i += v->pixel_step) {
            fetch_next(from + i, v);
            elem_put(to + i, view_of(&a, elem_get(from + i)));
        }
    }
}

void view_floats(const struct sy_plan *plan, int32_t value, struct planes planes, struct floats to) {
    const struct value *v = &plan->values[value];
    const struct walk walk = walk_of(v, planes.count, to.row);
    const struct apart apart = stored_apart(v);
    const elem *image = value_plane(plan, v->base, planes.image, planes.block);
    const struct affine a = affine_read(plan, value, planes.block);
    for (size_t n = 0; n < walk.images; n++, image += apart.image, to.at += to.image) {
        for (size_t h = 0; h < walk.rows; h++) {
            const elem *from = image + h * apart.row;
            float *at = to.at + h * to.row;
            for (size_t w = 0; w < walk.columns; w++, from += apart.pixel) {
                fetch_next(from, v);
                lanes_put(at + w * BLOCK, view_of(&a, elem_get(from)));
            }
        }
    }
}

/* ---- the end of a node ------------------------------------------------------------------------------------------- */

static void add_residual(const struct sy_plan *plan, const struct node *node, struct planes planes) {
    const struct value *out = &plan->values[node->output];
    const struct value *r = node->residual.value >= 0 ? &plan->values[node->residual.value] : NULL;
    elem *y = value_plane(plan, node->output, planes.image, planes.block);
    const elem *from = r ? value_plane(plan, r->base, planes.image, planes.block) : y;
    const struct affine a = r ? affine_read(plan, node->residual.value, planes.block) : affine_none();
    struct affine end = a;
    size_t step = out->pixel_step;
    set_limits(&end, node->act);
    if (!r && !node->act) {
        return;
    }
    for (size_t n = 0; n < planes.count; n++, y += out->row, from += out->row) {
        for (size_t i = 0; i < out->pixels * step; i += step) {
            lanes x = elem_get(y + i);
            if (r) {
                x += view_of(&a, elem_get(from + i));
            }
            elem_put(y + i, activate(&end, x));
        }
    }
}

/* Sums about one of the pixels themselves, so that little cancels. */
struct moment_sums {
    lanes origin, sum[4], square[4];
};

INLINED struct moment_sums moments_about(lanes origin) {
    struct moment_sums m = {.origin = origin};
    for (int j = 0; j < 4; j++) {
        m.sum[j] = m.square[j] = lanes_zero();
    }
    return m;
}

INLINED void moments_take(struct moment_sums *m, size_t j, lanes x) {
    lanes d = x - m->origin;
    m->sum[j] += d;
    m->square[j] = lanes_fma(d, d, m->square[j]);
}

INLINED struct moments moments_of(const struct moment_sums *m, size_t pixels) {
    lanes total = (m->sum[0] + m->sum[1]) + (m->sum[2] + m->sum[3]), mean = total / lanes_of((float)pixels);
    lanes squares = (m->square[0] + m->square[1]) + (m->square[2] + m->square[3]) - total * mean;
    /* Not max(squares, 0): that would hide what is not a number. */
    return (struct moments){m->origin + mean, lanes_max(lanes_zero(), squares)};
}

static void measure(const struct sy_plan *plan, const struct value *out, const elem *y, struct planes planes,
                    int32_t thread) {
    size_t step = out->pixel_step, count;
    for (; planes.count > 0; planes.count -= count) {
        struct moment_sums m = moments_about(elem_get(y));
        count = images_summed(out, planes.count);
        for (size_t n = 0; n < count; n++, y += out->row) {
            size_t p = 0;
            for (; p + 4 <= out->pixels; p += 4) {
                UNROLL
                for (size_t j = 0; j < 4; j++) {
                    moments_take(&m, j, elem_get(y + (p + j) * step));
                }
            }
            for (; p < out->pixels; p++) {
                moments_take(&m, 0, elem_get(y + p * step));
            }
        }
        norms_add_moments(plan, out, planes.block, thread, moments_of(&m, count * out->pixels), count * out->pixels);
    }
}

void finish_planes(const struct sy_plan *plan, const struct node *node, struct planes planes, int32_t thread) {
    const struct value *out = &plan->values[node->output];
    add_residual(plan, node, planes);
    if (norms_measured(plan, out)) {
        measure(plan, out, value_plane(plan, node->output, planes.image, planes.block), planes, thread);
    }
}

/* What finishing a pixel takes. */
struct finish {
    const struct value *out;
    struct affine view, end, instead; /* of the residual; of the node's activation; of what is stored instead */
    struct floats from;
    const elem *residual; /* NULL: none */
    elem *to;
};

INLINED lanes finished(const struct finish *f, bool residual, size_t row, size_t pixel, size_t stored) {
    lanes x = lanes_get(f->from.at + row + pixel * BLOCK);
    if (residual) {
        x += view_of(&f->view, elem_get(f->residual + stored));
    }
    return elem_rounded(activate(&f->end, x));
}

/* How finished pixels are stored; as views in evaluation only, where nothing is measured. */
enum place { AS_THEY_ARE, PAST_THE_CACHES, AS_VIEWS };

INLINED void store_finished(const struct finish *f, enum place place, size_t at, lanes x, struct moment_sums *m,
                            size_t j) {
    if (place == AS_VIEWS) {
        elem_put(f->to + at, view_of(&f->instead, x));
        return;
    }
    if (place == PAST_THE_CACHES) {
        elem_stream(f->to + at, x);
    } else {
        elem_put(f->to + at, x);
    }
    moments_take(m, j, x);
}

/* Some images together. `residual` and `place` are constants. */
INLINED struct moments finish_images(struct finish *f, size_t count, bool residual, enum place place) {
    const struct apart apart = stored_apart(f->out);
    const struct walk walk = walk_of(f->out, count, f->from.row);
    struct moment_sums m = moments_about(finished(f, residual, 0, 0, 0));
    for (size_t n = 0; n < count; n++) {
        for (size_t h = 0; h < walk.rows; h++) {
            size_t w = 0, row = h * f->from.row, at = h * apart.row;
            for (; w + 4 <= walk.columns; w += 4) {
                UNROLL
                for (size_t j = 0; j < 4; j++, at += apart.pixel) {
                    lanes x = finished(f, residual, row, w + j, at);
                    store_finished(f, place, at, x, &m, j);
                }
            }
            for (; w < walk.columns; w++, at += apart.pixel) {
                lanes x = finished(f, residual, row, w, at);
                store_finished(f, place, at, x, &m, 0);
            }
        }
        f->from.at += f->from.image;
        f->to += apart.image;
        f->residual += residual ? apart.image : 0;
    }
    return moments_of(&m, count * f->out->pixels);
}

#define FINISH(name, residual)                                                                 \
    static struct moments name(struct finish *f, size_t count, enum place place) {             \
        return place == AS_VIEWS          ? finish_images(f, count, residual, AS_VIEWS)        \
               : place == PAST_THE_CACHES ? finish_images(f, count, residual, PAST_THE_CACHES) \
                                          : finish_images(f, count, residual, AS_THEY_ARE);    \
    }
FINISH(finish_residual, true)
FINISH(finish_alone, false)
#undef FINISH

void finish_floats(const struct sy_plan *plan, const struct node *node, struct planes planes, struct floats from,
                   int32_t thread) {
    const struct value *out = &plan->values[node->output];
    const struct value *r = node->residual.value >= 0 ? &plan->values[node->residual.value] : NULL;
    struct finish f = {.out = out, .from = from, .instead = affine_none()};
    bool instead = plan->pass == PASS_WINDOWS && out->instead >= 0, measured = norms_measured(plan, out);
    enum place place = instead ? AS_VIEWS : out->large && plan->kept ? PAST_THE_CACHES : AS_THEY_ARE;
    f.view = r ? affine_read(plan, node->residual.value, planes.block) : f.instead;
    f.end = f.instead;
    set_limits(&f.end, node->act);
    if (instead) {
        f.instead = affine_of(&plan->values[out->instead], planes.block);
    }
    f.residual = r ? value_plane(plan, r->base, planes.image, planes.block) : NULL;
    f.to = value_plane(plan, node->output, planes.image, planes.block);
    for (size_t count; planes.count > 0; planes.count -= count) {
        count = images_summed(out, planes.count);
        struct moments m = r ? finish_residual(&f, count, place) : finish_alone(&f, count, place);
        if (measured) {
            norms_add_moments(plan, out, planes.block, thread, m, count * out->pixels);
        }
    }
}
