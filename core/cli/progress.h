/* progress.h - what a person sees of a run: a live line on a terminal, plain lines elsewhere. */
#ifndef SY_CLI_PROGRESS_H
#define SY_CLI_PROGRESS_H

#include "../train/run.h"

struct sy_display {
    struct sy_progress progress; /* hand out &display.progress */
    FILE *out;
    bool terminal, quiet;
    bool wire;            /* lines are for a program that watches, see below */
    const char *title;    /* put in front of every line; "" for none; not owned */
    double shown;         /* when the last line was shown, seconds of the run */
    int64_t first_step;   /* of this process */
    bool live;            /* a live line stands on the terminal */
    int64_t steps;        /* at which the run is to stop; 0: at its end */
    double share;         /* of the run that is done */
    size_t stage, stages; /* of a run of several; 0: of one */
};

/* quiet: only the final table. Log messages of plugins go through it from then on. */
void sy_display_init(struct sy_display *display, FILE *out, bool quiet, const char *title);
/* The same for the program that started this one (jobs.h): every line begins with SY_WIRE and 'S', the share of the run that
 * is done, a blank and what a live line says; or with SY_WIRE and 'L' and is a line that passes. No title, no log lines
 * lost; a reader that is gone is no failure. */
void sy_display_wire(struct sy_display *display, FILE *out);
/* Ends the live line. */
void sy_display_finish(struct sy_display *display);

#endif
