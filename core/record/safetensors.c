/* The reading half of safetensors.h. */
#include "safetensors.h"
#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safetensors_format.h"
#include "whole_file.h"

#define ALIGNMENT 64u

struct sy_safetensors {
    json_t *header; /* owns every text */
    size_t count;
    struct sy_named_tensor *tensors;
    void *data;
};

/* A tensor as the header has it. */
struct entry {
    const char *name;
    int32_t dtype, rank;
    int64_t shape[SY_MAX_RANK];
    uint64_t begin, end; /* in the data */
    size_t index;        /* in the header */
};

/* One file being read. */
struct reader {
    const char *path;
    int fd;
    uint64_t file_bytes, header_bytes; /* the data begins at 8 + header_bytes */
    struct sy_error *err;
};

static int read_at(const struct reader *r, void *out, uint64_t count, uint64_t at) {
    char *to = out;
    while (count > 0) {
        ssize_t done = pread(r->fd, to, count < (1u << 30) ? count : 1u << 30, (off_t)at);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return sy_fail(r->err, SY_EIO, "%s: cannot be read: %s", r->path, strerror(errno));
        }
        if (done == 0) {
            return sy_fail(r->err, SY_EIO, "%s: became shorter while it was read", r->path);
        }
        to += done;
        at += (uint64_t)done;
        count -= (uint64_t)done;
    }
    return SY_OK;
}

static int open_file(struct reader *r) {
    struct stat there;
    /* O_NONBLOCK: a pipe of that name must not hang the program */
    r->fd = sy_file_open(r->path, O_RDONLY | O_NONBLOCK);
    if (r->fd < 0 || fstat(r->fd, &there) != 0) {
        return sy_fail(r->err, SY_EIO, "%s: cannot be opened: %s", r->path, strerror(errno));
    }
    if (!S_ISREG(there.st_mode)) {
        return sy_fail(r->err, SY_EINVAL, "%s: is no regular file", r->path);
    }
    r->file_bytes = (uint64_t)there.st_size;
    if (r->file_bytes < 8) {
        return sy_fail(r->err, SY_EINVAL,
                       "%s: is no safetensors file: it has %ju bytes, and 8 say how long the header is", r->path,
                       (uintmax_t)r->file_bytes);
    }
    int status = read_at(r, &r->header_bytes, 8, 0);
    if (status != SY_OK) {
        return status;
    }
    if (r->header_bytes > SY_SAFETENSORS_HEADER_LIMIT || r->header_bytes > r->file_bytes - 8) {
        return sy_fail(r->err, SY_EINVAL,
                       "%s: is no safetensors file, or cut short: it says its header has %ju bytes; %ju follow, and "
                       "%u is the most there may be",
                       r->path, (uintmax_t)r->header_bytes, (uintmax_t)(r->file_bytes - 8),
                       SY_SAFETENSORS_HEADER_LIMIT);
    }
    return SY_OK;
}

static int parse_header(json_t **out, const struct reader *r) {
    char shown[SY_SHOWN_ROOM];
    json_error_t at;
    char *text = malloc(r->header_bytes + 1);
    if (!text) {
        return sy_fail(r->err, SY_ENOMEM, "out of memory: %s has a header of %ju bytes", r->path,
                       (uintmax_t)r->header_bytes);
    }
    int status = read_at(r, text, r->header_bytes, 8);
    if (status != SY_OK) {
        goto release_text;
    }
    if (r->header_bytes == 0 || text[0] != '{') {
        status = sy_fail(r->err, SY_EINVAL, "%s: is no safetensors file: its header does not begin with '{'", r->path);
        goto release_text;
    }
    long before = sy_json_short_of_memory();
    *out = json_loadb(text, r->header_bytes, JSON_REJECT_DUPLICATES, &at);
    if (sy_json_short_of_memory() != before) { /* jansson may have gone on with half a number */
        status = sy_fail(r->err, SY_ENOMEM, "out of memory: %s", r->path);
    } else if (!*out && (!at.text[0] || json_error_code(&at) == json_error_out_of_memory)) {
        status = sy_fail(r->err, SY_ENOMEM, "out of memory: %s", r->path);
    } else if (!*out) {
        status = sy_fail(r->err, SY_EINVAL, "%s: the header is not JSON as the format wants it: %s (byte %d)", r->path,
                         sy_safetensors_shown(shown, at.text), at.position);
    }
release_text:
    free(text);
    return status;
}

static int check_metadata(const struct reader *r, json_t *metadata) {
    const char *key;
    json_t *value;
    char shown[SY_SHOWN_ROOM];
    if (!json_is_object(metadata)) {
        return sy_fail(r->err, SY_EINVAL, "%s: the metadata is not an object of texts", r->path);
    }
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value)) {
            return sy_fail(r->err, SY_EINVAL, "%s: metadata '%s' is not a text", r->path,
                           sy_safetensors_shown(shown, key));
        }
    }
    return SY_OK;
}

