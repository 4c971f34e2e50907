/* rng.h - random numbers that depend on what they are for, never on who asked first.
 *
 * A generator is a value made from a key: (seed, purpose, stream, epoch, item). Two threads that need numbers for
 * different items take different generators, so their order cannot change a result; resuming a run needs no
 * generator state at all.
 *
 * The numbers are Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
#ifndef SWITCHYARD_RNG_H
#define SWITCHYARD_RNG_H

#include <math.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What numbers are for. Values are part of every result ever published: append, never renumber. */
enum sy_purpose {
    SY_FOR_INIT = 1,    /* initial weights: stream = node key, item = parameter index */
    SY_FOR_SHUFFLE = 2, /* order of the samples in an epoch */
    SY_FOR_AUGMENT = 3, /* crops and flips: stream = view, item = sample index */
    SY_FOR_DROPOUT = 4, /* stream = node key, epoch = step, item = operator index */
    SY_FOR_SPLIT = 5,   /* validation split */
    SY_FOR_DATA = 6,    /* data sets that draw their samples */
    SY_FOR_PLUGIN = 7,  /* a plugin's own: policies and losses that draw */
};

struct sy_rng {
    uint32_t key[2];
    uint32_t counter[4]; /* block, item, epoch, purpose and stream */
    uint32_t word[4];    /* the current block */
    uint32_t left;       /* words of it not yet handed out */
};

/* The Philox block function: counter and key to four words. */
static inline void sy_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(b >> 32) ^ c1 ^ k0, n2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b, c3 = (uint32_t)a, c0 = n0, c2 = n2;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* A generator for one key. stream < 2^24 is kept whole; larger values are folded. [any] */
static inline struct sy_rng sy_rng_make(uint64_t seed, uint32_t purpose, uint32_t stream, uint32_t epoch,
                                        uint32_t item) {
    struct sy_rng rng;
    rng.key[0] = (uint32_t)seed, rng.key[1] = (uint32_t)(seed >> 32) ^ (stream & 0xFF000000u);
    rng.counter[0] = 0, rng.counter[1] = item, rng.counter[2] = epoch;
    rng.counter[3] = (purpose << 24) | (stream & 0x00FFFFFFu);
    rng.word[0] = rng.word[1] = rng.word[2] = rng.word[3] = 0;
    rng.left = 0;
    return rng;
}

/* Uniform on 0 .. 2^32-1. */
static inline uint32_t sy_rng_u32(struct sy_rng *rng) {
    if (!rng->left) {
        sy_philox(rng->word, rng->counter, rng->key);
        rng->counter[0]++;
        rng->left = 4;
    }
    return rng->word[4 - rng->left--];
}

/* Goes to the index-th number of the generator (from 0), so that the numbers of one key can be drawn in parts: dropout
 * masks give element i of an operator's output, in canonical order, the i-th number. */
static inline void sy_rng_seek(struct sy_rng *rng, uint32_t index) {
    rng->counter[0] = index / 4;
    rng->left = 0;
    if (index % 4) {
        sy_philox(rng->word, rng->counter, rng->key);
        rng->counter[0]++;
        rng->left = 4 - index % 4;
    }
}

/* Uniform on 0 .. n-1, without bias (Lemire's rejection); n >= 1. */
static inline uint32_t sy_rng_below(struct sy_rng *rng, uint32_t n) {
    uint64_t product = (uint64_t)sy_rng_u32(rng) * n;
    if ((uint32_t)product < n) {
        uint32_t floor = (uint32_t)(-n) % n;
        while ((uint32_t)product < floor) {
            product = (uint64_t)sy_rng_u32(rng) * n;
        }
    }
    return (uint32_t)(product >> 32);
}

/* Uniform on the open interval (0, 1), 32 random bits. */
static inline double sy_rng_uniform(struct sy_rng *rng) {
    return ((double)sy_rng_u32(rng) + 0.5) * (1.0 / 4294967296.0);
}

/* Standard normal (Box-Muller, the cosine branch only: no hidden second value). */
static inline double sy_rng_normal(struct sy_rng *rng) {
    double radius = sqrt(-2.0 * log(sy_rng_uniform(rng)));
    return radius * cos(6.283185307179586476925286766559 * sy_rng_uniform(rng));
}

#ifdef __cplusplus
}
#endif
#endif
