/* metrics.c - see metrics.h. */
#include "metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../config/fields.h"
#include "read.h"

static const struct sy_metric_about metrics[SY_METRICS] = {
    [SY_METRIC_ACCURACY] = {"accuracy", "accuracy", "%", 100, 2, 1},
    [SY_METRIC_TOP5] = {"top5", "top-5", "%", 100, 2, 1},
    [SY_METRIC_NLL] = {"nll", "NLL", "nats", 1, 4, -1},
    [SY_METRIC_ECE] = {"ece", "ECE", "%", 100, 2, -1},
    [SY_METRIC_SPENT] = {"multiply_adds_spent", "spent", "10^12", 1e-12, -4, 0},
    [SY_METRIC_SAVED] = {"multiply_adds_saved", "saved", "10^12", 1e-12, -4, 0},
    [SY_METRIC_PARAMETERS] = {"parameters", "parameters", "10^6", 1e-6, -4, 0},
    [SY_METRIC_PER_WORK] = {"accuracy_per_multiply_add", "accuracy", "% per 10^12", 1e14, -4, 1},
    [SY_METRIC_PER_MINUTE] = {"accuracy_per_minute", "accuracy", "% per min", 100, -4, 1},
    [SY_METRIC_SHARE] = {"expert_share", "expert mode", "%", 100, 1, 0},
    [SY_METRIC_SECONDS] = {"seconds", "wall time", "s", 1, 1, -1},
    [SY_METRIC_RATE] = {"images_per_s", "speed", "images/s", 1, 0, 1},
    [SY_METRIC_PEAK] = {"peak_mib", "peak memory", "MiB", 1, 0, -1},
    [SY_METRIC_ENERGY] = {"energy_joules", "energy", "kJ", 1e-3, -4, -1},
};

const struct sy_metric_about *sy_metric_about(enum sy_metric metric) {
    return &metrics[metric];
}

void sy_metric_head(char *out, size_t room, enum sy_metric metric) {
    const struct sy_metric_about *about = &metrics[metric];
    snprintf(out, room, "%s%s%s", about->title, about->unit[0] ? ", " : "", about->unit);
}

char *sy_metric_write(char *out, size_t room, double value, int digits) {
    if (!isfinite(value)) {
        snprintf(out, room, "-");
    } else if (digits < 0 && (value == 0 || (fabs(value) >= 1e-4 && fabs(value) < pow(10, -digits) - 0.5))) {
        snprintf(out, room, "%.*g", -digits, value);
    } else if (digits < 0) { /* without an exponent */
        int behind = fabs(value) < 1 ? -digits - 1 - (int)floor(log10(fabs(value))) : 0;
        snprintf(out, room, "%.*f", behind < 15 ? behind : 15, value);
    } else {
        snprintf(out, room, "%.*f", digits, value);
    }
    return out;
}

double sy_metric_of(const struct sy_report_run *run, enum sy_metric metric, int32_t node) {
    if (run->state != SY_REPORT_FINISHED) {
        return (double)NAN;
    }
    return metrics[metric].scale * ((int)metric < SY_NODE_METRICS ? run->nodes[node].figures : run->figures)[metric];
}

bool sy_metric_measured(const struct sy_report *report, enum sy_metric metric) {
    int32_t nodes = (int)metric < SY_NODE_METRICS ? report->n_nodes : 1;
    for (int32_t v = 0; v < report->n_variants; v++) {
        for (int32_t s = 0; s < report->n_seeds; s++) {
            for (int32_t n = 0; n < nodes; n++) {
                if (isfinite(sy_metric_of(&report->variants[v].runs[s], metric, n))) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* One a seed, malloc'ed; NULL when memory is used up. */
static double *figures_of(const struct sy_report *report, int32_t variant, enum sy_metric metric, int32_t node) {
    double *values = sy_report_room(report, (size_t)report->n_seeds + 1, sizeof *values);
    for (int32_t s = 0; values && s < report->n_seeds; s++) {
        values[s] = sy_metric_of(&report->variants[variant].runs[s], metric, node);
    }
    return values;
}

struct sy_summary sy_metric_summary(const struct sy_report *report, int32_t variant, enum sy_metric metric,
                                    int32_t node) {
    double *values = figures_of(report, variant, metric, node);
    struct sy_summary summary = sy_summarize(values, values ? report->n_seeds : 0);
    for (int32_t s = 0; values && s < report->n_seeds && !summary.n; s++) {
        if (isfinite(values[s])) { /* there was no memory to count it */
            sy_arena_note_short(report->arena);
        }
    }
    free(values);
    return summary;
}

struct sy_paired sy_metric_difference(const struct sy_report *report, int32_t variant, enum sy_metric metric,
                                      int32_t node) {
    bool possible = report->baseline >= 0;
    double *one = possible ? figures_of(report, variant, metric, node) : NULL;
    double *other = possible ? figures_of(report, report->baseline, metric, node) : NULL;
    struct sy_paired paired = sy_compare_pairs(one, other, one && other ? report->n_seeds : 0);
    for (int32_t s = 0; one && other && s < report->n_seeds && !paired.n; s++) {
        if (isfinite(one[s]) && isfinite(other[s])) {
            sy_arena_note_short(report->arena);
        }
    }
    if (paired.n && !paired.identical && !paired.n_wilcoxon) {
        sy_arena_note_short(report->arena);
    }
    free(one);
    free(other);
    return paired;
}

enum sy_reproduced sy_metric_reproduced(const struct sy_report *report, int32_t variant, int32_t node) {
    const struct sy_report_expected *expected = &report->variants[variant].expected[node];
    if (!isfinite(expected->value)) {
        return SY_NOT_EXPECTED;
    }
    struct sy_summary found = sy_metric_summary(report, variant, SY_METRIC_ACCURACY, node);
    if (!found.n || !isfinite(expected->tolerance)) {
        return SY_NOT_COMPARABLE;
    }
    return fabs(found.mean - expected->value) <= expected->tolerance ? SY_REPRODUCED : SY_NOT_REPRODUCED;
}

const char *sy_reproduced_name(enum sy_reproduced reproduced) {
    static const char *const names[] = {"", "not comparable", "yes", "no"};
    return names[reproduced];
}
