/* made_up.h - a small data set in memory whose every pixel can be told from its place. */
#ifndef TEST_MADE_UP_H
#define TEST_MADE_UP_H

#include <stdatomic.h>
#include <switchyard/dataset.h>
#include <unistd.h>

enum { MADE_CHANNELS = 3, MADE_HEIGHT = 9, MADE_WIDTH = 11 };
enum { MADE_PIXELS = MADE_CHANNELS * MADE_HEIGHT * MADE_WIDTH, MADE_CLASSES = 10 };

struct made_up {
    int64_t count;       /* of the train split; the test split has none */
    int32_t dtype;       /* SY_U8 or SY_F32 */
    int64_t fails_at;    /* reading this sample fails; -1: none does */
    int64_t mislabelled; /* this sample has a label out of range; -1: none has */
    useconds_t pause;    /* microseconds that every call of read takes longer */
    _Atomic int64_t samples_read;
};

/* A byte that differs between neighbours, rows, channels and samples. */
static inline uint8_t made_byte(int64_t sample, int32_t pixel) {
    return (uint8_t)((uint64_t)(sample * 131 + pixel * 37 + (pixel >> 4) * 11) % 251);
}

static inline float made_float(int64_t sample, int32_t pixel) {
    return (float)made_byte(sample, pixel) * 0.0123f - 0.7f;
}

static inline int32_t made_label(int64_t sample) {
    return (int32_t)(sample * 7 % MADE_CLASSES);
}

static int made_info(const void *self, struct sy_dataset_info *out) {
    const struct made_up *made = self;
    out->classes = MADE_CLASSES;
    out->count[SY_TRAIN_SPLIT] = made->count;
    out->shape = (struct sy_shape){.rank = 3, .dim = {MADE_CHANNELS, MADE_HEIGHT, MADE_WIDTH}};
    out->dtype = made->dtype;
    return SY_OK;
}

static int made_read(const void *self, int32_t split, const int64_t *indices, size_t count, void *samples,
                     int32_t *labels, struct sy_error *err) {
    struct made_up *made = (struct made_up *)(uintptr_t)self; /* only the counter is written */
    (void)split;
    usleep(made->pause);
    for (size_t i = 0; i < count; i++) {
        if (indices[i] == made->fails_at) {
            return sy_fail(err, SY_EIO, "sample %lld is on a bad sector", (long long)indices[i]);
        }
        labels[i] = indices[i] == made->mislabelled ? MADE_CLASSES : made_label(indices[i]);
        for (int32_t p = 0; p < MADE_PIXELS; p++) {
            if (made->dtype == SY_U8) {
                ((uint8_t *)samples)[i * MADE_PIXELS + (size_t)p] = made_byte(indices[i], p);
            } else {
                ((float *)samples)[i * MADE_PIXELS + (size_t)p] = made_float(indices[i], p);
            }
        }
    }
    atomic_fetch_add(&made->samples_read, (int64_t)count);
    return SY_OK;
}

static const struct sy_dataset_ops made_ops = {.size = sizeof made_ops, .info = made_info, .read = made_read};

static const double made_mean[MADE_CHANNELS] = {0.491, 0.482, 0.447}, made_std[MADE_CHANNELS] = {0.247, 0.243, 0.262};

#endif
