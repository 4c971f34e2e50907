/* stages_result.c - what the folder above the stages says: links to the stage at work, and in the end the costs of all. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../record/json.h"
#include "stages_parts.h"

static const char *const linked[] = {"manifest.json", "steps.jsonl",      "epochs.jsonl",
                                     "times.jsonl",   "predictions.json", "checkpoints"};
#define N_LINKED (sizeof linked / sizeof *linked)

/* ---- links ------------------------------------------------------------------------------------------------------ */

/* A relative link, in one step in place of the one that is there: a reader finds the old or the new, never none. */
static int make_link(const char *target, const char *path, struct sy_error *err) {
    char beside[4300];
    snprintf(beside, sizeof beside, "%s.partial", path);
    unlink(beside); /* of a process that was killed here */
    if (symlink(target, beside) == 0 && rename(beside, path) == 0) {
        return SY_OK;
    }
    int reason = errno;
    unlink(beside);
    return sy_fail(err, SY_EIO, "%s: %s", path, strerror(reason));
}

int sy_stages_point_at(const struct sy_stages *stages, size_t index, const char *folder, struct sy_error *err) {
    char inside[1024], target[1100], path[4200];
    int status = SY_OK;
    sy_stage_folder(inside, sizeof inside, stages, "", index);
    for (size_t i = 0; i < N_LINKED && status == SY_OK; i++) {
        snprintf(target, sizeof target, "%s/%s", inside, linked[i]);
        snprintf(path, sizeof path, "%s/%s", folder, linked[i]);
        status = make_link(target, path, err);
    }
    return status;
}

void sy_stages_link_failure(const struct sy_stages *stages, size_t index, const char *folder) {
    struct sy_error ignored = {.size = sizeof ignored};
    char inside[1024], target[1100], path[4200];
    sy_stage_folder(inside, sizeof inside, stages, "", index);
    snprintf(target, sizeof target, "%s/failure.json", inside);
    snprintf(path, sizeof path, "%s/%s", folder, target);
    if (access(path, F_OK) == 0) {
        snprintf(path, sizeof path, "%s/failure.json", folder);
        make_link(target, path, &ignored);
    }
}

/* What the last stage never wrote. */
static void drop_empty_links(struct sy_run_folder *folder) {
    for (size_t i = 0; i < N_LINKED; i++) {
        const char *path = sy_run_folder_file(folder, linked[i]);
        if (access(path, F_OK) != 0) {
            unlink(path);
        }
    }
}

/* ---- costs ------------------------------------------------------------------------------------------------------ */

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* Adds to the multiply-adds of every node those of the node of its name in earlier stages. */
static void add_counts(json_t *nodes, const json_t *earlier) {
    static const char *const counts[] = {"multiply_adds_spent", "multiply_adds_saved"};
    const char *name;
    json_t *node;
    json_object_foreach(nodes, name, node) {
        const json_t *before = json_object_get(earlier, name);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            json_int_t sum = json_integer_value(json_object_get(node, counts[i])) +
                             json_integer_value(json_object_get(before, counts[i]));
            json_integer_set(json_object_get(node, counts[i]), sum);
        }
    }
}

/* One stage's entry in the list, from its result. */
static json_t *entry(const struct sy_stages *stages, size_t index, const char *inside, const json_t *result) {
    static const char *const copied[] = {"epochs", "steps", "seconds", "images_per_s", "peak_mib", "energy_joules"};
    json_t *made = json_pack("{s:s, s:s}", "name", stages->at[index].name, "folder", inside);
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        json_t *value = json_object_get(result, copied[i]);
        sy_json_put(&made, copied[i], value ? json_incref(value) : json_null());
    }
    return made;
}

int sy_stages_conclude(const struct sy_stages *stages, struct sy_run_folder *folder, struct sy_error *err) {
    char inside[1024], path[1100];
    json_t *list = json_array(), *seen = json_object(), *last = NULL;
    double seconds = 0, energy = 0, peak = 0; /* NaN where a stage does not tell */
    int status = SY_OK;
    for (size_t i = 0; i < stages->count && status == SY_OK; i++) {
        if (stages->at[i].skipped) {
            continue;
        }
        sy_stage_folder(inside, sizeof inside, stages, "", i);
        snprintf(path, sizeof path, "%s/result.json", inside);
        json_decref(last);
        last = json_load_file(sy_run_folder_file(folder, path), 0, NULL);
        if (!last) {
            status = sy_fail(err, SY_EIO, "%s is not readable", sy_run_folder_file(folder, path));
            break;
        }
        sy_json_add(&list, entry(stages, i, inside, last));
        seconds += number(last, "seconds");
        energy += number(last, "energy_joules");
        peak = isnan(peak) ? peak : fmax(peak, number(last, "peak_mib"));
        json_t *nodes = json_object_get(last, "nodes");
        add_counts(nodes, seen);
        status = json_object_update(seen, nodes) == 0 ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory for the stages");
    }
    json_decref(seen);
    if (status != SY_OK) {
        json_decref(list);
        json_decref(last);
        return status;
    }
    drop_empty_links(folder);
    sy_json_put(&last, "seconds", sy_json_number(seconds));
    sy_json_put(&last, "energy_joules", sy_json_number(energy));
    sy_json_put(&last, "peak_mib", sy_json_number(peak));
    sy_json_put(&last, "stages", list);
    return sy_write_json(sy_run_folder_file(folder, "result.json"), last, err);
}
