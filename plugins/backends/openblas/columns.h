/* columns.h - what output elements of a convolution see, side by side; and the way back. */
#ifndef OPENBLAS_COLUMNS_H
#define OPENBLAS_COLUMNS_H

#include "plan.h"

/* A convolution's sizes. */
struct sizes {
    size_t channels, height, width;             /* in, per group */
    size_t out_channels, out_height, out_width; /* per group */
    size_t groups, kernel, stride, padding;
    size_t rows, pixels; /* of a column; of an output image */
    size_t images;       /* whose columns lie side by side */
};

/* Columns of the images of one group into every `ld`-th position; or back: added to x. That spoils the columns. */
void columns_of(float *columns, size_t ld, const float *x, const struct sizes *s);
void columns_back(float *x, float *columns, size_t ld, const struct sizes *s);

#endif
