/* distributions_gsl.c - see distributions.h. */
#include "distributions.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

bool sy_has_distributions(void) {
    return true;
}

double sy_mean(const double *values, size_t count) {
    return count ? gsl_stats_mean(values, 1, count) : (double)NAN;
}

double sy_deviation(const double *values, size_t count) {
    return count > 1 ? gsl_stats_sd(values, 1, count) : (double)NAN;
}

double sy_student_two_sided(double t, double freedom) {
    return 2 * gsl_cdf_tdist_Q(fabs(t), freedom);
}

double sy_student_quantile(double probability, double freedom) {
    return gsl_cdf_tdist_Pinv(probability, freedom);
}

double sy_normal_two_sided(double z) {
    return 2 * gsl_cdf_ugaussian_Q(fabs(z));
}

void sy_sorted_order(size_t *order, const double *values, size_t count) {
    gsl_sort_index(order, values, 1, count);
}
