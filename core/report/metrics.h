/* metrics.h - what each metric is called, its unit, and how it is written. */
#ifndef SY_REPORT_METRICS_H
#define SY_REPORT_METRICS_H

#include "report.h"
#include "statistics.h"

struct sy_metric_about {
    const char *key;   /* in CSV and JSON */
    const char *title; /* of a column */
    const char *unit;  /* of the figure times `scale`; "" for none */
    double scale;      /* from what runs store to the unit */
    int digits;        /* behind the point; negative: that many that signify */
    int better;        /* 1: more is better, -1: less is, 0: neither */
};

const struct sy_metric_about *sy_metric_about(enum sy_metric metric);
/* "accuracy, %" */
void sy_metric_head(char *out, size_t room, enum sy_metric metric);
/* As `digits` says; "-" for what is not finite. Returns `out`. */
char *sy_metric_write(char *out, size_t room, double value, int digits);

/* A run's figure in the metric's unit; `node` counts for metrics of nodes only. NaN: not finished or not measured. */
double sy_metric_of(const struct sy_report_run *run, enum sy_metric metric, int32_t node);
/* Whether any run has it for any node. */
bool sy_metric_measured(const struct sy_report *report, enum sy_metric metric);

/* Over the seeds of a variant. */
struct sy_summary sy_metric_summary(const struct sy_report *report, int32_t variant, enum sy_metric metric,
                                    int32_t node);
/* The variant less the baseline, over the seeds that both have; n = 0 without a baseline. */
struct sy_paired sy_metric_difference(const struct sy_report *report, int32_t variant, enum sy_metric metric,
                                      int32_t node);

/* A paper's figure against the mean accuracy. */
enum sy_reproduced { SY_NOT_EXPECTED, SY_NOT_COMPARABLE, SY_REPRODUCED, SY_NOT_REPRODUCED };
/* NOT_COMPARABLE: no tolerance was given, or no run of the variant has finished with a figure for the node. */
enum sy_reproduced sy_metric_reproduced(const struct sy_report *report, int32_t variant, int32_t node);
const char *sy_reproduced_name(enum sy_reproduced reproduced); /* "" for NOT_EXPECTED */

#endif
