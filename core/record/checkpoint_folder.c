#include "checkpoint_folder.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *sy_checkpoint_complete_text(char out[SY_CHECKPOINT_COMPLETE_ROOM], const char *hash) {
    snprintf(out, SY_CHECKPOINT_COMPLETE_ROOM, "%.32s  " SY_CHECKPOINT_STATE "\n", hash);
    return out;
}

char *sy_path_join(const char *folder, const char *name) {
    char *path;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

bool sy_checkpoint_file_name(const char *name) {
    static const char *const taken[] = {SY_CHECKPOINT_STATE, SY_CHECKPOINT_COMPLETE, SY_CHECKPOINT_PINNED};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (strcmp(name, taken[i]) == 0) {
            return false;
        }
    }
    for (const char *at = name; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7F || *at == '/') {
            return false;
        }
    }
    return name[0] != '\0' && name[0] != '.';
}

/* The step of a folder's name, -1 if it is none: digits, no zero in front, no overflow. */
static int64_t step_of(const char *name) {
    char again[32];
    errno = 0;
    long long step = strtoll(name, NULL, 10);
    snprintf(again, sizeof again, "%lld", step);
    return errno == 0 && step >= 0 && strcmp(again, name) == 0 ? step : -1;
}

static int newest_first(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

int sy_checkpoint_steps(int64_t **out, size_t *count, const char *checkpoints, struct sy_error *err) {
    int64_t *steps = NULL;
    size_t n = 0;
    *out = NULL, *count = 0;
    DIR *folder = opendir(checkpoints);
    if (!folder) {
        return errno == ENOENT ? SY_OK : sy_fail(err, SY_EIO, "%s: cannot be listed: %s", checkpoints, strerror(errno));
    }
    for (const struct dirent *entry; (entry = readdir(folder));) {
        int64_t step = step_of(entry->d_name);
        if (step < 0) {
            continue;
        }
        int64_t *larger = realloc(steps, (n + 1) * sizeof *steps);
        if (!larger) {
            free(steps);
            closedir(folder);
            return sy_fail(err, SY_ENOMEM, "out of memory");
        }
        steps = larger;
        steps[n++] = step;
    }
    closedir(folder);
    if (n > 0) {
        qsort(steps, n, sizeof *steps, newest_first);
    }
    *out = steps, *count = n;
    return SY_OK;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where) {
    (void)about, (void)kind, (void)where;
    return remove(path) != 0 && errno != ENOENT;
}

void sy_checkpoint_remove_tree(const char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void sy_checkpoint_sweep(const char *checkpoints) {
    static const char ending[] = ".partial";
    const size_t tail = sizeof ending - 1;
    DIR *folder = opendir(checkpoints);
    if (!folder) {
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder));) {
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] == '.' && length > tail && strcmp(entry->d_name + length - tail, ending) == 0) {
            char *path = sy_path_join(checkpoints, entry->d_name);
            if (path) {
                sy_checkpoint_remove_tree(path);
            }
            free(path);
        }
    }
    closedir(folder);
}
