/* read.h - what the files that read a report share. */
#ifndef SY_REPORT_READ_H
#define SY_REPORT_READ_H

#include "report.h"

#define SY_MOST_NODES 256

/* A note for the reader of the report; without memory it is only counted. */
SY_PRINTF(2, 3)
void sy_report_note(struct sy_report *report, const char *format, ...);
/* A text of the report; NULL when memory is used up. */
SY_PRINTF(2, 3)
char *sy_report_printf(struct sy_report *report, const char *format, ...);

/* The index of a node by name, -1 for none. */
int32_t sy_report_find_node(const struct sy_report *report, const char *name);
/* The same, but a new one is appended while there is room for it, else -1. */
int32_t sy_report_node_index(struct sy_report *report, const char *name);

/* What a run's folder tells besides its nodes: its state and which nodes it has, so that all are known before figures are
 * read. False when memory is used up. */
bool sy_report_scan_run(struct sy_report *report, struct sy_report_run *run);
/* Figures, series and predictions, once the nodes of the whole report are known. */
bool sy_report_read_run(struct sy_report *report, struct sy_report_run *run);

/* Zeroed room for `count` of something, to be freed; NULL, and the report knows, when memory is used up. */
void *sy_report_room(const struct sy_report *report, size_t count, size_t size);

#endif
