/* conv2d.c - running a convolution of oneDNN's: per thread, some images at a time.
 *
 *   forward:   y = x * w;   backward:   dx = g * w turned,  dw = sum over images of x * g */
#include "conv2d.h"

#include <string.h>

#include "planes.h"
#include "sums.h"

struct loop {
    struct sy_plan *plan;
    struct node *node;
};

/* Images that are next, and the primitives for so many. */
struct images {
    size_t first, count;
    enum image_set which;
};

/* A full set, or one that is left over. */
static struct images next_images(const struct conv2d *conv, enum image_set set, size_t first, size_t end) {
    size_t all = (size_t)conv->images[set];
    bool full = end - first >= all;
    return (struct images){first, full ? all : 1, full ? set : ONE_IMAGE};
}

static struct planes planes_of(const struct images *im, int32_t block) {
    return (struct planes){im->first, im->count, block};
}

static operand *place(char *scratch, size_t at) {
    return (operand *)(void *)(scratch + at);
}

/* Of what is not stored as operands are. */
static struct floats floats_at(const struct value *v, operand *images, int32_t block) {
    return floats_of(v, (float *)(void *)(images + (size_t)block * v->block_step));
}

void conv2d_round(float *numbers, size_t count) {
    for (size_t i = 0; i < count; i += BLOCK) {
        lanes_put(numbers + i, elem_rounded(lanes_get(numbers + i)));
    }
}

/* An input as it came, in memory that need not be whole blocks. */
static void widen_plain(const elem *from, size_t count, operand *to) {
    for (size_t i = 0; i < count; i++) {
        to[i] = (operand)elem_float(from[i]);
    }
}

static void widen_source(const struct loop *loop, const struct images *im, operand *copy) {
    const struct sy_plan *plan = loop->plan;
    int32_t value = loop->node->inputs[0].value;
    const struct value *v = &plan->values[value];
    if (plan->values[v->base].plain) {
        widen_plain(value_plane(plan, v->base, im->first, 0), im->count * v->row, copy);
        return;
    }
    for (int32_t b = 0; b < v->blocks; b++) {
        view_floats(plan, value, planes_of(im, b), floats_at(v, copy, b));
    }
    if (is_view(plan, value)) {
        conv2d_round((float *)(void *)copy, im->count * v->row);
    }
}

/* The images as the convolution reads them: where they are stored, or copied as their view. */
static const void *source(const struct loop *loop, const struct images *im, operand *copy) {
    const struct sy_plan *plan = loop->plan;
    int32_t value = loop->node->inputs[0].value;
    const struct value *v = &plan->values[value];
    if (!OPERANDS_ARE_STORED) {
        widen_source(loop, im, copy);
        return copy;
    }
    if (!is_view(plan, value)) {
        return value_plane(plan, v->base, im->first, 0);
    }
    for (int32_t b = 0; b < v->blocks; b++) {
        view_planes(plan, value, planes_of(im, b), (elem *)(void *)(copy + (size_t)b * v->block_step));
    }
    return copy;
}

static void finish(const struct loop *loop, const struct images *im, operand *images, int32_t thread) {
    const struct value *out = &loop->plan->values[loop->node->output];
    for (int32_t b = 0; b < out->blocks; b++) {
        if (OPERANDS_ARE_STORED) {
            finish_planes(loop->plan, loop->node, planes_of(im, b), thread);
        } else {
            finish_floats(loop->plan, loop->node, planes_of(im, b), floats_at(out, images, b), thread);
        }
    }
}

