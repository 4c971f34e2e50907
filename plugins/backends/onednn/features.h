/* features.h - operators on vectors, or on channels as a whole: plain loops, one image at a time. */
#ifndef ONEDNN_FEATURES_H
#define ONEDNN_FEATURES_H

#include "images.h"

/* Whether these are of them. */
bool features_has(int32_t kind);
/* Whether the inputs themselves are needed in backward. */
bool features_reads(int32_t kind);
/* Floats per thread that gradients of its parameters need; and from there to the store, once threads' are joined. */
size_t features_partial(const struct sy_plan *plan, const struct node *node);
void features_gather(struct sy_plan *plan, const struct node *node);
void features_run(const struct image *image, bool back);

#endif
