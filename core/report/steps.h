/* steps.h - what gates did over the steps of a run, thinned out: a journal of steps may have gigabytes, and a figure is
 * a few hundred letters wide. Small journals are read whole; of large ones a few lines every so often. */
#ifndef SY_REPORT_STEPS_H
#define SY_REPORT_STEPS_H

#include "report.h"

#define SY_STEP_BINS  240
#define SY_MOST_GATES 8

/* Means over the lines of a bin; NaN where nothing was observed. */
struct sy_step_bin {
    double step, gap, delta, lower, upper; /* lower s - t, upper s: the distances to the labels, where observed */
    double expert;                         /* share of the lines in expert mode */
};

struct sy_gate_steps {
    char *teacher, *student;
    bool has_gap;
    struct sy_step_bin bins[SY_STEP_BINS];
};

struct sy_steps {
    int32_t n_gates;
    bool sampled; /* not every step was read */
    struct sy_gate_steps *gates[SY_MOST_GATES];
};

/* Damaged lines become a note. No gates where there is no journal. NULL when memory is used up. */
struct sy_steps *sy_steps_read(struct sy_report *report, const struct sy_report_run *run);

#endif
