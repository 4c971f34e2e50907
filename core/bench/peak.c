/* peak.c - see peak.h. Compiled with -ffp-contract=fast: a * b + c becomes one instruction where there is one. */
#include "peak.h"

#include <string.h>

/* Chains that are not waiting for one another: more than the latency (4 to 5 cycles) times the units (2), fewer than
 * the registers (16). */
#define CHAINS 12

/* Values near 1: x <- 0.999 x + 0.001 stays there, far from denormal numbers. */
#define DEFINE_CHAINS(name, target_, bytes)                               \
    target_ static double name(float *sink, size_t rounds) {              \
        typedef float vector __attribute__((vector_size(bytes)));         \
        enum { LANES = (bytes) / sizeof(float) };                         \
        vector x[CHAINS], scale, shift;                                   \
        for (int i = 0; i < LANES; i++) {                                 \
            scale[i] = 0.999f;                                            \
            shift[i] = 0.001f;                                            \
        }                                                                 \
        for (int c = 0; c < CHAINS; c++) {                                \
            x[c] = shift * (float)(c + 1);                                \
        }                                                                 \
        for (size_t r = 0; r < rounds; r++) {                             \
            x[0] = x[0] * scale + shift, x[1] = x[1] * scale + shift;     \
            x[2] = x[2] * scale + shift, x[3] = x[3] * scale + shift;     \
            x[4] = x[4] * scale + shift, x[5] = x[5] * scale + shift;     \
            x[6] = x[6] * scale + shift, x[7] = x[7] * scale + shift;     \
            x[8] = x[8] * scale + shift, x[9] = x[9] * scale + shift;     \
            x[10] = x[10] * scale + shift, x[11] = x[11] * scale + shift; \
        }                                                                 \
        float sum = 0;                                                    \
        for (int c = 0; c < CHAINS; c++) {                                \
            for (int i = 0; i < LANES; i++) {                             \
                sum += x[c][i];                                           \
            }                                                             \
        }                                                                 \
        *sink += sum;                                                     \
        return 2.0 * CHAINS * LANES * (double)rounds;                     \
    }

DEFINE_CHAINS(plain, , 16)
#if defined(__x86_64__)
DEFINE_CHAINS(avx2, __attribute__((target("avx2,fma"))), 32)
DEFINE_CHAINS(avx512, __attribute__((target("avx512f"))), 64)
#endif

double sy_peak_run(float *sink, size_t rounds) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        return avx512(sink, rounds);
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return avx2(sink, rounds);
    }
#endif
    return plain(sink, rounds);
}
