/* sheets.c - the sheets of a report, see sheet.h. */
#include "sheets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../config/fields.h"
#include "distributions.h"
#include "read.h"

/* ---- building --------------------------------------------------------------------------------------------------- */

struct sy_sheet *sy_sheet_new(struct sy_report *report, const char *title, int32_t rows, int32_t columns) {
    struct sy_sheet *sheet = sy_arena_take(report->arena, sizeof *sheet);
    if (!sheet) {
        return NULL;
    }
    sheet->title = title;
    sheet->columns = columns;
    sheet->heads = sy_arena_take(report->arena, (size_t)columns * sizeof *sheet->heads);
    sheet->left = sy_arena_take(report->arena, (size_t)columns * sizeof *sheet->left);
    sheet->cells = sy_arena_take(report->arena, (size_t)rows * (size_t)columns * sizeof *sheet->cells + 1);
    sheet->widths = sy_arena_take(report->arena, (size_t)columns * sizeof *sheet->widths);
    return title && sheet->heads && sheet->left && sheet->cells && sheet->widths ? sheet : NULL;
}

struct sy_cell *sy_sheet_row(struct sy_sheet *sheet) {
    struct sy_cell *row = &sheet->cells[sheet->rows++ * sheet->columns];
    for (int32_t c = 0; c < sheet->columns; c++) {
        row[c].text = "-";
    }
    return row;
}

void sy_sheet_head(struct sy_sheet *sheet, int32_t column, const char *head, bool left) {
    sheet->heads[column] = head ? head : "";
    sheet->left[column] = left;
}

static struct sy_cell word(const char *text) {
    return (struct sy_cell){.text = text ? text : ""};
}

/* A variant of which no seed is left to have a figure says why. */
static struct sy_cell figure(const struct sy_report *report, int32_t variant, enum sy_metric metric, int32_t node) {
    struct sy_summary summary = sy_metric_summary(report, variant, metric, node);
    if (!summary.n && sy_report_count_of(report, variant, SY_REPORT_DIVERGED)) {
        return word("diverged");
    }
    return (struct sy_cell){.figure = summary, .digits = sy_metric_about(metric)->digits};
}

static const char *number(struct sy_report *report, double value, int digits) {
    char text[64];
    return sy_arena_text(report->arena, sy_metric_write(text, sizeof text, value, digits));
}

/* Of `metrics`, up to `count`, those that some run has; how many. */
static int32_t measured(enum sy_metric *out, const struct sy_report *report, const enum sy_metric *metrics,
                        int32_t count) {
    int32_t kept = 0;
    for (int32_t i = 0; i < count; i++) {
        if (sy_metric_measured(report, metrics[i])) {
            out[kept++] = metrics[i];
        }
    }
    return kept;
}

static void metric_head(struct sy_report *report, struct sy_sheet *sheet, int32_t column, enum sy_metric metric) {
    char head[128];
    sy_metric_head(head, sizeof head, metric);
    sy_sheet_head(sheet, column, sy_arena_text(report->arena, head), false);
}

/* As a reader sees it: what looks the same is the same. */
static double as_shown(const struct sy_cell *cell, int better) {
    char text[64];
    return better * strtod(sy_metric_write(text, sizeof text, cell->figure.mean, cell->digits), NULL);
}

/* Marks the best of the rows first, first + step, ... of a column, where they differ and the metric has a best. */
static void mark_best(struct sy_sheet *sheet, int32_t column, int32_t first, int32_t step, enum sy_metric metric) {
    int better = sy_metric_about(metric)->better;
    double best = (double)-INFINITY, worst = (double)INFINITY;
    for (int32_t r = first; r < sheet->rows && better; r += step) {
        const struct sy_cell *cell = &sheet->cells[r * sheet->columns + column];
        if (!cell->text && cell->figure.n > 0) {
            best = fmax(best, as_shown(cell, better));
            worst = fmin(worst, as_shown(cell, better));
        }
    }
    for (int32_t r = first; r < sheet->rows && best > worst; r += step) {
        struct sy_cell *cell = &sheet->cells[r * sheet->columns + column];
        cell->best = !cell->text && cell->figure.n > 0 && as_shown(cell, better) >= best;
    }
}

static const char *node_name(struct sy_report *report, int32_t node) {
    const char *name = report->nodes[node], *role = report->roles[node];
    return role && strcmp(role, name) != 0 ? sy_report_printf(report, "%s (%s)", name, role) : name;
}

