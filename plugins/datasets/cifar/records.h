/* records.h - the binary distribution of CIFAR: files of fixed-size records, some label bytes and then 3072 pixels
 * (red, green, blue plane of 32 x 32, row by row). Shared by cifar10 and cifar100; compiled into both. */
#ifndef CIFAR_RECORDS_H
#define CIFAR_RECORDS_H

#include <switchyard/dataset.h>

enum { CIFAR_PIXELS = 3 * 32 * 32, CIFAR_MAX_FILES = 6, CIFAR_MAX_LABELS = 2 };

/* What a distribution consists of. */
struct cifar_format {
    const char *name; /* "CIFAR-10" */
    const char *hint; /* which folder the path must name */
    const char *const *files;
    const int32_t *splits; /* enum sy_split of each file; a split's files in order */
    int32_t n_files;       /* at most CIFAR_MAX_FILES */
    int64_t records;       /* of each train file */
    int64_t test_records;  /* of each test file */
    int32_t n_labels;      /* label bytes of a record, at most CIFAR_MAX_LABELS */
    int32_t classes[CIFAR_MAX_LABELS];
};

/* An open distribution: its files, mapped read-only. All zero is closed. */
struct cifar_records {
    const struct cifar_format *format;
    const uint8_t *files[CIFAR_MAX_FILES]; /* NULL: not open */
    int64_t count[SY_SPLITS];
    uint64_t checksum; /* XXH3, 64 bits, of all files one after the other in the format's order */
};

/* Opens and checks every file: there, of the right size, all labels in range. */
int cifar_open(struct cifar_records *records, const struct cifar_format *format, const char *folder,
               struct sy_error *err);
void cifar_close(struct cifar_records *records);

/* Fills in what both data sets say alike: counts, shape, type, checksum. */
void cifar_describe(const struct cifar_records *records, struct sy_dataset_info *out);

/* sy_dataset_ops.read, with label byte `which`. */
int cifar_read(const struct cifar_records *records, int32_t which, int32_t split, const int64_t *indices, size_t count,
               void *samples, int32_t *labels, struct sy_error *err);

/* sy_example.files: files of the right sizes with made-up images at both ends, and a hole of zeros between. */
int cifar_write_example(const struct cifar_format *format, const char *folder, struct sy_error *err);

#endif
