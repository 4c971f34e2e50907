/* features.h - operators on vectors, or on channels as a whole. */
#ifndef REFERENCE_FEATURES_H
#define REFERENCE_FEATURES_H

#include "names.h"

/* False where the operator is none of these. */
bool features_forward(const struct names *k);
void features_backward(const struct names *k);

#endif
