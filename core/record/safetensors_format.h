/* safetensors_format.h - what the writer and the reader of safetensors share; nobody else's business. */
#ifndef SY_RECORD_SAFETENSORS_FORMAT_H
#define SY_RECORD_SAFETENSORS_FORMAT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <switchyard/tensor.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are stored as they lie in memory: a little-endian processor is needed"
#endif

#define SY_SAFETENSORS_METADATA     "__metadata__"
#define SY_SAFETENSORS_HEADER_LIMIT 100000000u /* bytes, the format's own bound */
#define SY_SHOWN_ROOM               100

static const struct {
    int32_t dtype;
    const char *name;
} sy_safetensors_types[] = {{SY_F32, "F32"}, {SY_F64, "F64"}, {SY_I32, "I32"},
                            {SY_I64, "I64"}, {SY_U8, "U8"},   {SY_BF16, "BF16"}};

#define SY_SAFETENSORS_TYPES (sizeof sy_safetensors_types / sizeof sy_safetensors_types[0])

/* Bytes of a tensor; false for a negative dimension or more than fits. */
static inline bool sy_safetensors_bytes(uint64_t *out, int32_t dtype, const int64_t *shape, int32_t rank) {
    uint64_t bytes = sy_dtype_bytes(dtype);
    bool fits = true;
    for (int32_t i = 0; i < rank; i++) {
        fits = fits && shape[i] >= 0 && !__builtin_mul_overflow(bytes, (uint64_t)shape[i], &bytes);
    }
    *out = bytes;
    return fits && bytes <= INT64_MAX;
}

/* Text from a file as part of a one-line message: cut to room, control characters replaced. Returns `out`. */
static inline const char *sy_safetensors_shown(char out[SY_SHOWN_ROOM], const char *text) {
    size_t n = strnlen(text, SY_SHOWN_ROOM - 1);
    /* not in the middle of a character */
    while (n > 0 && text[n] != '\0' && ((unsigned char)text[n] & 0xC0u) == 0x80u) {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        out[i] = c < 0x20 || c == 0x7F ? '?' : text[i];
    }
    out[n] = '\0';
    return out;
}

#endif
