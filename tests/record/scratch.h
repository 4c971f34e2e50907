/* scratch.h - a folder for one test (of tests/scratch.h), and quick ways to put files into it and to look at them. Failures end the test. */
#ifndef TESTS_RECORD_SCRATCH_H
#define TESTS_RECORD_SCRATCH_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <switchyard/error.h>

#include "../scratch.h"

struct scratch {
    char path[SCRATCH_ROOM];
    char file[512]; /* what scratch_file returned */
};

#define NEW_ERROR ((struct sy_error){.size = sizeof(struct sy_error)})

static inline void scratch_make(struct scratch *scratch) {
    scratch_folder(scratch->path);
}

static inline void scratch_remove(const char *path) {
    scratch_clear(path);
}

/* "SCRATCH/name", valid until the next call. */
static inline const char *scratch_file(struct scratch *scratch, const char *name) {
    snprintf(scratch->file, sizeof scratch->file, "%s/%s", scratch->path, name);
    return scratch->file;
}

static inline int is_there(const char *path) {
    struct stat about;
    return lstat(path, &about) == 0;
}

static inline void put_bytes(const char *path, const void *bytes, size_t count) {
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, count, file), count);
    cr_assert_eq(fclose(file), 0);
}

static inline void put_text(const char *path, const char *text) {
    put_bytes(path, text, strlen(text));
}

/* malloc'ed, a zero behind it. */
static inline char *get_bytes(const char *path, size_t *count) {
    struct stat about;
    FILE *file = fopen(path, "rb");
    cr_assert(file && fstat(fileno(file), &about) == 0, "%s", path);
    char *bytes = calloc(1, (size_t)about.st_size + 1);
    cr_assert_not_null(bytes);
    *count = fread(bytes, 1, (size_t)about.st_size, file);
    fclose(file);
    return bytes;
}

static inline void expect_text(const char *path, const char *expected) {
    size_t count;
    char *text = get_bytes(path, &count);
    cr_assert_str_eq(text, expected);
    free(text);
}

static inline void expect_error(const struct sy_error *err, int code, const char *part) {
    cr_assert_eq(err->code, code, "code %d, expected %d: %s", err->code, code, err->text);
    cr_assert_not_null(strstr(err->text, part), "'%s' should say '%s'", err->text, part);
    cr_assert_null(strchr(err->text, '\n'), "more than a line: %s", err->text);
}

#endif
