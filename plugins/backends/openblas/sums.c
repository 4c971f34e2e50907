/* sums.c - long sums, quick and always in the same order. */
#include "../cpu/clones.h"
#include "plan.h"

#define LANES 16

/* static: clang 14 gives clones of other functions no name that other files could find */
CPU_CLONES
static double sum_in_lanes(const float *restrict x, size_t count) {
    float lane[LANES] = {0};
    size_t whole = count / LANES * LANES;
    double sum = 0;
    for (size_t i = 0; i < whole; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            lane[l] += x[i + l];
        }
    }
    for (size_t l = 0; l < LANES; l++) {
        sum += (double)lane[l];
    }
    for (size_t i = whole; i < count; i++) {
        sum += (double)x[i];
    }
    return sum;
}

double sum_floats(const float *x, size_t count) {
    return sum_in_lanes(x, count);
}
