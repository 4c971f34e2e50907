/* read_run.c - one run's folder: its state, and the figures of result.json. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../config/fields.h"
#include "input.h"
#include "read.h"
#include "read_parts.h"

static char *inside(struct sy_report *report, const struct sy_report_run *run, const char *name) {
    return sy_report_printf(report, "%s/%s", run->folder, name);
}

/* ---- state ------------------------------------------------------------------------------------------------------ */

/* Whether a process holds the lock. Asked of the kernel, not by trying the lock: a trier would be in the way of a run
 * that starts just then. */
static bool is_locked(const char *path) {
    struct stat about;
    char line[256];
    bool held = false;
    FILE *locks = stat(path, &about) == 0 ? fopen("/proc/locks", "re") : NULL;
    while (locks && !held && fgets(line, sizeof line, locks)) {
        unsigned long long inode;
        held = strstr(line, "FLOCK") && sscanf(line, "%*s %*s %*s %*s %*s %*x:%*x:%llu", &inode) == 1 &&
               inode == (unsigned long long)about.st_ino;
    }
    if (locks) {
        fclose(locks);
    }
    return held;
}

/* Epochs that the configuration asks for, 0 where it cannot be told; and, with `with_nodes`, its nodes, where a run ended
 * before it named them in a journal. */
static void read_config(struct sy_report *report, struct sy_report_run *run, const char *path, bool with_nodes) {
    struct sy_problems *problems = sy_problems_create();
    struct sy_setting *config = problems ? sy_setting_read(path, problems) : NULL;
    report->no_memory = report->no_memory || !problems || (!config && sy_problems_no_memory(problems));
    const struct sy_setting *epochs = config ? sy_setting_find(config, "train.epochs") : NULL;
    const struct sy_setting *nodes = config && with_nodes ? sy_setting_find(config, "nodes") : NULL;
    run->epochs_wanted = epochs && epochs->kind == SY_SETTING_INT && epochs->integer > 0 ? epochs->integer : 0;
    for (size_t i = 0; nodes && nodes->kind == SY_SETTING_GROUP && i < nodes->n_children; i++) {
        const struct sy_setting *role = sy_setting_find(nodes->children[i], "role");
        int32_t index = sy_report_node_index(report, nodes->children[i]->name);
        if (index >= 0 && role && role->kind == SY_SETTING_STRING && !report->roles[index]) {
            report->roles[index] = sy_arena_text(report->arena, role->string);
        }
    }
    sy_setting_destroy(config);
    sy_problems_destroy(problems);
}

/* Names every entry that no run leaves behind. */
static void note_foreign(struct sy_report *report, const struct sy_report_run *run) {
    static const char *const known[] = {"run.cfg",          "manifest.json", "steps.jsonl", "epochs.jsonl",
                                        "times.jsonl",      "result.json",   "checkpoints", "lock",
                                        "predictions.json", "failure.json",  "report.html", "figures",
                                        "tensorboard",      "stages",        "snapshots",   "signals.bin"};
    DIR *folder = opendir(run->folder);
    report->no_memory = report->no_memory || (!folder && errno == ENOMEM);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        bool expected = entry->d_name[0] == '.' || strstr(entry->d_name, ".partial") ||
                        !strncmp(entry->d_name, "events.out.tfevents", 19) || !strncmp(entry->d_name, "stage", 5);
        for (size_t i = 0; i < sizeof known / sizeof *known && !expected; i++) {
            expected = !strcmp(entry->d_name, known[i]);
        }
        if (!expected) {
            sy_report_note(report, "%s/%s: is not of a run; skipped", run->folder, entry->d_name);
        }
    }
    if (folder) {
        closedir(folder);
    }
}

static void take_nodes(struct sy_report *report, const json_t *nodes) {
    const char *name;
    json_t *node;
    json_object_foreach((json_t *)(uintptr_t)nodes, name, node) {
        int32_t index = sy_report_node_index(report, name);
        const char *role = sy_json_text(node, "role");
        if (index >= 0 && role && !report->roles[index]) {
            report->roles[index] = sy_arena_text(report->arena, role);
        }
    }
}

/* The node whose number was not finite, and when. */
static void note_divergence(struct sy_report *report, struct sy_report_run *run, const json_t *diverged) {
    const char *node = sy_json_text(diverged, "node");
    double step = sy_json_finite(diverged, "step"), epoch = sy_json_finite(diverged, "epoch");
    if (node && step >= 0 && step < 1e15 && epoch >= 0 && epoch < 1e9) {
        run->state = SY_REPORT_DIVERGED;
        run->diverged = sy_report_node_index(report, node);
        run->diverged_step = (int64_t)step;
        run->diverged_epoch = (int64_t)epoch;
    }
}

