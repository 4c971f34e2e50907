/* distributions.h - what is taken from GSL, and what is left without it.
 *
 * distributions_gsl.c is built where GSL is, distributions_plain.c elsewhere: that one has means and deviations, and NaN
 * for everything that needs a distribution, so that tables come without tests. */
#ifndef SY_REPORT_DISTRIBUTIONS_H
#define SY_REPORT_DISTRIBUTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether there are distributions, that is, tests and intervals. */
bool sy_has_distributions(void);

double sy_mean(const double *values, size_t count);             /* NaN for none */
double sy_deviation(const double *values, size_t count);        /* of a sample, divided by count - 1; NaN below two */
double sy_student_two_sided(double t, double freedom);          /* P(|T| >= |t|) */
double sy_student_quantile(double probability, double freedom); /* x with P(T <= x) = probability */
double sy_normal_two_sided(double z);                           /* P(|Z| >= |z|) */
void sy_sorted_order(size_t *order, const double *values, size_t count); /* indices, smallest value first */

#endif
