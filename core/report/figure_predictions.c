/* figure_predictions.c - how sure and how right (reliability diagram), and what was taken for what (confusion matrix);
 * counts of all finished seeds together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure_script.h"
#include "read.h"

#define FEW_CLASSES  12 /* up to which numbers stand in the cells */
#define SOME_CLASSES 24 /* up to which classes are named */

/* ---- reliability ------------------------------------------------------------------------------------------------ */

/* Confidence, accuracy and count of every bin that is not empty. */
static bool write_bins(FILE *out, const struct sy_report *report, int32_t variant, int32_t node) {
    bool any = false;
    for (int b = 0; b < SY_REPORT_BINS; b++) {
        double count = 0, confidence = 0, accuracy = 0;
        for (int32_t s = 0; s < report->n_seeds; s++) {
            const struct sy_report_bin *bins = report->variants[variant].runs[s].nodes[node].bins;
            if (bins && bins[b].count > 0 && isfinite(bins[b].confidence) && isfinite(bins[b].accuracy)) {
                count += bins[b].count;
                confidence += bins[b].count * bins[b].confidence;
                accuracy += bins[b].count * bins[b].accuracy;
            }
        }
        if (count > 0) {
            fprintf(out, "%.8g %.8g %.0f\n", 100 * confidence / count, 100 * accuracy / count, count);
            any = true;
        }
    }
    fputs(any ? "\n\n" : "", out);
    return any;
}

static bool has_bins(const struct sy_report *report, int32_t node) {
    for (int32_t v = 0; v < report->n_variants; v++) {
        for (int32_t s = 0; s < report->n_seeds; s++) {
            if (report->variants[v].runs[s].nodes[node].bins) {
                return true;
            }
        }
    }
    return false;
}

static int reliability(struct sy_figures *figures, int32_t node, struct sy_error *err) {
    struct sy_report *report = figures->report;
    struct sy_sketch sketch;
    int32_t shown[SY_MOST_SHOWN], count = 0;
    char name[64];
    snprintf(name, sizeof name, "reliability-%d", (int)node + 1);
    if (!has_bins(report, node) || !sy_sketch_begin(&sketch, figures, name, 3.0)) {
        return SY_OK;
    }
    if (!sketch.failed) {
        fputs("# confidence accuracy predictions\n", sketch.data);
        for (int32_t v = 0; v < report->n_variants && count < SY_MOST_SHOWN; v++) {
            if (write_bins(sketch.data, report, v, node)) {
                shown[count++] = v;
            }
        }
        sy_sketch_axes(&sketch, "confidence (%)", "accuracy (%)");
        fputs("set size square\nset xrange [0:100]\nset yrange [0:100]\nset key top left\n", sketch.script);
        sy_sketch_plot(&sketch);
        fputs("  plot x with lines lw 0.8 dt (2,2) lc rgb '#777777' title 'calibrated', \\\n", sketch.script);
        for (int32_t i = 0; i < count; i++) {
            fprintf(sketch.script, "    '%s.dat' index %d using 1:2 with linespoints ls %d lw 1 title ", name, (int)i,
                    sy_sketch_style(shown[i]));
            sy_sketch_text(sketch.script, report->variants[shown[i]].name);
            fputs(i + 1 < count ? ", \\\n" : "\n", sketch.script);
        }
    }
    return sy_sketch_end(&sketch,
                         sy_report_printf(report,
                                          "Reliability of %s on the test set, 15 bins: below the diagonal it is "
                                          "too sure of itself.",
                                          report->nodes[node]),
                         err);
}

/* ---- confusion -------------------------------------------------------------------------------------------------- */

/* Counts of all seeds; *classes 0 where there are none. malloc'ed, or NULL. */
static double *pooled(const struct sy_report *report, int32_t variant, int32_t node, int32_t *classes, char ***names) {
    double *sum = NULL;
    *classes = 0;
    for (int32_t s = 0; s < report->n_seeds; s++) {
        const struct sy_report_run *run = &report->variants[variant].runs[s];
        const double *counts = run->nodes[node].confusion;
        size_t cells = (size_t)run->classes * (size_t)run->classes;
        if (counts && !sum && (sum = sy_report_room(report, cells, sizeof *sum))) {
            *classes = run->classes;
            *names = run->class_names;
        }
        for (size_t i = 0; counts && sum && run->classes == *classes && i < cells; i++) {
            sum[i] += counts[i];
        }
    }
    return sum;
}