/* How a run without result.json ended. */
static void note_end(struct sy_report *report, struct sy_report_run *run) {
    struct sy_error ignored = {.size = sizeof ignored};
    const char *failure = inside(report, run, "failure.json"), *lock = inside(report, run, "lock");
    run->state = SY_REPORT_UNFINISHED;
    if (lock && is_locked(lock)) {
        run->state = SY_REPORT_RUNNING;
        return;
    }
    json_t *object = failure && sy_is_there(failure) ? sy_load_object(failure, &ignored) : NULL;
    const char *reason = sy_json_text(object, "reason");
    if (object) {
        run->state = SY_REPORT_FAILED;
        run->reason = sy_arena_text(report->arena, reason ? reason : "no reason was noted");
        note_divergence(report, run, json_object_get(object, "diverged"));
    }
    json_decref(object);
}

bool sy_report_scan_run(struct sy_report *report, struct sy_report_run *run) {
    struct sy_error why = {.size = sizeof why};
    const char *config = inside(report, run, "run.cfg"), *result = inside(report, run, "result.json");
    if (!config || !result) {
        return false;
    }
    run->state = SY_REPORT_MISSING;
    run->diverged = -1;
    if (!sy_is_there(run->folder)) {
        return true;
    }
    if (run->other_config) {
        run->state = SY_REPORT_FAILED;
        sy_report_note(report, "%s: is a run of another configuration, not of this suite; left out", run->folder);
        return true;
    }
    note_foreign(report, run);
    json_t *object = sy_is_there(result) ? sy_load_object(result, &why) : NULL;
    if (object && json_is_object(json_object_get(object, "nodes"))) {
        run->state = SY_REPORT_FINISHED;
        double epochs = sy_json_finite(object, "epochs");
        run->epochs_wanted = epochs > 0 && epochs < 1e9 ? (int64_t)epochs : 0;
        take_nodes(report, json_object_get(object, "nodes"));
    } else {
        if (why.code != SY_OK || object) {
            sy_report_note(report, "%s; skipped, so the run counts as unfinished",
                           object ? sy_report_printf(report, "%s: has no object `nodes`", result) : why.text);
        }
        json_t *first = sy_report_first_epoch(report, run);
        bool named = json_is_object(json_object_get(first, "nodes"));
        take_nodes(report, json_object_get(first, "nodes"));
        json_decref(first);
        if (sy_is_there(config)) {
            note_end(report, run);
            read_config(report, run, config, !named);
        }
    }
    json_decref(object);
    return true;
}

/* ---- figures ---------------------------------------------------------------------------------------------------- */

/* A share of 1; anything else in its place is damage. */
static double share(struct sy_report *report, const struct sy_report_run *run, const json_t *object, const char *key) {
    double value = sy_json_finite(object, key);
    if (value < 0 || value > 1) {
        sy_report_note(report, "%s/result.json: %s is %g, which is no share of 1; skipped", run->folder, key, value);
        return (double)NAN;
    }
    return value;
}

static double not_negative(const json_t *object, const char *key) {
    double value = sy_json_finite(object, key);
    return value >= 0 ? value : (double)NAN;
}

/* Accuracy and its kin: of the selected epoch where one was selected, else of the last. */
static void read_measured(struct sy_report *report, struct sy_report_run *run, struct sy_report_node *node,
                          const json_t *object) {
    const json_t *selected = json_object_get(object, "selected");
    bool chosen = json_is_number(json_object_get(selected, "test_accuracy"));
    const json_t *from = chosen ? selected : object;
    double epoch = sy_json_finite(selected, "epoch");
    node->epoch = epoch >= 0 && epoch < 1e9 ? (int64_t)epoch : -1;
    node->figures[SY_METRIC_ACCURACY] = share(report, run, from, "test_accuracy");
    node->figures[SY_METRIC_TOP5] = share(report, run, from, chosen ? "top5" : "test_top5");
    node->figures[SY_METRIC_NLL] = not_negative(from, chosen ? "nll" : "test_nll");
    node->figures[SY_METRIC_ECE] = share(report, run, from, chosen ? "ece" : "test_ece");
}

/* What a node's accuracy cost: all nodes' work and the whole run's time, as the others were there to teach it. */
static void read_ratios(struct sy_report *report, struct sy_report_run *run) {
    double work = 0;
    for (int32_t n = 0; n < report->n_nodes; n++) {
        double spent = run->nodes[n].figures[SY_METRIC_SPENT];
        work += isfinite(spent) ? spent : 0;
    }
    for (int32_t n = 0; n < report->n_nodes; n++) {
        double *figures = run->nodes[n].figures, accuracy = figures[SY_METRIC_ACCURACY];
        double seconds = run->figures[SY_METRIC_SECONDS];
        figures[SY_METRIC_PER_WORK] = work > 0 ? accuracy / work : (double)NAN;
        figures[SY_METRIC_PER_MINUTE] = seconds > 0 ? accuracy / (seconds / 60) : (double)NAN;
    }
}

