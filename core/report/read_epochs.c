/* read_epochs.c - epochs.jsonl line by line into series; of every line only its numbers are kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../config/fields.h"
#include "input.h"
#include "read.h"
#include "read_parts.h"

enum { TRAIN_LOSS, TEST_LOSS, TRAIN_ACCURACY, TEST_ACCURACY, SERIES };
#define MOST_EPOCHS 1000000
#define MOST_GAP    10000 /* epochs that damaged lines may have held */
#define MOST_NOTES  3     /* of one file */

static const char *const keys[SERIES] = {"train_loss", "test_loss", "train_accuracy", "test_accuracy"};

/* One row an epoch: SERIES figures of each node, then the share in expert mode. */
struct rows {
    double *at;
    size_t width;
    int64_t count, room;
};

/* The next row, all NaN; NULL when memory is used up. */
static double *add_row(struct rows *rows) {
    if (rows->count == rows->room) {
        int64_t room = rows->room ? rows->room * 2 : 64;
        double *larger = realloc(rows->at, (size_t)room * rows->width * sizeof *larger);
        if (!larger) {
            return NULL;
        }
        rows->at = larger;
        rows->room = room;
    }
    double *row = rows->at + (size_t)rows->count++ * rows->width;
    for (size_t i = 0; i < rows->width; i++) {
        row[i] = (double)NAN;
    }
    return row;
}

/* Mean over the gates; NaN where there is none. */
static double mean_share(const json_t *gates) {
    double sum = 0;
    size_t count = 0;
    for (size_t g = 0; g < json_array_size(gates); g++) {
        double share = sy_json_finite(json_array_get(gates, g), "expert_share");
        if (share >= 0 && share <= 1) {
            sum += share;
            count++;
        }
    }
    return count ? sum / (double)count : (double)NAN;
}

static void fill_row(const struct sy_report *report, struct sy_report_run *run, double *row, int64_t epoch,
                     const json_t *object) {
    const json_t *nodes = json_object_get(object, "nodes");
    for (int32_t n = 0; n < report->n_nodes; n++) {
        const json_t *node = json_object_get(nodes, report->nodes[n]);
        for (int k = 0; k < SERIES; k++) {
            row[n * SERIES + k] = sy_json_finite(node, keys[k]);
        }
        /* null there, and not just absent: a number that was not finite */
        if (json_is_null(json_object_get(node, "train_loss")) && run->nodes[n].diverged < 0) {
            run->nodes[n].diverged = epoch;
        }
    }
    row[report->n_nodes * SERIES] = mean_share(json_object_get(object, "gates"));
}

/* Takes a line into its row; *why says what is wrong with it. False when memory is used up. */
static bool take_line(struct sy_report *report, struct sy_report_run *run, struct rows *rows, const json_t *object,
                      const char **why) {
    const json_t *number = json_object_get(object, "epoch");
    int64_t epoch = json_integer_value(number);
    if (!json_is_object(object)) {
        *why = "no JSON object";
    } else if (!json_is_integer(number) || !json_is_object(json_object_get(object, "nodes"))) {
        *why = "without `epoch` or `nodes`";
    } else if (epoch < rows->count || epoch > rows->count + MOST_GAP || epoch >= MOST_EPOCHS) {
        *why = "out of order";
    }
    if (*why) {
        return true;
    }
    double *row = add_row(rows);
    while (row && rows->count <= epoch) {
        row = add_row(rows);
    }
    if (row) {
        fill_row(report, run, row, epoch, object);
    }
    return row != NULL;
}

static bool read_rows(struct sy_report *report, struct sy_report_run *run, struct rows *rows, struct sy_lines *lines,
                      const char *path) {
    int64_t damaged = 0;
    bool sound = true;
    while (sound && sy_lines_next(lines)) {
        const char *why = lines->cut ? "too long" : NULL;
        json_t *object = why ? NULL : json_loadb(lines->line, lines->length, 0, NULL);
        /* The line that a run under way, or a killed one, is just writing. */
        bool half = !lines->whole && !object && run->state != SY_REPORT_FINISHED;
        sound = why || half || take_line(report, run, rows, object, &why);
        json_decref(object);
        sound = sound && !lines->no_memory;
        damaged += why != NULL;
        if (why && damaged <= MOST_NOTES) {
            sy_report_note(report, "%s:%lld: is %s; skipped", path, (long long)lines->number, why);
        }
    }
    if (damaged > MOST_NOTES) {
        sy_report_note(report, "%s: %lld more damaged lines; skipped", path, (long long)(damaged - MOST_NOTES));
    }
    return sound;
}

/* From rows to one array a series. */
static bool keep(struct sy_report *report, struct sy_report_run *run, const struct rows *rows) {
    size_t epochs = (size_t)rows->count, stride = rows->width;
    double *all = sy_arena_take(report->arena, (epochs * stride + 1) * sizeof *all);
    if (!all) {
        return false;
    }
    for (size_t column = 0; column < stride; column++) {
        for (size_t e = 0; e < epochs; e++) {
            all[column * epochs + e] = rows->at[e * stride + column];
        }
    }
    run->epochs = rows->count;
    for (int32_t n = 0; n < report->n_nodes; n++) {
        double *first = all + (size_t)n * SERIES * epochs;
        run->nodes[n].series =
            (struct sy_report_series){first + TRAIN_LOSS * epochs, first + TEST_LOSS * epochs,
                                      first + TRAIN_ACCURACY * epochs, first + TEST_ACCURACY * epochs};
    }
    const double *share = all + (stride - 1) * epochs;
    for (size_t e = 0; e < epochs && !run->share; e++) {
        run->share = isfinite(share[e]) ? all + (stride - 1) * epochs : NULL;
    }
    return true;
}

bool sy_report_read_epochs(struct sy_report *report, struct sy_report_run *run) {
    struct sy_error why = {.size = sizeof why};
    struct sy_lines lines;
    struct rows rows = {.width = (size_t)report->n_nodes * SERIES + 1};
    const char *path = sy_report_printf(report, "%s/epochs.jsonl", run->folder);
    if (!path || !sy_is_there(path)) {
        return path != NULL;
    }
    bool sound = true;
    if (sy_lines_open(&lines, path, &why) == SY_OK) {
        sound = read_rows(report, run, &rows, &lines, path) && keep(report, run, &rows);
    } else {
        report->no_memory = report->no_memory || why.code == SY_ENOMEM;
        sy_report_note(report, "%s; skipped", why.text);
    }
    sy_lines_close(&lines);
    free(rows.at);
    return sound;
}

json_t *sy_report_first_epoch(struct sy_report *report, const struct sy_report_run *run) {
    struct sy_error ignored = {.size = sizeof ignored};
    struct sy_lines lines;
    json_t *object = NULL;
    const char *path = sy_report_printf(report, "%s/epochs.jsonl", run->folder);
    if (!path || !sy_is_there(path)) {
        return NULL;
    }
    if (sy_lines_open(&lines, path, &ignored) == SY_OK) {
        while (!object && sy_lines_next(&lines)) {
            object = json_loadb(lines.line, lines.length, 0, NULL);
            if (object && !json_is_object(json_object_get(object, "nodes"))) {
                json_decref(object);
                object = NULL;
            }
        }
    }
    report->no_memory = report->no_memory || lines.no_memory || ignored.code == SY_ENOMEM;
    sy_lines_close(&lines);
    return object;
}
