/* conv2d.h - convolutions by oneDNN, some images at a time so that what goes in and out stays in the cache. */
#ifndef ONEDNN_CONV2D_H
#define ONEDNN_CONV2D_H

#include "plan.h"

struct conv2d {
    struct convolution shape; /* of `images` images */
    int32_t images;           /* at a time; what is left over goes one by one */
    /* Per direction: of `images` images, and of one. NULL where not wanted. */
    struct primitive *primitive[3][2];
    void *weights[2];      /* as FORWARD and BACKWARD_DATA want them */
    float *plain;          /* weights with channels filled up to blocks */
    float *plain_bias;     /* the same of the bias */
    size_t gradient_bytes; /* of the weights as BACKWARD_WEIGHTS gives them */
    /* Places in a thread's scratch memory, bytes from its start. */
    size_t source_at, gradient_at, weights_at, library_at;
};

int conv2d_create(struct sy_plan *plan, struct node *node, struct sy_error *err);
void conv2d_destroy(struct conv2d *conv);
/* After weights changed; after backward: gradients of weights and bias from those of the threads. */
int conv2d_refresh(struct sy_plan *plan, struct node *node);
void conv2d_gather(struct sy_plan *plan, struct node *node);

#endif
