/* planes.h - reading, finishing and completing one plane at a time; plan.h says what these words mean. */
#ifndef ONEDNN_PLANES_H
#define ONEDNN_PLANES_H

#include "lanes.h"
#include "plan.h"

static inline elem *value_plane(const struct sy_plan *plan, int32_t value, size_t image, int32_t block) {
    const struct value *v = &plan->values[value];
    return (elem *)(void *)plan->arena + v->at[!plan->kept] + image * v->row + (size_t)block * v->block_step;
}
static inline elem *gradient_at(const struct sy_plan *plan, int32_t value, size_t image, int32_t block) {
    const struct value *v = &plan->values[value];
    return (elem *)(void *)plan->arena + v->gradient_at + image * v->row + (size_t)block * v->block_step;
}
static inline bool is_view(const struct value *v) {
    return v->norm || v->act;
}

/* A plane as its readers see it: in the value's own layout, or as floats, BLOCK to a pixel and rows `row` apart. */
void view_plane(const struct sy_plan *plan, int32_t value, size_t image, int32_t block, elem *to);
void view_floats(const struct sy_plan *plan, int32_t value, size_t image, int32_t block, float *to, size_t row);
/* Floats, BLOCK to a pixel, to a plane of a stored value. */
void save_plane(const struct sy_plan *plan, int32_t value, size_t image, int32_t block, const float *from);

/* After a node wrote a plane of its output: residual, activation, and sums for batch norm. */
void finish_plane(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, int32_t thread);
/* The same from floats, BLOCK to a pixel, which it stores. */
void finish_floats(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, int32_t thread,
                   const float *from);
/* Before and after a stored value is written; by one thread. */
void start_norms(struct sy_plan *plan);
void finish_norms(struct sy_plan *plan, int32_t value);

/* Gradient of a stored value, as the node that stored it needs it. start_gradient comes first, by one thread. */
void start_gradient(struct sy_plan *plan, int32_t value);
/* Where the gradient is stored: finishes it in place, and hands it on to what the node added. */
void settle_plane(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, int32_t thread);
/* Where it is not: into memory of the caller's, in the value's layout. */
void gradient_plane(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, elem *to);
/* Either way, as floats with rows `row` apart. */
void gradient_floats(const struct sy_plan *plan, const struct node *node, size_t image, int32_t block, float *to,
                     size_t row, int32_t thread);

/* One plane of a contribution; the last one completes the value. */
void contribute_plane(const struct sy_plan *plan, const struct link *link, size_t image, int32_t block,
                      const elem *from, int32_t thread);
void contribute_floats(const struct sy_plan *plan, const struct link *link, size_t image, int32_t block,
                       const float *from, size_t row, int32_t thread);
void complete_plane(const struct sy_plan *plan, int32_t value, size_t image, int32_t block, int32_t thread);

void conv2d_forward(struct sy_plan *plan, struct node *node);
void conv2d_backward(struct sy_plan *plan, struct node *node);
void winograd_forward(struct sy_plan *plan, struct node *node);
void winograd_backward(struct sy_plan *plan, struct node *node);
void depthwise_forward(struct sy_plan *plan, struct node *node);
void depthwise_backward(struct sy_plan *plan, struct node *node);
void linear_forward(struct sy_plan *plan, struct node *node);
void linear_backward(struct sy_plan *plan, struct node *node);
void image_forward(struct sy_plan *plan, struct node *node);
void image_backward(struct sy_plan *plan, struct node *node);
void border_input(struct sy_plan *plan, int32_t k, const float *from);
void border_output(struct sy_plan *plan, int32_t k, float *to);
void border_seed(struct sy_plan *plan, const struct sy_tensor *const *gradients);
void border_input_gradient(struct sy_plan *plan, int32_t k, float *to);

#endif
