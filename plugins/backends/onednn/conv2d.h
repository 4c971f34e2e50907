/* conv2d.h - convolutions by oneDNN, some images at a time so that what goes in and out stays in the cache. */
#ifndef ONEDNN_CONV2D_H
#define ONEDNN_CONV2D_H

#include "plan.h"

/* Images at a time: of a batch, of a window of it (plan.h), and one by one what is left over. */
enum image_set { BATCH_SET, ONE_IMAGE, WINDOW_SET, IMAGE_SETS };

struct conv2d {
    struct convolution shape; /* of BATCH_SET */
    int32_t images[IMAGE_SETS];
    struct primitive *primitive[3][IMAGE_SETS]; /* per direction; NULL where not wanted */
    void *weights[2];                           /* as FORWARD and BACKWARD_DATA want them */
    float *plain;                               /* weights with channels filled up to blocks */
    float *plain_bias;                          /* the same of the bias */
    size_t gradient_bytes;                      /* of the weights as BACKWARD_WEIGHTS gives them */
    /* Places in a thread's scratch memory, bytes from its start. */
    size_t source_at, gradient_at, weights_at, library_at;
};

int conv2d_create(struct sy_plan *plan, struct node *node, struct sy_error *err);
void conv2d_destroy(struct conv2d *conv);
/* After weights changed; after backward: gradients of weights and bias from those of the threads. */
int conv2d_refresh(struct sy_plan *plan, struct node *node);
void conv2d_gather(struct sy_plan *plan, struct node *node);

#endif
