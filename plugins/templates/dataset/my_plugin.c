/* my_plugin.c - a data set: labelled samples by number. Order, crops and normalisation are Switchyard's business.
 *
 * As it stands: images of 3 x 16 x 16 with a bright square whose place tells the class. Put reading your files into open
 * (say what is wrong with one with its name) and copying from memory into read. */
#include <string.h>

#include <switchyard/dataset.h>
#include <switchyard/rng.h>

#define SIDE    16
#define CLASSES 4
#define BYTES   (3 * SIDE * SIDE)

struct my_plugin {
    int32_t train, test; /* parameters: read from the config, checked against the table below */
    int32_t noise;
    uint64_t seed;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct my_plugin, train, .def = 512, .min = 1, .max = 1e6, .unit = "samples", .doc = "training samples"),
    SY_PARAM(struct my_plugin, test, .def = 256, .min = 1, .max = 1e6, .unit = "samples", .doc = "test samples"),
    SY_PARAM(struct my_plugin, noise, .def = 128, .min = 1, .max = 255, .doc = "brightest pixel outside the square"),
    SY_END,
};

static int open_samples(void *self, const struct sy_host *host, struct sy_error *err) {
    struct my_plugin *data = self;
    (void)err;
    data->seed = host->seed;
    return SY_OK;
}

static int info(const void *self, struct sy_dataset_info *out) {
    static const double mean[] = {0.3, 0.3, 0.3}, std[] = {0.2, 0.2, 0.2};
    const struct my_plugin *data = self;
    out->classes = CLASSES;
    out->count[SY_TRAIN_SPLIT] = data->train;
    out->count[SY_TEST_SPLIT] = data->test;
    out->shape = (struct sy_shape){3, {3, SIDE, SIDE}}; /* channels, height, width */
    out->dtype = SY_U8;                                 /* 0 .. 255; SY_F32 is the other choice */
    out->mean = mean, out->std = std;                   /* per channel, of samples scaled to 0 .. 1 */
    return SY_OK;
}

/* Called by several threads at once: nothing of self may change here, and the same number gives the same sample. */
static int read_samples(const void *self, int32_t split, const int64_t *indices, size_t count, void *samples,
                        int32_t *labels, struct sy_error *err) {
    const struct my_plugin *data = self;
    uint8_t *pixels = samples;
    (void)err;
    for (size_t i = 0; i < count; i++, pixels += BYTES) {
        struct sy_rng rng = sy_rng_make(data->seed, SY_FOR_DATA, (uint32_t)split, 0, (uint32_t)indices[i]);
        labels[i] = (int32_t)sy_rng_below(&rng, CLASSES);
        int32_t top = 2 + 6 * (labels[i] / 2), left = 2 + 6 * (labels[i] % 2);
        for (int32_t p = 0; p < BYTES; p++) {
            pixels[p] = (uint8_t)sy_rng_below(&rng, (uint32_t)data->noise);
        }
        for (int32_t c = 0; c < 3; c++) {
            for (int32_t y = top; y < top + 4; y++) {
                memset(pixels + (c * SIDE + y) * SIDE + left, 200, 4);
            }
        }
    }
    return SY_OK;
}

static const struct sy_dataset_ops ops = {.size = sizeof ops, .open = open_samples, .info = info, .read = read_samples};

SY_PLUGIN(SY_DATASET, "my_plugin", struct my_plugin, .fields = fields, .ops = &ops,
          .doc = "a bright square in one of four places");
