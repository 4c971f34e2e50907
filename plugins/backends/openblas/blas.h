/* blas.h - OpenBLAS, opened by hand: the kernels it uses can only be chosen before it is loaded. */
#ifndef OPENBLAS_BLAS_H
#define OPENBLAS_BLAS_H

#include <switchyard/error.h>

struct blas {
    void *library;
    void (*gemm)(void);  /* cblas_sgemm; cast back in blas.c */
    char processor[256]; /* version and kernels, for people */
    char note[256];      /* what was corrected; "" when nothing */
};

/* Opens libopenblas.so.0 for single-threaded use by several threads. Older versions take kernels for AVX2 on processors
 * with AVX-512 they do not know, and lose half their speed: then it is opened again with OPENBLAS_CORETYPE=SKYLAKEX. A
 * setting of the user's own wins. */
int blas_open(struct blas *blas, struct sy_error *err);
void blas_close(struct blas *blas);

/* C (m, n) = A (m, k) B (k, n) + beta C, all row-major with row lengths lda, ldb, ldc; at, bt: A, B are given
 * transposed. */
void blas_gemm(const struct blas *blas, int at, int bt, size_t m, size_t n, size_t k, const float *a, size_t lda,
               const float *b, size_t ldb, float beta, float *c, size_t ldc);

#endif
