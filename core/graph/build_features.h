/* build_features.h - the builder's functions that work on vectors, or on channels as a whole; network.h says what each does. */
#ifndef SY_BUILD_FEATURES_H
#define SY_BUILD_FEATURES_H

#include <stdint.h>

int32_t sy_build_softmax(void *graph, int32_t x);
int32_t sy_build_multiply(void *graph, int32_t a, int32_t b);
int32_t sy_build_slice(void *graph, int32_t x, int32_t first, int32_t count);
int32_t sy_build_dot(void *graph, int32_t a, int32_t b);
int32_t sy_build_l2_normalize(void *graph, int32_t x, double eps);
int32_t sy_build_channel_shuffle(void *graph, int32_t x, int32_t groups);

#endif
