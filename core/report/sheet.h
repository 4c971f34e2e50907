/* sheet.h - a table before it is text, Markdown, LaTeX or HTML: cells know whether they are names or figures. */
#ifndef SY_REPORT_SHEET_H
#define SY_REPORT_SHEET_H

#include <stdio.h>

#include "metrics.h"

struct sy_cell {
    const char *text;         /* a name, a word, a finished number; NULL: `figure` */
    struct sy_summary figure; /* mean +- sd */
    int digits;               /* of the figure, as in metrics.h */
    bool best;                /* of its column: in bold */
    bool number;              /* set to the right */
};

struct sy_sheet {
    const char *title;
    const char *note; /* below the table; NULL: none */
    int32_t rows, columns;
    const char **heads;
    bool *left; /* a column of words */
    struct sy_cell *cells;
    int *widths; /* of the columns: room for who writes it */
};

enum sy_sheet_form { SY_SHEET_TEXT, SY_SHEET_MARKDOWN, SY_SHEET_LATEX, SY_SHEET_HTML };

/* The sheets of a report, as far as there is something for them; they belong to the report. */
enum sy_sheet_kind {
    SY_SHEET_RESULTS,     /* a row a variant, accuracy of every node and the share in expert mode */
    SY_SHEET_QUALITY,     /* a row a variant and node: accuracy, top-5, NLL, ECE, what a paper says */
    SY_SHEET_AGREEMENT,   /* a row a variant and pair of nodes */
    SY_SHEET_DIFFERENCES, /* against the baseline */
    SY_SHEET_COST,        /* a row a variant */
    SY_SHEET_WORK,        /* a row a variant and node */
    SY_SHEET_RUNS,        /* a row a run that is not finished, or has a node that diverged */
    SY_SHEET_SETTINGS,    /* a row a setting in which variants differ */
    SY_SHEETS,
};

/* NULL where there is nothing to show or memory is used up. */
const struct sy_sheet *sy_sheet_of(struct sy_report *report, enum sy_sheet_kind kind);
void sy_sheet_write(FILE *out, const struct sy_sheet *sheet, enum sy_sheet_form form);

/* A text with what the form would misread escaped. */
void sy_write_escaped(FILE *out, const char *text, enum sy_sheet_form form);

/* What a reader must know about the figures: selection on the test set, too few seeds, no GSL, runs that are missing.
 * `line` gets each, in turn. */
void sy_report_remarks(const struct sy_report *report, void (*line)(void *context, const char *text), void *context);

#endif
