/* crashes_in_read.c - a data set that crashes where it is read, which is in a thread of the loader. */
#include <switchyard/dataset.h>

struct broken {
    double nothing;
};

static int open_it(void *self, const struct sy_host *host, struct sy_error *err) {
    (void)self, (void)host, (void)err;
    return SY_OK;
}

static int info(const void *self, struct sy_dataset_info *out) {
    (void)self;
    out->classes = 2;
    out->count[SY_TRAIN_SPLIT] = 64;
    out->shape = (struct sy_shape){3, {1, 4, 4}};
    out->dtype = SY_U8;
    return SY_OK;
}

static int read_it(const void *self, int32_t split, const int64_t *indices, size_t count, void *samples,
                   int32_t *labels, struct sy_error *err) {
    (void)self, (void)indices, (void)count, (void)samples, (void)labels, (void)err;
    *(volatile int *)(uintptr_t)(64 + split) = 1;
    return SY_OK;
}

static const struct sy_dataset_ops ops = {.size = sizeof ops, .open = open_it, .info = info, .read = read_it};

SY_PLUGIN(SY_DATASET, "crashes_in_read", struct broken, .ops = &ops, .doc = "crashes when it is read");
