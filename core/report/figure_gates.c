/* figure_gates.c - what gates saw and did over the steps: gap against threshold, and the timeline of modes. */
#include <math.h>
#include <string.h>

#include "figure_script.h"
#include "read.h"
#include "steps.h"

#define MOST_ROWS 12 /* of the timeline */

static const char *gate_name(struct sy_report *report, const struct sy_steps *steps, const struct sy_gate_steps *gate) {
    return steps->n_gates > 1 ? sy_report_printf(report, ", gate %s to %s", gate->teacher, gate->student) : "";
}

/* The last step, and whether the axis counts thousands. */
static double last_step(const struct sy_gate_steps *gate) {
    double last = 0;
    for (int32_t b = 0; b < SY_STEP_BINS; b++) {
        last = gate->bins[b].step > last ? gate->bins[b].step : last;
    }
    return last;
}

static double step_scale(double last) {
    return last >= 10000 ? 0.001 : 1;
}

static void step_axis(struct sy_sketch *sketch, double last, const char *y) {
    double scale = step_scale(last);
    sy_sketch_axes(sketch, scale < 1 ? "training step (thousands)" : "training step", y);
    sy_sketch_tics(sketch, 0, last * scale);
    fprintf(sketch->script, "set xrange [0:%g]\n", last * scale);
}

static void write_gap_data(FILE *out, const struct sy_gate_steps *gate) {
    fputs("# step gap delta lower upper expert\n", out);
    for (int32_t b = 0; b < SY_STEP_BINS; b++) {
        const struct sy_step_bin *bin = &gate->bins[b];
        const double columns[] = {bin->step, bin->gap, bin->delta, bin->lower, bin->upper, bin->expert};
        for (size_t c = 0; isfinite(bin->step) && c < sizeof columns / sizeof *columns; c++) {
            sy_sketch_number(out, columns[c]);
        }
        fputs(isfinite(bin->step) ? "\n" : "", out);
    }
}

static int gap_figure(struct sy_figures *figures, int32_t variant, const struct sy_report_run *run,
                      const struct sy_steps *steps, int32_t g, struct sy_error *err) {
    struct sy_report *report = figures->report;
    const struct sy_gate_steps *gate = steps->gates[g];
    struct sy_sketch sketch;
    char name[64];
    snprintf(name, sizeof name, g ? "gap-%d-%d" : "gap-%d", (int)variant + 1, (int)g + 1);
    if (!gate->has_gap || !sy_sketch_begin(&sketch, figures, name, 2.2)) {
        return SY_OK;
    }
    if (!sketch.failed) {
        write_gap_data(sketch.data, gate);
        double last = last_step(gate), scale = step_scale(last);
        step_axis(&sketch, last, "L1 distance (0 to 2)");
        fprintf(sketch.script, "set key outside top center horizontal\nscale = %g\n", scale);
        sy_sketch_plot(&sketch);
        fprintf(sketch.script,
                "  plot '%s.dat' using (scale*$1):4:5 with filledcurves fc rgb '#999999' fs transparent solid 0.25 "
                "noborder \\\n"
                "      title 's - t to s', \\\n"
                "    '' using (scale*$1):4 with lines lw 0.5 lc rgb '#888888' notitle, \\\n"
                "    '' using (scale*$1):5 with lines lw 0.5 lc rgb '#888888' notitle, \\\n"
                "    '' using (scale*$1):2 with lines ls 1 title 'gap G', \\\n"
                "    '' using (scale*$1):3 with lines ls 2 title 'threshold δ'\n",
                name);
    }
    return sy_sketch_end(
        &sketch,
        sy_report_printf(report, "Gap and threshold of %s, seed %lld%s%s; grey: from s - t to s, the bounds.",
                         report->variants[variant].name, (long long)run->seed, gate_name(report, steps, gate),
                         steps->sampled ? "; a sample of the steps" : ""),
        err);
}

/* ---- timeline --------------------------------------------------------------------------------------------------- */

struct row {
    const char *name;
    const struct sy_gate_steps *gate;
};

