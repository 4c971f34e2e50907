#include "whole_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int sy_file_open(const char *path, int flags) {
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, 0666);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

int sy_file_sync(int fd) {
    int status;
    do {
        status = fsync(fd);
    } while (status != 0 && errno == EINTR);
    return status;
}

int sy_sync_folder(const char *path, struct sy_error *err) {
    int status = SY_OK;
    int fd = sy_file_open(path, O_RDONLY | O_DIRECTORY);
    /* EINVAL: a file system without a notion of syncing folders; there is no more to be had from it. */
    if (fd < 0 || (sy_file_sync(fd) != 0 && errno != EINVAL)) {
        status = sy_fail(err, SY_EIO, "%s: the folder cannot be synced: %s", path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

char *sy_parent_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

int sy_sync_parent(const char *path, struct sy_error *err) {
    char *parent = sy_parent_folder(path);
    if (!parent) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    int status = sy_sync_folder(parent, err);
    free(parent);
    return status;
}

/* "NAME.<process>.partial"; whether the process is gone. */
static bool is_left_behind(const char *entry, const char *name) {
    size_t length = strlen(name);
    char *end = NULL;
    if (strncmp(entry, name, length) != 0 || entry[length] != '.') {
        return false;
    }
    long process = strtol(entry + length + 1, &end, 10);
    return process > 0 && strcmp(end, ".partial") == 0 && kill((pid_t)process, 0) != 0 && errno == ESRCH;
}

void sy_whole_file_sweep(const char *folder, const char *name) {
    static const char ending[] = ".partial";
    const size_t tail = sizeof ending - 1;
    int at = sy_file_open(folder, O_RDONLY | O_DIRECTORY);
    DIR *listing = at >= 0 ? fdopendir(at) : NULL;
    if (!listing && at >= 0) {
        close(at);
    }
    for (const struct dirent *entry; listing && (entry = readdir(listing));) {
        size_t length = strlen(entry->d_name);
        bool any = entry->d_name[0] != '.' && length > tail && strcmp(entry->d_name + length - tail, ending) == 0;
        if (name ? is_left_behind(entry->d_name, name) : any) {
            unlinkat(at, entry->d_name, 0);
        }
    }
    if (listing) {
        closedir(listing);
    }
}

int sy_whole_file_begin(struct sy_whole_file *file, const char *path, struct sy_error *err) {
    struct stat there;
    *file = (struct sy_whole_file){.path = path, .fd = -1};
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) {
        return sy_fail(err, SY_EINVAL, "%s: is there and is no regular file; name another", path);
    }
    if (asprintf(&file->partial, "%s.%ld.partial", path, (long)getpid()) < 0) {
        file->partial = NULL;
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    /* What a dead process of the same number left is in the way of O_EXCL, which is there against links. */
    unlink(file->partial);
    file->fd = sy_file_open(file->partial, O_WRONLY | O_CREAT | O_EXCL);
    if (file->fd < 0) {
        int status = sy_fail(err, SY_EIO, "%s: cannot be created: %s", file->partial, strerror(errno));
        free(file->partial);
        file->partial = NULL;
        return status;
    }
    return SY_OK;
}

int sy_whole_file_write(struct sy_whole_file *file, const void *bytes, size_t count, struct sy_error *err) {
    const char *from = bytes;
    while (count > 0) {
        ssize_t done = write(file->fd, from, count);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return sy_fail(err, SY_EIO, "%s: cannot be written: %s", file->path,
                           done < 0 ? strerror(errno) : "disk full");
        }
        from += done;
        count -= (size_t)done;
    }
    return SY_OK;
}

int sy_whole_file_commit(struct sy_whole_file *file, struct sy_error *err) {
    if (sy_file_sync(file->fd) != 0) {
        return sy_fail(err, SY_EIO, "%s: cannot be synced: %s", file->path, strerror(errno));
    }
    int closed = close(file->fd);
    file->fd = -1;
    if (closed != 0 && errno != EINTR) {
        return sy_fail(err, SY_EIO, "%s: cannot be closed: %s", file->path, strerror(errno));
    }
    if (rename(file->partial, file->path) != 0) {
        return sy_fail(err, SY_EIO, "%s: cannot take its place: %s", file->path, strerror(errno));
    }
    free(file->partial);
    file->partial = NULL;
    return sy_sync_parent(file->path, err);
}

void sy_whole_file_finish(struct sy_whole_file *file) {
    if (file->fd >= 0) {
        close(file->fd);
        file->fd = -1;
    }
    if (file->partial) {
        unlink(file->partial);
        free(file->partial);
        file->partial = NULL;
    }
}
