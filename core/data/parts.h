/* parts.h - a training split in two: what is trained on, and a validation part.
 *
 * Stratified: every class gives in proportion to its samples (largest remainder, ties to the lower class), so that the
 * parts' shares of classes differ by less than a sample. Which samples a class gives is drawn by
 * (seed, SY_FOR_SPLIT, 0, 0, class): Fisher-Yates over its samples in the split's order, from the last place down; the
 * validation part takes the first ones. Both parts are in the split's order. */
#ifndef SY_DATA_PARTS_H
#define SY_DATA_PARTS_H

#include <stdint.h>

#include <switchyard/error.h>

/* Indices in the training split; empty (NULL, 0): it is not divided. */
struct sy_parts {
    int64_t *train, *validation;
    int64_t n_train, n_validation;
};

/* Divides samples by their labels (0 .. classes-1, or it fails); 1 <= want < count. Empty after a failure. */
int sy_parts_divide(struct sy_parts *out, const int32_t *labels, int64_t count, int32_t classes, int64_t want,
                    uint64_t seed, struct sy_error *err);
void sy_parts_finish(struct sy_parts *parts);

#endif
