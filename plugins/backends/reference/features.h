/* features.h - operators on vectors, or on channels as a whole. */
#ifndef REFERENCE_FEATURES_H
#define REFERENCE_FEATURES_H

#include "names.h"

void softmax_forward(const struct names *k);
void softmax_backward(const struct names *k);
void multiply_forward(const struct names *k);
void multiply_backward(const struct names *k);
void slice_forward(const struct names *k);
void slice_backward(const struct names *k);
void dot_forward(const struct names *k);
void dot_backward(const struct names *k);
void l2_normalize_forward(const struct names *k);
void l2_normalize_backward(const struct names *k);
void channel_shuffle_forward(const struct names *k);
void channel_shuffle_backward(const struct names *k);

#endif