void conv2d_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread) {
    const struct loop loop = {plan, node};
    const struct conv2d *conv = node->conv2d;
    enum image_set all = plan->pass == PASS_WINDOWS ? WINDOW_SET : BATCH_SET;
    const float *bias = param_value(plan, node->op, SY_BIAS);
    char *scratch = plan->scratch[thread];
    for (struct images im; begin < end; begin += im.count) {
        im = next_images(conv, all, begin, end);
        const void *from = source(&loop, &im, place(scratch, conv->source_at));
        elem *stored = value_plane(plan, node->output, im.first, 0);
        operand *to = OPERANDS_ARE_STORED ? (operand *)(void *)stored : place(scratch, conv->gradient_at);
        primitive_run(conv->primitive[FORWARD][im.which], thread, from, conv->weights[FORWARD],
                      bias ? conv->plain_bias : NULL, to, scratch + conv->library_at);
        finish(&loop, &im, to, thread);
    }
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

static const void *widen_gradient(const struct loop *loop, const struct images *im, operand *copy, int32_t thread) {
    const struct value *v = &loop->plan->values[loop->node->output];
    for (int32_t b = 0; b < v->blocks; b++) {
        gradient_floats(loop->plan, loop->node, planes_of(im, b), floats_at(v, copy, b), thread);
    }
    if (!v->has_gradient) {
        conv2d_round((float *)(void *)copy, im->count * v->row);
    }
    return copy;
}

static const void *gradient(const struct loop *loop, const struct images *im, operand *copy, int32_t thread) {
    const struct sy_plan *plan = loop->plan;
    const struct value *v = &plan->values[loop->node->output];
    if (!OPERANDS_ARE_STORED) {
        return widen_gradient(loop, im, copy, thread);
    }
    for (int32_t b = 0; b < v->blocks; b++) {
        if (v->has_gradient) {
            settle_planes(plan, loop->node, planes_of(im, b), thread);
        } else {
            gradient_planes(plan, loop->node, planes_of(im, b), (elem *)(void *)(copy + (size_t)b * v->block_step));
        }
    }
    return v->has_gradient ? (const void *)gradient_at(plan, loop->node->output, im->first, 0) : copy;
}

/* dx: into the gradient's memory where it comes first, else beside it and then added. */
static void backward_data(const struct loop *loop, const struct images *im, const void *g, int32_t thread) {
    struct sy_plan *plan = loop->plan;
    const struct conv2d *conv = loop->node->conv2d;
    const struct link *link = &loop->node->inputs[0];
    const struct value *v = &plan->values[link->value];
    char *scratch = plan->scratch[thread];
    elem *stored = gradient_at(plan, link->value, im->first, 0);
    bool direct = OPERANDS_ARE_STORED && link->first;
    operand *to = direct ? (operand *)(void *)stored : place(scratch, conv->source_at);
    primitive_run(conv->primitive[BACKWARD_DATA][im->which], thread, to, conv->weights[BACKWARD_DATA], NULL, g,
                  scratch + conv->library_at);
    for (int32_t b = 0; b < v->blocks; b++) {
        if (OPERANDS_ARE_STORED) {
            elem *from = (elem *)(void *)(to + (size_t)b * v->block_step);
            contribute_planes(plan, link, planes_of(im, b), from, thread);
        } else {
            contribute_floats(plan, link, planes_of(im, b), floats_at(v, to, b), thread);
        }
    }
}

static void backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    struct sy_plan *plan = loop->plan;
    const struct node *node = loop->node;
    const struct conv2d *conv = node->conv2d;
    char *scratch = plan->scratch[thread];
    float *dw = (float *)(void *)(scratch + conv->weights_at), *db = dw + conv->gradient_bytes / sizeof *dw;
    float *sum = node->partial + (size_t)thread * node->partial_floats;
    for (struct images im; begin < end; begin += im.count) {
        im = next_images(conv, BATCH_SET, begin, end);
        const void *g = gradient(loop, &im, place(scratch, conv->gradient_at), thread);
        const void *x = source(loop, &im, place(scratch, conv->source_at));
        primitive_run(conv->primitive[BACKWARD_WEIGHTS][im.which], thread, x, dw, conv->shape.bias ? db : NULL, g,
                      scratch + conv->library_at);
        sums_add(sum, dw, conv->gradient_bytes / sizeof *dw + (conv->shape.bias ? (size_t)conv->shape.out : 0));
        if (node->inputs[0].wanted) {
            backward_data(loop, &im, g, thread);
        }
    }
}

void conv2d_backward(struct sy_plan *plan, struct node *node) {
    struct loop loop = {plan, node};
    sums_clear(plan, node);
    plan->host->parallel_for(plan->host, (size_t)plan->batch, backward_part, &loop);
    sums_join(plan, node);
    conv2d_gather(plan, node);
}
