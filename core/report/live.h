/* live.h - the page of a folder in which runs go on, made anew when something there changed. Reads the folder only; what
 * gnuplot needs lies in a private temporary folder, removed at the end. One thread at a time. */
#ifndef SY_REPORT_LIVE_H
#define SY_REPORT_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include <switchyard/error.h>

struct sy_live;

/* `seconds`: how long a page is good for, however much changes; after 20 times that it is made anew in any case, for
 * what files do not tell (a process that died). `baseline` as in sy_report_read; texts are copied. A folder without runs
 * is an error here, so that a mistyped name is told at once. *out is NULL after a failure. */
int sy_live_create(struct sy_live **out, const char *folder, const char *baseline, double seconds,
                   struct sy_error *err);
void sy_live_destroy(struct sy_live *live); /* NULL is fine */

struct sy_live_page {
    const char *page, *body; /* HTML, see page.h; valid until the next call */
    size_t page_size, body_size;
    const char *tag; /* changes with the body: "\"0123456789abcdef\"", as HTTP wants it */
};

/* The page as things are. After a failure, such as a folder that is gone, the next call tries again. */
int sy_live_look(struct sy_live_page *out, struct sy_live *live, struct sy_error *err);

#endif
