/* features.h - operators on vectors, or on channels as a whole. */
#ifndef OPENBLAS_FEATURES_H
#define OPENBLAS_FEATURES_H

#include "plan.h"

/* Some samples of one operator. x, y and their gradients begin at the first of them. */
struct part {
    struct sy_plan *plan;
    const struct task *task;
    const struct sy_shape *in, *out;
    size_t begin, samples, in_row, out_row;
    size_t second; /* row of the second input, 0 where there is none */
    const float *x;
    float *y;
    const float *dy;
    float *dx; /* NULL where nobody wants it */
    bool overwrite;
};

void softmax_forward(const struct part *p);
void softmax_backward(const struct part *p);
void multiply_forward(const struct part *p);
void multiply_backward(const struct part *p);
void slice_forward(const struct part *p);
void slice_backward(const struct part *p);
void dot_forward(const struct part *p);
void dot_backward(const struct part *p);
void l2_normalize_forward(const struct part *p);
void l2_normalize_backward(const struct part *p);
void channel_shuffle_forward(const struct part *p);
void channel_shuffle_backward(const struct part *p);

#endif
