/* shapes.c - data set `shapes`: images drawn when it is opened, so that everything can be tried without a download.
 * What is drawn: draw.c; the classes: outline.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <switchyard/dataset.h>
#include <xxhash.h>

#include "draw.h"

struct shapes {
    uint64_t seed;
    int64_t train, test;
    int32_t classes, clutter;
    double noise;

    struct outlines outlines;
    uint8_t *pixels; /* (train + test, PIXELS) */
    double mean[3], std[3];
    uint64_t checksum;
};

/* Classes take turns, so every stretch of a split is balanced. */
static int32_t label_of(const struct shapes *shapes, int64_t index) {
    return (int32_t)(index % shapes->classes);
}

static void draw_some(void *argument, size_t begin, size_t end, int32_t thread) {
    struct shapes *shapes = argument;
    struct style style = {.clutter = shapes->clutter, .noise = shapes->noise};
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        int32_t split = (int64_t)i < shapes->train ? SY_TRAIN_SPLIT : SY_TEST_SPLIT;
        int64_t index = split == SY_TRAIN_SPLIT ? (int64_t)i : (int64_t)i - shapes->train;
        struct sy_rng rng = sy_rng_make(shapes->seed, SY_FOR_DATA, (uint32_t)split, 0, (uint32_t)index);
        draw_image(shapes->pixels + i * PIXELS, &shapes->outlines, label_of(shapes, index), &style, &rng);
    }
}

/* Of the train split, scaled to 0 .. 1; sums of bytes are exact in any order. */
static void measure(struct shapes *shapes) {
    for (int32_t c = 0; c < 3; c++) {
        uint64_t sum = 0, squares = 0;
        for (int64_t i = 0; i < shapes->train; i++) {
            const uint8_t *plane = shapes->pixels + (size_t)i * PIXELS + (size_t)c * PLANE;
            for (int32_t p = 0; p < PLANE; p++) {
                sum += plane[p];
                squares += (uint64_t)plane[p] * plane[p];
            }
        }
        double count = (double)shapes->train * PLANE, mean = (double)sum / count;
        shapes->mean[c] = mean / 255;
        shapes->std[c] = sqrt((double)squares / count - mean * mean) / 255;
    }
}

static int open_shapes(void *self, const struct sy_host *host, struct sy_error *err) {
    struct shapes *shapes = self;
    size_t count = (size_t)shapes->train + (size_t)shapes->test;
    shapes->pixels = malloc(count * PIXELS);
    if (!shapes->pixels) {
        return sy_fail(err, SY_ENOMEM, "no memory for %zu images of %d bytes", count, PIXELS);
    }
    outlines_make(&shapes->outlines);
    host->parallel_for(host, count, draw_some, shapes);
    measure(shapes);
    shapes->checksum = XXH3_64bits(shapes->pixels, count * PIXELS);
    return SY_OK;
}

static int info(const void *self, struct sy_dataset_info *out) {
    const struct shapes *shapes = self;
    out->classes = shapes->classes;
    out->count[SY_TRAIN_SPLIT] = shapes->train;
    out->count[SY_TEST_SPLIT] = shapes->test;
    out->shape = (struct sy_shape){.rank = 3, .dim = {3, SIDE, SIDE}};
    out->dtype = SY_U8;
    out->class_names = outline_names;
    out->mean = shapes->mean;
    out->std = shapes->std;
    out->checksum = shapes->checksum;
    return SY_OK;
}

static int read_samples(const void *self, int32_t split, const int64_t *indices, size_t count, void *samples,
                        int32_t *labels, struct sy_error *err) {
    const struct shapes *shapes = self;
    int64_t there = split == SY_TRAIN_SPLIT ? shapes->train : split == SY_TEST_SPLIT ? shapes->test : 0;
    int64_t first = split == SY_TRAIN_SPLIT ? 0 : shapes->train;
    uint8_t *out = samples;
    for (size_t i = 0; i < count; i++, out += PIXELS) {
        if (indices[i] < 0 || indices[i] >= there) {
            return sy_fail(err, SY_ERANGE, "split %d has no sample %lld; it has %lld", split, (long long)indices[i],
                           (long long)there);
        }
        labels[i] = label_of(shapes, indices[i]);
        memcpy(out, shapes->pixels + (size_t)(first + indices[i]) * PIXELS, PIXELS);
    }
    return SY_OK;
}

static void close_shapes(void *self) {
    struct shapes *shapes = self;
    free(shapes->pixels);
    shapes->pixels = NULL;
}

static const struct sy_field fields[] = {
    SY_PARAM(struct shapes, seed, .def = 1, .doc = "of the images; the experiment's seed does not change them"),
    SY_PARAM(struct shapes, train, .def = 4096, .min = 1, .max = 1e6, .unit = "images",
             .doc = "size of the train split"),
    SY_PARAM(struct shapes, test, .def = 1024, .min = 1, .max = 1e6, .unit = "images", .doc = "size of the test split"),
    SY_PARAM(struct shapes, classes, .def = 12, .min = 2, .max = OUTLINES,
             .doc = "how many of the shapes: disc, triangle, star4, plus, ellipse, square, star5, tee, ring, pentagon, "
                    "star6, corner, crescent, hexagon, star8, zed"),
    SY_PARAM(struct shapes, clutter, .def = 3, .min = 0, .max = 32, .doc = "small distracting figures and lines"),
    SY_PARAM(struct shapes, noise, .def = 16, .min = 0, .max = 128, .unit = "of 255",
             .doc = "standard deviation of the pixel noise"),
    SY_END,
};
static const struct sy_dataset_ops ops = {
    .size = sizeof ops, .open = open_shapes, .info = info, .read = read_samples, .close = close_shapes};

SY_PLUGIN(SY_DATASET, "shapes", struct shapes, .fields = fields, .ops = &ops,
          .doc = "drawn 32 x 32 colour images of shapes in similar families; a stand-in that needs no download",
          .help = "Every image is drawn from (seed, split, index) alone, so the data set is the same everywhere.\n"
                  "Classes come in families (round things, polygons, stars, bars) whose members are easily mistaken\n"
                  "for each other. Good for trying things and for tests; results on it say nothing about photographs.");