/* Seeds with a figure, for the column n: of the node that has most; of how many, where some diverged. */
static const char *seeds_with(struct sy_report *report, int32_t variant) {
    int32_t most = 0;
    for (int32_t n = 0; n < report->n_nodes; n++) {
        struct sy_summary summary = sy_metric_summary(report, variant, SY_METRIC_ACCURACY, n);
        most = summary.n > most ? summary.n : most;
    }
    return sy_report_count_of(report, variant, SY_REPORT_DIVERGED)
               ? sy_report_printf(report, "%d of %d", (int)most, (int)report->n_seeds)
               : sy_report_printf(report, "%d", (int)most);
}

/* ---- accuracy --------------------------------------------------------------------------------------------------- */

/* Nodes that have an accuracy in any run; all of them while none has. The others only feed their neighbours. */
static int32_t predicting(int32_t *out, const struct sy_report *report) {
    int32_t count = 0;
    for (int32_t n = 0; n < report->n_nodes; n++) {
        for (int32_t v = 0; v < report->n_variants; v++) {
            if (sy_metric_summary(report, v, SY_METRIC_ACCURACY, n).n) {
                out[count++] = n;
                break;
            }
        }
    }
    for (int32_t n = 0; count == 0 && n < report->n_nodes; n++) {
        out[n] = n;
    }
    return count ? count : report->n_nodes;
}

static struct sy_sheet *results(struct sy_report *report) {
    int32_t nodes[SY_MOST_NODES], n_nodes = predicting(nodes, report);
    bool share = sy_metric_measured(report, SY_METRIC_SHARE), several = report->n_seeds > 1;
    int32_t columns = 2 + n_nodes + share;
    struct sy_sheet *sheet = sy_sheet_new(report,
                                          sy_report_printf(report, "Test accuracy of each node%s, %%%s",
                                                           share ? " and share of batches in expert mode" : "",
                                                           several ? "; mean +- standard deviation over n seeds" : ""),
                                          report->n_variants, columns);
    if (!sheet) {
        return NULL;
    }
    sy_sheet_head(sheet, 0, report->single ? "run" : "variant", true);
    for (int32_t n = 0; n < n_nodes; n++) {
        sy_sheet_head(sheet, 1 + n, node_name(report, nodes[n]), false);
    }
    if (share) {
        sy_sheet_head(sheet, 1 + n_nodes, "expert mode", false);
    }
    sy_sheet_head(sheet, columns - 1, "n", false);
    for (int32_t v = 0; v < report->n_variants; v++) {
        struct sy_cell *row = sy_sheet_row(sheet);
        row[0] = word(report->variants[v].name);
        for (int32_t n = 0; n < n_nodes; n++) {
            row[1 + n] = figure(report, v, SY_METRIC_ACCURACY, nodes[n]);
        }
        if (share) {
            row[1 + n_nodes] = figure(report, v, SY_METRIC_SHARE, 0);
        }
        row[columns - 1] = word(seeds_with(report, v));
    }
    for (int32_t n = 0; n < n_nodes; n++) {
        mark_best(sheet, 1 + n, 0, 1, SY_METRIC_ACCURACY);
    }
    return sheet;
}

static bool any_expected(const struct sy_report *report) {
    for (int32_t v = 0; v < report->n_variants; v++) {
        for (int32_t n = 0; n < report->n_nodes; n++) {
            if (sy_metric_reproduced(report, v, n) != SY_NOT_EXPECTED) {
                return true;
            }
        }
    }
    return false;
}

/* "67.24 +- 0.50" as the paper, and whether we found it. */
static void expected_cells(struct sy_report *report, struct sy_cell *row, int32_t variant, int32_t node) {
    const struct sy_report_expected *expected = &report->variants[variant].expected[node];
    enum sy_reproduced found = sy_metric_reproduced(report, variant, node);
    if (found != SY_NOT_EXPECTED) {
        row[0] = word(isfinite(expected->tolerance)
                          ? sy_report_printf(report, "%.2f (tolerance %.2f)", expected->value, expected->tolerance)
                          : sy_report_printf(report, "%.2f", expected->value));
        row[1] = word(sy_reproduced_name(found));
    }
}

