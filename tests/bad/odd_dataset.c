/* odd_dataset.c - a data set that makes the mistake its parameter asks for: for whoever reads data sets. */
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <switchyard/dataset.h>

struct broken {
    const char *mistake;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct broken, mistake, .def_text = "none", .doc = "which one"),
    SY_END,
};

enum { BYTES = 16 };

static bool makes(const void *self, const char *mistake) {
    const struct broken *broken = self;
    return !strcmp(broken->mistake, mistake);
}

static int open_it(void *self, const struct sy_host *host, struct sy_error *err) {
    (void)host;
    return makes(self, "does not open") ? sy_fail(err, SY_EIO, "it is not there") : SY_OK;
}

static int info(const void *self, struct sy_dataset_info *out) {
    static const double half[] = {0.5}, none[] = {0};
    static const char *const names[] = {"cat", NULL}, *const good[] = {"cat", "dog"};
    if (makes(self, "tells nothing")) {
        return SY_EIO;
    }
    out->classes = makes(self, "one class") ? 1 : 2;
    out->count[SY_TRAIN_SPLIT] = makes(self, "no samples") ? 0 : 64;
    out->count[SY_TEST_SPLIT] = 64;
    out->shape = (struct sy_shape){3, {1, 4, 4}};
    out->dtype = makes(self, "odd type") ? 77 : SY_U8;
    out->mean = half;
    out->std = makes(self, "no deviation") ? none : half;
    out->class_names = makes(self, "nameless") ? names : good;
    return SY_OK;
}

static int read_it(const void *self, int32_t split, const int64_t *indices, size_t count, void *samples,
                   int32_t *labels, struct sy_error *err) {
    static _Atomic int calls;
    int call = atomic_fetch_add(&calls, 1);
    (void)split;
    if (makes(self, "does not read") || makes(self, "does not read silently")) {
        return makes(self, "does not read") ? sy_fail(err, SY_EIO, "a bad sector") : SY_EIO;
    }
    for (size_t i = 0; i < count; i++) {
        memset((char *)samples + i * BYTES, (int)(indices[i] % 100) + (makes(self, "another each time") ? call : 0),
               BYTES);
        labels[i] = makes(self, "label outside") ? 2 : (int32_t)(indices[i] % 2);
    }
    if (makes(self, "writes behind")) {
        memset((char *)samples + count * BYTES, 1, 1);
    }
    return SY_OK;
}

static const struct sy_dataset_ops ops = {.size = sizeof ops, .open = open_it, .info = info, .read = read_it};

SY_PLUGIN(SY_DATASET, "odd_dataset", struct broken, .fields = fields, .ops = &ops,
          .doc = "makes the mistake that is asked for");
