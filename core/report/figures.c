/* figures.c - see figures.h. */
#include "figures.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../config/fields.h"
#include "../record/run_folder.h"
#include "figure_script.h"
#include "gnuplot.h"
#include "input.h"
#include "read.h"

static const char *file_of(struct sy_figures *figures, int32_t index, const char *ending) {
    return sy_report_printf(figures->report, "%s/%s%s", figures->folder, figures->at[index].name, ending);
}

static void remove_pictures(struct sy_figures *figures, int32_t index) {
    static const char *const endings[] = {".svg", ".pdf"};
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
        const char *path = file_of(figures, index, endings[k]);
        if (path) {
            remove(path);
        }
    }
}

/* All in one process; where it fails, one by one, so that a script it refuses does not take the others along. */
static void draw(struct sy_figures *figures, const char *kinds) {
    struct sy_report *report = figures->report;
    struct sy_error why = {.size = sizeof why};
    const char *scripts[SY_MOST_FIGURES];
    for (int32_t i = 0; i < figures->count; i++) {
        scripts[i] = sy_report_printf(report, "%s.gp", figures->at[i].name);
        if (!scripts[i]) {
            return;
        }
    }
    int status = sy_gnuplot_run(figures->folder, kinds, scripts, (size_t)figures->count, &why);
    if (status == SY_ENOTSUP) {
        sy_report_note(report, "no figures are drawn: %s; their scripts and data are in %s", why.text, figures->folder);
        return;
    }
    for (int32_t i = 0; i < figures->count && status != SY_OK; i++) {
        struct sy_error one = {.size = sizeof one};
        if (sy_gnuplot_run(figures->folder, kinds, &scripts[i], 1, &one) != SY_OK) {
            sy_report_note(report, "%s/%s: %s", figures->folder, scripts[i], one.text);
            remove_pictures(figures, i); /* what it had begun */
        }
    }
}

int sy_figures_make(struct sy_figures *out, struct sy_report *report, const char *folder, const char *kinds,
                    struct sy_error *err) {
    static int (*const makers[])(struct sy_figures *, struct sy_error *) = {sy_figures_curves, sy_figures_cost,
                                                                            sy_figures_gates, sy_figures_predictions};
    struct stat about;
    *out = (struct sy_figures){.report = report, .folder = sy_arena_text(report->arena, folder)};
    if (lstat(folder, &about) == 0 && S_ISLNK(about.st_mode)) { /* what is reported on may be anybody's */
        return sy_fail(err, SY_EINVAL, "%s: is a link, and figures go through none; remove it", folder);
    }
    int status = out->folder ? sy_make_folders(folder, err) : sy_fail(err, SY_ENOMEM, "no memory for figures");
    for (size_t i = 0; i < sizeof makers / sizeof *makers && status == SY_OK; i++) {
        status = makers[i](out, err);
    }
    if (status != SY_OK || !out->count) {
        return status;
    }
    for (int32_t i = 0; i < out->count; i++) {
        remove_pictures(out, i); /* those of an earlier report must not pass for this one's */
    }
    draw(out, kinds);
    for (int32_t i = 0; i < out->count; i++) {
        const char *path = file_of(out, i, strstr(kinds, "svg") ? ".svg" : ".pdf");
        out->at[i].drawn = path && sy_is_there(path);
    }
    if (sy_report_memory(report, err) != SY_OK) {
        return SY_ENOMEM;
    }
    if (out->left_out) {
        sy_report_note(report, "%d figures more than %d were left out", (int)out->left_out, SY_MOST_FIGURES);
    }
    return SY_OK;
}