/* One row a variant and node, with the metrics; `extra` columns behind them. */
static struct sy_sheet *by_node(struct sy_report *report, const char *title, const enum sy_metric *metrics,
                                int32_t count, int32_t extra) {
    struct sy_sheet *sheet = sy_sheet_new(report, title, report->n_variants * report->n_nodes, 2 + count + extra);
    if (!sheet) {
        return NULL;
    }
    sy_sheet_head(sheet, 0, report->single ? "run" : "variant", true);
    sy_sheet_head(sheet, 1, "node", true);
    for (int32_t m = 0; m < count; m++) {
        metric_head(report, sheet, 2 + m, metrics[m]);
    }
    for (int32_t v = 0; v < report->n_variants; v++) {
        for (int32_t n = 0; n < report->n_nodes; n++) {
            struct sy_cell *row = sy_sheet_row(sheet);
            row[0] = word(report->variants[v].name);
            row[1] = word(node_name(report, n));
            for (int32_t m = 0; m < count; m++) {
                row[2 + m] = figure(report, v, metrics[m], n);
            }
        }
    }
    for (int32_t n = 0; n < report->n_nodes; n++) {
        for (int32_t m = 0; m < count; m++) {
            mark_best(sheet, 2 + m, n, report->n_nodes, metrics[m]);
        }
    }
    return sheet;
}

static bool tells(const struct sy_sheet *sheet, int32_t row) {
    const struct sy_cell *cells = &sheet->cells[row * sheet->columns];
    bool any = false;
    for (int32_t c = 2; c < sheet->columns && !any; c++) {
        any = cells[c].text || cells[c].figure.n > 0;
    }
    return any;
}

/* Takes out the nodes that a variant does not have or that nothing was measured of, where it has others. */
static void drop_untold(const struct sy_report *report, struct sy_sheet *sheet) {
    int32_t kept = 0;
    size_t row = sizeof *sheet->cells * (size_t)sheet->columns;
    for (int32_t first = 0; first < sheet->rows; first += report->n_nodes) {
        bool told = false;
        for (int32_t n = 0; n < report->n_nodes; n++) {
            told = told || tells(sheet, first + n);
        }
        for (int32_t n = 0; n < report->n_nodes; n++) {
            if (!told || tells(sheet, first + n)) {
                memmove(&sheet->cells[kept++ * sheet->columns], &sheet->cells[(first + n) * sheet->columns], row);
            }
        }
    }
    sheet->rows = kept;
}

static struct sy_sheet *quality(struct sy_report *report) {
    static const enum sy_metric all[] = {SY_METRIC_ACCURACY, SY_METRIC_TOP5, SY_METRIC_NLL, SY_METRIC_ECE};
    enum sy_metric metrics[4];
    int32_t count = measured(metrics, report, all, 4);
    bool paper = any_expected(report);
    if (count < 2 && !paper) {
        return NULL; /* nothing that the first table has not */
    }
    struct sy_sheet *sheet =
        by_node(report, "Test set: accuracy, likelihood, calibration", metrics, count, paper ? 2 : 0);
    if (!sheet) {
        return NULL;
    }
    sheet->note = "NLL: negative log-likelihood. ECE: expected calibration error, 15 bins.";
    if (paper) {
        sy_sheet_head(sheet, 2 + count, "expected accuracy, %", false);
        sy_sheet_head(sheet, 3 + count, "reproduced", true);
        for (int32_t r = 0; r < sheet->rows; r++) {
            expected_cells(report, &sheet->cells[r * sheet->columns + 2 + count], r / report->n_nodes,
                           r % report->n_nodes);
        }
    }
    drop_untold(report, sheet);
    return sheet;
}

/* ---- agreement -------------------------------------------------------------------------------------------------- */

static struct sy_summary agreement_of(const struct sy_report *report, int32_t variant, int32_t one, int32_t other) {
    struct sy_summary none = {0, (double)NAN, (double)NAN};
    double *values = sy_report_room(report, (size_t)report->n_seeds + 1, sizeof *values);
    for (int32_t s = 0; values && s < report->n_seeds; s++) {
        const struct sy_report_run *run = &report->variants[variant].runs[s];
        values[s] = run->agreement ? 100 * run->agreement[one * report->n_nodes + other] : (double)NAN;
    }
    struct sy_summary summary = values ? sy_summarize(values, report->n_seeds) : none;
    for (int32_t s = 0; values && s < report->n_seeds && !summary.n; s++) {
        if (isfinite(values[s])) { /* there was no memory to count it */
            sy_arena_note_short(report->arena);
        }
    }
    free(values);
    return summary;
}

