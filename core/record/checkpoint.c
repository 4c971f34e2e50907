/* The writing half of checkpoint.h. */
#include "checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint_folder.h"
#include "whole_file.h"

struct sy_checkpoint_writer {
    const char *run;   /* the run folder's path */
    char *checkpoints; /* RUN/checkpoints */
    char *partial;     /* RUN/checkpoints/.<step>.partial */
    char *final;       /* RUN/checkpoints/<step> */
    json_t *files;     /* name: hash */
    int64_t step;
    int64_t spared; /* the step of a checkpoint that stays; -1: none in particular */
};

static void destroy(struct sy_checkpoint_writer *writer) {
    json_decref(writer->files);
    free(writer->final);
    free(writer->partial);
    free(writer->checkpoints);
    free(writer);
}

int sy_checkpoint_begin(struct sy_checkpoint_writer **out, struct sy_run_folder *folder, int64_t step,
                        struct sy_error *err) {
    *out = NULL;
    if (step < 0) {
        return sy_fail(err, SY_EINVAL, "a checkpoint of step %jd: steps count from 0", (intmax_t)step);
    }
    struct sy_checkpoint_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    char name[32], hidden[48];
    snprintf(name, sizeof name, "%jd", (intmax_t)step);
    snprintf(hidden, sizeof hidden, ".%s.partial", name);
    writer->step = step;
    writer->spared = -1;
    writer->run = sy_run_folder_path(folder);
    writer->files = json_object();
    writer->checkpoints = sy_path_join(writer->run, "checkpoints");
    writer->partial = writer->checkpoints ? sy_path_join(writer->checkpoints, hidden) : NULL;
    writer->final = writer->checkpoints ? sy_path_join(writer->checkpoints, name) : NULL;
    int status = SY_OK;
    if (!writer->files || !writer->partial || !writer->final) {
        status = sy_fail(err, SY_ENOMEM, "out of memory");
        goto give_up;
    }
    sy_checkpoint_remove_tree(writer->partial);
    status = sy_make_folders(writer->partial, err);
    if (status != SY_OK) {
        goto give_up;
    }
    *out = writer;
    return SY_OK;

give_up:
    destroy(writer);
    return status;
}

static int add_hash(struct sy_checkpoint_writer *writer, const char *name, const char *path, struct sy_error *err) {
    char hash[33];
    int status = sy_hash_file(hash, path, err);
    if (status == SY_OK && json_object_set_new(writer->files, name, json_string(hash)) != 0) {
        status = sy_fail(err, SY_EINVAL, "%s: the name is not UTF-8", path);
    }
    return status;
}

int sy_checkpoint_tensors(struct sy_checkpoint_writer *writer, const char *name, const struct sy_named_tensor *tensors,
                          size_t count, const char *const *metadata, struct sy_error *err) {
    if (!sy_checkpoint_file_name(name) || json_object_get(writer->files, name)) {
        return sy_fail(err, SY_EINVAL, "%s: no second file of a checkpoint may be called '%s'", writer->final, name);
    }
    char *path = sy_path_join(writer->partial, name);
    if (!path) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    int status = sy_safetensors_write(path, tensors, count, metadata, err);
    if (status == SY_OK) {
        status = add_hash(writer, name, path, err);
    }
    free(path);
    return status;
}

void sy_checkpoint_spare(struct sy_checkpoint_writer *writer, int64_t step) {
    writer->spared = step;
}

/* The state says how long the journals were: they must be on the disk no later than it. */
static int sync_journals(const struct sy_checkpoint_writer *writer, struct sy_error *err) {
    static const char *const names[] = {"steps.jsonl", "epochs.jsonl"};
    int status = SY_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == SY_OK; i++) {
        char *path = sy_path_join(writer->run, names[i]);
        if (!path) {
            return sy_fail(err, SY_ENOMEM, "out of memory");
        }
        int fd = sy_file_open(path, O_RDONLY);
        if (fd >= 0 && sy_file_sync(fd) != 0) {
            status = sy_fail(err, SY_EIO, "%s: cannot be synced: %s", path, strerror(errno));
        }
        if (fd >= 0) {
            close(fd);
        }
        free(path);
    }
    return status;
}

/* Releases the state. */
static int write_state(struct sy_checkpoint_writer *writer, json_t *state, struct sy_error *err) {
    char hash[33], text[SY_CHECKPOINT_COMPLETE_ROOM];
    int status = SY_OK;
    char *path = sy_path_join(writer->partial, SY_CHECKPOINT_STATE);
    char *complete = sy_path_join(writer->partial, SY_CHECKPOINT_COMPLETE);
    if (!state || !path || !complete) {
        status = sy_fail(err, SY_ENOMEM, "out of memory");
        json_decref(state);
        goto release;
    }
    if (!json_is_object(state) || json_object_get(state, SY_CHECKPOINT_FILES) ||
        json_object_set(state, SY_CHECKPOINT_FILES, writer->files) != 0) {
        status = sy_fail(err, SY_EINVAL, "%s: the state must be an object without a key 'files'", writer->final);
        json_decref(state);
        goto release;
    }
    status = sy_write_json(path, state, err);
    if (status == SY_OK) {
        status = sy_hash_file(hash, path, err);
    }
    if (status == SY_OK) {
        sy_checkpoint_complete_text(text, hash);
        status = sy_write_file(complete, text, strlen(text), err);
    }
release:
    free(complete);
    free(path);
    return status;
}

