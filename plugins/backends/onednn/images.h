/* images.h - operators that work on one image of floats at a time, in blocked layout: pooling, joining, moving channels
 * about. */
#ifndef ONEDNN_IMAGES_H
#define ONEDNN_IMAGES_H

#include "plan.h"

#define IMAGES_MOST_INPUTS 256

/* The images a node reads and what it writes; or their gradients. */
struct image {
    const struct sy_plan *plan;
    const struct node *node;
    size_t index; /* in the batch */
    int32_t thread;
    float *const *in;  /* per input: its image; backward: as read where the operator needs it */
    float *const *din; /* backward: per input, zeroed; to be added to */
    float *out;        /* backward: its gradient */
    float *work;       /* of images_work floats */
};

/* Element of channel c, pixel p, of an image of so many pixels. */
static inline size_t image_at(size_t pixels, size_t c, size_t p) {
    return (c / BLOCK * pixels + p) * BLOCK + c % BLOCK;
}

/* Whether it is a convolution, or a transposed one. */
static inline bool images_convolves(int32_t kind) {
    return kind == SY_OP_CONV2D || kind == SY_OP_TRANSPOSED_CONV2D;
}

void images_forward(const struct image *image);
void images_backward(const struct image *image);
/* Whether the inputs themselves are needed in backward. */
bool images_reads(const struct node *node);
/* What a node needs besides: a convolution that is none of ours goes to oneDNN in plain layout. */
int images_create(struct sy_plan *plan, struct node *node, struct sy_error *err);
int images_refresh(struct sy_plan *plan, struct node *node);
void images_gather(struct sy_plan *plan, struct node *node);
size_t images_work(const struct sy_plan *plan, const struct node *node);

#endif
