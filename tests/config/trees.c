/* trees.c - see trees.h. */
#include "trees.h"

#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct tree tree_empty(void) {
    struct tree tree = {sy_problems_create(), sy_arena_create(), NULL};
    cr_assert(tree.problems && tree.arena);
    return tree;
}

struct tree tree_text(const char *text) {
    struct tree tree = tree_empty();
    tree.root = text ? sy_setting_read_text(text, "t.cfg", tree.problems) : NULL;
    return tree;
}

struct tree tree_file(const char *path) {
    struct tree tree = tree_empty();
    tree.root = sy_setting_read(path, tree.problems);
    return tree;
}

void tree_free(struct tree *tree) {
    sy_setting_destroy(tree->root);
    sy_arena_destroy(tree->arena);
    sy_problems_destroy(tree->problems);
}

void expect_problems(const struct sy_problems *problems, const char *expected) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    cr_assert(out);
    sy_problems_print(problems, out);
    fclose(out);
    cr_expect_str_eq(text, expected, "problems are:\n%sexpected:\n%s", text, expected);
    free(text);
}

char *written(const struct sy_setting *root) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    cr_assert(out);
    cr_expect(sy_setting_write(root, out));
    fclose(out);
    return text;
}

void expect_written(const struct sy_setting *root, const char *expected) {
    char *text = written(root);
    cr_expect_str_eq(text, expected, "written:\n%sexpected:\n%s", text, expected);
    free(text);
}

const struct sy_setting *at(const struct tree *tree, const char *path) {
    cr_assert(tree->root, "there is no tree");
    const struct sy_setting *setting = sy_setting_find(tree->root, path);
    cr_assert(setting, "there is no %s", path);
    return setting;
}

void enter_data(void) {
    const char *folder = getenv("SWITCHYARD_CONFIG_DATA");
    cr_assert(folder && !chdir(folder), "SWITCHYARD_CONFIG_DATA must be tests/config/data");
}
