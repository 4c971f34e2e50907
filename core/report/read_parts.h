/* read_parts.h - the parts of a run's folder, read one by one by read_run.c. */
#ifndef SY_REPORT_READ_PARTS_H
#define SY_REPORT_READ_PARTS_H

#include <jansson.h>

#include "report.h"

/* The first sound line of epochs.jsonl, to be released; NULL where there is none. */
json_t *sy_report_first_epoch(struct sy_report *report, const struct sy_report_run *run);
/* Series of all nodes from epochs.jsonl. False when memory is used up. */
bool sy_report_read_epochs(struct sy_report *report, struct sy_report_run *run);
/* Reliability and confusion from predictions.json. False when memory is used up. */
bool sy_report_read_predictions(struct sy_report *report, struct sy_report_run *run);

#endif
