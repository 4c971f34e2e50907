/* trees.h - what the config suites share. */
#ifndef TESTS_CONFIG_TREES_H
#define TESTS_CONFIG_TREES_H

#include "config/fields.h"
#include "config/setting.h"

/* A tree with what belongs to it; one a test. */
struct tree {
    struct sy_problems *problems;
    struct sy_arena *arena;
    struct sy_setting *root; /* NULL where there was a problem */
};

/* From text that stands in "t.cfg", or from a file; `tree_text(NULL)`: no root. */
struct tree tree_text(const char *text);
struct tree tree_file(const char *path);
void tree_free(struct tree *tree);

/* Expects exactly these problems as printed, a line each; "" for none. */
void expect_problems(const struct sy_problems *problems, const char *expected);
/* Expects a tree to be written so. */
void expect_written(const struct sy_setting *root, const char *expected);
/* A tree as it is written; malloc'ed. */
char *written(const struct sy_setting *root);
/* Value of a setting at a path; the test fails where there is none. */
const struct sy_setting *at(const struct tree *tree, const char *path);
/* Works in tests/config/data; for TestSuite's init. */
void enter_data(void);

#endif
