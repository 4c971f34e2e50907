/* view.h - from a stored sample to one view of it: crop, flip, normalise, in one pass over the rows. */
#ifndef SY_DATA_VIEW_H
#define SY_DATA_VIEW_H

#include <switchyard/dataset.h>
#include <switchyard/rng.h>

#include "loader.h"

/* How samples of one data set become views. Owns its tables; read by all threads. */
struct sy_view_maker {
    int32_t channels, height, width;
    int32_t dtype; /* SY_U8 or SY_F32 */
    struct sy_augment augment;
    uint64_t seed;
    const double *mean, *std; /* (channels); inside `memory` */
    const float *black;       /* (channels): what a 0 becomes */
    const float *table;       /* (channels, 256): what each byte becomes; NULL for SY_F32 */
    void *memory;
};

/* Whether shape, type, numbers (mean NULL: not told yet) and augmentation make sense. */
int sy_view_check(const struct sy_dataset_info *info, const double *mean, const double *std, struct sy_augment augment,
                  struct sy_error *err);

/* Copies mean and std. Fails as the check does. */
int sy_view_maker_init(struct sy_view_maker *maker, const struct sy_dataset_info *info, const double *mean,
                       const double *std, struct sy_augment augment, uint64_t seed, struct sy_error *err);
void sy_view_maker_finish(struct sy_view_maker *maker);

/* out: (channels, height, width); pixels: the same of the maker's dtype. Nothing is drawn when augment is all off. */
void sy_view_make(float *out, const struct sy_view_maker *maker, const void *pixels, uint32_t view_key, int64_t epoch,
                  int64_t sample);

#endif
