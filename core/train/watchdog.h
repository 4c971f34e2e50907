/* watchdog.h - numbers that are not finite: parameters are looked at after every step, and what train.on_nonfinite says
 * becomes of a step that met one.
 *
 *   stop        the run fails; its folder gets failure.json with the reason and `diverged`: node, step, epoch
 *   skip_batch  the step is taken back (undo.h) and its line in steps.jsonl says `skipped`; steps are counted on, so that
 *               order, crops, dropout and schedules of later steps are what they would have been
 *   lower_rate  the run is what it was at the start of the epoch (or of the run), from the checkpoint of that step, with
 *               every learning rate times lower_factor; the next line in steps.jsonl says `went_back`
 *
 * How often that happened is among the totals, and so in checkpoints: a resumed run does the same. */
#ifndef SY_TRAIN_WATCHDOG_H
#define SY_TRAIN_WATCHDOG_H

#include <jansson.h>

#include "../record/run_folder.h"
#include "snapshot.h"

/* What the next line of steps.jsonl says of a step that was given up. */
struct sy_incident {
    bool happened;
    int64_t step;
    int32_t node;
    char why[SY_ERROR_ROOM];
};

/* After a step: fails with the node and the parameter, its gradient or its value, where one is not finite. */
int sy_watch_parameters(struct sy_cohort *cohort, const struct sy_moment *now, struct sy_error *err);

/* Whether one more batch may be skipped, or one more rate lowered; else adds to the reason in `err` why not. */
bool sy_may_skip(const struct sy_cohort *cohort, const struct sy_totals *totals, struct sy_error *err);
bool sy_may_lower(const struct sy_cohort *cohort, const struct sy_totals *totals, struct sy_error *err);

/* The reason of a failure without what follows its first semicolon: what to do about it. */
void sy_short_reason(char *out, size_t room, const struct sy_error *err);
/* The line of a step that was skipped. NULL when memory is used up. */
json_t *sy_skipped_line(const struct sy_cohort *cohort, const struct sy_batch *batch, const struct sy_moment *now,
                        const char *why);
/* Adds to a step's line from where the run went back to it. */
void sy_add_incident(json_t **line, const struct sy_cohort *cohort, const struct sy_incident *incident);

/* Restores the start of the epoch that snapshot->next is in, one more time lowered; its checkpoint stays, later ones go.
 * Journals are still to be cut to what the snapshot says. */
int sy_go_back(struct sy_snapshot *snapshot, struct sy_run_folder *folder, struct sy_error *err);
/* The cohort's rate_factor, as the totals say. */
void sy_lower_rates(struct sy_cohort *cohort, const struct sy_totals *totals);

/* Leaves failure.json where a number that was not finite ended the run; quiet where that cannot be written, as the run
 * has failed in any case. */
void sy_note_divergence(const struct sy_cohort *cohort, const struct sy_moment *now, struct sy_run_folder *folder,
                        const char *reason);

#endif
