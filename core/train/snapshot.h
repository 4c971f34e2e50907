/* snapshot.h - a run's whole state into a checkpoint, and back. */
#ifndef SY_TRAIN_SNAPSHOT_H
#define SY_TRAIN_SNAPSHOT_H

#include "../record/checkpoint.h"
#include "../record/journal.h"
#include "costs.h"
#include "totals.h"

struct sy_snapshot {
    struct sy_cohort *cohort;
    struct sy_totals *totals;
    struct sy_moment next; /* the step that comes next */
    struct sy_costs costs; /* up to there, of all processes that worked on the run */
    struct sy_journal *steps, *epochs;
    int64_t steps_bytes, epochs_bytes; /* restored: what the journals are to be cut to */
};

/* The first step of the epoch that the next one is in. */
static inline int64_t sy_snapshot_epoch_start(const struct sy_snapshot *snapshot) {
    return snapshot->next.step - snapshot->next.batch;
}

/* Writes checkpoints/<next.step>/ and removes all but the newest `keep`, and that of the epoch's start where the
 * run may go back to it (train.on_nonfinite). */
int sy_snapshot_save(const struct sy_snapshot *snapshot, struct sy_run_folder *folder, int keep, struct sy_error *err);
/* Restores from a checkpoint: weights, optimisers, plugins' state and buffers, totals, position. */
int sy_snapshot_restore(struct sy_snapshot *snapshot, const struct sy_checkpoint *checkpoint, struct sy_error *err);

/* Weights of one node to a file, as PyTorch names them. */
int sy_snapshot_weights(const struct sy_cohort *cohort, int32_t node, const char *path, struct sy_error *err);

#endif
