/* figure_curves.c - accuracy, loss and the share in expert mode by epoch: means over the seeds, with a band of one
 * standard deviation to either side. */
#include <math.h>
#include <stdlib.h>

#include "figure_script.h"
#include "read.h"
#include "statistics.h"

#define MOST_POINTS 400 /* of a curve */

/* What a curve is of. */
struct wish {
    const char *name, *title, *unit, *corner;
    const double *(*series)(const struct sy_report_run *run, int32_t node);
    double scale;
};

static const double *test_accuracy(const struct sy_report_run *run, int32_t node) {
    return run->nodes[node].series.test_accuracy;
}

static const double *test_loss(const struct sy_report_run *run, int32_t node) {
    return run->nodes[node].series.test_loss;
}

static const double *train_loss(const struct sy_report_run *run, int32_t node) {
    return run->nodes[node].series.train_loss;
}

static const double *expert_share(const struct sy_report_run *run, int32_t node) {
    (void)node;
    return run->share;
}

static bool has_series(const struct sy_report *report, const struct wish *wish, int32_t variant, int32_t node) {
    for (int32_t s = 0; s < report->n_seeds; s++) {
        const struct sy_report_run *run = &report->variants[variant].runs[s];
        const double *series = wish->series(run, node);
        for (int64_t e = 0; series && e < run->epochs; e++) {
            /* A share that is always 0 is that of a policy which never pauses. */
            if (isfinite(series[e]) && (wish->series != expert_share || series[e] > 0)) {
                return true;
            }
        }
    }
    return false;
}

static int64_t most_epochs(const struct sy_report *report, int32_t variant) {
    int64_t most = 0;
    for (int32_t s = 0; s < report->n_seeds; s++) {
        int64_t epochs = report->variants[variant].runs[s].epochs;
        most = epochs > most ? epochs : most;
    }
    return most;
}

static double longest(const struct sy_report *report) {
    int64_t most = 0;
    for (int32_t v = 0; v < report->n_variants; v++) {
        int64_t epochs = most_epochs(report, v);
        most = epochs > most ? epochs : most;
    }
    return (double)most;
}

/* A block of the data: epoch (from 1), mean, mean - sd, mean + sd, n. */
static void write_block(FILE *out, const struct sy_report *report, const struct wish *wish, int32_t variant,
                        int32_t node) {
    int64_t epochs = most_epochs(report, variant), step = epochs / MOST_POINTS + 1;
    double *values = sy_report_room(report, (size_t)report->n_seeds + 1, sizeof *values);
    fputs("# variant ", out);
    sy_sketch_text(out, report->variants[variant].name);
    fputs(": epoch mean low high n\n", out);
    for (int64_t e = 0; values && e < epochs; e += e + step < epochs ? step : (e < epochs - 1 ? epochs - 1 - e : 1)) {
        for (int32_t s = 0; s < report->n_seeds; s++) {
            const struct sy_report_run *run = &report->variants[variant].runs[s];
            const double *series = e < run->epochs ? wish->series(run, node) : NULL;
            values[s] = series ? wish->scale * series[e] : (double)NAN;
        }
        struct sy_summary at = sy_summarize(values, report->n_seeds);
        double band = isfinite(at.sd) ? at.sd : 0;
        if (at.n) {
            fprintf(out, "%lld", (long long)e + 1);
            sy_sketch_number(out, at.mean);
            sy_sketch_number(out, at.mean - band);
            sy_sketch_number(out, at.mean + band);
            fprintf(out, " %d\n", (int)at.n);
        }
    }
    fputs("\n\n", out);
    free(values);
}

/* The plot command: a band and a line each; `more` blocks behind them are drawn thin. */
static void write_plot(struct sy_sketch *sketch, const struct sy_report *report, const int32_t *shown, int32_t count,
                       bool thin) {
    FILE *out = sketch->script;
    sy_sketch_plot(sketch);
    fputs("  plot \\\n", out);
    for (int32_t i = 0; i < count && report->n_seeds > 1; i++) {
        fprintf(out, "    '%s.dat' index %d using 1:3:4 with filledcurves ls %d notitle, \\\n", sketch->name, (int)i,
                sy_sketch_style(shown[i]));
    }
    for (int32_t i = 0; i < count && thin; i++) {
        fprintf(out, "    '%s.dat' index %d using 1:2 with lines ls %d lw 0.6 notitle, \\\n", sketch->name,
                (int)(count + i), sy_sketch_style(shown[i]));
    }
    for (int32_t i = 0; i < count; i++) {
        fprintf(out, "    '%s.dat' index %d using 1:2 with %s ls %d title ", sketch->name, (int)i,
                longest(report) < 8 ? "linespoints" : "lines", sy_sketch_style(shown[i]));
        sy_sketch_text(out, report->variants[shown[i]].name);
        fputs(i + 1 < count ? ", \\\n" : "\n", out);
    }
}

