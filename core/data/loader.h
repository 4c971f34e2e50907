/* loader.h - batches in time: order, views, augmentation and normalisation, prepared ahead by threads of its own.
 *
 * What a batch holds depends on (seed, epoch, position) and the options only, never on threads or on who asks. Order:
 * a shuffle of the whole split keyed by (seed, epoch), or the file's order. The last, smaller batch is kept. A view is
 * one augmented version of a batch, keyed by (seed, view key, epoch, sample): nodes that share a view see the same crops,
 * and so does every method in a comparison.
 *
 * Draws, part of every published result: the order is Fisher-Yates from the last place down, with the generator
 * (seed, SY_FOR_SHUFFLE, 0, epoch, 0); a crop is row offset, column offset (each below 2 crop_pad + 1) and then a coin
 * (below 2, 1 is mirrored), always all three, from (seed, SY_FOR_AUGMENT, view key, epoch, sample). */
#ifndef SY_DATA_LOADER_H
#define SY_DATA_LOADER_H

#include <stdbool.h>

#include <switchyard/dataset.h>

/* data.augment of the config; all off by default. */
struct sy_augment {
    int32_t crop_pad; /* pixels of zero padding on each side before a random crop back to size (zeros before
                         normalisation, as torchvision's RandomCrop on images); 0: no crop */
    int32_t flip;     /* mirror left-right with probability 1/2 */
};

struct sy_found;

struct sy_loader_options {
    int32_t split; /* enum sy_split */
    int32_t batch; /* samples per batch */
    bool shuffle;
    struct sy_augment augment;
    const double *mean, *std; /* per channel, of samples scaled to 0 .. 1 */
    uint64_t seed;
    const uint32_t *view_keys; /* one per view; key 0 is the shared one */
    int32_t n_views;           /* 1 or more */
    int32_t threads;           /* that prepare batches, 1 or more */
    int32_t ahead;             /* batches prepared ahead, 1 or more */
    int64_t limit;             /* use only the first so many samples of the split; 0: all */
    const int64_t *subset;     /* (n_subset): use only these samples of the split, whatever the limit; NULL: all */
    int64_t n_subset;
    const struct sy_found *plugin; /* who reads, should it crash; NULL: nobody in particular. Outlives the loader */
};

struct sy_batch {
    int32_t count;             /* samples: options.batch, or fewer in the last of an epoch */
    const int32_t *labels;     /* (count) */
    const int64_t *samples;    /* (count): indices in the split */
    const float *const *views; /* n_views of (count, channels, height, width), normalised */
};

struct sy_loader;

/* ops and self are an opened data set, which outlives the loader. Everything is allocated and all threads are started
 * here; options and what they point to may go afterwards. */
int sy_loader_create(struct sy_loader **out, const struct sy_dataset_ops *ops, const void *self,
                     const struct sy_loader_options *options, struct sy_error *err);
/* At any time, in the middle of an epoch too. NULL is fine. */
void sy_loader_destroy(struct sy_loader *loader);

/* Batches of one epoch. */
int64_t sy_loader_batches(const struct sy_loader *loader);
/* Begins an epoch at a batch (0: its first; sy_loader_batches: at its end), dropping what was prepared. */
int sy_loader_start(struct sy_loader *loader, int64_t epoch, int64_t batch, struct sy_error *err);
/* The next batch of the epoch, valid until the next call of start, next or destroy. 1; 0 at the end of the epoch;
 * negative after a failure, and again until the next start. The owner's thread only. */
int sy_loader_next(struct sy_loader *loader, struct sy_batch *out, struct sy_error *err);

#endif
