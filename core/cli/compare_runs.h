/* compare_runs.h - the runs of a suite, several at a time, each a process of its own, and what a person sees of them. */
#ifndef SY_CLI_COMPARE_RUNS_H
#define SY_CLI_COMPARE_RUNS_H

#include "suite.h"

enum sy_compare_state { SY_RUN_WAITS, SY_RUN_WORKS, SY_RUN_DONE, SY_RUN_WAS_DONE, SY_RUN_HALTED, SY_RUN_FAILED };

struct sy_compare_run {
    size_t variant;
    int64_t seed;
    enum sy_compare_state state;
    double memory; /* that it will take at its peak, in bytes; 0: not known */
    char folder[4096];
    char reason[SY_ERROR_ROOM]; /* FAILED: why; else the last thing it said that was no progress */
    bool held;                  /* that it is not shown yet, as it may be why the run fails */
    bool other_config;          /* FAILED: what lies in the folder is no run of this suite */

    double began, seconds; /* WORKS: when; afterwards: how long */
    double first, share;   /* of the run: what was done when it first told, and now; negative: not told yet */
    char live[512];        /* where it is, in words */
};

struct sy_compare {
    const struct sy_suite *suite;
    const char *suite_file, *folder;
    const struct sy_assignments *set; /* threads among them */
    int jobs;                         /* at a time */
    bool quiet, tensorboard, untrusted;
    struct sy_compare_run *runs; /* in the order they are to start */
    size_t n_runs;
};

/* Trains all that WAIT. After an interrupt those that work stop with a checkpoint, and no others start. SY_EIO where a
 * process cannot be had at all. */
int sy_compare_train(struct sy_compare *compare, struct sy_error *err);

size_t sy_compare_count(const struct sy_compare *compare, enum sy_compare_state state);

#endif
