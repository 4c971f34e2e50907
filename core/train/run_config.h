/* run_config.h - run.cfg of a run folder: written at the start, compared when resumed. */
#ifndef SY_TRAIN_RUN_CONFIG_H
#define SY_TRAIN_RUN_CONFIG_H

#include "../config/setting.h"
#include "../record/run_folder.h"

/* Writes the config as run.cfg. With `resume`, compares it with the run.cfg that is there: SY_EINVAL naming what
 * differs, as many settings as fit into a line. Backend and threads may differ, for they change bits and not what is meant; *slightly says
 * whether they do. */
int sy_run_config_keep(struct sy_run_folder *folder, const struct sy_setting *config, bool resume, bool *slightly,
                       struct sy_error *err);

/* Whether the run.cfg at `path` was made from that config, whatever its backend, threads and seed: SY_EINVAL naming the
 * first line that differs. */
int sy_run_config_compare(const char *path, const struct sy_setting *config, struct sy_error *err);

#endif
