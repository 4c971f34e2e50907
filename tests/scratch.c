/* scratch.c - see scratch.h. Criterion runs each test in a process of its own, and this file's hooks in the one that starts
 * them, which sees the end of every test. */
#include "scratch.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <fts.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* How the processes of the tests know the program's folder. */
#define PLACE "SWITCHYARD_TEST_SCRATCH"

/* From folder to folder, as a test may have made a path that is longer than one can be; and it may have left a folder that
 * nobody may write into. */
static int remove_all(const char *path) {
    char *const roots[] = {(char *)(uintptr_t)path, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL, NULL);
    int status = walk ? 0 : -1;
    for (const FTSENT *entry; walk && (entry = fts_read(walk));) {
        if (entry->fts_info == FTS_D) {
            chmod(entry->fts_accpath, 0700);
        } else if (remove(entry->fts_accpath) != 0) {
            status = -1;
        }
    }
    if (walk) {
        fts_close(walk);
    }
    return status;
}

static int make(char path[SCRATCH_ROOM], const char *where) {
    char made[PATH_MAX], real[PATH_MAX];
    int length = snprintf(made, sizeof made, "%s/switchyard-test-XXXXXX", where);
    return length < (int)sizeof made && mkdtemp(made) && realpath(made, real) &&
           snprintf(path, SCRATCH_ROOM, "%s", real) < SCRATCH_ROOM;
}

ReportHook(PRE_ALL)(struct criterion_test_set *tests) {
    char path[SCRATCH_ROOM];
    const char *where = getenv("TMPDIR");
    (void)tests;
    if (!make(path, where && *where ? where : "/tmp") || setenv(PLACE, path, 1) != 0) {
        fprintf(stderr, "no folder for the tests can be made in %s\n", where ? where : "/tmp");
    }
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats) {
    const char *path = getenv(PLACE);
    (void)stats;
    if (path && remove_all(path) != 0) {
        perror(path);
    }
}

void scratch_folder(char path[SCRATCH_ROOM]) {
    const char *where = getenv(PLACE);
    cr_assert(where && make(path, where), "no folder can be made for a test");
}

void scratch_clear(const char *path) {
    cr_assert_eq(remove_all(path), 0, "%s cannot be removed", path);
}
