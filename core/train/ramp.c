/* ramp.c - see ramp.h. */
#include "ramp.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Straight lines between the points, level before the first and after the last. */
static double between_points(const struct sy_ramp *ramp, int64_t epoch) {
    const int64_t *at = ramp->ramp_at.at;
    const double *factors = ramp->ramp_factors.at;
    size_t next = 0;
    while (next < ramp->ramp_at.count && at[next] <= epoch) {
        next++;
    }
    if (next == 0 || next == ramp->ramp_at.count) {
        return factors[next ? next - 1 : 0];
    }
    double part = (double)(epoch - at[next - 1]) / (double)(at[next] - at[next - 1]);
    return factors[next - 1] + part * (factors[next] - factors[next - 1]);
}

double sy_ramp_factor(const struct sy_ramp *ramp, int64_t epoch) {
    double n = (double)ramp->ramp_epochs, missing = 1 - (double)epoch / n;
    if (ramp->ramp == SY_RAMP_POINTS) {
        return between_points(ramp, epoch);
    }
    if (ramp->ramp == SY_RAMP_NONE || epoch >= ramp->ramp_epochs) {
        return 1;
    }
    return ramp->ramp == SY_RAMP_LINEAR ? (double)(epoch + 1) / n : exp(-5 * missing * missing);
}

void sy_ramp_check(const struct sy_ramp *ramp, const struct sy_setting *group, struct sy_problems *problems) {
    const struct sy_setting *at = sy_setting_find(group, "ramp_at"), *factors = sy_setting_find(group, "ramp_factors");
    if (ramp->ramp != SY_RAMP_POINTS) {
        if (ramp->ramp_at.count || ramp->ramp_factors.count) {
            sy_problem(problems, ramp->ramp_at.count ? at : factors, "is for ramp = \"points\"");
        }
        return;
    }
    if (!ramp->ramp_at.count || ramp->ramp_at.count != ramp->ramp_factors.count) {
        sy_problem(
            problems, ramp->ramp_at.count ? factors : sy_setting_find(group, "ramp"),
            "ramp = \"points\" needs epochs in ramp_at and as many factors in ramp_factors; there are %zu and %zu",
            ramp->ramp_at.count, ramp->ramp_factors.count);
    }
    for (size_t i = 1; i < ramp->ramp_at.count; i++) {
        if (ramp->ramp_at.at[i] <= ramp->ramp_at.at[i - 1]) {
            sy_problem(problems, at, "%" PRId64 " comes after %" PRId64 "; epochs must grow", ramp->ramp_at.at[i],
                       ramp->ramp_at.at[i - 1]);
        }
    }
}

void sy_ramp_describe(char *out, size_t room, const struct sy_ramp *ramp) {
    static const char *const names[] = {"", "linear", "gaussian"};
    *out = 0;
    if (ramp->ramp == SY_RAMP_POINTS) {
        snprintf(out, room, "ramp through %zu points", ramp->ramp_at.count);
    } else if (ramp->ramp != SY_RAMP_NONE) {
        snprintf(out, room, "%s ramp of %" PRId64 " epochs", names[ramp->ramp], ramp->ramp_epochs);
    }
}
