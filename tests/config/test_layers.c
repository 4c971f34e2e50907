/* Overlay: suites and --set laid over a base. */
#include "trees.h"

#include <criterion/criterion.h>

static struct tree overlaid(const char *base, const char *over) {
    struct tree tree = tree_text(base), other = tree_text(over);
    cr_assert(tree.root && other.root);
    cr_expect(sy_setting_overlay(tree.root, other.root, 1));
    expect_written(other.root, over);
    tree_free(&other);
    return tree;
}

Test(layers, groups_merge_and_the_rest_is_replaced) {
    struct tree tree = overlaid("a = 1;\ng: { x = 1; h: { y = [1, 2, 3]; z = \"t\"; }; };\nb = 2;",
                                "g: {\n  h: {\n    y = [9];\n    n = 4;\n  };\n};\na: {\n  q = 1;\n};\nc = 3;\n");
    expect_written(tree.root,
                   "a: {\n  q = 1;\n};\ng: {\n  x = 1;\n  h: {\n    y = [9];\n    z = \"t\";\n    n = 4;\n  };\n"
                   "};\nb = 2;\nc = 3;\n");
    cr_expect_eq(at(&tree, "g")->layer, 0);
    cr_expect_eq(at(&tree, "g.x")->layer, 0);
    cr_expect_eq(at(&tree, "g.h.y")->layer, 1);
    cr_expect_eq(at(&tree, "g.h.y.[0]")->layer, 1);
    cr_expect_eq(at(&tree, "a.q")->layer, 1);
    cr_expect_eq(at(&tree, "c")->layer, 1);
    cr_expect_eq(at(&tree, "g.h.n")->line, 4);
    cr_expect_eq(at(&tree, "g.h.n")->parent, at(&tree, "g.h"));
    tree_free(&tree);
}

Test(layers, groups_replace_scalars_and_scalars_groups) {
    struct tree tree = overlaid("a: { b = 1; };\nc = 2;", "a = 5;\nc: {\n  d = 1;\n};\n");
    expect_written(tree.root, "a = 5;\nc: {\n  d = 1;\n};\n");
    tree_free(&tree);
}

Test(layers, naming_the_same_plugin_again_is_no_new_choice) {
    struct tree tree = overlaid("p: { plugin = \"kl\"; };\no: { kind = \"sgd\"; name = \"x\"; };",
                                "p: {\n  plugin = \"kl\";\n};\no: {\n  kind = \"adam\";\n  name = \"x\";\n};\n");
    cr_expect_eq(at(&tree, "p.plugin")->layer, 0);
    cr_expect_eq(at(&tree, "o.kind")->layer, 1);
    cr_expect_eq(at(&tree, "o.name")->layer, 1);
    tree_free(&tree);
}

/* For who lays something between a file and --set. */
Test(layers, arguments_and_files_come_apart_again) {
    static const char text[] = "o: {\n  kind = \"sgd\";\n  lr = 0.1;\n};\na = 1;\n";
    struct tree tree = overlaid("o: { kind = \"adam\"; lr = 0.1; }; a = 1;", "o: {\n  kind = \"sgd\";\n};\n");
    static const char *const arguments[] = {"o.kind=adam", "o.kind=adamw", "o.new=3", "n.x=4",
                                            "a=7",         "a.b=8",        "o.l=[1]"};
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        cr_assert(sy_setting_assign(tree.root, arguments[i], 2, tree.problems));
    }
    const struct sy_setting *files = sy_setting_without_argument(at(&tree, "o.kind"));
    cr_expect_str_eq(files->string, "sgd");
    cr_expect_eq(files->layer, 1);
    cr_expect_eq(sy_setting_without_argument(at(&tree, "o.lr")), at(&tree, "o.lr"));
    cr_expect_null(sy_setting_without_argument(at(&tree, "o.new")));
    struct sy_setting *copy = sy_setting_copy(tree.root);
    cr_assert(copy);
    sy_setting_keep_arguments(copy);
    expect_written(copy,
                   "o: {\n  kind = \"adamw\";\n  new = 3;\n  l = [1];\n};\na: {\n  b = 8;\n};\nn: {\n  x = 4;\n};\n");
    sy_setting_destroy(copy);
    copy = sy_setting_copy(tree.root);
    cr_assert(copy);
    sy_setting_drop_arguments(copy);
    expect_written(copy, text);
    cr_expect_eq(sy_setting_find(copy, "o.kind")->layer, 1);
    sy_setting_destroy(copy);
    tree_free(&tree);
}

Test(layers, may_be_kept) {
    struct tree tree = overlaid("a = 1; b = 2;", "b = 3;\n"), copy = tree_text("");
    cr_assert(copy.root && sy_setting_overlay(copy.root, tree.root, SY_LAYERS_KEPT));
    cr_expect_eq(at(&copy, "a")->layer, 0);
    cr_expect_eq(at(&copy, "b")->layer, 1);
    tree_free(&copy);
    tree_free(&tree);
}

Test(layers, a_copy_is_a_tree_of_its_own) {
    struct tree tree = tree_text("g: { x = (1, \"two\"); };");
    struct sy_setting *copy = sy_setting_copy(at(&tree, "g"));
    cr_assert(copy);
    cr_expect_null(copy->parent);
    sy_setting_remove(tree.root, "g");
    expect_written(tree.root, "");
    expect_written(copy, "x = (1, \"two\");\n");
    cr_expect_eq(sy_setting_find(copy, "x.[1]")->line, 1);
    sy_setting_destroy(copy);
    tree_free(&tree);
}

Test(layers, add_replaces_in_place_and_remove_closes_the_gap) {
    struct tree tree = tree_text("a = 1; b = 2; c = 3;");
    struct sy_setting *b = sy_setting_add(tree.root, SY_SETTING_STRING, "b");
    cr_assert(b && sy_setting_set_string(b, "one") && sy_setting_set_string(b, "new"));
    cr_expect_str_eq(b->file, "default");
    sy_setting_remove(tree.root, "a");
    sy_setting_remove(tree.root, "nothing");
    struct sy_setting *list = sy_setting_add(tree.root, SY_SETTING_LIST, "l");
    cr_assert(list && sy_setting_add(list, SY_SETTING_INT, NULL) && sy_setting_add(list, SY_SETTING_INT, NULL));
    expect_written(tree.root, "b = \"new\";\nc = 3;\nl = [0, 0];\n");
    tree_free(&tree);
    sy_setting_destroy(NULL);
}
