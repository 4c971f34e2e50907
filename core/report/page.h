/* page.h - a report as one HTML file that needs nothing beside it: no network, no fonts, no scripts. */
#ifndef SY_REPORT_PAGE_H
#define SY_REPORT_PAGE_H

#include <stdio.h>

#include "figures.h"

/* What `switchyard watch` serves beside the page: fetches `body` again and again, and puts it in place. */
extern const char sy_page_script[];

/* The page. `live`: with the script above, as `watch.js` beside it. Figures that were not drawn are left out. SY_EIO
 * where the stream failed. */
int sy_page_write(FILE *out, struct sy_report *report, const struct sy_figures *figures, bool live,
                  struct sy_error *err);
/* Only what stands within <main>. */
int sy_page_body(FILE *out, struct sy_report *report, const struct sy_figures *figures, struct sy_error *err);

/* Makes the figures in the folder's figures/ and writes the page to a file, whole or not at all. */
int sy_page_file(const char *path, struct sy_report *report, struct sy_error *err);

/* Reads FOLDER, makes the figures in FOLDER/figures and the page FOLDER/report.html; `path` is where it went. `baseline` as in
 * sy_report_read. */
int sy_report_page(char *path, size_t room, const char *folder, const char *baseline, struct sy_error *err);

#endif
