/* remarks.c - what a reader must know about the figures, see sheet.h. */
#include <stdio.h>
#include <string.h>

#include "distributions.h"
#include "sheet.h"

static const char *selection_words(const char *selection) {
    if (!strcmp(selection, "best_test")) {
        return "Accuracies are the best ones seen on the TEST set (selection best_test): they are too good, and no "
               "fair "
               "estimate.";
    }
    if (!strcmp(selection, "best_val")) {
        return "Accuracies are of the epoch that was best on the validation set (selection best_val).";
    }
    return NULL;
}

static int32_t finished_of(const struct sy_report *report, int32_t variant) {
    return sy_report_count_of(report, variant, SY_REPORT_FINISHED);
}

/* Which variants lost runs to numbers that were not finite: those are in no mean. */
static void tell_diverged(const struct sy_report *report, void (*line)(void *context, const char *text),
                          void *context) {
    char text[512];
    for (int32_t v = 0; v < report->n_variants; v++) {
        int32_t count = sy_report_count_of(report, v, SY_REPORT_DIVERGED);
        if (count && !report->single) {
            snprintf(text, sizeof text, "%.100s: %d of %d seeds diverged and %s in none of its figures.",
                     report->variants[v].name, (int)count, (int)report->n_seeds, count == 1 ? "is" : "are");
            line(context, text);
        }
    }
}

/* The variant with the fewest results of those that have any; -1: none. */
static int32_t fewest(const struct sy_report *report) {
    int32_t at = -1;
    for (int32_t v = 0; v < report->n_variants; v++) {
        int32_t count = finished_of(report, v);
        at = count && (at < 0 || count < finished_of(report, at)) ? v : at;
    }
    return at;
}

void sy_report_remarks(const struct sy_report *report, void (*line)(void *context, const char *text), void *context) {
    char text[512];
    int32_t finished = sy_report_count(report, SY_REPORT_FINISHED), all = report->n_variants * report->n_seeds;
    const char *selection = report->selection ? selection_words(report->selection) : NULL;
    if (selection) {
        line(context, selection);
    }
    if (finished < all) {
        snprintf(text, sizeof text,
                 "%d of %d runs have finished: %d running, %d unfinished, %d failed, %d diverged, %d not begun.",
                 (int)finished, (int)all, (int)sy_report_count(report, SY_REPORT_RUNNING),
                 (int)sy_report_count(report, SY_REPORT_UNFINISHED), (int)sy_report_count(report, SY_REPORT_FAILED),
                 (int)sy_report_count(report, SY_REPORT_DIVERGED), (int)sy_report_count(report, SY_REPORT_MISSING));
        line(context, text);
    }
    tell_diverged(report, line, context);
    int32_t few = fewest(report), n = few >= 0 ? finished_of(report, few) : 3;
    if (!report->single && n < 3) {
        snprintf(text, sizeof text,
                 "Warning: n = %d seed%s with a result (%.100s): too few to tell a difference from "
                 "chance; use 3 or more.",
                 (int)n, n == 1 ? "" : "s", report->variants[few].name);
        line(context, text);
    }
    if (!report->single && report->n_variants > 1 && report->baseline < 0) {
        line(context, "No baseline is named, so there are no differences: `baseline = \"NAME\";` in the suite, or "
                      "`switchyard report --baseline NAME`.");
    }
    if (!report->single && !sy_has_distributions()) {
        line(context, "This program was built without GSL (libgsl-dev): no intervals and no tests.");
    }
}
