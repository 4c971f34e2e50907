/* stages_parts.h - what the files of stages.h have in common. */
#ifndef SY_TRAIN_STAGES_PARTS_H
#define SY_TRAIN_STAGES_PARTS_H

#include "../record/run_folder.h"
#include "stages.h"

/* Whether what the stage's nodes start from will be there, and fits the networks of its experiment. */
void sy_stages_check_starts(struct sy_stages *stages, size_t index, const struct sy_experiment *experiment,
                            struct sy_problems *problems);

/* The group `choose` of a stage's group, where it has one; *out is in the arena, NULL without. */
void sy_stages_read_choice(const struct sy_stage_choice **out, const struct sy_stages *stages, struct sy_setting *group,
                           const struct sy_stage_settings *settings, struct sy_problems *problems);
/* Whether a repetition's experiment has the edge, and what it is measured on. */
void sy_stages_check_choice(const struct sy_stage *stage, const struct sy_experiment *experiment,
                            struct sy_problems *problems);
/* Before stage `index` is trained, of whose group nothing is chosen from there on: chooses, and marks what is skipped. */
int sy_stages_choose(struct sy_stages *stages, size_t index, const struct sy_run_options *options,
                     struct sy_error *err);
/* The nearest repetition before `index` that was trained; stages->count: none. */
size_t sy_stages_previous(const struct sy_stages *stages, size_t index);

/* The experiment of a stage whose predecessors are done. What stood in their folders may have been changed since, so
 * problems are possible, and become a failure: NULL. */
struct sy_experiment *sy_stage_experiment(const struct sy_stages *stages, size_t index, const char *folder,
                                          struct sy_error *err);

/* "FOLDER/stages/2-student"; with "" for the folder, relative to it. */
void sy_stage_folder(char *out, size_t room, const struct sy_stages *stages, const char *folder, size_t index);

/* The stage's config with its starts as files below `folder`; the caller's. NULL when memory is used up. */
struct sy_setting *sy_stage_ready_config(const struct sy_stages *stages, size_t index, const char *folder);

/* The links of the folder above the stages lead to the stage's journals and checkpoints from now on, so that who looks at
 * the folder sees the stage that is at work. */
int sy_stages_point_at(const struct sy_stages *stages, size_t index, const char *folder, struct sy_error *err);

/* What a stage that failed left of itself (watchdog.h) is there for whoever looks at the folder above, too. */
void sy_stages_link_failure(const struct sy_stages *stages, size_t index, const char *folder);

/* result.json of the folder above: the last stage's, with what all stages cost together, and the list of them. */
int sy_stages_conclude(const struct sy_stages *stages, struct sy_run_folder *folder, struct sy_error *err);

#endif
