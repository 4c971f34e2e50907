/* undo.h - a step taken back: everything that a step may change, kept in memory before it.
 *
 * That is, of every node that is not frozen in evaluation mode: parameters, running statistics (which move before the
 * losses are known), the optimiser's slots and its count of steps; of every loss and policy: state and observed fields,
 * and buffers (memory banks). Moving averages are nodes, too. Not taken back, since they are not written before a step is
 * known to be good, or hold nothing from step to step: totals, journals, activations. One thread; allocates only when it
 * is made. */
#ifndef SY_TRAIN_UNDO_H
#define SY_TRAIN_UNDO_H

#include "cohort.h"

struct sy_undo;

/* The cohort outlives it. *out is NULL after a failure. */
int sy_undo_create(struct sy_undo **out, struct sy_cohort *cohort, struct sy_error *err);
void sy_undo_destroy(struct sy_undo *undo); /* NULL is fine */

/* Keeps everything as it is now, in place of what was kept before. */
int sy_undo_keep(struct sy_undo *undo, struct sy_error *err);
/* Makes everything as it was kept, bit for bit. */
int sy_undo_restore(struct sy_undo *undo, struct sy_error *err);

/* Bytes it holds for this experiment. */
size_t sy_undo_bytes(struct sy_experiment *experiment);

#endif
