/* write.h - a report in one of its forms. */
#ifndef SY_REPORT_WRITE_H
#define SY_REPORT_WRITE_H

#include <stdio.h>

#include "report.h"

enum sy_report_form { SY_REPORT_TEXT, SY_REPORT_MARKDOWN, SY_REPORT_LATEX, SY_REPORT_CSV, SY_REPORT_JSON };

/* SY_EIO where the stream failed. */
int sy_report_write(FILE *out, struct sy_report *report, enum sy_report_form form, struct sy_error *err);

/* For the terminal: reads the folder of a suite or a run and prints its tables, remarks and notes. `baseline` as in
 * sy_report_read. */
int sy_report_text(FILE *out, const char *folder, const char *baseline, struct sy_error *err);

/* CSV (RFC 4180), a line a variant, node and metric; and everything as JSON. Parts of sy_report_write. */
void sy_report_csv(FILE *out, const struct sy_report *report);
bool sy_report_json(FILE *out, const struct sy_report *report);

#endif
