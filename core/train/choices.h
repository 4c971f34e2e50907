/* choices.h - what a backend chose by measurement, kept in run.cfg as nodes.X.choices, so that a run that is resumed or
 * repeated computes the same bits. */
#ifndef SY_TRAIN_CHOICES_H
#define SY_TRAIN_CHOICES_H

#include "../record/run_folder.h"
#include "cohort.h"

/* Before a cohort is made: takes over what run.cfg of the folder has and the config has not. Nothing where there is no
 * such file or it cannot be read: comparing the configurations tells that. */
int sy_choices_recall(struct sy_experiment *experiment, struct sy_run_folder *folder, struct sy_error *err);
/* Afterwards: puts what was chosen into the config. *noted: it was not there before. */
int sy_choices_note(struct sy_cohort *cohort, bool *noted, struct sy_error *err);

#endif
