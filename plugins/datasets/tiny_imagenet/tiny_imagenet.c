/* tiny_imagenet.c - data set `tiny_imagenet`: JPEG files of 64 x 64, decoded when they are read. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <turbojpeg.h>

#include "listing.h"

enum { SIDE = 64, PIXELS = SIDE * SIDE, CHANNELS = 3, LARGEST_FILE = 1 << 20 };

struct tiny_imagenet {
    const char *path;
    struct listing listing;
};

/* As in the released code of SwitOKD, which has CIFAR-10's there. */
static const double mean[] = {0.4914, 0.4822, 0.4465}, std[] = {0.2023, 0.1994, 0.2010};

static int open_folder(void *self, const struct sy_host *host, struct sy_error *err) {
    struct tiny_imagenet *tiny = self;
    (void)host;
    return listing_read(&tiny->listing, tiny->path, err);
}

static void close_folder(void *self) {
    struct tiny_imagenet *tiny = self;
    listing_finish(&tiny->listing);
}

static int info(const void *self, struct sy_dataset_info *out) {
    const struct tiny_imagenet *tiny = self;
    const struct listing *listing = &tiny->listing;
    out->classes = listing->n_classes;
    out->count[SY_TRAIN_SPLIT] = listing->count[SY_TRAIN_SPLIT];
    out->count[SY_TEST_SPLIT] = listing->count[SY_TEST_SPLIT];
    out->shape = (struct sy_shape){.rank = 3, .dim = {CHANNELS, SIDE, SIDE}};
    out->dtype = SY_U8;
    out->class_names = (const char *const *)listing->names;
    out->mean = mean;
    out->std = std;
    out->checksum = listing->checksum;
    return SY_OK;
}

/* Bytes of a file into `room` of LARGEST_FILE. */
static int read_file(const char *path, unsigned char *room, size_t *size, struct sy_error *err) {
    FILE *file = fopen(path, "re");
    if (!file) {
        return sy_fail(err, SY_EIO, "%s: %s", path, strerror(errno));
    }
    *size = fread(room, 1, LARGEST_FILE, file);
    int failed = ferror(file);
    fclose(file);
    if (failed || *size == LARGEST_FILE) {
        return sy_fail(err, SY_EIO, "%s: %s", path,
                       failed ? "cannot be read" : "larger than any image of this data set");
    }
    return SY_OK;
}

/* One image, grey ones too, as three planes. */
static int decode(tjhandle decoder, const char *path, const unsigned char *bytes, size_t size, unsigned char *rgb,
                  uint8_t *out, struct sy_error *err) {
    int width, height, subsampling, colours;
    if (tjDecompressHeader3(decoder, bytes, size, &width, &height, &subsampling, &colours) != 0) {
        return sy_fail(err, SY_EIO, "%s: %s", path, tjGetErrorStr2(decoder));
    }
    if (width != SIDE || height != SIDE) {
        return sy_fail(err, SY_EINVAL, "%s is %d x %d, must be %d x %d", path, width, height, SIDE, SIDE);
    }
    /* A warning, of bytes too many at the end, say, leaves an image all the same. */
    if (tjDecompress2(decoder, bytes, size, rgb, SIDE, 0, SIDE, TJPF_RGB, TJFLAG_ACCURATEDCT) != 0 &&
        tjGetErrorCode(decoder) != TJERR_WARNING) {
        return sy_fail(err, SY_EIO, "%s: %s", path, tjGetErrorStr2(decoder));
    }
    for (int c = 0; c < CHANNELS; c++) {
        for (int p = 0; p < PIXELS; p++) {
            out[c * PIXELS + p] = rgb[p * CHANNELS + c];
        }
    }
    return SY_OK;
}

static int read_labels(const void *self, int32_t split, const int64_t *indices, size_t count, int32_t *labels,
                       struct sy_error *err) {
    const struct tiny_imagenet *tiny = self;
    const struct listing *listing = &tiny->listing;
    for (size_t i = 0; i < count; i++) {
        if (split < 0 || split >= SY_SPLITS || indices[i] < 0 || indices[i] >= listing->count[split]) {
            return sy_fail(err, SY_ERANGE, "Tiny-ImageNet has no sample %lld in split %d", (long long)indices[i],
                           split);
        }
        labels[i] = listing->images[split][indices[i]].class;
    }
    return SY_OK;
}

