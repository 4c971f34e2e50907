/* folders.h - a folder for one test, and files put into it. Whatever cannot be done ends the test. */
#ifndef SY_TESTS_HOST_FOLDERS_H
#define SY_TESTS_HOST_FOLDERS_H

#include "../scratch.h"

#define FOLDER_ROOM SCRATCH_ROOM

struct test_folder {
    char path[FOLDER_ROOM]; /* links followed */
};

void test_folder_create(struct test_folder *folder);
/* With everything in it. */
void test_folder_destroy(const struct test_folder *folder);

/* Copies the built module NAME.so to `to` below the folder, making folders on the way. `bad`: one of tests/bad. */
void test_folder_put(const struct test_folder *folder, const char *name, const char *to);
void test_folder_put_bad(const struct test_folder *folder, const char *name, const char *to);
/* The same with a text for a file. */
void test_folder_write(const struct test_folder *folder, const char *to, const char *text);
void test_folder_link(const struct test_folder *folder, const char *from, const char *to);

/* The path of something below the folder; one of a few buffers, used in turn. */
const char *test_folder_path(const struct test_folder *folder, const char *below);

#endif
