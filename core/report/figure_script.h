/* figure_script.h - what the scripts of all figures have in common. */
#ifndef SY_REPORT_FIGURE_SCRIPT_H
#define SY_REPORT_FIGURE_SCRIPT_H

#include <stdio.h>

#include "figures.h"

/* A figure being written; NULL files are possible where a file could not be opened, and are taken care of. */
struct sy_sketch {
    struct sy_figures *figures;
    const char *name;
    FILE *script, *data;
    bool failed;
    int why; /* errno then */
};

/* Opens NAME.gp and NAME.dat; `height` in inches. False where there is no room for another, or files cannot be written
 * (figures then remember). */
bool sy_sketch_begin(struct sy_sketch *sketch, struct sy_figures *figures, const char *name, double height);
/* The plot command follows: everything from here is drawn once a kind of output. */
void sy_sketch_plot(struct sy_sketch *sketch);
/* Ends the script and adds the figure to the list. The caption belongs to the report. */
int sy_sketch_end(struct sy_sketch *sketch, const char *caption, struct sy_error *err);

/* A text as gnuplot reads it, in quotes. */
void sy_sketch_text(FILE *out, const char *text);
/* A number, or NaN as gnuplot reads it, with a blank in front. */
void sy_sketch_number(FILE *out, double value);
/* Axis labels. */
void sy_sketch_axes(struct sy_sketch *sketch, const char *x, const char *y);
/* The y axis is in per cent: as long as the data ask for, but never below 0 or above 100. */
void sy_sketch_percent(struct sy_sketch *sketch);
/* The line style of a variant, the same in all figures; from 1. */
int sy_sketch_style(int32_t variant);
/* At most six tics on the x axis, at round numbers, for figures from low to high; 3.3 inches have no room for more. */
void sy_sketch_tics(struct sy_sketch *sketch, double low, double high);
/* The key in a corner while it has few entries, else above the plot. */
void sy_sketch_key(struct sy_sketch *sketch, const char *corner, int32_t entries);

/* The kinds of figures; each adds as many as there are. */
int sy_figures_curves(struct sy_figures *figures, struct sy_error *err); /* accuracy, loss, expert share by epoch */
int sy_figures_gates(struct sy_figures *figures, struct sy_error *err);  /* gap and threshold, timeline */
int sy_figures_cost(struct sy_figures *figures, struct sy_error *err);   /* accuracy against cost */
int sy_figures_predictions(struct sy_figures *figures, struct sy_error *err); /* reliability, confusion */

#endif
