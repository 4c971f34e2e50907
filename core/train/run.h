/* run.h - trains an experiment from its first step, or from where it was left, to its end. */
#ifndef SY_TRAIN_RUN_H
#define SY_TRAIN_RUN_H

#include <signal.h>

#include "totals.h"

/* What whoever watches is told. All members optional. Called between steps, on the training thread. */
struct sy_progress {
    void *context;
    /* After every step; seconds: since training began in this process. */
    void (*step)(void *context, const struct sy_cohort *cohort, const struct sy_totals *totals,
                 const struct sy_moment *now, double seconds);
    /* After every epoch; scores without samples were not measured in it. */
    void (*epoch)(void *context, const struct sy_cohort *cohort, const struct sy_totals *totals,
                  const struct sy_moment *now, double seconds);
    /* Something a person should know: one line. */
    void (*note)(void *context, const char *text);
    /* Before a stage (index from 0) of several begins: steps and seconds start anew. */
    void (*stage)(void *context, size_t index, size_t count, const char *name);
};

struct sy_run_options {
    const char *folder;                       /* the run folder */
    bool resume;                              /* continue what is there */
    int64_t steps;                            /* stop after this many steps of the whole run; 0: train to the end */
    const volatile sig_atomic_t *interrupted; /* set: finish the step, write a checkpoint, stop; NULL: never */
    const struct sy_progress *progress;       /* NULL: in silence */
};

enum sy_run_end { SY_RUN_FINISHED = 1, SY_RUN_STOPPED, SY_RUN_INTERRUPTED };

/* Trains. The folder gets run.cfg, manifest.json, journals and checkpoints, and result.json once the last step is done.
 * *end says how it ended when SY_OK is returned. A checkpoint, a journal or best weights on the way that cannot be written
 * are a note, and tried again when the next are due; the last checkpoint, and the journals, must get there. On a failure
 * the last checkpoint stays as it was. */
int sy_run_train(struct sy_experiment *experiment, const struct sy_run_options *options, int *end,
                 struct sy_error *err);

#endif