static int32_t variants_with(int32_t shown[SY_MOST_SHOWN], int32_t *all, const struct sy_report *report,
                             const struct wish *wish, int32_t node) {
    int32_t count = 0;
    *all = 0;
    for (int32_t v = 0; v < report->n_variants; v++) {
        if (has_series(report, wish, v, node)) {
            *all += 1;
            if (count < SY_MOST_SHOWN) {
                shown[count++] = v;
            }
        }
    }
    return count;
}

static const char *caption(struct sy_report *report, const struct wish *wish, int32_t node, bool thin, int32_t shown,
                           int32_t all) {
    const char *text = sy_report_printf(
        report, "%s%s%s by epoch%s%s.", wish->title, node >= 0 ? " of " : "", node >= 0 ? report->nodes[node] : "",
        report->n_seeds > 1 ? ": mean over the seeds, band of one standard deviation" : "",
        thin ? "; thin: training" : "");
    return text && shown < all ? sy_report_printf(report, "%s The first %d of %d variants.", text, (int)shown, (int)all)
                               : text;
}

/* `second`, if any, is drawn thin beside the first. */
static int one_figure(struct sy_figures *figures, const struct wish *wish, const struct wish *second, int32_t node,
                      struct sy_error *err) {
    struct sy_report *report = figures->report;
    struct sy_sketch sketch;
    char name[64];
    int32_t shown[SY_MOST_SHOWN], all, at = node < 0 ? 0 : node, count = variants_with(shown, &all, report, wish, at);
    snprintf(name, sizeof name, node < 0 ? "%s" : "%s-%d", wish->name, (int)node + 1);
    if (!count || !sy_sketch_begin(&sketch, figures, name, 2.2)) {
        return SY_OK;
    }
    if (!sketch.failed) {
        for (int32_t i = 0; i < count; i++) {
            write_block(sketch.data, report, wish, shown[i], at);
        }
        for (int32_t i = 0; i < count && second; i++) {
            write_block(sketch.data, report, second, shown[i], at);
        }
        sy_sketch_axes(&sketch, "epoch", wish->unit);
        sy_sketch_key(&sketch, wish->corner, count);
        sy_sketch_tics(&sketch, 0, longest(report) < 5 ? 5 : longest(report)); /* there are no half epochs */
        fprintf(sketch.script, "set xrange [0:%g]\nset offsets 0,0,graph 0.02,0\n", longest(report));
        if (wish->series == expert_share) {
            fputs("set yrange [0:*<100]\n", sketch.script);
        } else if (wish->series == test_accuracy) {
            sy_sketch_percent(&sketch);
        }
        write_plot(&sketch, report, shown, count, second != NULL);
    }
    return sy_sketch_end(&sketch, caption(report, wish, node, second != NULL, count, all), err);
}

int sy_figures_curves(struct sy_figures *figures, struct sy_error *err) {
    static const struct wish accuracy = {"accuracy",     "Test accuracy", "test accuracy (%)",
                                         "bottom right", test_accuracy,   100},
                             loss = {"loss", "Test loss", "loss (nats)", "top right", test_loss, 1},
                             training = {"loss", "Training loss", "loss (nats)", "top right", train_loss, 1},
                             share = {"share",
                                      "Share of batches in expert mode",
                                      "batches in expert mode (%)",
                                      "top left",
                                      expert_share,
                                      100};
    int status = SY_OK;
    for (int32_t n = 0; n < figures->report->n_nodes && status == SY_OK; n++) {
        status = one_figure(figures, &accuracy, NULL, n, err);
        status = status == SY_OK ? one_figure(figures, &loss, &training, n, err) : status;
    }
    return status == SY_OK ? one_figure(figures, &share, NULL, -1, err) : status;
}
