/* cifar10.c - data set `cifar10`: the binary distribution of CIFAR-10. */
#include <string.h>

#include "records.h"

struct cifar10 {
    const char *path;
    struct cifar_records records;
};

static const char *const files[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                    "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
static const int32_t splits[] = {SY_TRAIN_SPLIT, SY_TRAIN_SPLIT, SY_TRAIN_SPLIT,
                                 SY_TRAIN_SPLIT, SY_TRAIN_SPLIT, SY_TEST_SPLIT};
static const struct cifar_format format = {.name = "CIFAR-10",
                                           .hint = "the folder cifar-10-batches-bin of the binary version "
                                                   "(cifar-10-binary.tar.gz)",
                                           .files = files,
                                           .splits = splits,
                                           .n_files = 6,
                                           .records = 10000,
                                           .test_records = 10000,
                                           .n_labels = 1,
                                           .classes = {10}};

static const char *const class_names[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                          "dog",      "frog",       "horse", "ship", "truck"};
/* As in the released code of SwitOKD. */
static const double mean[] = {0.491, 0.482, 0.447}, std[] = {0.247, 0.243, 0.262};

static int open_files(void *self, const struct sy_host *host, struct sy_error *err) {
    struct cifar10 *cifar = self;
    (void)host;
    return cifar_open(&cifar->records, &format, cifar->path, err);
}

static int info(const void *self, struct sy_dataset_info *out) {
    const struct cifar10 *cifar = self;
    out->classes = 10;
    cifar_describe(&cifar->records, out);
    out->class_names = class_names;
    out->mean = mean;
    out->std = std;
    return SY_OK;
}

static int read_samples(const void *self, int32_t split, const int64_t *indices, size_t count, void *samples,
                        int32_t *labels, struct sy_error *err) {
    const struct cifar10 *cifar = self;
    return cifar_read(&cifar->records, 0, split, indices, count, samples, labels, err);
}

static void close_files(void *self) {
    struct cifar10 *cifar = self;
    cifar_close(&cifar->records);
}

static const struct sy_field fields[] = {
    SY_PARAM(struct cifar10, path, .flags = SY_PATH | SY_REQUIRED,
             .doc = "folder with data_batch_1.bin .. data_batch_5.bin and test_batch.bin"),
    SY_END,
};
static const struct sy_dataset_ops ops = {
    .size = sizeof ops, .open = open_files, .info = info, .read = read_samples, .close = close_files};

static int write_example(const char *folder, struct sy_error *err) {
    return cifar_write_example(&format, folder, err);
}

static const void *extension(const char *id) {
    static const struct sy_example example = {
        .size = sizeof example, .settings = "path = \".\";", .files = write_example};
    return strcmp(id, SY_EXAMPLE) == 0 ? &example : NULL;
}

SY_PLUGIN(SY_DATASET, "cifar10", struct cifar10, .fields = fields, .ops = &ops, .extension = extension,
          .doc = "CIFAR-10: 50,000 and 10,000 colour images of 32 x 32 in 10 classes",
          .reference = "Krizhevsky, Learning multiple layers of features from tiny images, 2009");
