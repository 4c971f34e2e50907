/* The writing half of safetensors.h. */
#include <jansson.h>
#include <stdlib.h>

#include "json.h"
#include "safetensors.h"
#include "safetensors_format.h"
#include "whole_file.h"

static const char *type_name(int32_t dtype) {
    for (size_t i = 0; i < SY_SAFETENSORS_TYPES; i++) {
        if (sy_safetensors_types[i].dtype == dtype) {
            return sy_safetensors_types[i].name;
        }
    }
    return NULL;
}

static int add_tensor(json_t *header, uint64_t *end, const struct sy_named_tensor *named, const char *path,
                      struct sy_error *err) {
    const struct sy_tensor *t = &named->tensor;
    const char *type = type_name(t->dtype);
    char shown[SY_SHOWN_ROOM];
    uint64_t bytes = 0, begin = *end;
    sy_safetensors_shown(shown, named->name);
    if (!type || t->rank < 0 || t->rank > SY_MAX_RANK || !sy_safetensors_bytes(&bytes, t->dtype, t->shape, t->rank) ||
        __builtin_add_overflow(*end, bytes, end) || *end > INT64_MAX || (bytes > 0 && !t->data)) {
        return sy_fail(err, SY_EINVAL, "%s: tensor '%s' has no sensible type, shape or data", path, shown);
    }
    if (strcmp(named->name, SY_SAFETENSORS_METADATA) == 0 || json_object_get(header, named->name)) {
        return sy_fail(err, SY_EINVAL, "%s: two tensors, or a tensor and the metadata, are called '%s'", path, shown);
    }
    json_t *shape = json_array();
    for (int32_t i = 0; i < t->rank; i++) {
        sy_json_add(&shape, json_integer(t->shape[i]));
    }
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", type, "shape", shape, "data_offsets", (json_int_t)begin,
                              (json_int_t)*end);
    if (!entry) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    if (json_object_set_new(header, named->name, entry) != 0) {
        return sy_fail(err, SY_EINVAL, "%s: the name of tensor '%s' is not UTF-8", path, shown);
    }
    return SY_OK;
}

static int add_metadata(json_t *header, const char *const *metadata, const char *path, struct sy_error *err) {
    json_t *texts = json_object();
    if (!texts || json_object_set_new(header, SY_SAFETENSORS_METADATA, texts) != 0) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    for (size_t i = 0; metadata[i]; i += 2) {
        if (json_object_get(texts, metadata[i]) || !metadata[i + 1] ||
            json_object_set_new(texts, metadata[i], json_string(metadata[i + 1])) != 0) {
            char shown[SY_SHOWN_ROOM];
            return sy_fail(err, SY_EINVAL, "%s: metadata '%s' is there twice, has no value or is not UTF-8", path,
                           sy_safetensors_shown(shown, metadata[i]));
        }
    }
    return SY_OK;
}

/* The header as text, padded with spaces to a multiple of 8; NULL after a failure. */
static char *header_text(size_t *length, const struct sy_named_tensor *tensors, size_t count,
                         const char *const *metadata, const char *path, struct sy_error *err) {
    char *text = NULL;
    uint64_t end = 0;
    json_t *header = json_object();
    if (!header) {
        goto no_memory;
    }
    if (metadata && add_metadata(header, metadata, path, err) != SY_OK) {
        goto release_header;
    }
    for (size_t i = 0; i < count; i++) {
        if (add_tensor(header, &end, &tensors[i], path, err) != SY_OK) {
            goto release_header;
        }
    }
    size_t used = json_dumpb(header, NULL, 0, JSON_COMPACT);
    *length = (used + 7) / 8 * 8;
    if (*length > SY_SAFETENSORS_HEADER_LIMIT) {
        sy_fail(err, SY_EINVAL, "%s: names and shapes need %zu bytes; the format allows %u", path, *length,
                SY_SAFETENSORS_HEADER_LIMIT);
        goto release_header;
    }
    text = malloc(*length + 1);
    if (!used || !text) {
        goto no_memory;
    }
    if (json_dumpb(header, text, used, JSON_COMPACT) != used) {
        goto no_memory;
    }
    memset(text + used, ' ', *length - used);
    goto release_header;

no_memory:
    sy_fail(err, SY_ENOMEM, "out of memory");
    free(text);
    text = NULL;
release_header:
    json_decref(header);
    return text;
}

int sy_safetensors_write(const char *path, const struct sy_named_tensor *tensors, size_t count,
                         const char *const *metadata, struct sy_error *err) {
    struct sy_error own = {.size = sizeof own};
    struct sy_whole_file file;
    size_t length = 0;
    err = err ? err : &own;
    char *text = header_text(&length, tensors, count, metadata, path, err);
    if (!text) {
        return err->code;
    }
    uint64_t prefix = length;
    int status = sy_whole_file_begin(&file, path, err);
    if (status == SY_OK) {
        status = sy_whole_file_write(&file, &prefix, sizeof prefix, err);
    }
    if (status == SY_OK) {
        status = sy_whole_file_write(&file, text, length, err);
    }
    for (size_t i = 0; status == SY_OK && i < count; i++) {
        const struct sy_tensor *t = &tensors[i].tensor;
        status = sy_whole_file_write(&file, t->data, sy_tensor_count(t) * sy_dtype_bytes(t->dtype), err);
    }
    if (status == SY_OK) {
        status = sy_whole_file_commit(&file, err);
    }
    sy_whole_file_finish(&file);
    free(text);
    return status;
}
