/* library.h - oneDNN, as far as it is used here: convolutions for one thread, re-ordering of weights, matrix products.
 * The only file that knows which version it is. */
#ifndef ONEDNN_LIBRARY_H
#define ONEDNN_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <switchyard/error.h>
#include <switchyard/host.h>

struct library;
struct primitive;

enum direction { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS };

/* A convolution of `images` images. Channels are multiples of `block` where the layout is blocked. */
struct convolution {
    int32_t images, groups;
    int32_t in, height, width;          /* channels and size of the source */
    int32_t out, out_height, out_width; /* of the destination */
    int32_t kernel, stride, padding;
    int32_t block;     /* 8 or 16 channels side by side */
    bool plain_source; /* channels, height, width instead of blocks */
    bool plain_destination;
    bool bias;
    bool channels_last; /* both, unless plain: height, width, channels */
    bool bf16;          /* activations and weights; gradients of weights and biases stay floats */
};

int library_open(struct library **out, const struct sy_host *host, struct sy_error *err);
void library_close(struct library *library);
const char *library_version(const struct library *library);
/* Channels side by side in its fastest layout for this processor, or for what ONEDNN_MAX_CPU_ISA allows: 16 with AVX-512,
 * else 8. */
int32_t library_block(void);
/* Whether it has instructions for bf16 that it only uses where channels come last. */
bool library_wants_channels_last(const struct library *library);

/* May run on all threads at once. like: weights as that primitive has them; NULL: as is best. */
int primitive_create(struct primitive **out, struct library *library, const struct convolution *shape,
                     enum direction direction, const struct primitive *like, struct sy_error *err);
void primitive_destroy(struct primitive *primitive);
size_t primitive_scratch(const struct primitive *primitive);      /* bytes */
size_t primitive_weight_bytes(const struct primitive *primitive); /* of its weights, or their gradient */
/* source, destination: their gradients in backward directions. bias may be NULL. */
int primitive_run(const struct primitive *primitive, int32_t thread, const void *source, const void *weights,
                  const void *bias, const void *destination, void *scratch);
/* Between plain floats (groups, out, in, kernel, kernel) and the primitive's own order. */
int primitive_pack(const struct primitive *primitive, const float *plain, void *packed);
int primitive_unpack(const struct primitive *primitive, const void *packed, float *plain);

/* C (m, n) = A (m, k) B (k, n) + beta C; row-major; at, bt: given transposed. On the calling thread alone. */
void library_gemm(bool at, bool bt, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float beta, float *c, size_t ldc);

#endif
