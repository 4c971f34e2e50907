/* tensor.h - a view of numbers in host memory: contiguous, row-major, last index fastest. */
#ifndef SWITCHYARD_TENSOR_H
#define SWITCHYARD_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum sy_dtype {
    SY_F32 = 1,
    SY_F64 = 2,
    SY_I32 = 3,
    SY_I64 = 4,
    SY_U8 = 5,
    SY_BF16 = 6,
};

#define SY_MAX_RANK 4

/* Never owns `data`; whoever hands out a tensor says how long it stays valid. */
struct sy_tensor {
    uint32_t size;              /* sizeof (struct sy_tensor) */
    int32_t dtype;              /* enum sy_dtype */
    int64_t shape[SY_MAX_RANK]; /* shape[0 .. rank-1]; the batch, where there is one, is shape[0] */
    int32_t rank;               /* 0 (a scalar) to SY_MAX_RANK */
    int32_t reserved;           /* 0 */
    void *data;
};

/* Bytes of one element; 0 for an unknown dtype. [any] */
static inline size_t sy_dtype_bytes(int32_t dtype) {
    switch (dtype) {
    case SY_F32:
    case SY_I32:
        return 4;
    case SY_F64:
    case SY_I64:
        return 8;
    case SY_U8:
        return 1;
    case SY_BF16:
        return 2;
    default:
        return 0;
    }
}

/* Number of elements. [any] */
static inline size_t sy_tensor_count(const struct sy_tensor *t) {
    size_t n = 1;
    for (int32_t i = 0; i < t->rank; i++) {
        n *= (size_t)t->shape[i];
    }
    return n;
}

/* Elements of one sample: the count without the batch in shape[0]. [any] */
static inline size_t sy_tensor_row(const struct sy_tensor *t) {
    size_t n = 1;
    for (int32_t i = 1; i < t->rank; i++) {
        n *= (size_t)t->shape[i];
    }
    return n;
}

#ifdef __cplusplus
}
#endif
#endif
