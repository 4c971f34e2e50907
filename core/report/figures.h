/* figures.h - the figures of a report, drawn by gnuplot.
 *
 * Each is a script NAME.gp with its data NAME.dat beside it, from which gnuplot makes NAME.svg and NAME.pdf, 3.3 inches
 * wide for a column of a paper, in colours that colour-blind people can tell apart (Okabe and Ito). A person may change
 * the script and run it again: `gnuplot NAME.gp`. */
#ifndef SY_REPORT_FIGURES_H
#define SY_REPORT_FIGURES_H

#include "report.h"

#define SY_MOST_FIGURES 64
/* A figure shows this many variants at most: there are no more colours to tell apart. Data have them all. */
#define SY_MOST_SHOWN 8

struct sy_figure {
    char *name;    /* of its files, without ending */
    char *caption; /* what a reader sees */
    bool drawn;    /* NAME.svg is there */
};

struct sy_figures {
    struct sy_report *report;
    char *folder;
    int32_t count;
    struct sy_figure at[SY_MOST_FIGURES];
    int32_t left_out; /* for want of room */
};

/* Writes scripts and data into `folder`, made if need be, and draws: "svg", "pdf" or "svg pdf". Without gnuplot, or where
 * it refuses a script, a note of the report says so, and scripts and data are there all the same. Figures belong to the
 * report. */
int sy_figures_make(struct sy_figures *out, struct sy_report *report, const char *folder, const char *kinds,
                    struct sy_error *err);

#endif
