/* safetensors.h - named tensors in a file: 8 bytes of little-endian header length, a JSON header, raw little-endian
 * data. The reader believes nothing: bounds, overlaps, duplicate names, shapes and sizes are all checked. */
#ifndef SY_RECORD_SAFETENSORS_H
#define SY_RECORD_SAFETENSORS_H

#include <switchyard/error.h>
#include <switchyard/tensor.h>

struct sy_named_tensor {
    const char *name;
    struct sy_tensor tensor;
};

/* Writes `path` so that it is there whole or not at all: to a file beside it, synced, renamed. metadata: key, value,
 * key, value, ..., NULL; or NULL. Tensors lie in the order given; the same tensors make the same bytes. The data begins
 * at a multiple of 8; nothing is put between tensors (the format forbids it), so with mixed types the wider ones should
 * come first for the sake of other readers. */
int sy_safetensors_write(const char *path, const struct sy_named_tensor *tensors, size_t count,
                         const char *const *metadata, struct sy_error *err);

struct sy_safetensors; /* an opened file */

/* Reads a whole file into memory. What is wrong with it is said with its path and the tensor's name. Types other than
 * tensor.h's and more than SY_MAX_RANK dimensions are SY_ENOTSUP, files that break the format's rules SY_EINVAL. */
int sy_safetensors_open(struct sy_safetensors **out, const char *path, struct sy_error *err);
void sy_safetensors_close(struct sy_safetensors *file); /* NULL is fine */
/* In the order of the data; the tensors are the file's, read-only, each aligned to 64 bytes. */
size_t sy_safetensors_count(const struct sy_safetensors *file);
const struct sy_named_tensor *sy_safetensors_at(const struct sy_safetensors *file, size_t index);
const struct sy_named_tensor *sy_safetensors_find(const struct sy_safetensors *file, const char *name);
/* Value of a metadata key, NULL if there is none. */
const char *sy_safetensors_metadata(const struct sy_safetensors *file, const char *key);

#endif
