/* data.c - a report for programs: CSV and JSON, see write.h. Figures have all their digits. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "../record/json.h"
#include "../record/journal.h"
#include "metrics.h"
#include "write.h"

/* ---- CSV -------------------------------------------------------------------------------------------------------- */

static void csv_text(FILE *out, const char *text) {
    if (!strpbrk(text, "\",\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        fputs(*text == '"' ? "\"" : "", out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void csv_number(FILE *out, double value) {
    fputc(',', out);
    if (isfinite(value)) {
        fprintf(out, "%.17g", value);
    }
}

static void csv_line(FILE *out, const struct sy_report *report, int32_t variant, enum sy_metric metric, int32_t node) {
    struct sy_summary summary = sy_metric_summary(report, variant, metric, node);
    struct sy_paired paired = sy_metric_difference(report, variant, metric, node);
    bool of_node = (int)metric < SY_NODE_METRICS, paper = metric == SY_METRIC_ACCURACY;
    int32_t diverged = sy_report_count_of(report, variant, SY_REPORT_DIVERGED);
    if (!summary.n && (!paper || !diverged)) { /* accuracy has a line all the same: it is missing for a reason */
        return;
    }
    csv_text(out, report->variants[variant].name);
    fputc(',', out);
    csv_text(out, of_node ? report->nodes[node] : "");
    fprintf(out, ",%s,", sy_metric_about(metric)->key);
    csv_text(out, sy_metric_about(metric)->unit);
    fprintf(out, ",%d", (int)summary.n);
    csv_number(out, summary.mean);
    csv_number(out, summary.sd);
    fputc(',', out);
    csv_text(out, report->baseline >= 0 ? report->variants[report->baseline].name : "");
    fprintf(out, ",%d", (int)paired.n);
    csv_number(out, paired.mean);
    csv_number(out, paired.low);
    csv_number(out, paired.high);
    csv_number(out, paired.t);
    csv_number(out, paired.p_t);
    csv_number(out, paired.w);
    csv_number(out, paired.p_wilcoxon);
    csv_number(out, paper ? report->variants[variant].expected[node].value : (double)NAN);
    csv_number(out, paper ? report->variants[variant].expected[node].tolerance : (double)NAN);
    fprintf(out, ",%s,%d\r\n", paper ? sy_reproduced_name(sy_metric_reproduced(report, variant, node)) : "",
            (int)diverged);
}

void sy_report_csv(FILE *out, const struct sy_report *report) {
    fputs("variant,node,metric,unit,n,mean,sd,baseline,pairs,difference,low,high,t,p_t,w,p_wilcoxon,expected,tolerance,"
          "reproduced,diverged\r\n",
          out);
    for (int32_t v = 0; v < report->n_variants; v++) {
        for (int m = 0; m < SY_METRICS; m++) {
            int32_t nodes = m < SY_NODE_METRICS ? report->n_nodes : 1;
            for (int32_t n = 0; n < nodes; n++) {
                csv_line(out, report, v, (enum sy_metric)m, n);
            }
        }
    }
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static json_t *metric_json(const struct sy_report *report, int32_t variant, enum sy_metric metric, int32_t node) {
    struct sy_summary summary = sy_metric_summary(report, variant, metric, node);
    struct sy_paired paired = sy_metric_difference(report, variant, metric, node);
    json_t *values = json_array();
    for (int32_t s = 0; s < report->n_seeds; s++) {
        sy_json_add(&values, sy_json_number(sy_metric_of(&report->variants[variant].runs[s], metric, node)));
    }
    json_t *object =
        json_pack("{s:s, s:i, s:o, s:o, s:o}", "unit", sy_metric_about(metric)->unit, "n", (int)summary.n, "mean",
                  sy_json_number(summary.mean), "sd", sy_json_number(summary.sd), "values", values);
    if (report->baseline >= 0 && variant != report->baseline) {
        sy_json_put(&object, "difference",
                    json_pack("{s:i, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o}", "pairs", (int)paired.n,
                              "identical", (int)paired.identical, "mean", sy_json_number(paired.mean), "sd",
                              sy_json_number(paired.sd), "low", sy_json_number(paired.low), "high",
                              sy_json_number(paired.high), "t", sy_json_number(paired.t), "p_t",
                              sy_json_number(paired.p_t), "n_wilcoxon", (int)paired.n_wilcoxon, "w",
                              sy_json_number(paired.w), "p_wilcoxon", sy_json_number(paired.p_wilcoxon)));
    }
    return object;
}

static json_t *metrics_json(const struct sy_report *report, int32_t variant, int first, int last, int32_t node) {
    json_t *object = json_object();
    for (int m = first; m < last; m++) {
        if (sy_metric_summary(report, variant, (enum sy_metric)m, node).n) {
            sy_json_put(&object, sy_metric_about((enum sy_metric)m)->key,
                        metric_json(report, variant, (enum sy_metric)m, node));
        }
    }
    return object;
}

static json_t *node_json(const struct sy_report *report, int32_t variant, int32_t node) {
    const struct sy_report_expected *expected = &report->variants[variant].expected[node];
    enum sy_reproduced found = sy_metric_reproduced(report, variant, node);
    json_t *object = metrics_json(report, variant, 0, SY_NODE_METRICS, node);
    if (found != SY_NOT_EXPECTED) {
        sy_json_put(&object, "expected",
                    json_pack("{s:o, s:o, s:s}", "value", sy_json_number(expected->value), "tolerance",
                              sy_json_number(expected->tolerance), "reproduced", sy_reproduced_name(found)));
    }
    return object;
}

static json_t *run_json(const struct sy_report *report, const struct sy_report_run *run) {
    json_t *diverged = json_object(), *steps = json_object();
    for (int32_t n = 0; n < report->n_nodes; n++) {
        if (run->nodes[n].diverged >= 0) {
            sy_json_put(&diverged, report->nodes[n], json_integer(run->nodes[n].diverged));
        }
        if (run->nodes[n].diverged_step >= 0) {
            json_object_set_new(steps, report->nodes[n], json_integer(run->nodes[n].diverged_step));
        }
    }
    return json_pack("{s:I, s:s, s:I, s:I, s:s?, s:o, s:o}", "seed", (json_int_t)run->seed, "state",
                     sy_report_state_name(run->state), "epochs", (json_int_t)run->epochs, "epochs_wanted",
                     (json_int_t)run->epochs_wanted, "reason", run->reason, "diverged", diverged, "diverged_steps",
                     steps);
}

static json_t *variant_json(const struct sy_report *report, int32_t variant) {
    json_t *nodes = json_object(), *runs = json_array();
    for (int32_t n = 0; n < report->n_nodes; n++) {
        sy_json_put(&nodes, report->nodes[n], node_json(report, variant, n));
    }
    for (int32_t s = 0; s < report->n_seeds; s++) {
        sy_json_add(&runs, run_json(report, &report->variants[variant].runs[s]));
    }
    return json_pack("{s:s, s:i, s:o, s:o, s:o}", "name", report->variants[variant].name, "diverged",
                     (int)sy_report_count_of(report, variant, SY_REPORT_DIVERGED), "nodes", nodes, "run",
                     metrics_json(report, variant, SY_NODE_METRICS, SY_METRICS, 0), "runs", runs);
}

bool sy_report_json(FILE *out, const struct sy_report *report) {
    json_t *variants = json_array(), *notes = json_array();
    for (int32_t v = 0; v < report->n_variants; v++) {
        sy_json_add(&variants, variant_json(report, v));
    }
    for (int32_t i = 0; i < report->n_notes; i++) {
        sy_json_add(&notes, json_string_nocheck(report->notes[i]));
    }
    json_t *object = json_pack("{s:s, s:s?, s:s?, s:f, s:o, s:o}", "suite", report->title, "baseline",
                               report->baseline >= 0 ? report->variants[report->baseline].name : NULL, "selection",
                               report->selection, "confidence", SY_CONFIDENCE, "variants", variants, "notes", notes);
    bool sound = object && json_dumpf(object, out, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) == 0;
    fputs("\n", out);
    json_decref(object);
    return sound;
}
