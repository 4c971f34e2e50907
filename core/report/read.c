/* read.c - see report.h: which variants and seeds a folder holds. */
#include "read.h"

#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../config/fields.h"
#include "../record/json.h"
#include "input.h"

#define MOST_NOTES    200
#define MOST_VARIANTS 1000
#define MOST_SEEDS    10000

/* ---- memory and notes ------------------------------------------------------------------------------------------- */

char *sy_report_printf(struct sy_report *report, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length >= 0 ? sy_arena_take(report->arena, (size_t)length + 1) : NULL;
    if (text) {
        vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    va_end(args);
    return text;
}

void *sy_report_room(const struct sy_report *report, size_t count, size_t size) {
    void *room = calloc(count, size);
    if (!room) {
        sy_arena_note_short(report->arena);
    }
    return room;
}

void sy_report_note(struct sy_report *report, const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *kept = report->n_notes < MOST_NOTES ? sy_arena_text(report->arena, text) : NULL;
    if (kept) {
        report->notes[report->n_notes++] = kept;
    } else {
        report->more_notes++;
    }
}

int32_t sy_report_find_node(const struct sy_report *report, const char *name) {
    for (int32_t n = 0; n < report->n_nodes; n++) {
        if (!strcmp(report->nodes[n], name)) {
            return n;
        }
    }
    return -1;
}

int32_t sy_report_node_index(struct sy_report *report, const char *name) {
    int32_t known = sy_report_find_node(report, name);
    if (known >= 0) {
        return known;
    }
    char *copy = report->n_nodes < SY_MOST_NODES ? sy_arena_text(report->arena, name) : NULL;
    if (!copy) {
        return -1;
    }
    report->nodes[report->n_nodes] = copy;
    return report->n_nodes++;
}

/* ---- what the folder holds -------------------------------------------------------------------------------------- */

/* A name that stays within the folder. */
static bool is_plain(const char *name) {
    return name && name[0] && name[0] != '.' && !strchr(name, '/');
}

/* Takes the runs of one variant, named by `seeds`. */
static bool take_variant(struct sy_report *report, const char *name, const int64_t *seeds) {
    struct sy_report_variant *variant = &report->variants[report->n_variants++];
    variant->name = sy_arena_text(report->arena, name);
    variant->runs = sy_arena_take(report->arena, (size_t)report->n_seeds * sizeof *variant->runs);
    for (int32_t s = 0; variant->runs && s < report->n_seeds; s++) {
        variant->runs[s].seed = seeds[s];
        variant->runs[s].folder =
            sy_report_printf(report, "%s/%s/seed-%lld", report->folder, name, (long long)seeds[s]);
        if (!variant->runs[s].folder) {
            return false;
        }
    }
    return variant->name && variant->runs;
}

/* Seeds of suite.json; NULL where there are none or memory is used up. */
static int64_t *read_seeds(struct sy_report *report, const json_t *array) {
    size_t count = json_array_size(array);
    int64_t *seeds = count && count <= MOST_SEEDS ? sy_arena_take(report->arena, count * sizeof *seeds) : NULL;
    for (size_t i = 0; seeds && i < count; i++) {
        const json_t *seed = json_array_get(array, i);
        seeds[i] = json_integer_value(seed);
        if (!json_is_integer(seed)) {
            return NULL;
        }
    }
    report->n_seeds = seeds ? (int32_t)count : 0;
    return seeds;
}

/* Runs of which `compare` found that they are of another configuration. */
static void note_others(struct sy_report *report, const json_t *others) {
    for (size_t i = 0; i < json_array_size(others); i++) {
        const char *folder = sy_json_text(json_array_get(others, i), "folder");
        const char *reason = sy_json_text(json_array_get(others, i), "reason");
        size_t below = strlen(report->folder) + 1;
        for (int32_t r = 0; folder && r < report->n_variants * report->n_seeds; r++) {
            struct sy_report_run *run = &report->variants[r / report->n_seeds].runs[r % report->n_seeds];
            if (!strcmp(run->folder + below, folder)) {
                run->other_config = true;
                run->reason = sy_arena_text(report->arena, reason ? reason : "no reason was noted");
            }
        }
    }
}

static int read_suite(struct sy_report *report, const json_t *suite, const char *path, struct sy_error *err) {
    const json_t *variants = json_object_get(suite, "variants");
    size_t count = json_array_size(variants);
    const char *title = sy_json_text(suite, "suite"), *selection = sy_json_text(suite, "selection");
    const int64_t *seeds = read_seeds(report, json_object_get(suite, "seeds"));
    if (!seeds || !count || count > MOST_VARIANTS) {
        return sy_fail(err, SY_EINVAL,
                       "%s: is damaged: `seeds` should be a list of whole numbers and `variants` one "
                       "of objects",
                       path);
    }
    report->title = title ? sy_arena_text(report->arena, title) : report->title;
    report->selection = selection ? sy_arena_text(report->arena, selection) : NULL;
    report->variants = sy_arena_take(report->arena, count * sizeof *report->variants);
    for (size_t v = 0; report->variants && v < count; v++) {
        const char *name = sy_json_text(json_array_get(variants, v), "name");
        if (!is_plain(name)) {
            sy_report_note(report, "%s: variant %zu has no name that could be a folder's; skipped", path, v + 1);
        } else if (!take_variant(report, name, seeds)) {
            return sy_fail(err, SY_ENOMEM, "no memory to read %s", path);
        }
    }
    if (!report->variants) {
        return sy_fail(err, SY_ENOMEM, "no memory to read %s", path);
    }
    note_others(report, json_object_get(suite, "others"));
    return SY_OK;
}

/* Figures that a paper gives, once the nodes are known. */
static bool read_expected(struct sy_report *report, const json_t *suite) {
    const json_t *variants = json_object_get(suite, "variants");
    for (int32_t v = 0; v < report->n_variants; v++) {
        struct sy_report_variant *variant = &report->variants[v];
        const json_t *expected = NULL;
        size_t room = ((size_t)report->n_nodes + 1) * sizeof *variant->expected;
        variant->expected = sy_arena_take(report->arena, room);
        for (size_t i = 0; i < json_array_size(variants) && !expected; i++) {
            const char *name = sy_json_text(json_array_get(variants, i), "name");
            bool same = name && variant->name && !strcmp(name, variant->name);
            expected = same ? json_object_get(json_array_get(variants, i), "expected") : NULL;
        }
        for (int32_t n = 0; variant->expected && n < report->n_nodes; n++) {
            const json_t *one = json_object_get(expected, report->nodes[n]);
            variant->expected[n] =
                (struct sy_report_expected){sy_json_finite(one, "value"), sy_json_finite(one, "tolerance")};
        }
        if (!variant->expected) {
            return false;
        }
    }
    return true;
}

static int read_single(struct sy_report *report, struct sy_error *err) {
    struct sy_report_variant *variant = report->variants = sy_arena_take(report->arena, sizeof *report->variants);
    struct sy_report_run *run = variant ? sy_arena_take(report->arena, sizeof *run) : NULL;
    const char *seed = strstr(report->folder, "seed-");
    if (!run) {
        return sy_fail(err, SY_ENOMEM, "no memory to read %s", report->folder);
    }
    report->single = true;
    report->n_variants = report->n_seeds = 1;
    *run = (struct sy_report_run){.folder = report->folder, .seed = seed ? strtoll(seed + 5, NULL, 10) : -1};
    *variant = (struct sy_report_variant){.name = report->title, .runs = run};
    return SY_OK;
}

/* Fills *suite, to be released, where the folder is a suite's. */
static int read_layout(struct sy_report *report, json_t **suite, struct sy_error *err) {
    char *file = sy_report_printf(report, "%s/suite.json", report->folder);
    char *config = sy_report_printf(report, "%s/run.cfg", report->folder);
    char *epochs = sy_report_printf(report, "%s/epochs.jsonl", report->folder);
    char *result = sy_report_printf(report, "%s/result.json", report->folder);
    if (!file || !config || !epochs || !result) {
        return sy_fail(err, SY_ENOMEM, "no memory to read %s", report->folder);
    }
    if (sy_is_there(file)) {
        *suite = sy_load_object(file, err);
        return *suite ? read_suite(report, *suite, file, err) : err->code;
    }
    if (sy_is_there(config) || sy_is_there(epochs) || sy_is_there(result)) {
        return read_single(report, err);
    }
    return sy_fail(err, SY_EINVAL,
                   "%s: holds neither a suite (suite.json) nor a run (run.cfg); name what `switchyard "
                   "compare` or `run` left, such as runs/NAME",
                   report->folder);
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static bool each_run(struct sy_report *report, bool (*read)(struct sy_report *, struct sy_report_run *)) {
    bool sound = true;
    for (int32_t v = 0; v < report->n_variants; v++) {
        for (int32_t s = 0; s < report->n_seeds && sound; s++) {
            sound = read(report, &report->variants[v].runs[s]);
        }
    }
    return sound;
}

static int choose_baseline(struct sy_report *report, const json_t *suite, const char *asked, struct sy_error *err) {
    const char *name = asked ? asked : sy_json_text(suite, "baseline");
    report->baseline = -1;
    for (int32_t v = 0; v < report->n_variants && name; v++) {
        report->baseline = !strcmp(report->variants[v].name, name) ? v : report->baseline;
    }
    if (asked && report->baseline < 0) {
        return sy_fail(err, SY_EINVAL, "--baseline %s: is no variant of %s; the first is %s", asked, report->folder,
                       report->n_variants ? report->variants[0].name : "missing");
    }
    if (name && report->baseline < 0) {
        sy_report_note(report, "%s/suite.json: its baseline %s is none of its variants; skipped", report->folder, name);
    }
    return SY_OK;
}

static int read_all(struct sy_report *report, const char *baseline, struct sy_error *err) {
    json_t *suite = NULL;
    int status = read_layout(report, &suite, err);
    if (status == SY_OK && !each_run(report, sy_report_scan_run)) {
        status = sy_fail(err, SY_ENOMEM, "no memory to read %s", report->folder);
    }
    if (status == SY_OK && (!read_expected(report, suite) || !each_run(report, sy_report_read_run))) {
        status = sy_fail(err, SY_ENOMEM, "no memory to read %s", report->folder);
    }
    if (status == SY_OK) {
        status = choose_baseline(report, suite, baseline, err);
    }
    for (int32_t s = 0; status == SY_OK && s < report->n_seeds && !report->selection && report->n_variants; s++) {
        const char *selection = report->variants[0].runs[s].selection;
        report->selection = selection ? sy_arena_text(report->arena, selection) : NULL;
    }
    json_decref(suite);
    return status;
}

/* The folder without slashes at its end, and its last part as the title. */
static bool name_report(struct sy_report *report, const char *folder) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    report->folder = sy_report_printf(report, "%.*s", (int)length, folder);
    const char *slash = report->folder ? strrchr(report->folder, '/') : NULL;
    report->title =
        report->folder ? sy_arena_text(report->arena, slash && slash[1] ? slash + 1 : report->folder) : NULL;
    return report->title != NULL;
}

int sy_report_read(struct sy_report **out, const char *folder, const char *baseline, struct sy_error *err) {
    struct sy_report *report = calloc(1, sizeof *report);
    *out = NULL;
    if (!report || !(report->arena = sy_arena_create())) {
        free(report);
        return sy_fail(err, SY_ENOMEM, "no memory to read %s", folder);
    }
    report->json_before = sy_json_short_of_memory();
    report->notes = sy_arena_take(report->arena, MOST_NOTES * sizeof *report->notes);
    report->nodes = sy_arena_take(report->arena, SY_MOST_NODES * sizeof *report->nodes);
    report->roles = sy_arena_take(report->arena, SY_MOST_NODES * sizeof *report->roles);
    int status = SY_OK;
    if (!report->notes || !report->nodes || !report->roles || !name_report(report, folder)) {
        status = sy_fail(err, SY_ENOMEM, "no memory to read %s", folder);
    } else {
        status = read_all(report, baseline, err);
    }
    if (sy_report_memory(report, err) != SY_OK) {
        status = SY_ENOMEM; /* rather than that something is damaged */
    }
    if (status != SY_OK) {
        sy_report_destroy(report);
        return status;
    }
    *out = report;
    return SY_OK;
}

int sy_report_memory(const struct sy_report *report, struct sy_error *err) {
    bool lost =
        report->no_memory || sy_arena_was_short(report->arena) || sy_json_short_of_memory() != report->json_before;
    return lost ? sy_fail(err, SY_ENOMEM, "no memory to report on %s", report->folder ? report->folder : "it") : SY_OK;
}

void sy_report_destroy(struct sy_report *report) {
    if (report) {
        sy_arena_destroy(report->arena);
        free(report);
    }
}

const char *sy_report_state_name(enum sy_report_state state) {
    static const char *const names[] = {"finished", "running", "unfinished", "failed", "not begun", "diverged"};
    return names[state];
}

int32_t sy_report_count_of(const struct sy_report *report, int32_t variant, enum sy_report_state state) {
    int32_t count = 0;
    for (int32_t s = 0; s < report->n_seeds; s++) {
        count += report->variants[variant].runs[s].state == state;
    }
    return count;
}

int32_t sy_report_count(const struct sy_report *report, enum sy_report_state state) {
    int32_t count = 0;
    for (int32_t v = 0; v < report->n_variants; v++) {
        count += sy_report_count_of(report, v, state);
    }
    return count;
}

const struct sy_report_run *sy_report_example(const struct sy_report *report, int32_t variant) {
    const struct sy_report_run *runs = report->variants[variant].runs, *best = NULL;
    for (int32_t s = 0; s < report->n_seeds; s++) {
        if (runs[s].state == SY_REPORT_FINISHED) {
            return &runs[s];
        }
        if (runs[s].epochs > (best ? best->epochs : 0)) {
            best = &runs[s];
        }
    }
    return best;
}
