/* selection.h - what is measured on the way, which weights count, and how good those are.
 *
 * Every train.evaluate_every epochs, and after the last, all nodes are measured: on the validation part if there is one,
 * and on the test split if there is none, or if selection is by it. So with a validation part and train.select "last" or
 * "best_val" the test split is touched once: at the end, on the weights that count. */
#ifndef SY_TRAIN_SELECTION_H
#define SY_TRAIN_SELECTION_H

#include "../record/run_folder.h"
#include "totals.h"

struct sy_selection {
    struct sy_cohort *cohort;     /* borrowed, as is all but what init makes */
    struct sy_totals *totals;     /* gets scores and best epochs */
    struct sy_run_folder *folder; /* gets the best weights: checkpoints/best/NODE.safetensors, and of those that feed
                                     the node, of the same epoch, best/NODE/FEEDER.safetensors */
    bool *feeders;                /* (n_nodes): of the node at hand */
    struct sy_error lost;         /* why best weights were not kept at the last epoch's end; code SY_OK: they were */
    struct sy_loader *test;       /* NULL: no such split */
    struct sy_loader *validation; /* NULL: no such part */
    struct sy_evaluation scratch; /* on whatever was measured last */
    int64_t measured_at;          /* after how many steps the totals' scores were taken; -1: they were not */
    bool tested;                  /* ... and scratch is of the test split then */
};

/* finish is allowed after a failure too. */
int sy_selection_init(struct sy_selection *selection, struct sy_cohort *cohort, struct sy_totals *totals,
                      struct sy_run_folder *folder, struct sy_error *err);
void sy_selection_finish(struct sy_selection *selection);

/* At the end of an epoch that led to `step`: measures if it is time, and keeps the weights of every node that has never
 * been better (on the validation part, or the test split without one, or where selection is by it). Where they cannot be
 * written and nothing depends on them (the last weights count), `lost` says so, and none are there for the node. */
int sy_selection_epoch(struct sy_selection *selection, int64_t epoch, int64_t step, struct sy_error *err);

/* At the end of the run: the test split, on the weights that count. *out is NULL without a test split, else valid until
 * finish. The cohort holds those weights from then on: it must have been saved before. */
int sy_selection_conclude(const struct sy_evaluation **out, struct sy_selection *selection, int64_t step,
                          struct sy_error *err);

/* The epoch whose weights of a node count; -1: none. */
int64_t sy_selection_epoch_of(const struct sy_experiment *experiment, const struct sy_node_totals *node);

#endif
