/* figure_cost.c - accuracy of each node against what the run cost: wall time, or multiply-adds where no time was noted. */
#include <math.h>

#include "figure_script.h"
#include "metrics.h"
#include "read.h"

/* Mean and deviation of what a run cost, over the seeds, and of the accuracy. */
static bool write_point(FILE *out, double range[2], const struct sy_report *report, int32_t variant, int32_t node,
                        enum sy_metric cost) {
    struct sy_summary accuracy = sy_metric_summary(report, variant, SY_METRIC_ACCURACY, node);
    struct sy_summary paid = sy_metric_summary(report, variant, cost, node);
    const double scale = cost == SY_METRIC_SECONDS ? 1.0 / 60 : 1;
    if (!accuracy.n || !paid.n) {
        return false;
    }
    range[0] = scale * paid.mean < range[0] ? scale * paid.mean : range[0];
    range[1] = scale * paid.mean > range[1] ? scale * paid.mean : range[1];
    sy_sketch_number(out, scale * paid.mean);
    sy_sketch_number(out, isfinite(paid.sd) ? scale * paid.sd : 0);
    sy_sketch_number(out, accuracy.mean);
    sy_sketch_number(out, isfinite(accuracy.sd) ? accuracy.sd : 0);
    fputs(" # ", out);
    sy_sketch_text(out, report->variants[variant].name);
    fputs("\n\n\n", out);
    return true;
}

static int one_figure(struct sy_figures *figures, int32_t node, enum sy_metric cost, struct sy_error *err) {
    struct sy_report *report = figures->report;
    struct sy_sketch sketch;
    int32_t shown[SY_MOST_SHOWN], count = 0;
    double range[2] = {(double)INFINITY, (double)-INFINITY};
    char name[64];
    snprintf(name, sizeof name, "cost-%d", (int)node + 1);
    if (!sy_sketch_begin(&sketch, figures, name, 2.2)) {
        return SY_OK;
    }
    if (!sketch.failed) {
        fputs("# cost deviation accuracy deviation\n", sketch.data);
        for (int32_t v = 0; v < report->n_variants && count < SY_MOST_SHOWN; v++) {
            if (write_point(sketch.data, range, report, v, node, cost)) {
                shown[count++] = v;
            }
        }
        sy_sketch_axes(&sketch, cost == SY_METRIC_SECONDS ? "wall time of the run (min)" : "multiply-adds (10^12)",
                       "test accuracy (%)");
        sy_sketch_tics(&sketch, range[0], range[1]);
        fputs("set grid xtics ytics lw 0.3 dt 1 lc rgb '#DDDDDD'\nset key outside top center horizontal maxcols 4\n"
              "set offsets graph 0.08, graph 0.08, graph 0.08, graph 0.08\nset bars 0.4\nset xrange [0<*:*]\n",
              sketch.script);
        sy_sketch_percent(&sketch);
        sy_sketch_plot(&sketch);
        fputs("  plot \\\n", sketch.script);
        for (int32_t i = 0; i < count; i++) {
            fprintf(sketch.script, "    '%s.dat' index %d using 1:3:2:4 with xyerrorbars ls %d lw 0.8 dt 1 title ",
                    name, (int)i, sy_sketch_style(shown[i]));
            sy_sketch_text(sketch.script, report->variants[shown[i]].name);
            fputs(i + 1 < count ? ", \\\n" : "\n", sketch.script);
        }
    }
    return sy_sketch_end(&sketch,
                         sy_report_printf(report, "Accuracy of %s against cost%s.", report->nodes[node],
                                          report->n_seeds > 1 ? "; bars: one standard deviation over the seeds" : ""),
                         err);
}

int sy_figures_cost(struct sy_figures *figures, struct sy_error *err) {
    struct sy_report *report = figures->report;
    enum sy_metric cost = sy_metric_measured(report, SY_METRIC_SECONDS) ? SY_METRIC_SECONDS : SY_METRIC_SPENT;
    int status = SY_OK;
    bool possible =
        report->n_variants > 1 && sy_metric_measured(report, cost) && sy_metric_measured(report, SY_METRIC_ACCURACY);
    for (int32_t n = 0; n < report->n_nodes && possible && status == SY_OK; n++) {
        status = one_figure(figures, n, cost, err);
    }
    return status;
}
