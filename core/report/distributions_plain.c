/* distributions_plain.c - see distributions.h: without GSL. */
#include "distributions.h"

#include <math.h>

bool sy_has_distributions(void) {
    return false;
}

double sy_mean(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return count ? sum / (double)count : (double)NAN;
}

double sy_deviation(const double *values, size_t count) {
    double mean = sy_mean(values, count), sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (values[i] - mean) * (values[i] - mean);
    }
    return count > 1 ? sqrt(sum / (double)(count - 1)) : (double)NAN;
}

double sy_student_two_sided(double t, double freedom) {
    (void)t, (void)freedom;
    return (double)NAN;
}

double sy_student_quantile(double probability, double freedom) {
    (void)probability, (void)freedom;
    return (double)NAN;
}

double sy_normal_two_sided(double z) {
    (void)z;
    return (double)NAN;
}

void sy_sorted_order(size_t *order, const double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && values[order[at - 1]] > values[i]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}