static struct sy_sheet *agreement(struct sy_report *report) {
    static const char *const heads[] = {"variant", "one node", "another", "the same class, %"};
    int32_t nodes = report->n_nodes;
    struct sy_sheet *sheet = sy_sheet_new(report, "Agreement: share of the test set of which two nodes say the same",
                                          report->n_variants * nodes * (nodes - 1) / 2, 4);
    for (int32_t c = 0; sheet && c < 4; c++) {
        sy_sheet_head(sheet, c, heads[c], c < 3);
    }
    for (int32_t v = 0; sheet && v < report->n_variants; v++) {
        for (int32_t pair = 0; pair < nodes * nodes; pair++) {
            int32_t one = pair / nodes, other = pair % nodes;
            struct sy_summary found = agreement_of(report, v, one, other);
            if (one < other && found.n) {
                struct sy_cell *row = sy_sheet_row(sheet);
                row[0] = word(report->variants[v].name);
                row[1] = word(report->nodes[one]);
                row[2] = word(report->nodes[other]);
                row[3] = (struct sy_cell){.figure = found, .digits = 2};
            }
        }
    }
    return sheet;
}

/* ---- differences ------------------------------------------------------------------------------------------------ */

/* A probability as it is told. */
static const char *probability(struct sy_report *report, double p) {
    return isfinite(p) ? (p < 0.0001 ? "< 0.0001" : sy_report_printf(report, "%.4f", p)) : "-";
}

static void difference_row(struct sy_report *report, struct sy_cell *row, int32_t variant, int32_t node) {
    struct sy_paired paired = sy_metric_difference(report, variant, SY_METRIC_ACCURACY, node);
    row[0] = word(report->variants[variant].name);
    row[1] = word(node_name(report, node));
    row[2] = word(sy_report_printf(report, "%d", (int)paired.n));
    if (paired.identical) {
        row[3] = word("0");
        row[4] = word(paired.n > 1 ? "[0, 0]" : "-");
        row[6] = word("identical");
        row[7] = word("identical");
        return;
    }
    row[3] = word(paired.n ? sy_report_printf(report, "%+.2f", paired.mean) : "-");
    if (paired.n > 1 && isfinite(paired.low)) {
        row[4] = word(sy_report_printf(report, "[%+.2f, %+.2f]", paired.low, paired.high));
    }
    row[5] = word(number(report, paired.t, 2));
    row[6] = word(probability(report, paired.p_t));
    row[7] = word(paired.n_wilcoxon >= SY_LEAST_WILCOXON ? probability(report, paired.p_wilcoxon) : "-");
}

static struct sy_sheet *differences(struct sy_report *report) {
    static const char *const heads[] = {"variant",       "node", "n",          "difference, points",
                                        "95 % interval", "t",    "p (t-test)", "p (Wilcoxon)"};
    if (report->baseline < 0 || report->n_variants < 2) {
        return NULL;
    }
    struct sy_sheet *sheet = sy_sheet_new(
        report,
        sy_report_printf(report, "Accuracy less that of %s, paired by seed", report->variants[report->baseline].name),
        report->n_variants * report->n_nodes, 8);
    if (!sheet) {
        return NULL;
    }
    for (int32_t c = 0; c < 8; c++) {
        sy_sheet_head(sheet, c, heads[c], c < 2);
    }
    for (int32_t v = 0; v < report->n_variants; v++) {
        for (int32_t n = 0; n < report->n_nodes && v != report->baseline; n++) {
            difference_row(report, sy_sheet_row(sheet), v, n);
        }
    }
    sheet->note =
        sy_has_distributions()
            ? "n: pairs. Two-sided paired t-test; Wilcoxon's signed-rank test from 6 pairs on, since fewer cannot "
              "reach p < 0.05. p is not corrected for the number of comparisons."
            : "n: pairs. This program was built without GSL: no intervals and no tests.";
    return sheet;
}

/* ---- cost ------------------------------------------------------------------------------------------------------- */