static bool is_pinned(const char *checkpoint) {
    char *pin = sy_path_join(checkpoint, SY_CHECKPOINT_PINNED);
    /* Out of memory, it is taken as pinned: kept too long is better than lost. */
    bool pinned = !pin || access(pin, F_OK) == 0;
    free(pin);
    return pinned;
}

/* A pin on an earlier checkpoint of this step is meant for the step. */
static int carry_pin(const struct sy_checkpoint_writer *writer, struct sy_error *err) {
    if (!is_pinned(writer->final)) {
        return SY_OK;
    }
    char *pin = sy_path_join(writer->partial, SY_CHECKPOINT_PINNED);
    int status = pin ? sy_write_file(pin, "", 0, err) : sy_fail(err, SY_ENOMEM, "out of memory");
    free(pin);
    return status;
}

static int put_in_place(const struct sy_checkpoint_writer *writer, struct sy_error *err) {
    bool done = rename(writer->partial, writer->final) == 0;
    if (!done && (errno == ENOTEMPTY || errno == EEXIST)) {
        /* The earlier checkpoint of this step changes places with the new one, and is swept away. */
        done = renameat2(AT_FDCWD, writer->partial, AT_FDCWD, writer->final, RENAME_EXCHANGE) == 0;
    }
    if (!done && (errno == EINVAL || errno == ENOSYS)) {
        /* A file system that cannot exchange: for a moment there is none of this step. */
        char *aside = NULL;
        if (asprintf(&aside, "%s/.%jd.replaced.partial", writer->checkpoints, (intmax_t)writer->step) < 0) {
            return sy_fail(err, SY_ENOMEM, "out of memory");
        }
        sy_checkpoint_remove_tree(aside);
        done = rename(writer->final, aside) == 0;
        if (done && rename(writer->partial, writer->final) != 0) {
            int why = errno;
            done = false;
            rename(aside, writer->final);
            errno = why;
        }
        free(aside);
    }
    if (!done) {
        return sy_fail(err, SY_EIO, "%s: cannot take its place: %s", writer->final, strerror(errno));
    }
    return sy_sync_folder(writer->checkpoints, err);
}

/* Hidden first, then emptied: what is left of it when the process dies here is swept away later. One that is pinned
 * stays. Whether it is gone. */
static bool remove_checkpoint(const char *checkpoints, int64_t step) {
    char *path = NULL, *hidden = NULL;
    bool gone = false;
    if (asprintf(&path, "%s/%jd", checkpoints, (intmax_t)step) < 0) {
        return false;
    }
    if (!is_pinned(path) && asprintf(&hidden, "%s/.%jd.partial", checkpoints, (intmax_t)step) >= 0) {
        gone = rename(path, hidden) == 0;
        if (gone) {
            sy_checkpoint_remove_tree(hidden);
        }
        free(hidden);
    }
    free(path);
    return gone;
}

/* What cannot be removed stays until the next commit: the checkpoint itself is safe. */
static void prune(const struct sy_checkpoint_writer *writer, int keep) {
    int64_t *steps = NULL;
    size_t count = 0, kept = 0;
    sy_checkpoint_sweep(writer->checkpoints);
    if (keep <= 0 || sy_checkpoint_steps(&steps, &count, writer->checkpoints, NULL) != SY_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (steps[i] > writer->step || (kept >= (size_t)keep && steps[i] != writer->spared)) {
            remove_checkpoint(writer->checkpoints, steps[i]);
        } else {
            kept++;
        }
    }
    free(steps);
}

int sy_checkpoint_commit(struct sy_checkpoint_writer *writer, json_t *state, int keep, struct sy_error *err) {
    int status = write_state(writer, state, err);
    if (status == SY_OK) {
        status = sync_journals(writer, err);
    }
    if (status == SY_OK) {
        status = carry_pin(writer, err);
    }
    if (status == SY_OK) {
        status = put_in_place(writer, err);
    }
    if (status != SY_OK) {
        sy_checkpoint_abandon(writer);
        return status;
    }
    prune(writer, keep);
    destroy(writer);
    return SY_OK;
}

void sy_checkpoint_abandon(struct sy_checkpoint_writer *writer) {
    if (writer) {
        sy_checkpoint_remove_tree(writer->partial);
        destroy(writer);
    }
}

int sy_checkpoint_forget_after(struct sy_run_folder *folder, int64_t step, struct sy_error *err) {
    int64_t *steps = NULL;
    size_t count = 0, later = 0;
    char *checkpoints = sy_path_join(sy_run_folder_path(folder), "checkpoints");
    int status =
        checkpoints ? sy_checkpoint_steps(&steps, &count, checkpoints, err) : sy_fail(err, SY_ENOMEM, "out of memory");
    for (; later < count && steps[later] > step && status == SY_OK; later++) {
        char name[32];
        snprintf(name, sizeof name, "%jd", (intmax_t)steps[later]);
        char *path = sy_path_join(checkpoints, name);
        if (!path || is_pinned(path)) {
            status = sy_fail(err, SY_EINVAL, "%s/%s is pinned, and would be of steps that the run does anew",
                             checkpoints, name);
        }
        free(path);
    }
    for (size_t i = 0; i < later && status == SY_OK; i++) { /* the newest first: what is left is always a run's past */
        if (!remove_checkpoint(checkpoints, steps[i])) {
            status =
                sy_fail(err, SY_EIO, "%s/%jd cannot be removed: %s", checkpoints, (intmax_t)steps[i], strerror(errno));
        }
    }
    status = status == SY_OK && later ? sy_sync_folder(checkpoints, err) : status;
    free(steps);
    free(checkpoints);
    return status;
}
