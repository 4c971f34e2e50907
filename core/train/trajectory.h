/* trajectory.h - weights kept along a run (config: train.snapshots, train.snapshot_every), for whoever starts from them.
 *
 *   snapshots/<epochs done>/<node>.safetensors   as in a checkpoint, and never removed */
#ifndef SY_TRAIN_TRAJECTORY_H
#define SY_TRAIN_TRAJECTORY_H

#include "../record/run_folder.h"
#include "cohort.h"

/* Whether the weights after so many epochs are kept. */
bool sy_trajectory_has(const struct sy_train_settings *train, int64_t epochs);

/* Writes those of every node, if they are to be kept. */
int sy_trajectory_keep(const struct sy_cohort *cohort, struct sy_run_folder *folder, int64_t epochs,
                       struct sy_error *err);

#endif
