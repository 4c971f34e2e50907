/* statistics.h - figures over seeds, and differences between two variants over the seeds they share.
 *
 * Everything that has a distribution comes from GSL (distributions.h); NaN stands for what is not defined or, without
 * GSL, not there. Any thread; nothing is kept. */
#ifndef SY_REPORT_STATISTICS_H
#define SY_REPORT_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#define SY_CONFIDENCE 0.95
/* Below this many pairs no signed-rank test can have p < 0.05: 2 / 2^5 = 0.0625. */
#define SY_LEAST_WILCOXON 6

struct sy_summary {
    int32_t n;       /* figures that were finite */
    double mean, sd; /* of a sample (n - 1); NaN where n is too small */
};

/* Figures that are not finite are left out. */
struct sy_summary sy_summarize(const double *values, int32_t count);

/* one[i] - other[i], pairs with a figure that is not finite left out. */
struct sy_paired {
    int32_t n;          /* pairs */
    bool identical;     /* every difference is exactly 0: mean 0, and no test, as 0/0 has no distribution */
    double mean, sd;    /* of the differences */
    double low, high;   /* confidence interval of the mean difference, SY_CONFIDENCE; from n = 2 */
    double t, p_t;      /* paired t-test, two-sided, n - 1 degrees of freedom; NaN where sd is 0 */
    int32_t n_wilcoxon; /* differences that are not 0: the signed-rank test drops the others */
    double w;           /* the smaller of the rank sums of positive and negative differences */
    double p_wilcoxon;  /* two-sided; over all signs of the ranks as they are (ties share their mean rank) up to 50
                         * differences, above that the normal approximation with its correction for ties, without that
                         * for continuity */
};

struct sy_paired sy_compare_pairs(const double *one, const double *other, int32_t count);

#endif
