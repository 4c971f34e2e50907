/* by_class.c - a data set whose images are those of their classes and nothing else, so that any part of it that has every
 * class equally often gives the same means: what a script in another language can follow without our random numbers. */
#include <switchyard/dataset.h>

enum { CLASSES = 5, SIDE = 4, PIXELS = 3 * SIDE * SIDE };

struct by_class {
    int64_t train, test;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct by_class, train, .def = 50, .min = 1, .max = 1e6, .doc = "training samples"),
    SY_PARAM(struct by_class, test, .def = 10, .min = 1, .max = 1e6, .doc = "test samples"),
    SY_END,
};

static int open_nothing(void *self, const struct sy_host *host, struct sy_error *err) {
    (void)self, (void)host, (void)err;
    return SY_OK;
}

static int info(const void *self, struct sy_dataset_info *out) {
    static const double mean[] = {0, 0, 0}, std[] = {1, 1, 1};
    const struct by_class *set = self;
    *out = (struct sy_dataset_info){.size = sizeof *out,
                                    .classes = CLASSES,
                                    .count = {set->train, set->test},
                                    .shape = {3, {3, SIDE, SIDE}},
                                    .dtype = SY_F32,
                                    .mean = mean,
                                    .std = std};
    return SY_OK;
}

static int read_samples(const void *self, int32_t split, const int64_t *indices, size_t count, void *samples,
                        int32_t *labels, struct sy_error *err) {
    float *out = samples;
    (void)self, (void)split, (void)err;
    for (size_t s = 0; s < count; s++) {
        labels[s] = (int32_t)(indices[s] % CLASSES);
        for (int i = 0; i < PIXELS; i++) {
            *out++ = (float)((37 * i + 11 * labels[s] + i * labels[s] % 7) % 17 - 8) / 8;
        }
    }
    return SY_OK;
}

static const struct sy_dataset_ops ops = {.size = sizeof ops, .open = open_nothing, .info = info, .read = read_samples};

SY_PLUGIN(SY_DATASET, "by_class", struct by_class, .fields = fields, .ops = &ops,
          .doc = "for tests: every image is its class's");
