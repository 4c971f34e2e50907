/* statistics.c - see statistics.h. GSL has no signed-rank test: ranks and the exact distribution are here, sorting and
 * the normal distribution are GSL's. */
#include "statistics.h"

#include <math.h>
#include <stdlib.h>

#include "distributions.h"

#define MOST_EXACT 50

struct sy_summary sy_summarize(const double *values, int32_t count) {
    struct sy_summary summary = {0, (double)NAN, (double)NAN};
    double *kept = calloc((size_t)(count > 0 ? count : 0) + 1, sizeof *kept);
    for (int32_t i = 0; kept && i < count; i++) {
        if (isfinite(values[i])) {
            kept[summary.n++] = values[i];
        }
    }
    if (kept) {
        summary.mean = sy_mean(kept, (size_t)summary.n);
        summary.sd = sy_deviation(kept, (size_t)summary.n);
    }
    free(kept);
    return summary;
}

/* ---- signed ranks ----------------------------------------------------------------------------------------------- */

/* Twice the mean rank of every |difference|, so that ties stay whole numbers; the sum of t^3 - t over groups of ties. */
static double rank_twice(int32_t *twice, const double *sizes, const size_t *order, int32_t n) {
    double ties = 0;
    for (int32_t first = 0, last; first < n; first = last) {
        for (last = first + 1; last < n && sizes[order[last]] <= sizes[order[first]]; last++) {
        }
        double size = last - first;
        ties += size * size * size - size;
        for (int32_t i = first; i < last; i++) {
            twice[order[i]] = first + 1 + last;
        }
    }
    return ties;
}

/* P(W <= low) + P(W >= mirror of low) when every sign is as likely as its opposite: ways[s] counts the choices of signs
 * whose positive ranks sum up to s / 2. */
static double exact_two_sided(const int32_t *twice, int32_t n, int32_t low) {
    static const int32_t most = MOST_EXACT * (MOST_EXACT + 1);
    double ways[MOST_EXACT * (MOST_EXACT + 1) + 1] = {1}, tail = 0;
    for (int32_t i = 0; i < n; i++) {
        for (int32_t sum = most; sum >= twice[i]; sum--) {
            ways[sum] += ways[sum - twice[i]];
        }
    }
    for (int32_t sum = 0; sum <= low; sum++) {
        tail += ways[sum];
    }
    double p = 2 * ldexp(tail, -n);
    return p < 1 ? p : 1;
}

static double normal_two_sided(double w, int32_t n, double ties) {
    double mean = n * (n + 1.0) / 4, variance = n * (n + 1.0) * (2.0 * n + 1) / 24 - ties / 48;
    return variance > 0 ? sy_normal_two_sided((w - mean) / sqrt(variance)) : (double)NAN;
}

/* `differences` has none that is 0. */
static void signed_rank(struct sy_paired *out, const double *differences, double *sizes, size_t *order,
                        int32_t *twice) {
    int32_t n = out->n_wilcoxon, positive = 0, negative = 0;
    for (int32_t i = 0; i < n; i++) {
        sizes[i] = fabs(differences[i]);
    }
    sy_sorted_order(order, sizes, (size_t)n);
    double ties = rank_twice(twice, sizes, order, n);
    for (int32_t i = 0; i < n; i++) {
        *(differences[i] > 0 ? &positive : &negative) += twice[i];
    }
    int32_t low = positive < negative ? positive : negative;
    out->w = low / 2.0;
    if (sy_has_distributions()) {
        out->p_wilcoxon = n <= MOST_EXACT ? exact_two_sided(twice, n, low) : normal_two_sided(out->w, n, ties);
    }
}

static void wilcoxon(struct sy_paired *out, const double *differences) {
    size_t room = (size_t)out->n + 1;
    double *nonzero = malloc(room * sizeof *nonzero), *sizes = malloc(room * sizeof *sizes);
    size_t *order = malloc(room * sizeof *order);
    int32_t *twice = malloc(room * sizeof *twice);
    if (nonzero && sizes && order && twice) {
        for (int32_t i = 0; i < out->n; i++) {
            if (differences[i] != 0) {
                nonzero[out->n_wilcoxon++] = differences[i];
            }
        }
        if (out->n_wilcoxon > 0) {
            signed_rank(out, nonzero, sizes, order, twice);
        }
    }
    free(nonzero);
    free(sizes);
    free(order);
    free(twice);
}

/* ---- pairs ------------------------------------------------------------------------------------------------------ */

/* t = mean / (sd / sqrt(n)); mean +- t_(n-1)(97.5 %) sd / sqrt(n) */
static void t_test(struct sy_paired *out) {
    double error = out->sd / sqrt(out->n), freedom = out->n - 1;
    if (out->n < 2) {
        return;
    }
    double reach = error > 0 ? sy_student_quantile(0.5 + SY_CONFIDENCE / 2, freedom) * error : 0;
    out->low = out->mean - reach;
    out->high = out->mean + reach;
    if (error > 0) {
        out->t = out->mean / error;
        out->p_t = sy_student_two_sided(out->t, freedom);
    }
}

struct sy_paired sy_compare_pairs(const double *one, const double *other, int32_t count) {
    const double none = (double)NAN;
    struct sy_paired out = {
        .mean = none, .sd = none, .low = none, .high = none, .t = none, .p_t = none, .w = none, .p_wilcoxon = none};
    double *differences = calloc((size_t)(count > 0 ? count : 0) + 1, sizeof *differences);
    if (!differences) {
        return out;
    }
    out.identical = true;
    for (int32_t i = 0; i < count; i++) {
        if (isfinite(one[i]) && isfinite(other[i])) {
            differences[out.n] = one[i] - other[i];
            out.identical = out.identical && differences[out.n] == 0;
            out.n++;
        }
    }
    out.identical = out.identical && out.n > 0;
    out.mean = sy_mean(differences, (size_t)out.n);
    out.sd = sy_deviation(differences, (size_t)out.n);
    t_test(&out);
    wilcoxon(&out, differences);
    free(differences);
    return out;
}
