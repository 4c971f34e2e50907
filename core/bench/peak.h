/* peak.h - the loop that measures fused multiply-adds. */
#ifndef SY_BENCH_PEAK_H
#define SY_BENCH_PEAK_H

#include <stddef.h>

/* Runs chains of independent multiply-adds in float, with the widest vectors this processor has, all in registers;
 * returns how many floating-point operations it did. *sink gets something that depends on all of them. [any] */
double sy_peak_run(float *sink, size_t rounds);

#endif