/* x from, x to, row, share in expert mode. */
static void write_row(FILE *out, const struct sy_gate_steps *gate, int32_t row) {
    for (int32_t b = 0, next; b < SY_STEP_BINS; b = next) {
        for (next = b + 1; next < SY_STEP_BINS && !isfinite(gate->bins[next].step); next++) {
        }
        const struct sy_step_bin *bin = &gate->bins[b];
        double first = b ? bin->step : 0, last = next < SY_STEP_BINS ? gate->bins[next].step : 2 * bin->step;
        if (next >= SY_STEP_BINS && b) {
            int32_t before = b - 1;
            while (before > 0 && !isfinite(gate->bins[before].step)) {
                before--;
            }
            last = 2 * bin->step - gate->bins[before].step;
        }
        if (isfinite(bin->step) && isfinite(last)) {
            fprintf(out, "%.8g %.8g %d %.4f\n", first, last > first ? last : first + 1, (int)row, bin->expert);
        }
    }
}

static int timeline(struct sy_figures *figures, const struct row *rows, int32_t count, bool sampled,
                    struct sy_error *err) {
    struct sy_report *report = figures->report;
    struct sy_sketch sketch;
    if (!count || !sy_sketch_begin(&sketch, figures, "timeline", 0.85 + 0.22 * count)) {
        return SY_OK;
    }
    if (!sketch.failed) {
        fputs("# from to row expert\n", sketch.data);
        for (int32_t r = 0; r < count; r++) {
            write_row(sketch.data, rows[r].gate, r);
        }
        double last = 0;
        for (int32_t r = 0; r < count; r++) {
            last = last_step(rows[r].gate) > last ? last_step(rows[r].gate) : last;
        }
        step_axis(&sketch, last, "");
        fprintf(sketch.script,
                "rows = %d.0\nunset ylabel\nunset key\nunset grid\nset border 1\nset yrange [%g:-0.5]\nscale = %g\n"
                "set palette defined (0 '#F2E3C6', 1 '#0B3C5D')\nset cbrange [0:1]\n"
                "set colorbox horizontal user origin graph 0.25, graph 1+0.3/rows size graph 0.5, graph 0.25/rows "
                "noborder\n"
                "set cbtics ('learning' 0, 'expert' 1) scale 0 offset 0,2.1\nset tmargin 2.2\n"
                "set style fill solid 1 noborder\nset ytics scale 0 (",
                (int)count, count - 0.5, step_scale(last));
        for (int32_t r = 0; r < count; r++) {
            sy_sketch_text(sketch.script, rows[r].name);
            fprintf(sketch.script, " %d%s", (int)r, r + 1 < count ? ", " : ")\n");
        }
        sy_sketch_plot(&sketch);
        fputs("  plot 'timeline.dat' using (scale*$1):3:(scale*$1):(scale*$2):($3-0.42):($3+0.42):4 with boxxyerror lw "
              "0 lc palette\n",
              sketch.script);
    }
    return sy_sketch_end(&sketch,
                         sy_report_printf(report,
                                          "When the teacher sat out: dark where batches were in expert mode, one "
                                          "run a row%s.",
                                          sampled ? "; a sample of the steps" : ""),
                         err);
}

int sy_figures_gates(struct sy_figures *figures, struct sy_error *err) {
    struct sy_report *report = figures->report;
    struct row rows[MOST_ROWS];
    int32_t count = 0;
    bool sampled = false;
    int status = SY_OK;
    for (int32_t v = 0; v < report->n_variants && v < SY_MOST_SHOWN && status == SY_OK; v++) {
        const struct sy_report_run *run = sy_report_example(report, v);
        const struct sy_steps *steps = run ? sy_steps_read(report, run) : NULL;
        for (int32_t g = 0; steps && g < steps->n_gates && status == SY_OK; g++) {
            const char *name = report->variants[v].name;
            if (count < MOST_ROWS) {
                sampled = sampled || steps->sampled;
                rows[count].gate = steps->gates[g];
                rows[count++].name =
                    steps->n_gates > 1 ? sy_report_printf(report, "%s, %s", name, steps->gates[g]->student) : name;
            }
            status = gap_figure(figures, v, run, steps, g, err);
        }
    }
    return status == SY_OK ? timeline(figures, rows, count, sampled, err) : status;
}
