/* folders.c - see folders.h. */
#include "folders.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void test_folder_create(struct test_folder *folder) {
    scratch_folder(folder->path);
}

void test_folder_destroy(const struct test_folder *folder) {
    scratch_clear(folder->path);
}

const char *test_folder_path(const struct test_folder *folder, const char *below) {
    static char rooms[8][2 * FOLDER_ROOM];
    static int next;
    char *room = rooms[next++ % 8];
    snprintf(room, sizeof rooms[0], "%s/%s", folder->path, below);
    return room;
}

static void make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
}

static FILE *create(const struct test_folder *folder, const char *to) {
    char path[2 * FOLDER_ROOM];
    snprintf(path, sizeof path, "%s", test_folder_path(folder, to));
    make_folders(path);
    FILE *file = fopen(path, "wb");
    cr_assert(file != NULL, "%s cannot be written", path);
    return file;
}

void test_folder_write(const struct test_folder *folder, const char *to, const char *text) {
    FILE *file = create(folder, to);
    fputs(text, file);
    cr_assert(fclose(file) == 0);
}

void test_folder_link(const struct test_folder *folder, const char *from, const char *to) {
    test_folder_write(folder, to, "");
    cr_assert(unlink(test_folder_path(folder, to)) == 0);
    cr_assert(symlink(test_folder_path(folder, from), test_folder_path(folder, to)) == 0);
}

static void copy(const struct test_folder *folder, const char *variable, const char *name, const char *to) {
    char path[PATH_MAX], block[4096];
    const char *from = getenv(variable);
    size_t got;
    cr_assert(from != NULL, "%s is not set; run the tests through meson test", variable);
    snprintf(path, sizeof path, "%s/%s.so", from, name);
    FILE *in = fopen(path, "rb"), *out = create(folder, to);
    cr_assert(in != NULL, "%s cannot be read", path);
    while ((got = fread(block, 1, sizeof block, in)) > 0) {
        cr_assert(fwrite(block, 1, got, out) == got);
    }
    fclose(in);
    cr_assert(fclose(out) == 0);
}

void test_folder_put(const struct test_folder *folder, const char *name, const char *to) {
    copy(folder, "SWITCHYARD_TEST_PLUGINS", name, to);
}

void test_folder_put_bad(const struct test_folder *folder, const char *name, const char *to) {
    copy(folder, "SWITCHYARD_BAD_PLUGINS", name, to);
}
