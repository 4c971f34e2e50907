/* Keys that nobody knows, and keys meant for a plugin that another layer replaced. */
#include "trees.h"

#include <criterion/criterion.h>

struct loss {
    double temperature, weight;
};

static const struct sy_field loss_fields[] = {
    SY_PARAM(struct loss, temperature, .def = 1, .doc = "t"),
    SY_PARAM(struct loss, weight, .def = 1, .doc = "w"),
    SY_END,
};
static const struct sy_table loss_table = {loss_fields, 0};
static const char *const plugin_key[] = {"plugin", NULL};
static const char *const kind_key[] = {"kind", NULL};

static void read_and_finish(struct tree *tree, struct sy_setting *group, const char *const *names) {
    const struct sy_table *tables[] = {&loss_table};
    struct loss loss;
    for (size_t i = 0; names && names[i]; i++) {
        sy_setting_get(group, names[i]);
    }
    sy_fields_read(&loss, &loss_table, group, tree->arena, tree->problems);
    sy_fields_finish(group, tables, 1, names, tree->problems);
}

Test(unknown, keys_are_problems_with_the_nearest_known) {
    struct tree tree = tree_text("loss: { plugin = \"kl\";\n temprature = 4.0;\n pluign = 1;\n xyzzy = 3; };");
    read_and_finish(&tree, sy_setting_get(tree.root, "loss"), plugin_key);
    expect_problems(tree.problems, "t.cfg:2: loss.temprature: unknown key; did you mean \"temperature\"?\n"
                                   "t.cfg:3: loss.pluign: unknown key; did you mean \"plugin\"?\n"
                                   "t.cfg:4: loss.xyzzy: unknown key; known here: temperature, weight, plugin\n");
    tree_free(&tree);
}

Test(unknown, keys_from_set) {
    struct tree tree = tree_text("");
    cr_assert(sy_setting_assign(tree.root, "weigth=1", 1, tree.problems));
    read_and_finish(&tree, tree.root, NULL);
    expect_problems(tree.problems, "--set weigth: unknown key; did you mean \"weight\"?\n");
    tree_free(&tree);
}

Test(unknown, nothing_is_known_in_an_empty_table) {
    struct sy_table empty = {NULL, 0};
    struct tree tree = tree_text("a = 1;");
    sy_fields_finish(tree.root, (const struct sy_table *const[]){&empty}, 1, NULL, tree.problems);
    expect_problems(tree.problems, "t.cfg:1: a: unknown key; known here: none\n");
    sy_fields_finish(NULL, NULL, 0, NULL, tree.problems);
    tree_free(&tree);
}

static struct tree overlaid(const char *base, const char *over) {
    struct tree tree = tree_text(base), other = tree_text(over);
    cr_assert(tree.root && other.root && sy_setting_overlay(tree.root, other.root, 1));
    tree_free(&other);
    return tree;
}

Test(unknown, keys_of_a_replaced_plugin_are_dropped) {
    struct tree tree = overlaid("plugin = \"a\"; slope = 2; deep: { x = 1; y: { z = 2; }; }; temperature = 4.0;",
                                "plugin = \"kl\"; weight = 2.0;");
    read_and_finish(&tree, tree.root, plugin_key);
    expect_problems(tree.problems, "");
    expect_written(tree.root, "plugin = \"kl\";\ntemperature = 4.0;\nweight = 2.0;\n");
    tree_free(&tree);
}

Test(unknown, keys_of_a_replaced_kind_are_dropped) {
    struct tree tree = overlaid("kind = \"a\"; slope = 2;", "kind = \"b\";");
    read_and_finish(&tree, tree.root, kind_key);
    expect_problems(tree.problems, "");
    cr_expect_null(sy_setting_find(tree.root, "slope"));
    tree_free(&tree);
}

Test(unknown, new_keys_beside_a_new_plugin_are_problems) {
    struct tree tree =
        overlaid("plugin = \"a\"; slope = 2; deep: { x = 1; };", "plugin = \"kl\";\nslop = 3;\ndeep: { y = 1; };");
    read_and_finish(&tree, tree.root, plugin_key);
    expect_problems(tree.problems, "t.cfg:1: deep: unknown key; known here: temperature, weight, plugin\n"
                                   "t.cfg:2: slop: unknown key; known here: temperature, weight, plugin\n");
    cr_expect_null(sy_setting_find(tree.root, "slope"));
    tree_free(&tree);
}

Test(unknown, the_same_plugin_again_forgives_nothing) {
    struct tree tree = overlaid("plugin = \"kl\"; temprature = 2.0;", "plugin = \"kl\";");
    read_and_finish(&tree, tree.root, plugin_key);
    expect_problems(tree.problems, "t.cfg:1: temprature: unknown key; did you mean \"temperature\"?\n");
    tree_free(&tree);
}

Test(unknown, without_plugin_or_kind_all_are_problems) {
    struct tree tree = overlaid("slope = 2;", "weight = 1.0;");
    read_and_finish(&tree, tree.root, NULL);
    expect_problems(tree.problems, "t.cfg:1: slope: unknown key; known here: temperature, weight\n");
    tree_free(&tree);
}
