/* report.h - a suite or a single run as it lies on disk, read for tables, figures and pages.
 *
 * Reads only; a run under way may go on writing meanwhile. What is damaged, foreign or missing becomes a note and is
 * left out, never a failure: a report fails only where the folder holds no run at all, or memory is used up. Everything
 * belongs to the report and lives until sy_report_destroy. Figures that were not measured are NaN. */
#ifndef SY_REPORT_REPORT_H
#define SY_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <switchyard/error.h>

struct sy_arena;

/* What is compared, in the units of metrics.h. The first ones are of a node, those from SY_METRIC_SHARE of a run. */
enum sy_metric {
    SY_METRIC_ACCURACY, /* of the selected epoch, as are top-5, likelihood and calibration */
    SY_METRIC_TOP5,
    SY_METRIC_NLL,
    SY_METRIC_ECE,
    SY_METRIC_SPENT, /* multiply-adds */
    SY_METRIC_SAVED,
    SY_METRIC_PARAMETERS,
    SY_METRIC_PER_WORK,   /* accuracy per multiply-add of the whole run */
    SY_METRIC_PER_MINUTE, /* accuracy per minute of the whole run */
    SY_METRIC_SHARE,      /* of batches in expert mode */
    SY_METRIC_SECONDS,
    SY_METRIC_RATE,
    SY_METRIC_PEAK,
    SY_METRIC_ENERGY,
    SY_METRICS,
    SY_NODE_METRICS = SY_METRIC_SHARE,
};

enum sy_report_state {
    SY_REPORT_FINISHED,
    SY_REPORT_RUNNING,    /* a process holds its lock */
    SY_REPORT_UNFINISHED, /* interrupted: can be resumed */
    SY_REPORT_FAILED,     /* ended with a reason */
    SY_REPORT_MISSING,    /* not begun */
    SY_REPORT_DIVERGED,   /* ended by a number that was not finite */
};

/* Series over epochs of one node, `epochs` of them; accuracies are shares of 1. */
struct sy_report_series {
    double *train_loss, *test_loss, *train_accuracy, *test_accuracy;
};

#define SY_REPORT_BINS 15 /* of a reliability diagram */

struct sy_report_bin {
    double count, confidence, accuracy;
};

struct sy_report_node {
    double figures[SY_NODE_METRICS];
    int64_t epoch;    /* that the figures are of; -1: not told */
    int64_t diverged; /* the first epoch whose training loss was not finite, or in which the run ended so; -1: none */
    int64_t diverged_step; /* in which the run ended by a number of this node; -1: it did not */
    struct sy_report_series series;
    struct sy_report_bin *bins; /* SY_REPORT_BINS, or NULL */
    double *confusion;          /* classes x classes, row = label; or NULL */
};

struct sy_report_run {
    char *folder; /* as it can be opened */
    int64_t seed; /* -1: not told */
    enum sy_report_state state;
    char *reason;      /* of FAILED and DIVERGED; else NULL */
    bool other_config; /* FAILED: what the folder has is of another configuration, and not read */
    int32_t diverged;  /* DIVERGED: the node; else -1 */
    int64_t diverged_step, diverged_epoch;
    int64_t epochs, epochs_wanted; /* in the journal; of the experiment, 0 where not told */
    const char *selection;         /* "last", "best_val", "best_test"; NULL: not told */
    double figures[SY_METRICS];    /* from SY_METRIC_SHARE on */
    struct sy_report_node *nodes;  /* one for each of the report's */
    double *share;                 /* of batches in expert mode, one an epoch; NULL where there are no gates */
    double *agreement;             /* nodes x nodes, shares of the test set that both call the same; NULL: not told */
    int32_t classes;               /* of the confusion matrices; 0: none */
    char **class_names;            /* classes of them, or NULL */
};

struct sy_report_expected {
    double value, tolerance; /* per cent of accuracy; NaN: not told */
};

struct sy_report_variant {
    char *name;
    struct sy_report_run *runs;          /* one a seed */
    struct sy_report_expected *expected; /* one for each node */
};

struct sy_report {
    struct sy_arena *arena;
    char *folder, *title;
    bool single;           /* one run, not a suite */
    char *selection;       /* NULL: not told */
    char **nodes, **roles; /* role NULL: not told */
    int32_t n_nodes;
    struct sy_report_variant *variants;
    int32_t n_variants;
    int32_t baseline;            /* index of a variant; -1: none */
    int32_t n_seeds;             /* runs of each variant */
    char **notes;                /* what was left out, "path: why" */
    int32_t n_notes, more_notes; /* more_notes: not kept, only counted */
    bool no_memory;              /* something is left out for want of it: see sy_report_memory */
    long json_before;            /* sy_json_short_of_memory when it was begun */
};

/* `baseline` names a variant; NULL: the suite's own, if any. An unknown one is SY_EINVAL. *out is NULL after a failure. */
int sy_report_read(struct sy_report **out, const char *folder, const char *baseline, struct sy_error *err);
void sy_report_destroy(struct sy_report *report); /* NULL is fine */

/* SY_ENOMEM where anything is missing from the report, or from what was made of it, because memory was used up: that is a
 * failure, where damage is a note. Asked at the end of everything that returns a status. */
int sy_report_memory(const struct sy_report *report, struct sy_error *err);

/* "finished", "running", ... */
const char *sy_report_state_name(enum sy_report_state state);
/* How many runs are in a state; and of one variant. */
int32_t sy_report_count(const struct sy_report *report, enum sy_report_state state);
int32_t sy_report_count_of(const struct sy_report *report, int32_t variant, enum sy_report_state state);
/* The first run of a variant that has finished; failing that, the one with most epochs; NULL where none has any. */
const struct sy_report_run *sy_report_example(const struct sy_report *report, int32_t variant);

#endif
