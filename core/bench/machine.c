/* machine.c - see machine.h. */
#include "machine.h"

#include <stdlib.h>

#include "../host/threads.h"
#include "../train/cohort.h"
#include "peak.h"

#define PEAK_TRIES  12
#define TRIAD_TRIES 5
#define ARRAY_BYTES ((size_t)64 << 20)

/* ---- operations ------------------------------------------------------------------------------------------------- */

/* A line of its own for every thread. */
struct lane {
    double operations;
    float sink;
    char padding[128 - sizeof(double) - sizeof(float)];
};

struct peak_loop {
    struct lane *lanes;
    size_t rounds;
};

static void peak_body(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct peak_loop *loop = argument;
    (void)begin, (void)end;
    loop->lanes[thread].operations = sy_peak_run(&loop->lanes[thread].sink, loop->rounds);
}

static double peak_once(struct sy_threads *threads, struct lane *lanes, size_t rounds, double *seconds) {
    struct peak_loop loop = {lanes, rounds};
    int32_t count = sy_threads_count(threads);
    double operations = 0, start = sy_seconds_now();
    sy_threads_run(threads, (size_t)count, peak_body, &loop);
    *seconds = sy_seconds_now() - start;
    for (int32_t t = 0; t < count; t++) {
        operations += lanes[t].operations;
    }
    return operations / *seconds;
}

static double measure_peak(struct sy_threads *threads, struct lane *lanes) {
    const double long_enough = 0.02;
    size_t rounds = 1 << 12;
    double best = 0, seconds = 0;
    do {
        rounds *= 2;
        peak_once(threads, lanes, rounds, &seconds);
    } while (seconds < long_enough);
    for (int i = 0; i < PEAK_TRIES; i++) {
        double now = peak_once(threads, lanes, rounds, &seconds);
        best = now > best ? now : best;
    }
    return best;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

struct triad_loop {
    float *a;
    const float *b, *c;
    float scale;
};

static void triad_body(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct triad_loop *loop = argument;
    float *restrict a = loop->a;
    const float *restrict b = loop->b, *restrict c = loop->c;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        a[i] = b[i] + loop->scale * c[i];
    }
}

/* Pages belong to the thread that touches them first. */
static void touch_body(void *argument, size_t begin, size_t end, int32_t thread) {
    float *const *arrays = argument;
    (void)thread;
    for (int k = 0; k < 3; k++) {
        for (size_t i = begin; i < end; i++) {
            arrays[k][i] = 1;
        }
    }
}

static double measure_bandwidth(struct sy_threads *threads, float *const arrays[3]) {
    size_t count = ARRAY_BYTES / sizeof(float);
    struct triad_loop loop = {arrays[0], arrays[1], arrays[2], 0.5f};
    double best = 0;
    sy_threads_run(threads, count, touch_body, (void *)(uintptr_t)arrays);
    for (int i = 0; i < TRIAD_TRIES; i++) {
        double start = sy_seconds_now();
        sy_threads_run(threads, count, triad_body, &loop);
        double now = 3.0 * (double)ARRAY_BYTES / (sy_seconds_now() - start);
        best = now > best ? now : best;
    }
    return best;
}

int sy_machine_measure(struct sy_machine *out, int32_t count, struct sy_error *err) {
    struct sy_threads *threads = sy_threads_create(count);
    struct lane *lanes = calloc((size_t)count, sizeof *lanes);
    float *arrays[3] = {malloc(ARRAY_BYTES), malloc(ARRAY_BYTES), malloc(ARRAY_BYTES)};
    int status = SY_OK;
    if (!threads || !lanes || !arrays[0] || !arrays[1] || !arrays[2]) {
        status = sy_fail(err, SY_ENOMEM, "measuring the machine needs %d threads and 192 MiB", count);
    } else {
        *out = (struct sy_machine){.threads = count, .array_mebibytes = (double)(ARRAY_BYTES >> 20)};
        out->gflops = 1e-9 * measure_peak(threads, lanes);
        out->gbytes_per_s = 1e-9 * measure_bandwidth(threads, arrays);
    }
    for (int k = 0; k < 3; k++) {
        free(arrays[k]);
    }
    free(lanes);
    sy_threads_destroy(threads);
    return status;
}
