/* features.h - operators on vectors, or on channels as a whole: plain loops, one image at a time. */
#ifndef ONEDNN_FEATURES_H
#define ONEDNN_FEATURES_H

#include "images.h"

/* Whether these are of them. */
bool features_has(int32_t kind);
/* Whether the inputs themselves are needed in backward. */
bool features_reads(int32_t kind);
void features_run(const struct image *image, bool back);

#endif
