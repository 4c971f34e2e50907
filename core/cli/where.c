/* where.c - see where.h. */
#include "where.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SY_INCLUDEDIR
#error "SY_INCLUDEDIR: the folder of headers, relative to the installation's prefix; the build defines it"
#endif

static bool has_headers(const char *folder) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/switchyard/plugin.h", folder);
    return access(path, R_OK) == 0;
}

/* `path` without links and dots, if headers are there. */
static bool take(char *out, size_t room, const char *path) {
    char real[PATH_MAX];
    if (!realpath(path, real) || !has_headers(real) || strlen(real) >= room) {
        return false;
    }
    memcpy(out, real, strlen(real) + 1);
    return true;
}

bool sy_where_program(char *out, size_t room) {
    char real[PATH_MAX];
    if (!realpath("/proc/self/exe", real) || strlen(real) >= room) {
        return false;
    }
    memcpy(out, real, strlen(real) + 1);
    return true;
}

/* A build tree says in a file where its sources are. */
static bool of_build_tree(char *out, size_t room, const char *folder) {
    char path[PATH_MAX], line[PATH_MAX];
    snprintf(path, sizeof path, "%s/include/include-dir", folder);
    FILE *file = fopen(path, "re");
    bool read = file && fgets(line, sizeof line, file);
    if (file) {
        fclose(file);
    }
    if (!read) {
        return false;
    }
    line[strcspn(line, "\n")] = 0;
    return take(out, room, line);
}

bool sy_where_headers(char *out, size_t room) {
    char folder[PATH_MAX], path[PATH_MAX];
    if (!sy_where_program(folder, sizeof folder)) {
        return false;
    }
    *strrchr(folder, '/') = 0;
    if (of_build_tree(out, room, folder)) {
        return true;
    }
    snprintf(path, sizeof path, "%s/../%s", folder, SY_INCLUDEDIR);
    return take(out, room, path) || (SY_INCLUDEDIR[0] == '/' && take(out, room, SY_INCLUDEDIR));
}
