/* planes.h - reading, finishing and completing planes; plan.h says what these words mean. */
#ifndef ONEDNN_PLANES_H
#define ONEDNN_PLANES_H

#include "elem.h"
#include "plan.h"

/* Planes of one block, of images that lie one behind another: what is the same for all is looked up once. */
struct planes {
    size_t image, count;
    int32_t block;
};
/* The same outside of the arena, as floats: BLOCK to a pixel, rows `row` floats apart, images `image`. */
struct floats {
    float *at;
    size_t row, image;
};

static inline elem *value_plane(const struct sy_plan *plan, int32_t value, size_t image, int32_t block) {
    const struct value *v = &plan->values[value];
    size_t window = image >> plan->window_shift, within = image - (window << plan->window_shift);
    return (elem *)(void *)plan->arena + window * plan->window_elems + v->at[plan->pass] + within * v->row +
           (size_t)block * v->block_step;
}
static inline elem *gradient_at(const struct sy_plan *plan, int32_t value, size_t image, int32_t block) {
    const struct value *v = &plan->values[value];
    return (elem *)(void *)plan->arena + v->gradient_at + image * v->row + (size_t)block * v->block_step;
}
/* Whether those who read the value have to compute it. */
static inline bool is_view(const struct sy_plan *plan, int32_t value) {
    const struct value *v = &plan->values[value];
    return (v->norm || v->act) && !(plan->pass == PASS_WINDOWS && plan->values[v->base].instead == value);
}
/* Floats of one plane without a gap, as of `v`. */
static inline struct floats floats_of(const struct value *v, float *at) {
    return (struct floats){at, (size_t)v->width * BLOCK, v->row};
}

/* Planes as their readers see them: from `to` on in the value's own layout, or as floats. */
void view_planes(const struct sy_plan *plan, int32_t value, struct planes planes, elem *to);
void view_floats(const struct sy_plan *plan, int32_t value, struct planes planes, struct floats to);

/* After a node wrote planes of its output: residual, activation, and sums for batch norm. */
void finish_planes(const struct sy_plan *plan, const struct node *node, struct planes planes, int32_t thread);
/* The same from floats, which it stores. */
void finish_floats(const struct sy_plan *plan, const struct node *node, struct planes planes, struct floats from,
                   int32_t thread);

/* Gradient of a stored value, as the node that stored it needs it, after norms_start_gradient.
 * Where the gradient is stored: finishes it in place, and hands it on to what the node added. */
void settle_planes(const struct sy_plan *plan, const struct node *node, struct planes planes, int32_t thread);
/* Where it is not: from `to` on, in the value's layout. */
void gradient_planes(const struct sy_plan *plan, const struct node *node, struct planes planes, elem *to);
/* Either way, as floats. */
void gradient_floats(const struct sy_plan *plan, const struct node *node, struct planes planes, struct floats to,
                     int32_t thread);

/* Planes of a contribution, from `from` on in the value's layout, or floats; the last one completes the value. */
void contribute_planes(const struct sy_plan *plan, const struct link *link, struct planes planes, const elem *from,
                       int32_t thread);
void contribute_floats(const struct sy_plan *plan, const struct link *link, struct planes planes, struct floats from,
                       int32_t thread);

/* Images [begin, end) through a node, by one thread; kernels.c shares them out. */
void conv2d_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread);
void winograd_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread);
void depthwise_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread);
void linear_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread);
void image_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread);
void sum_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread);
void conv2d_backward(struct sy_plan *plan, struct node *node);
/* So many numbers in place, a multiple of BLOCK, as they would be stored. */
void conv2d_round(float *numbers, size_t count);
void winograd_backward(struct sy_plan *plan, struct node *node);
void depthwise_backward(struct sy_plan *plan, struct node *node);
void linear_backward(struct sy_plan *plan, struct node *node);
void image_backward(struct sy_plan *plan, struct node *node);
/* Some images of input k, and of output k, by one thread: stored from image `at` on, `from` and `to` point to the first. */
void border_read(struct sy_plan *plan, int32_t k, const float *from, size_t at, size_t count);
void border_write(struct sy_plan *plan, int32_t k, size_t at, size_t count, float *to, int32_t thread);
void border_input(struct sy_plan *plan, int32_t k, const float *from);
void border_output(struct sy_plan *plan, int32_t k, float *to);
void border_seed(struct sy_plan *plan, const struct sy_tensor *const *gradients);
void border_input_gradient(struct sy_plan *plan, int32_t k, float *to);

#endif
