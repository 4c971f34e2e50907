/* read_predictions.c - predictions.json: how sure a node was and how right, and what it took for what. */
#include <math.h>

#include "../config/fields.h"
#include "input.h"
#include "read.h"
#include "read_parts.h"

#define MOST_CLASSES 200

/* SY_REPORT_BINS bins; NULL where they are not sound. */
static struct sy_report_bin *read_bins(struct sy_report *report, const json_t *array) {
    struct sy_report_bin *bins =
        json_array_size(array) == SY_REPORT_BINS ? sy_arena_take(report->arena, SY_REPORT_BINS * sizeof *bins) : NULL;
    for (size_t i = 0; bins && i < SY_REPORT_BINS; i++) {
        const json_t *bin = json_array_get(array, i);
        bins[i] = (struct sy_report_bin){sy_json_finite(bin, "count"), sy_json_finite(bin, "confidence"),
                                         sy_json_finite(bin, "accuracy")};
        if (!(bins[i].count >= 0) || bins[i].confidence < 0 || bins[i].confidence > 1 || bins[i].accuracy < 0 ||
            bins[i].accuracy > 1) {
            return NULL;
        }
    }
    return bins;
}

/* A square of counts as large as the first one of the run; NULL where it is none. */
static double *read_confusion(struct sy_report *report, struct sy_report_run *run, const json_t *rows) {
    size_t classes = json_array_size(rows);
    if (classes < 2 || classes > MOST_CLASSES || (run->classes && (size_t)run->classes != classes)) {
        return NULL;
    }
    double *counts = sy_arena_take(report->arena, classes * classes * sizeof *counts);
    for (size_t i = 0; counts && i < classes; i++) {
        const json_t *row = json_array_get(rows, i);
        for (size_t j = 0; j < classes; j++) {
            const json_t *count = json_array_get(row, j);
            counts[i * classes + j] = json_number_value(count);
            if (!json_is_number(count) || counts[i * classes + j] < 0 || json_array_size(row) != classes) {
                return NULL;
            }
        }
    }
    run->classes = counts ? (int32_t)classes : run->classes;
    return counts;
}

static void read_class_names(struct sy_report *report, struct sy_report_run *run, const json_t *names) {
    size_t classes = (size_t)run->classes;
    if (!classes || json_array_size(names) != classes) {
        return;
    }
    char **list = sy_arena_take(report->arena, classes * sizeof *list);
    for (size_t i = 0; list && i < classes; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        list[i] = name ? sy_arena_text(report->arena, name) : NULL;
        list = list[i] ? list : NULL;
    }
    run->class_names = list;
}

bool sy_report_read_predictions(struct sy_report *report, struct sy_report_run *run) {
    struct sy_error why = {.size = sizeof why};
    const char *path = sy_report_printf(report, "%s/predictions.json", run->folder);
    if (!path || !sy_is_there(path)) {
        return path != NULL;
    }
    json_t *object = sy_load_object(path, &why);
    if (!object) {
        sy_report_note(report, "%s; skipped", why.text);
        return true;
    }
    for (int32_t n = 0; n < report->n_nodes; n++) {
        const json_t *node = json_object_get(json_object_get(object, "nodes"), report->nodes[n]);
        const json_t *bins = json_object_get(node, "bins"), *confusion = json_object_get(node, "confusion");
        run->nodes[n].bins = read_bins(report, bins);
        run->nodes[n].confusion = read_confusion(report, run, confusion);
        if (node && ((bins && !run->nodes[n].bins) || (json_is_array(confusion) && !run->nodes[n].confusion))) {
            sy_report_note(report, "%s: the reliability or the confusion of %s is damaged; skipped", path,
                           report->nodes[n]);
        }
    }
    read_class_names(report, run, json_object_get(object, "class_names"));
    json_decref(object);
    return true;
}
