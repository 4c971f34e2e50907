#include "run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint_folder.h"
#include "whole_file.h"

#define NAME_ROOM 1000u

struct sy_run_folder {
    char *path;
    char *file; /* what sy_run_folder_file returned */
    size_t file_room;
    int lock;
};

static bool is_there(struct sy_run_folder *folder, const char *name) {
    struct stat there;
    return lstat(sy_run_folder_file(folder, name), &there) == 0;
}

static int take_lock(struct sy_run_folder *folder, struct sy_error *err) {
    const char *path = sy_run_folder_file(folder, "lock");
    char who[32] = "";
    folder->lock = sy_file_open(path, O_RDWR | O_CREAT);
    if (folder->lock < 0) {
        return sy_fail(err, SY_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    if (flock(folder->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return sy_fail(err, SY_EIO, "%s: cannot be locked: %s", path, strerror(errno));
        }
        ssize_t n = pread(folder->lock, who, sizeof who - 1, 0);
        who[n > 0 ? strspn(who, "0123456789") : 0] = '\0';
        return sy_fail(err, SY_EINVAL, "%s: another process%s%s%s trains here; wait for it, or name another folder",
                       folder->path, who[0] ? " (number " : "", who, who[0] ? ")" : "");
    }
    int length = snprintf(who, sizeof who, "%ld\n", (long)getpid());
    bool numbered = ftruncate(folder->lock, 0) == 0 && pwrite(folder->lock, who, (size_t)length, 0) == length;
    /* The number is only for the message above: a lock without it is as good. */
    (void)numbered;
    return SY_OK;
}

static int open_new(struct sy_run_folder *folder, struct sy_error *err) {
    int status = sy_make_folders(folder->path, err);
    if (status == SY_OK) {
        status = take_lock(folder, err);
    }
    if (status != SY_OK) {
        return status;
    }
    if (is_there(folder, "run.cfg")) {
        return sy_fail(err, SY_EINVAL, "%s: holds a run already; --resume continues it, another --out keeps it",
                       folder->path);
    }
    if (is_there(folder, "checkpoints")) {
        return sy_fail(err, SY_EINVAL, "%s: holds checkpoints of a run whose run.cfg is gone; another --out keeps them",
                       folder->path);
    }
    return SY_OK;
}

static int open_again(struct sy_run_folder *folder, struct sy_error *err) {
    if (!is_there(folder, "run.cfg")) {
        return sy_fail(err, SY_EINVAL, "%s: holds no run.cfg, so there is nothing to continue; start without --resume",
                       folder->path);
    }
    return take_lock(folder, err);
}

int sy_run_folder_open(struct sy_run_folder **out, const char *path, bool resume, struct sy_error *err) {
    struct sy_run_folder *folder = calloc(1, sizeof *folder);
    *out = NULL;
    if (!folder) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    folder->lock = -1;
    folder->file_room = strlen(path) + 1 + NAME_ROOM + 1;
    folder->path = strdup(path);
    folder->file = malloc(folder->file_room);
    int status = SY_OK;
    if (!folder->path || !folder->file) {
        status = sy_fail(err, SY_ENOMEM, "out of memory");
    } else {
        status = resume ? open_again(folder, err) : open_new(folder, err);
    }
    if (status == SY_OK) {
        sy_whole_file_sweep(folder->path, NULL);
        sy_whole_file_sweep(sy_run_folder_file(folder, "checkpoints/best"), NULL);
        sy_checkpoint_sweep(sy_run_folder_file(folder, "checkpoints"));
    }
    if (status != SY_OK) {
        sy_run_folder_close(folder);
        return status;
    }
    *out = folder;
    return SY_OK;
}

void sy_run_folder_close(struct sy_run_folder *folder) {
    if (folder) {
        if (folder->lock >= 0) {
            close(folder->lock);
        }
        free(folder->file);
        free(folder->path);
        free(folder);
    }
}

const char *sy_run_folder_path(const struct sy_run_folder *folder) {
    return folder->path;
}

const char *sy_run_folder_file(struct sy_run_folder *folder, const char *name) {
    snprintf(folder->file, folder->file_room, "%s/%s", folder->path, name);
    return folder->file;
}