/* Column, row, per cent of the row; empty cells are left to the background. */
static void write_cells(FILE *out, const double *counts, int32_t classes) {
    fputs("# predicted label per-cent count\n", out);
    for (int32_t i = 0; i < classes; i++) {
        double row = 0;
        for (int32_t j = 0; j < classes; j++) {
            row += counts[i * classes + j];
        }
        for (int32_t j = 0; j < classes; j++) {
            double count = counts[i * classes + j];
            if (count > 0) {
                fprintf(out, "%d %d %.4f %.0f\n", (int)j, (int)i, 100 * count / row, count);
            }
        }
    }
}

static void write_tics(FILE *out, char **names, int32_t classes) {
    if (!names || classes > SOME_CLASSES) {
        return;
    }
    for (int axis = 0; axis < 2; axis++) {
        fprintf(out, "set %ctics scale 0 %s(", "xy"[axis], axis ? "" : "rotate by 45 right ");
        for (int32_t i = 0; i < classes; i++) {
            sy_sketch_text(out, names[i]);
            fprintf(out, " %d%s", (int)i, i + 1 < classes ? ", " : ")\n");
        }
    }
}

static void write_matrix(struct sy_sketch *sketch, const double *counts, int32_t classes, char **names) {
    FILE *out = sketch->script;
    write_cells(sketch->data, counts, classes);
    sy_sketch_axes(sketch, "predicted class", "class");
    fprintf(out,
            "set size square\nunset key\nunset grid\nset border 15\nset xrange [-0.5:%g]\nset yrange [%g:-0.5]\n"
            "set palette defined (0 '#FFFFFF', 0.25 '#A9CDE6', 0.6 '#3D8BC0', 1 '#08305A')\nset cbrange [0:100]\n"
            "set cblabel 'share of the class (%%)' offset -0.8,0\nset cbtics scale 0\nset colorbox noborder\n"
            "set style fill solid 1 noborder\nset tics scale 0\n",
            classes - 0.5, classes - 0.5);
    fputs(classes > FEW_CLASSES ? "" : "unset colorbox\n", out);
    write_tics(out, names, classes);
    sy_sketch_plot(sketch);
    fprintf(out, "  plot '%s.dat' using 1:2:(0.5):(0.5):3 with boxxyerror lw 0 lc palette%s\n", sketch->name,
            classes > FEW_CLASSES
                ? ""
                : ", \\\n    '' using 1:2:($3 < 0.5 ? '' : sprintf('%.0f', $3)):($3 > 45 ? 0xFFFFFF : 0x222222) with "
                  "labels font ',7' tc rgb variable");
}

static int confusion(struct sy_figures *figures, int32_t variant, int32_t node, struct sy_error *err) {
    struct sy_report *report = figures->report;
    struct sy_sketch sketch;
    char name[64], **names = NULL;
    int32_t classes;
    double *counts = pooled(report, variant, node, &classes, &names);
    int status = SY_OK;
    snprintf(name, sizeof name, "confusion-%d-%d", (int)variant + 1, (int)node + 1);
    if (counts && sy_sketch_begin(&sketch, figures, name, 3.0)) {
        if (!sketch.failed) {
            write_matrix(&sketch, counts, classes, names);
        }
        status = sy_sketch_end(&sketch,
                               sy_report_printf(report,
                                                "Confusion of %s under %s on the test set; cells: per cent of "
                                                "the class.",
                                                report->nodes[node], report->variants[variant].name),
                               err);
    }
    free(counts);
    return status;
}

int sy_figures_predictions(struct sy_figures *figures, struct sy_error *err) {
    struct sy_report *report = figures->report;
    int status = SY_OK;
    for (int32_t n = 0; n < report->n_nodes && status == SY_OK; n++) {
        status = reliability(figures, n, err);
    }
    for (int32_t v = 0; v < report->n_variants && v < SY_MOST_SHOWN; v++) {
        for (int32_t n = 0; n < report->n_nodes && status == SY_OK; n++) {
            status = confusion(figures, v, n, err);
        }
    }
    return status;
}