static int read_dtype(struct entry *out, const struct reader *r, const char *name, const json_t *value) {
    char shown[SY_SHOWN_ROOM];
    const char *type = json_string_value(value);
    if (!type) {
        return sy_fail(r->err, SY_EINVAL, "%s: tensor '%s' has no dtype, or one that is not a text", r->path, name);
    }
    for (size_t i = 0; i < SY_SAFETENSORS_TYPES; i++) {
        if (strcmp(type, sy_safetensors_types[i].name) == 0) {
            out->dtype = sy_safetensors_types[i].dtype;
            return SY_OK;
        }
    }
    return sy_fail(r->err, SY_ENOTSUP,
                   "%s: tensor '%s' has the type '%s'; F32, F64, I32, I64, U8 and BF16 are understood", r->path, name,
                   sy_safetensors_shown(shown, type));
}

static int read_shape(struct entry *out, const struct reader *r, const char *name, const json_t *value) {
    if (!json_is_array(value)) {
        return sy_fail(r->err, SY_EINVAL, "%s: tensor '%s' has no shape, or one that is not a list", r->path, name);
    }
    if (json_array_size(value) > SY_MAX_RANK) {
        return sy_fail(r->err, SY_ENOTSUP, "%s: tensor '%s' has %zu dimensions; up to %d are understood", r->path, name,
                       json_array_size(value), SY_MAX_RANK);
    }
    out->rank = (int32_t)json_array_size(value);
    for (int32_t i = 0; i < out->rank; i++) {
        const json_t *dim = json_array_get(value, (size_t)i);
        out->shape[i] = json_integer_value(dim);
        if (!json_is_integer(dim) || out->shape[i] < 0) {
            return sy_fail(r->err, SY_EINVAL, "%s: dimension %d of tensor '%s' is not a whole number from 0", r->path,
                           i, name);
        }
    }
    return SY_OK;
}

static int read_offsets(struct entry *out, const struct reader *r, const char *name, const json_t *value) {
    const json_t *begin = json_array_get(value, 0), *end = json_array_get(value, 1);
    if (json_array_size(value) != 2 || !json_is_integer(begin) || !json_is_integer(end)) {
        return sy_fail(r->err, SY_EINVAL, "%s: tensor '%s' has no data_offsets, or not two whole numbers", r->path,
                       name);
    }
    int64_t from = json_integer_value(begin), to = json_integer_value(end);
    if (from < 0 || to < from) {
        return sy_fail(r->err, SY_EINVAL, "%s: tensor '%s' lies from byte %jd to byte %jd", r->path, name,
                       (intmax_t)from, (intmax_t)to);
    }
    uint64_t data_bytes = r->file_bytes - 8 - r->header_bytes;
    if ((uint64_t)to > data_bytes) {
        return sy_fail(r->err, SY_EINVAL, "%s: tensor '%s' ends at byte %jd of the data, which has %ju: cut short?",
                       r->path, name, (intmax_t)to, (uintmax_t)data_bytes);
    }
    out->begin = (uint64_t)from, out->end = (uint64_t)to;
    return SY_OK;
}

static int read_entry(struct entry *out, const struct reader *r, const json_t *value) {
    char name[SY_SHOWN_ROOM];
    uint64_t bytes = 0;
    int status;
    sy_safetensors_shown(name, out->name);
    if ((status = read_dtype(out, r, name, json_object_get(value, "dtype"))) != SY_OK ||
        (status = read_shape(out, r, name, json_object_get(value, "shape"))) != SY_OK ||
        (status = read_offsets(out, r, name, json_object_get(value, "data_offsets"))) != SY_OK) {
        return status;
    }
    if (!sy_safetensors_bytes(&bytes, out->dtype, out->shape, out->rank)) {
        return sy_fail(r->err, SY_EINVAL, "%s: the shape of tensor '%s' is larger than any memory", r->path, name);
    }
    if (bytes != out->end - out->begin) {
        return sy_fail(r->err, SY_EINVAL, "%s: tensor '%s' needs %ju bytes by its shape and has %ju by its offsets",
                       r->path, name, (uintmax_t)bytes, (uintmax_t)(out->end - out->begin));
    }
    return SY_OK;
}

