/* machine.h - what the machine can do at its best: the measure of everything else. */
#ifndef SY_BENCH_MACHINE_H
#define SY_BENCH_MACHINE_H

#include <switchyard/error.h>

/* No pointers: travels between processes. */
struct sy_machine {
    int32_t threads;
    double gflops; /* fused multiply-adds in float, in registers, all threads at once; 10^9 operations a second */
    double
        gbytes_per_s; /* a[i] = b[i] + s c[i] over arrays larger than the caches: 12 bytes an element; 10^9 a second */
    double array_mebibytes; /* size of each of the three arrays */
};

/* Takes about half a second and 192 MiB. Best of several tries: what the machine can, not what it did on average. */
int sy_machine_measure(struct sy_machine *out, int32_t threads, struct sy_error *err);

#endif
