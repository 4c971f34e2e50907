/* links_out.c - see links_out.h. */
#include "links_out.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../config/untrusted.h"

static bool is_link(const char *path) {
    struct stat about;
    return lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
}

/* Every part of a relative path: "runs", "runs/a", ... */
static int check_path(const char *folder, struct sy_error *err) {
    char part[PATH_MAX];
    size_t length = strlen(folder);
    if (length >= sizeof part) {
        return sy_fail(err, SY_EINVAL, "%.64s...: is longer than a path can be", folder);
    }
    for (size_t i = 1; i <= length; i++) {
        if (folder[i] != '/' && folder[i] != '\0') {
            continue;
        }
        snprintf(part, sizeof part, "%.*s", (int)i, folder);
        if (is_link(part)) {
            return sy_fail(err, SY_EINVAL,
                           "%s: is a link, and with --untrusted results go through none; name a folder with --out",
                           part);
        }
    }
    return SY_OK;
}

/* Whether a link's end lies in the folder, whose own links are resolved in `real`. */
static bool stays(const char *link, const char *real) {
    char end[PATH_MAX];
    size_t length = strlen(real);
    return realpath(link, end) && strncmp(end, real, length) == 0 && (end[length] == '/' || end[length] == '\0');
}

int sy_links_out_refuse(const char *folder, bool named, struct sy_error *err) {
    char real[PATH_MAX];
    char *const roots[] = {(char *)(uintptr_t)folder, NULL};
    int status = SY_OK;
    if (!sy_untrusted_folder()) {
        return SY_OK;
    }
    if (!named && (status = check_path(folder, err)) != SY_OK) {
        return status;
    }
    if (!realpath(folder, real)) {
        return errno == ENOENT ? SY_OK : sy_fail(err, SY_EIO, "%s: cannot be looked at: %s", folder, strerror(errno));
    }
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, NULL);
    if (!walk) {
        return sy_fail(err, SY_EIO, "%s: cannot be looked at: %s", folder, strerror(errno));
    }
    for (const FTSENT *entry; status == SY_OK && (entry = fts_read(walk));) {
        if (entry->fts_info == FTS_SL && !stays(entry->fts_path, real)) {
            status = sy_fail(err, SY_EINVAL,
                             "%s: is a link that leads out of %s, and --untrusted lets results go "
                             "nowhere else; another --out",
                             entry->fts_path, folder);
        } else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
            status = sy_fail(err, SY_EIO, "%s: cannot be looked at: %s", entry->fts_path, strerror(entry->fts_errno));
        }
    }
    fts_close(walk);
    return status;
}
