#include "records.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static size_t record_bytes(const struct cifar_format *format) {
    return (size_t)format->n_labels + CIFAR_PIXELS;
}

static int64_t records_in(const struct cifar_format *format, int32_t file) {
    return format->splits[file] == SY_TRAIN_SPLIT ? format->records : format->test_records;
}

static int check_size(const struct cifar_format *format, int32_t file, const char *path, long long size,
                      struct sy_error *err) {
    long long record = (long long)record_bytes(format), right = record * records_in(format, file);
    if (size == right) {
        return SY_OK;
    }
    return sy_fail(err, SY_EINVAL, "%s has %lld bytes; this file of %s has %lld (%lld records of %lld bytes): it is %s",
                   path, size, format->name, right, (long long)records_in(format, file), record,
                   size < right ? "truncated or another file" : "another file");
}

static int map_file(struct cifar_records *records, int32_t file, const char *path, struct sy_error *err) {
    const struct cifar_format *format = records->format;
    struct stat found;
    void *mapped;
    int status = SY_OK;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return sy_fail(err, SY_EIO, "%s: %s; path must be %s", path, strerror(errno), format->hint);
    }
    if (fstat(descriptor, &found) != 0) {
        status = sy_fail(err, SY_EIO, "%s: %s", path, strerror(errno));
        goto close;
    }
    if (!S_ISREG(found.st_mode)) {
        status = sy_fail(err, SY_EINVAL, "%s is no regular file; path must be %s", path, format->hint);
        goto close;
    }
    status = check_size(format, file, path, (long long)found.st_size, err);
    if (status) {
        goto close;
    }
    mapped = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapped == MAP_FAILED) {
        status = sy_fail(err, SY_EIO, "%s: %s", path, strerror(errno));
        goto close;
    }
    records->files[file] = mapped;
close:
    close(descriptor);
    return status;
}

static int check_labels(const struct cifar_records *records, int32_t file, const char *path, struct sy_error *err) {
    const struct cifar_format *format = records->format;
    const uint8_t *record = records->files[file];
    for (int64_t i = 0; i < records_in(format, file); i++, record += record_bytes(format)) {
        for (int32_t l = 0; l < format->n_labels; l++) {
            if (record[l] >= format->classes[l]) {
                return sy_fail(err, SY_EINVAL, "%s: record %lld has label %d; labels of %s are 0 .. %d: another file?",
                               path, (long long)i, record[l], format->name, format->classes[l] - 1);
            }
        }
    }
    return SY_OK;
}

int cifar_open(struct cifar_records *records, const struct cifar_format *format, const char *folder,
               struct sy_error *err) {
    char path[PATH_MAX];
    int status = SY_OK;
    *records = (struct cifar_records){.format = format};
    XXH3_state_t *hash = XXH3_createState();
    if (!hash) {
        return sy_fail(err, SY_ENOMEM, "no memory for a checksum");
    }
    XXH3_64bits_reset(hash);
    for (int32_t i = 0; i < format->n_files && !status; i++) {
        int length = snprintf(path, sizeof path, "%s/%s", folder, format->files[i]);
        if (length < 0 || (size_t)length >= sizeof path) {
            status = sy_fail(err, SY_EINVAL, "path is longer than the %d characters a path can have", PATH_MAX);
            break;
        }
        status = map_file(records, i, path, err);
        status = status ? status : check_labels(records, i, path, err);
        if (!status) {
            XXH3_64bits_update(hash, records->files[i], record_bytes(format) * (size_t)records_in(format, i));
            records->count[format->splits[i]] += records_in(format, i);
        }
    }
    records->checksum = XXH3_64bits_digest(hash);
    XXH3_freeState(hash);
    if (status) {
        cifar_close(records);
    }
    return status;
}

void cifar_close(struct cifar_records *records) {
    for (int32_t i = 0; records->format && i < records->format->n_files; i++) {
        if (records->files[i]) {
            /* munmap wants a pointer to what may change; the map itself is read-only. */
            munmap((void *)(uintptr_t)records->files[i],
                   record_bytes(records->format) * (size_t)records_in(records->format, i));
        }
    }
    *records = (struct cifar_records){0};
}

void cifar_describe(const struct cifar_records *records, struct sy_dataset_info *out) {
    for (int32_t split = 0; split < SY_SPLITS; split++) {
        out->count[split] = records->count[split];
    }
    out->shape = (struct sy_shape){.rank = 3, .dim = {3, 32, 32}};
    out->dtype = SY_U8;
    out->checksum = records->checksum;
}

/* Record `index` of a split; NULL when there is none. */
static const uint8_t *find(const struct cifar_records *records, int32_t split, int64_t index) {
    for (int32_t i = 0; i < records->format->n_files && index >= 0; i++) {
        if (records->format->splits[i] != split) {
            continue;
        }
        if (index < records_in(records->format, i)) {
            return records->files[i] + record_bytes(records->format) * (size_t)index;
        }
        index -= records_in(records->format, i);
    }
    return NULL;
}

int cifar_read(const struct cifar_records *records, int32_t which, int32_t split, const int64_t *indices, size_t count,
               void *samples, int32_t *labels, struct sy_error *err) {
    uint8_t *out = samples;
    for (size_t i = 0; i < count; i++, out += CIFAR_PIXELS) {
        const uint8_t *record = find(records, split, indices[i]);
        if (!record) {
            return sy_fail(err, SY_ERANGE, "%s has no sample %lld in split %d", records->format->name,
                           (long long)indices[i], split);
        }
        labels[i] = record[which];
        memcpy(out, record + records->format->n_labels, CIFAR_PIXELS);
    }
    return SY_OK;
}

/* ---- an example ------------------------------------------------------------------------------------------------- */

static bool write_record(FILE *out, const struct cifar_format *format, int64_t index) {
    uint8_t record[CIFAR_MAX_LABELS + CIFAR_PIXELS];
    for (int32_t l = 0; l < format->n_labels; l++) {
        record[l] = (uint8_t)(index % format->classes[l]);
    }
    for (int32_t p = 0; p < CIFAR_PIXELS; p++) {
        record[format->n_labels + p] = (uint8_t)(index * 31 + p * 7);
    }
    return fseeko(out, (off_t)index * (off_t)record_bytes(format), SEEK_SET) == 0 &&
           fwrite(record, record_bytes(format), 1, out) == 1;
}

int cifar_write_example(const struct cifar_format *format, const char *folder, struct sy_error *err) {
    enum { DRAWN = 64 };
    char path[PATH_MAX];
    for (int32_t i = 0; i < format->n_files; i++) {
        int64_t records = records_in(format, i);
        snprintf(path, sizeof path, "%s/%s", folder, format->files[i]);
        FILE *out = fopen(path, "we");
        bool good = out != NULL;
        for (int64_t k = 0; k < DRAWN && good; k++) {
            good = write_record(out, format, k) && write_record(out, format, records - 1 - k);
        }
        good = out && fclose(out) == 0 && good;
        if (!good) {
            return sy_fail(err, SY_EIO, "%s: %s", path, strerror(errno));
        }
    }
    return SY_OK;
}
