/* dataset.h - kind "dataset/1": labelled samples by number.
 *
 * No order, no augmentation, no normalisation: those are the loader's. */
#ifndef SWITCHYARD_DATASET_H
#define SWITCHYARD_DATASET_H

#include "graph.h"
#include "host.h"
#include "plugin.h"
#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SY_DATASET "dataset/1"

enum sy_split { SY_TRAIN_SPLIT = 0, SY_TEST_SPLIT = 1, SY_SPLITS = 2 };

/* Texts and arrays are the data set's, valid until close. */
struct sy_dataset_info {
    uint32_t size;
    int32_t classes;
    int64_t count[SY_SPLITS]; /* samples of each split; 0: it has no such split */
    struct sy_shape shape;    /* of one sample: channels, height, width */
    int32_t dtype;            /* of the samples: SY_U8 (0 .. 255, scaled to 0 .. 1 by the loader) or SY_F32 */
    int32_t reserved;
    const char *const *class_names; /* `classes` of them; NULL: numbers will do */
    const double *mean, *std;       /* per channel, of the scaled samples: the defaults of data.mean and data.std */
    uint64_t checksum;              /* of the contents, for the manifest; 0: none */
};

/* All mandatory but close and labels. */
struct sy_dataset_ops {
    uint32_t size;
    int32_t reserved;
    /* Opens and checks files. Whatever is wrong with them is said with the file's name. */
    int (*open)(void *self, const struct sy_host *host, struct sy_error *err);
    int (*info)(const void *self, struct sy_dataset_info *out);
    /* Copies samples `indices[0 .. count-1]` of the split one after the other into `samples` (count x shape, of the
     * info's dtype) and their labels into `labels`. Gives the same numbers every time. [any] */
    int (*read)(const void *self, int32_t split, const int64_t *indices, size_t count, void *samples, int32_t *labels,
                struct sy_error *err);
    void (*close)(void *self);
    /* The labels alone, as read gives them; absent: read is asked. [any] */
    int (*labels)(const void *self, int32_t split, const int64_t *indices, size_t count, int32_t *labels,
                  struct sy_error *err);
};

#ifdef __cplusplus
}
#endif
#endif
