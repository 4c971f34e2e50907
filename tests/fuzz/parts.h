/* parts.h - one input that is several files: its parts end at lines "=" alone. For readers of folders. */
#ifndef TESTS_FUZZ_PARTS_H
#define TESTS_FUZZ_PARTS_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

#include "target.h"

struct part {
    const uint8_t *at;
    size_t count;
};

/* The next part of *bytes, which is moved behind it; the last has everything that is left. */
static inline struct part next_part(const uint8_t **bytes, size_t *count, int last) {
    static const char mark[] = "\n=\n";
    const uint8_t *end = last || !*count ? NULL : memmem(*bytes, *count, mark, 3);
    struct part part = {*bytes, end ? (size_t)(end - *bytes) + 1 : *count}; /* its own line end stays */
    size_t used = end ? part.count + 2 : part.count;
    *bytes += used;
    *count -= used;
    return part;
}

static inline const char *scratch_folder(void);

static inline int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where) {
    (void)about, (void)kind, (void)where;
    return remove(path);
}

static inline void remove_scratch(void) {
    nftw(scratch_folder(), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A folder of this process, in memory where the system has such, removed at its end; its files are written anew for every
 * input. */
static inline const char *scratch_folder(void) {
    static char path[64];
    if (!path[0]) {
        snprintf(path, sizeof path, "%s/switchyard-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        EXPECT(mkdtemp(path) && atexit(remove_scratch) == 0);
    }
    return path;
}

static inline void make_folder(const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", scratch_folder(), name);
    EXPECT(mkdir(path, 0777) == 0);
}

/* Writes a part into the scratch folder; of an empty part there is no file. */
static inline void write_part(const char *name, struct part part) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", scratch_folder(), name);
    if (!part.count) {
        unlink(path);
        return;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    EXPECT(fd >= 0 && write(fd, part.at, part.count) == (ssize_t)part.count);
    close(fd);
}

#endif
