/* The reading half of checkpoint.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "checkpoint_folder.h"
#include "json.h"

/* Whether state.json is the one that was written. */
static int check_state(const char *folder, struct sy_error *err) {
    char hash[33], expected[SY_CHECKPOINT_COMPLETE_ROOM];
    char *text = NULL;
    int status = SY_OK;
    char *path = sy_path_join(folder, SY_CHECKPOINT_STATE);
    char *complete = sy_path_join(folder, SY_CHECKPOINT_COMPLETE);
    if (!path || !complete) {
        status = sy_fail(err, SY_ENOMEM, "out of memory");
    }
    if (status == SY_OK) {
        status = sy_read_file(complete, &text, NULL, err);
    }
    if (status == SY_OK) {
        status = sy_hash_file(hash, path, err);
    }
    if (status == SY_OK && strcmp(text, sy_checkpoint_complete_text(expected, hash)) != 0) {
        status = sy_fail(err, SY_EINVAL, "%s: is not what it was when it was written", path);
    }
    free(text);
    free(complete);
    free(path);
    return status;
}

static int check_file(const char *folder, const char *name, const char *expected, struct sy_error *err) {
    char hash[33];
    if (!sy_checkpoint_file_name(name) || !expected) {
        return sy_fail(err, SY_EINVAL, "%s: its state names a file that cannot be one of its own", folder);
    }
    char *path = sy_path_join(folder, name);
    if (!path) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    int status = sy_hash_file(hash, path, err);
    if (status == SY_OK && strcmp(hash, expected) != 0) {
        status = sy_fail(err, SY_EINVAL, "%s: is not what it was when it was written", path);
    }
    free(path);
    return status;
}

/* The state of a whole checkpoint. */
static int read_state(json_t **out, const char *folder, struct sy_error *err) {
    json_error_t at;
    const char *name;
    json_t *hash;
    int status = check_state(folder, err);
    if (status != SY_OK) {
        return status;
    }
    char *path = sy_path_join(folder, SY_CHECKPOINT_STATE);
    if (!path) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    long before = sy_json_short_of_memory();
    json_t *state = json_load_file(path, JSON_REJECT_DUPLICATES, &at);
    json_t *files = json_object_get(state, SY_CHECKPOINT_FILES);
    if (sy_json_short_of_memory() != before) { /* jansson may have gone on with half a number */
        status = sy_fail(err, SY_ENOMEM, "out of memory: %s", path);
    } else if (!state && (!at.text[0] || json_error_code(&at) == json_error_out_of_memory)) {
        status = sy_fail(err, SY_ENOMEM, "out of memory: %s", path);
    } else if (!json_is_object(files)) {
        status = sy_fail(err, SY_EINVAL, "%s: is no state of a checkpoint", path);
    }
    json_object_foreach(files, name, hash) {
        status = status == SY_OK ? check_file(folder, name, json_string_value(hash), err) : status;
    }
    free(path);
    if (status != SY_OK) {
        json_decref(state);
        return status;
    }
    *out = state;
    return SY_OK;
}

static int add_note(char **notes, const char *text, struct sy_error *err) {
    char *longer;
    if (asprintf(&longer, "%s%s%s", *notes ? *notes : "", *notes ? "\n" : "", text) < 0) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    free(*notes);
    *notes = longer;
    return SY_OK;
}

/* Fills `out` if the checkpoint of that step is whole; else *found stays false and a note says why. */
static int try_step(struct sy_checkpoint *out, bool *found, char **notes, const char *checkpoints, int64_t step,
                    struct sy_error *err) {
    struct sy_error why = {.size = sizeof why};
    char *path;
    if (asprintf(&path, "%s/%jd", checkpoints, (intmax_t)step) < 0) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    int status = read_state(&out->state, path, &why);
    if (status == SY_OK) {
        out->step = step, out->path = path;
        *found = true;
        return SY_OK;
    }
    free(path);
    if (status == SY_ENOMEM) {
        return sy_fail(err, SY_ENOMEM, "%s", why.text);
    }
    char text[SY_ERROR_ROOM + 64];
    snprintf(text, sizeof text, "the checkpoint of step %jd is damaged: %s", (intmax_t)step, why.text);
    return add_note(notes, text, err);
}

int sy_checkpoint_newest(struct sy_checkpoint *out, char **notes, struct sy_run_folder *folder, struct sy_error *err) {
    int64_t *steps = NULL;
    size_t count = 0;
    bool found = false;
    *out = (struct sy_checkpoint){0};
    *notes = NULL;
    char *checkpoints = sy_path_join(sy_run_folder_path(folder), "checkpoints");
    if (!checkpoints) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    int status = sy_checkpoint_steps(&steps, &count, checkpoints, err);
    for (size_t i = 0; i < count && status == SY_OK && !found; i++) {
        status = try_step(out, &found, notes, checkpoints, steps[i], err);
    }
    if (status == SY_OK && !found) {
        status = count == 0 ? sy_fail(err, SY_EINVAL, "%s: holds no checkpoint", checkpoints)
                            : sy_fail(err, SY_EIO,
                                      "%s: none of the %zu checkpoints is whole; to begin anew, name "
                                      "another folder",
                                      checkpoints, count);
    }
    free(steps);
    free(checkpoints);
    return status;
}

int sy_checkpoint_of(struct sy_checkpoint *out, struct sy_run_folder *folder, int64_t step, struct sy_error *err) {
    bool found = false;
    char *notes = NULL, *checkpoints = sy_path_join(sy_run_folder_path(folder), "checkpoints"), *path = NULL;
    *out = (struct sy_checkpoint){0};
    if (!checkpoints || asprintf(&path, "%s/%jd", checkpoints, (intmax_t)step) < 0) {
        free(checkpoints);
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    int status = access(path, F_OK) == 0 ? try_step(out, &found, &notes, checkpoints, step, err)
                                         : sy_fail(err, SY_EINVAL, "%s: there is no such checkpoint", path);
    if (status == SY_OK && !found) {
        status = sy_fail(err, SY_EIO, "%s", notes);
    }
    free(notes);
    free(path);
    free(checkpoints);
    return status;
}

void sy_checkpoint_finish(struct sy_checkpoint *checkpoint) {
    json_decref(checkpoint->state);
    free(checkpoint->path);
    *checkpoint = (struct sy_checkpoint){0};
}
