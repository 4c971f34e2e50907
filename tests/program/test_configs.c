/* test_configs.c - every configuration in experiments/ is valid. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"

TestSuite(configs, .init = program_setup, .fini = program_teardown);

/* ---- with data of their own ------------------------------------------------------------------------------------- */

/* Black images of the first class in the binary distributions' sizes, with holes for contents. */
static void write_holes(const char *path, long bytes) {
    write_text(path, "");
    cr_assert_eq(truncate(path, bytes), 0);
}

static void write_data(void) {
    char path[64];
    mkdir("ten", 0777), mkdir("hundred", 0777);
    for (int i = 1; i <= 5; i++) {
        snprintf(path, sizeof path, "ten/data_batch_%d.bin", i);
        write_holes(path, 3073L * 10000);
    }
    write_holes("ten/test_batch.bin", 3073L * 10000);
    write_holes("hundred/train.bin", 3074L * 50000);
    write_holes("hundred/test.bin", 3074L * 10000);
}

static int check_folder(const char *folder, const char *data) {
    const char *root = getenv("SWITCHYARD_SOURCE_ROOT");
    char path[1024], text[2048];
    int count = 0;
    snprintf(path, sizeof path, "%s/experiments/paper/%s", root, folder);
    DIR *directory = opendir(path);
    cr_assert(directory, "%s", path);
    for (const struct dirent *entry; (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name);
        if (length > 4 && !strcmp(entry->d_name + length - 4, ".cfg")) {
            snprintf(text, sizeof text, "check %s/%s --set data.path=%s", path, entry->d_name, data);
            cr_expect_eq(run_program(text), 0, "%s/%s", folder, entry->d_name);
            count++;
        }
    }
    closedir(directory);
    return count;
}

Test(configs, of_the_paper_fit_their_data) {
    write_data();
    cr_expect_geq(check_folder("cifar10", "ten"), 4);
    cr_expect_geq(check_folder("cifar100", "hundred"), 9);
}

/* ---- all of them, on drawn shapes ------------------------------------------------------------------------------- */

/* A suite has no nodes of its own, and what brings plugin files along wants them compiled. */
static bool is_alone(const char *text) {
    return !strstr(text, "\nvariants") && !strstr(text, "\nplugins");
}

static int check_tree(const char *path) {
    struct stat status;
    char inside[1024], command[2048];
    int count = 0;
    DIR *directory = opendir(path);
    cr_assert(directory, "%s", path);
    for (const struct dirent *entry; (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name);
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] == '.' || stat(inside, &status) != 0) {
            continue;
        }
        if (S_ISDIR(status.st_mode)) {
            count += check_tree(inside);
        } else if (length > 4 && !strcmp(entry->d_name + length - 4, ".cfg")) {
            char *text = read_text(inside);
            if (text && is_alone(text)) {
                snprintf(command, sizeof command,
                         "check %s --set data.plugin=shapes --set data.train=64 --set data.test=16 --set "
                         "backend=reference",
                         inside);
                cr_expect_eq(run_program(command), 0, "%s", inside);
                count++;
            }
            free(text);
        }
    }
    closedir(directory);
    return count;
}

Test(configs, are_all_valid) {
    char path[1024];
    snprintf(path, sizeof path, "%s/experiments", getenv("SWITCHYARD_SOURCE_ROOT"));
    cr_expect_geq(check_tree(path), 40);
}