static int by_place(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    if (x->end != y->end) {
        return x->end < y->end ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

/* Every byte of the data belongs to exactly one tensor. */
static int check_cover(const struct reader *r, const struct entry *entries, size_t count) {
    uint64_t covered = 0, data_bytes = r->file_bytes - 8 - r->header_bytes;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].begin != covered) {
            char name[SY_SHOWN_ROOM];
            return sy_fail(r->err, SY_EINVAL, "%s: tensor '%s' begins at byte %ju of the data, %s byte %ju", r->path,
                           sy_safetensors_shown(name, entries[i].name), (uintmax_t)entries[i].begin,
                           entries[i].begin < covered ? "inside another that ends at" : "after a hole that begins at",
                           (uintmax_t)covered);
        }
        covered = entries[i].end;
    }
    if (covered != data_bytes) {
        return sy_fail(r->err, SY_EINVAL, "%s: the last %ju bytes belong to no tensor", r->path,
                       (uintmax_t)(data_bytes - covered));
    }
    return SY_OK;
}

/* The header's tensors in the order of the data; *out is malloc'ed. */
static int read_entries(struct entry **out, size_t *count, const struct reader *r, json_t *header) {
    const char *key;
    json_t *value;
    size_t n = 0;
    struct entry *entries = calloc(json_object_size(header) + 1, sizeof *entries);
    int status = entries ? SY_OK : sy_fail(r->err, SY_ENOMEM, "out of memory");
    json_object_foreach(header, key, value) {
        if (status != SY_OK) {
            break;
        }
        if (strcmp(key, SY_SAFETENSORS_METADATA) == 0) {
            status = check_metadata(r, value);
            continue;
        }
        entries[n].name = key;
        entries[n].index = n;
        status = read_entry(&entries[n++], r, value);
    }
    if (status == SY_OK) {
        qsort(entries, n, sizeof *entries, by_place);
        status = check_cover(r, entries, n);
    }
    if (status != SY_OK) {
        free(entries);
        return status;
    }
    *out = entries, *count = n;
    return SY_OK;
}

/* Each tensor to an aligned place of its own: in the file they lie as they come. */
static int read_data(struct sy_safetensors *file, const struct reader *r, const struct entry *entries) {
    uint64_t room = ALIGNMENT, at = 0;
    for (size_t i = 0; i < file->count; i++) {
        room += (entries[i].end - entries[i].begin + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    file->tensors = calloc(file->count + 1, sizeof *file->tensors);
    file->data = room <= SIZE_MAX ? aligned_alloc(ALIGNMENT, (size_t)room) : NULL;
    if (!file->tensors || !file->data) {
        return sy_fail(r->err, SY_ENOMEM, "out of memory: %s holds %ju bytes of tensors", r->path, (uintmax_t)room);
    }
    for (size_t i = 0; i < file->count; i++) {
        const struct entry *e = &entries[i];
        struct sy_named_tensor *named = &file->tensors[i];
        named->name = e->name;
        named->tensor = (struct sy_tensor){.size = sizeof named->tensor, .dtype = e->dtype, .rank = e->rank};
        memcpy(named->tensor.shape, e->shape, sizeof e->shape);
        named->tensor.data = (char *)file->data + at;
        int status = read_at(r, named->tensor.data, e->end - e->begin, 8 + r->header_bytes + e->begin);
        if (status != SY_OK) {
            return status;
        }
        at += (e->end - e->begin + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return SY_OK;
}

int sy_safetensors_open(struct sy_safetensors **out, const char *path, struct sy_error *err) {
    struct reader r = {.path = path, .fd = -1, .err = err};
    struct entry *entries = NULL;
    struct sy_safetensors *file = calloc(1, sizeof *file);
    int status = file ? open_file(&r) : sy_fail(err, SY_ENOMEM, "out of memory");
    if (status == SY_OK) {
        status = parse_header(&file->header, &r);
    }
    if (status == SY_OK) {
        status = read_entries(&entries, &file->count, &r, file->header);
    }
    if (status == SY_OK) {
        status = read_data(file, &r, entries);
    }
    free(entries);
    if (r.fd >= 0) {
        close(r.fd);
    }
    if (status != SY_OK) {
        sy_safetensors_close(file);
        file = NULL;
    }
    *out = file;
    return status;
}

void sy_safetensors_close(struct sy_safetensors *file) {
    if (file) {
        json_decref(file->header);
        free(file->tensors);
        free(file->data);
        free(file);
    }
}

size_t sy_safetensors_count(const struct sy_safetensors *file) {
    return file->count;
}

const struct sy_named_tensor *sy_safetensors_at(const struct sy_safetensors *file, size_t index) {
    return index < file->count ? &file->tensors[index] : NULL;
}

const struct sy_named_tensor *sy_safetensors_find(const struct sy_safetensors *file, const char *name) {
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) {
            return &file->tensors[i];
        }
    }
    return NULL;
}

const char *sy_safetensors_metadata(const struct sy_safetensors *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, SY_SAFETENSORS_METADATA), key));
}
