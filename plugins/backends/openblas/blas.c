/* blas.c - see blas.h. */
#include "blas.h"

#include "../cpu/processor.h"

#include <cblas.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SONAME   "libopenblas.so.0"
#define CORETYPE "OPENBLAS_CORETYPE"

typedef void (*gemm_function)(const enum CBLAS_ORDER order, const enum CBLAS_TRANSPOSE at,
                              const enum CBLAS_TRANSPOSE bt, const blasint m, const blasint n, const blasint k,
                              const float alpha, const float *a, const blasint lda, const float *b, const blasint ldb,
                              const float beta, float *c, const blasint ldc);

/* dlsym gives a data pointer; POSIX promises that its bits are the function's. */
static void *symbol(const struct blas *blas, const char *name) {
    return dlsym(blas->library, name);
}

static const char *kernels(const struct blas *blas) {
    char *(*corename)(void);
    void *found = symbol(blas, "openblas_get_corename");
    memcpy(&corename, &found, sizeof corename);
    return found ? corename() : "unknown";
}

static bool uses_avx512(const char *name) {
    return !strcasecmp(name, "SkylakeX") || !strcasecmp(name, "Cooperlake") || !strcasecmp(name, "SapphireRapids");
}

static int load(struct blas *blas, struct sy_error *err) {
    blas->library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
    if (!blas->library) {
        return sy_fail(err, SY_ENOTSUP, "OpenBLAS cannot be loaded: %s", dlerror());
    }
    return SY_OK;
}

/* Opens it again with kernels for AVX-512 where it did not choose them by itself. */
static int correct(struct blas *blas, struct sy_error *err) {
    char before[64];
    snprintf(before, sizeof before, "%s", kernels(blas));
    if (!cpu_has_avx512() || uses_avx512(before) || getenv(CORETYPE)) {
        return SY_OK;
    }
    dlclose(blas->library);
    setenv(CORETYPE, "SKYLAKEX", 0);
    int status = load(blas, err);
    unsetenv(CORETYPE);
    if (status == SY_OK && uses_avx512(kernels(blas))) {
        snprintf(blas->note, sizeof blas->note,
                 "OpenBLAS took %s kernels on a processor with AVX-512; set to %s (" CORETYPE " overrides)", before,
                 kernels(blas));
    } else {
        snprintf(blas->note, sizeof blas->note,
                 "OpenBLAS takes %s kernels on a processor with AVX-512 and was in use before it could be corrected; "
                 "set " CORETYPE "=SKYLAKEX",
                 before);
    }
    return status;
}

int blas_open(struct blas *blas, struct sy_error *err) {
    *blas = (struct blas){0};
    int status = load(blas, err);
    if (status == SY_OK) {
        status = correct(blas, err);
    }
    if (status != SY_OK) {
        return status;
    }
    void (*set_threads)(int);
    char *(*config)(void);
    void *threads = symbol(blas, "openblas_set_num_threads"), *text = symbol(blas, "openblas_get_config");
    void *gemm = symbol(blas, "cblas_sgemm");
    memcpy(&blas->gemm, &gemm, sizeof gemm);
    memcpy(&set_threads, &threads, sizeof set_threads);
    memcpy(&config, &text, sizeof config);
    if (!threads || !gemm) {
        blas_close(blas);
        return sy_fail(err, SY_ENOTSUP, SONAME " is not OpenBLAS: cblas_sgemm or openblas_set_num_threads is missing");
    }
    set_threads(1);
    char version[64] = "";
    if (text && sscanf(config(), "OpenBLAS %63s", version) != 1) {
        version[0] = 0;
    }
    snprintf(blas->processor, sizeof blas->processor, "OpenBLAS %s, %s kernels", version, kernels(blas));
    return SY_OK;
}

void blas_close(struct blas *blas) {
    if (blas->library) {
        dlclose(blas->library);
    }
    blas->library = NULL;
}

void blas_gemm(const struct blas *blas, int at, int bt, size_t m, size_t n, size_t k, const float *a, size_t lda,
               const float *b, size_t ldb, float beta, float *c, size_t ldc) {
    gemm_function gemm = (gemm_function)blas->gemm;
    gemm(CblasRowMajor, at ? CblasTrans : CblasNoTrans, bt ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n,
         (blasint)k, 1, a, (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}