static struct sy_sheet *cost(struct sy_report *report) {
    static const enum sy_metric all[] = {SY_METRIC_SECONDS, SY_METRIC_RATE, SY_METRIC_PEAK, SY_METRIC_ENERGY,
                                         SY_METRIC_SHARE};
    enum sy_metric metrics[5];
    int32_t count = measured(metrics, report, all, 5);
    if (!count || (count == 1 && metrics[0] == SY_METRIC_SHARE)) {
        return NULL;
    }
    struct sy_sheet *sheet = sy_sheet_new(report, "Cost of a run", report->n_variants, 1 + count);
    if (!sheet) {
        return NULL;
    }
    sy_sheet_head(sheet, 0, report->single ? "run" : "variant", true);
    for (int32_t m = 0; m < count; m++) {
        metric_head(report, sheet, 1 + m, metrics[m]);
    }
    for (int32_t v = 0; v < report->n_variants; v++) {
        struct sy_cell *row = sy_sheet_row(sheet);
        row[0] = word(report->variants[v].name);
        for (int32_t m = 0; m < count; m++) {
            row[1 + m] = figure(report, v, metrics[m], 0);
        }
    }
    for (int32_t m = 0; m < count; m++) {
        mark_best(sheet, 1 + m, 0, 1, metrics[m]);
    }
    return sheet;
}

static struct sy_sheet *work(struct sy_report *report) {
    static const enum sy_metric all[] = {SY_METRIC_PARAMETERS, SY_METRIC_SPENT, SY_METRIC_SAVED, SY_METRIC_PER_WORK,
                                         SY_METRIC_PER_MINUTE};
    enum sy_metric metrics[5];
    int32_t count = measured(metrics, report, all, 5);
    struct sy_sheet *sheet =
        count ? by_node(report, "Work of each node in training, in multiply-adds", metrics, count, 0) : NULL;
    if (sheet) {
        drop_untold(report, sheet);
        sheet->note = "Saved: what pausing did not spend. Accuracy: the node's by the "
                      "multiply-adds of all nodes and by the wall time of the whole run.";
    }
    return sheet;
}

/* ---- runs ------------------------------------------------------------------------------------------------------- */

/* "student diverged in epoch 3"; NULL where none did. Epochs are counted from 1 for people. */
static const char *divergence(struct sy_report *report, const struct sy_report_run *run) {
    const char *text = NULL;
    for (int32_t n = 0; n < report->n_nodes; n++) {
        const struct sy_report_node *node = &run->nodes[n];
        if (node->diverged_step >= 0) {
            text = sy_report_printf(report, "%s%s%s diverged at step %lld, in epoch %lld", text ? text : "",
                                    text ? ", " : "", report->nodes[n], (long long)node->diverged_step,
                                    (long long)node->diverged + 1);
        } else if (node->diverged >= 0) {
            text = sy_report_printf(report, "%s%s%s diverged in epoch %lld", text ? text : "", text ? ", " : "",
                                    report->nodes[n], (long long)run->nodes[n].diverged + 1);
        }
    }
    return text;
}

static struct sy_sheet *runs(struct sy_report *report) {
    static const char *const heads[] = {"variant", "seed", "state", "epochs", "what happened"};
    struct sy_sheet *sheet =
        sy_sheet_new(report, "Runs that are not finished, or that diverged", report->n_variants * report->n_seeds, 5);
    if (!sheet) {
        return NULL;
    }
    for (int32_t c = 0; c < 5; c++) {
        sy_sheet_head(sheet, c, heads[c], c != 1 && c != 3);
    }
    for (int32_t v = 0; v < report->n_variants; v++) {
        for (int32_t s = 0; s < report->n_seeds; s++) {
            const struct sy_report_run *run = &report->variants[v].runs[s];
            const char *diverged = divergence(report, run);
            if (run->state == SY_REPORT_FINISHED && !diverged) {
                continue;
            }
            struct sy_cell *row = sy_sheet_row(sheet);
            row[0] = word(report->variants[v].name);
            row[1] = word(run->seed >= 0 ? sy_report_printf(report, "%lld", (long long)run->seed) : "-");
            row[2] = word(sy_report_state_name(run->state));
            row[3] = word(run->epochs_wanted ? sy_report_printf(report, "%lld of %lld", (long long)run->epochs,
                                                                (long long)run->epochs_wanted)
                                             : sy_report_printf(report, "%lld", (long long)run->epochs));
            row[4] = word(diverged && run->reason ? sy_report_printf(report, "%s; %s", diverged, run->reason)
                          : diverged              ? diverged
                                                  : run->reason);
        }
    }
    return sheet->rows ? sheet : NULL;
}

const struct sy_sheet *sy_sheet_of(struct sy_report *report, enum sy_sheet_kind kind) {
    static struct sy_sheet *(*const makers[SY_SHEETS])(struct sy_report *) = {
        results, quality, agreement, differences, cost, work, runs, sy_sheet_settings};
    struct sy_sheet *sheet = makers[kind](report);
    return sheet && sheet->rows ? sheet : NULL;
}