/* False when memory is used up. */
static bool read_agreement(struct sy_report *report, struct sy_report_run *run, const json_t *pairs) {
    enum { MOST = 32 }; /* nodes; of more, nobody reads a table of pairs */
    size_t nodes = (size_t)report->n_nodes;
    if (!json_array_size(pairs) || nodes > MOST) {
        return true;
    }
    run->agreement = sy_arena_take(report->arena, nodes * nodes * sizeof *run->agreement);
    for (size_t i = 0; run->agreement && i < nodes * nodes; i++) {
        run->agreement[i] = (double)NAN;
    }
    for (size_t i = 0; run->agreement && i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        const char *a = sy_json_text(pair, "a"), *b = sy_json_text(pair, "b");
        int32_t one = a ? sy_report_find_node(report, a) : -1, other = b ? sy_report_find_node(report, b) : -1;
        if (one >= 0 && other >= 0) {
            double value = share(report, run, pair, "share");
            run->agreement[one * report->n_nodes + other] = run->agreement[other * report->n_nodes + one] = value;
        }
    }
    return run->agreement != NULL;
}

static bool read_result(struct sy_report *report, struct sy_report_run *run, const json_t *result) {
    const json_t *nodes = json_object_get(result, "nodes");
    const char *selection = sy_json_text(result, "selection");
    run->selection = selection ? sy_arena_text(report->arena, selection) : NULL;
    run->figures[SY_METRIC_SHARE] = share(report, run, result, "expert_share");
    run->figures[SY_METRIC_SECONDS] = not_negative(result, "seconds");
    run->figures[SY_METRIC_RATE] = not_negative(result, "images_per_s");
    run->figures[SY_METRIC_PEAK] = not_negative(result, "peak_mib");
    run->figures[SY_METRIC_ENERGY] = not_negative(result, "energy_joules");
    for (int32_t n = 0; n < report->n_nodes; n++) {
        const json_t *object = json_object_get(nodes, report->nodes[n]);
        struct sy_report_node *node = &run->nodes[n];
        if (!json_is_object(object)) {
            continue;
        }
        read_measured(report, run, node, object);
        node->figures[SY_METRIC_SPENT] = not_negative(object, "multiply_adds_spent");
        node->figures[SY_METRIC_SAVED] = not_negative(object, "multiply_adds_saved");
        node->figures[SY_METRIC_PARAMETERS] = not_negative(object, "parameters");
        double diverged = sy_json_finite(object, "diverged");
        node->diverged = diverged >= 0 && diverged < 1e9 ? (int64_t)diverged : node->diverged;
    }
    read_ratios(report, run);
    return read_agreement(report, run, json_object_get(result, "agreement"));
}

bool sy_report_read_run(struct sy_report *report, struct sy_report_run *run) {
    struct sy_error why = {.size = sizeof why};
    size_t count = (size_t)report->n_nodes;
    run->nodes = sy_arena_take(report->arena, count * sizeof *run->nodes);
    const char *result = inside(report, run, "result.json");
    if (!run->nodes || !result) {
        return false;
    }
    for (int32_t m = 0; m < SY_METRICS; m++) {
        run->figures[m] = (double)NAN;
        for (size_t n = 0; n < count && m < SY_NODE_METRICS; n++) {
            run->nodes[n].figures[m] = (double)NAN;
        }
    }
    for (size_t n = 0; n < count; n++) {
        run->nodes[n].epoch = run->nodes[n].diverged = run->nodes[n].diverged_step = -1;
    }
    if (run->diverged >= 0) {
        run->nodes[run->diverged].diverged = run->diverged_epoch;
        run->nodes[run->diverged].diverged_step = run->diverged_step;
    }
    if (run->state == SY_REPORT_MISSING || run->other_config) {
        return true;
    }
    if (!sy_report_read_epochs(report, run)) {
        return false;
    }
    if (run->state == SY_REPORT_FINISHED) {
        json_t *object = sy_load_object(result, &why);
        if (!object) { /* it could be read a moment ago */
            sy_report_note(report, "%s; skipped", why.text);
        }
        bool sound = read_result(report, run, object);
        json_decref(object);
        if (!sound) {
            return false;
        }
    }
    return sy_report_read_predictions(report, run);
}