static int read_samples(const void *self, int32_t split, const int64_t *indices, size_t count, void *samples,
                        int32_t *labels, struct sy_error *err) {
    const struct tiny_imagenet *tiny = self;
    uint8_t *out = samples;
    int status = read_labels(self, split, indices, count, labels, err);
    if (status != SY_OK) {
        return status;
    }
    tjhandle decoder = tjInitDecompress();
    unsigned char *bytes = malloc(LARGEST_FILE), *rgb = malloc(PIXELS * CHANNELS);
    if (!decoder || !bytes || !rgb) {
        status = sy_fail(err, SY_ENOMEM, "no memory to decode images");
    }
    for (size_t i = 0; i < count && status == SY_OK; i++) {
        char path[PATH_MAX];
        size_t size = 0;
        snprintf(path, sizeof path, "%s/%s", tiny->path, tiny->listing.images[split][indices[i]].path);
        status = read_file(path, bytes, &size, err);
        if (status == SY_OK) {
            status = decode(decoder, path, bytes, size, rgb, out + i * PIXELS * CHANNELS, err);
        }
    }
    free(rgb);
    free(bytes);
    if (decoder) {
        tjDestroy(decoder);
    }
    return status;
}

static const struct sy_field fields[] = {
    SY_PARAM(struct tiny_imagenet, path, .flags = SY_PATH | SY_REQUIRED,
             .doc = "folder tiny-imagenet-200 with wnids.txt, train and val"),
    SY_END,
};
static const struct sy_dataset_ops ops = {.size = sizeof ops,
                                          .open = open_folder,
                                          .info = info,
                                          .read = read_samples,
                                          .close = close_folder,
                                          .labels = read_labels};

/* ---- an example ------------------------------------------------------------------------------------------------- */

static int write_file(const char *folder, const char *name, const void *bytes, size_t size, struct sy_error *err) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    bool good = file && fwrite(bytes, 1, size, file) == size;
    good = file && fclose(file) == 0 && good;
    return good ? SY_OK : sy_fail(err, SY_EIO, "%s: %s", path, strerror(errno));
}

static int write_image(const char *folder, const char *name, int shade, struct sy_error *err) {
    unsigned char rgb[PIXELS * CHANNELS], *jpeg = NULL;
    unsigned long size = 0;
    for (int p = 0; p < PIXELS * CHANNELS; p++) {
        rgb[p] = (unsigned char)(shade + p / CHANNELS % SIDE);
    }
    tjhandle encoder = tjInitCompress();
    int status = SY_ENOMEM;
    if (encoder && tjCompress2(encoder, rgb, SIDE, 0, SIDE, TJPF_RGB, &jpeg, &size, TJSAMP_420, 90, 0) == 0) {
        status = write_file(folder, name, jpeg, size, err);
    } else {
        sy_fail(err, status, "no memory to make a picture");
    }
    tjFree(jpeg);
    if (encoder) {
        tjDestroy(encoder);
    }
    return status;
}

static int make_folders(const char *folder, struct sy_error *err) {
    static const char *const folders[] = {"train", "train/n01", "train/n01/images", "train/n02", "train/n02/images",
                                          "val",   "val/images"};
    int status = SY_OK;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && status == SY_OK; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, folders[i]);
        status = mkdir(path, 0700) == 0 ? SY_OK : sy_fail(err, SY_EIO, "%s: %s", path, strerror(errno));
    }
    return status;
}

/* sy_example.files: two classes with three pictures each, and one each to test with. */
static int write_example(const char *folder, struct sy_error *err) {
    static const char wnids[] = "n01\nn02\n", val[] = "val_0.JPEG\tn01\nval_1.JPEG\tn02\n";
    char name[64];
    int status = make_folders(folder, err);
    status = status == SY_OK ? write_file(folder, "wnids.txt", wnids, sizeof wnids - 1, err) : status;
    status = status == SY_OK ? write_file(folder, "val/val_annotations.txt", val, sizeof val - 1, err) : status;
    for (int i = 0; i < 6 && status == SY_OK; i++) {
        snprintf(name, sizeof name, "train/n0%d/images/n0%d_%d.JPEG", 1 + i % 2, 1 + i % 2, i / 2);
        status = write_image(folder, name, 30 * i, err);
    }
    for (int i = 0; i < 2 && status == SY_OK; i++) {
        snprintf(name, sizeof name, "val/images/val_%d.JPEG", i);
        status = write_image(folder, name, 100 + 30 * i, err);
    }
    return status;
}

static const void *extension(const char *id) {
    static const struct sy_example example = {
        .size = sizeof example, .settings = "path = \".\";", .files = write_example};
    return strcmp(id, SY_EXAMPLE) == 0 ? &example : NULL;
}

SY_PLUGIN(SY_DATASET, "tiny_imagenet", struct tiny_imagenet, .fields = fields, .ops = &ops, .extension = extension,
          .doc = "Tiny-ImageNet: 100,000 and 10,000 colour images of 64 x 64 in 200 classes, as JPEG files",
          .help =
              "The unpacked tiny-imagenet-200.zip; its val folder is the test split, as in all papers. Classes and\n"
              "images are in the order of their names, as torchvision's ImageFolder has them.",
          .reference = "Le, Yang, Tiny ImageNet visual recognition challenge, CS231N, Stanford, 2015");
