/* totals.h - sums over an epoch and over the run: what epochs.jsonl and the final table are made of. Saved in
 * checkpoints, so that a resumed epoch is told whole. */
#ifndef SY_TRAIN_TOTALS_H
#define SY_TRAIN_TOTALS_H

#include "evaluate.h"

struct sy_node_totals {
    double loss;          /* sum over samples of the training loss */
    int64_t correct, on;  /* samples right; steps it learnt in */
    int64_t spent, saved; /* multiply-adds, forward and backward; what pausing did not spend */
    int64_t run_spent, run_saved;
    struct sy_score test, val; /* of this epoch; no samples: not measured */
    double best_accuracy;      /* on the test split, of all epochs; -1 before the first */
    int64_t best_epoch;        /* the first of equals; -1 */
    double best_val_accuracy;
    int64_t best_val_epoch;
};

struct sy_gate_totals {
    int64_t expert, run_expert; /* steps in expert mode: this epoch, this run */
};

struct sy_totals {
    int64_t samples, steps; /* of this epoch */
    int64_t run_samples, run_steps;
    int64_t skipped, run_skipped; /* of the steps, those that were taken back: this epoch, this run; their samples and
                                     work are not counted (watchdog.h) */
    int64_t skipped_in_row;       /* the last so many steps */
    int64_t lowered;              /* times that learning rates were lowered */
    struct sy_node_totals *nodes;
    struct sy_gate_totals *gates;
};

bool sy_totals_init(struct sy_totals *totals, const struct sy_experiment *experiment);
void sy_totals_finish(struct sy_totals *totals);
/* Begins an epoch. */
void sy_totals_reset(struct sy_totals *totals, const struct sy_experiment *experiment);
/* Adds the cohort's last step. */
void sy_totals_add(struct sy_totals *totals, const struct sy_cohort *cohort, int32_t samples);
/* Adds a step that was taken back. */
void sy_totals_skip(struct sy_totals *totals);

/* Share of the run's steps in expert mode, over all gates that switch; -1 where there is none. */
double sy_totals_expert_share(const struct sy_totals *totals, const struct sy_experiment *experiment);

#endif
