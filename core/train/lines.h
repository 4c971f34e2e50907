/* lines.h - what the journals say, as JSON. Keys are stable: readers outside depend on them (core/record/README.md lists
 * them). Nothing here depends on time or machine, so that a resumed run writes the same bytes. */
#ifndef SY_TRAIN_LINES_H
#define SY_TRAIN_LINES_H

#include <jansson.h>

#include "totals.h"

/* One line of steps.jsonl; NULL when memory is used up. */
json_t *sy_step_line(const struct sy_cohort *cohort, const struct sy_moment *now);
/* One line of epochs.jsonl; figures of splits that were not measured in it are null. */
json_t *sy_epoch_line(const struct sy_cohort *cohort, const struct sy_totals *totals, const struct sy_moment *now);

/* Fields of an instance of one role: for journals (observed) and checkpoints (state and observed). Into *object. */
void sy_fields_to_json(json_t **object, const struct sy_instance *instance, bool observed_only);
/* Back again; fields that are not there keep their value. */
void sy_fields_from_json(const json_t *object, struct sy_instance *instance);

#endif
