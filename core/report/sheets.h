/* sheets.h - building sheets row by row; what sheets.c and settings.c share. */
#ifndef SY_REPORT_SHEETS_H
#define SY_REPORT_SHEETS_H

#include "sheet.h"

/* An empty sheet with room for `rows`; all columns hold figures until told otherwise. NULL when memory is used up. */
struct sy_sheet *sy_sheet_new(struct sy_report *report, const char *title, int32_t rows, int32_t columns);
/* The next row's cells, all "-". */
struct sy_cell *sy_sheet_row(struct sy_sheet *sheet);
/* Names a column; `left`: of words. */
void sy_sheet_head(struct sy_sheet *sheet, int32_t column, const char *head, bool left);

/* Settings in which the configurations of the variants differ; NULL where there are none. */
struct sy_sheet *sy_sheet_settings(struct sy_report *report);

#endif
