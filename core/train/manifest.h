/* manifest.h - manifest.json: what made this run, for whoever reads its numbers later. */
#ifndef SY_TRAIN_MANIFEST_H
#define SY_TRAIN_MANIFEST_H

#include "../record/run_folder.h"
#include "experiment.h"

/* Writes it, or adds this start to the one that is there: program, plugin files with their hashes, processor, backend,
 * data set. */
int sy_manifest_write(const struct sy_experiment *experiment, struct sy_run_folder *folder, struct sy_error *err);

#endif
