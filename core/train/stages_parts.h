/* stages_parts.h - what the files of stages.h have in common. */
#ifndef SY_TRAIN_STAGES_PARTS_H
#define SY_TRAIN_STAGES_PARTS_H

#include "stages.h"

/* Whether what the stage's nodes start from will be there, and fits the networks of its experiment. */
void sy_stages_check_starts(struct sy_stages *stages, size_t index, const struct sy_experiment *experiment,
                            struct sy_problems *problems);

/* "FOLDER/stages/2-student"; with "" for the folder, relative to it. */
void sy_stage_folder(char *out, size_t room, const struct sy_stages *stages, const char *folder, size_t index);

/* The stage's config with its starts as files below `folder`; the caller's. NULL when memory is used up. */
struct sy_setting *sy_stage_ready_config(const struct sy_stages *stages, size_t index, const char *folder);

#endif
