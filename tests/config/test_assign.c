/* --set path.to.key=value. */
#include "trees.h"

#include <string.h>

#include <criterion/criterion.h>

struct value {
    const char *assignment, *path;
    enum sy_setting_kind kind;
    double number;
    const char *string;
};

Test(assign, values_are_those_of_a_config) {
    static const struct value values[] = {
        {"x=5", "x", SY_SETTING_INT, 5, NULL},
        {"x= -5", "x", SY_SETTING_INT, -5, NULL},
        {"x=99999999999", "x", SY_SETTING_INT, 99999999999, NULL},
        {"x=-99999999999", "x", SY_SETTING_INT, -99999999999, NULL},
        {"x=99999999999L", "x", SY_SETTING_INT, 99999999999, NULL},
        {"x=0x10", "x", SY_SETTING_INT, 16, NULL},
        {"x=5.0", "x", SY_SETTING_FLOAT, 5, NULL},
        {"x=5e-4", "x", SY_SETTING_FLOAT, 5e-4, NULL},
        {"x=true", "x", SY_SETTING_BOOL, 1, NULL},
        {"x=\"true\"", "x", SY_SETTING_STRING, 0, "true"},
        {"x=\"me@home; # or\"", "x", SY_SETTING_STRING, 0, "me@home; # or"},
        {"x=\"\"", "x", SY_SETTING_STRING, 0, ""},
        {"x=cifar10", "x", SY_SETTING_STRING, 0, "cifar10"},
        {"x=/data/cifar-10", "x", SY_SETTING_STRING, 0, "/data/cifar-10"},
        {"x=../a//b.cfg", "x", SY_SETTING_STRING, 0, "../a//b.cfg"},
        {"x=5#3", "x", SY_SETTING_STRING, 0, "5#3"},
        {"x=5;y=3", "x", SY_SETTING_STRING, 0, "5;y=3"},
        {"x=5/*c*/", "x", SY_SETTING_STRING, 0, "5/*c*/"},
        {"x=1.2.3", "x", SY_SETTING_STRING, 0, "1.2.3"},
        {"x=a=b", "x", SY_SETTING_STRING, 0, "a=b"},
        {"x=back\\slash", "x", SY_SETTING_STRING, 0, "back\\slash"},
        {"x=[1,2.5]", "x.[1]", SY_SETTING_FLOAT, 2.5, NULL},
        {"x=[\"a\",\"b\"]", "x.[1]", SY_SETTING_STRING, 0, "b"},
        {"x=[3]", "x.[0]", SY_SETTING_INT, 3, NULL},
        {"x=[]", "x", SY_SETTING_LIST, 0, NULL},
        {"x=(1,[2])", "x.[1].[0]", SY_SETTING_INT, 2, NULL},
        {"x={a=1;b={c=2;};}", "x.b.c", SY_SETTING_INT, 2, NULL},
        {"a.b-c.d_1=7", "a.b-c.d_1", SY_SETTING_INT, 7, NULL},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const struct value *value = &values[i];
        struct tree tree = tree_text("");
        cr_assert(sy_setting_assign(tree.root, value->assignment, 2, tree.problems), "%s", value->assignment);
        expect_problems(tree.problems, "");
        const struct sy_setting *got = at(&tree, value->path);
        cr_expect_eq(got->kind, value->kind, "%s is of kind %d", value->assignment, got->kind);
        cr_expect_str_eq(got->file, "--set");
        cr_expect_eq(got->line, 0);
        cr_expect_eq(got->layer, 2);
        if (value->string) {
            cr_expect_str_eq(got->string, value->string);
        } else if (value->kind != SY_SETTING_LIST) {
            cr_expect_eq(value->kind == SY_SETTING_BOOL ? (double)got->integer : got->number, value->number, "%s",
                         value->assignment);
        }
        tree_free(&tree);
    }
}

Test(assign, replaces_creates_and_keeps_neighbours) {
    struct tree tree = tree_text("train: { lr = 0.1; epochs = 3; };\nseed = 1;");
    cr_assert(sy_setting_assign(tree.root, "train.lr=1", 1, tree.problems));
    cr_assert(sy_setting_assign(tree.root, "train.optimizer.kind=sgd", 1, tree.problems));
    cr_assert(sy_setting_assign(tree.root, "seed.sub=2", 1, tree.problems));
    expect_written(tree.root, "train: {\n  lr = 1;\n  epochs = 3;\n  optimizer: {\n    kind = \"sgd\";\n  };\n};\n"
                              "seed: {\n  sub = 2;\n};\n");
    cr_expect_eq(at(&tree, "train")->layer, 0);
    cr_expect_eq(at(&tree, "train.lr")->layer, 1);
    cr_expect_eq(at(&tree, "train.optimizer")->layer, 1);
    tree_free(&tree);
}

struct malformed {
    const char *assignment, *problem;
};

Test(assign, malformed_ones_change_nothing) {
    static const struct malformed all[] = {
        {"seed", "--set: \"seed\" must look like path.to.key=value\n"},
        {"", "--set: \"\" must look like path.to.key=value\n"},
        {"=5", "--set: \"=5\" must look like path.to.key=value\n"},
        {".a=5", "--set: \".a=5\" must look like path.to.key=value\n"},
        {"a.=5", "--set: \"a.=5\" must look like path.to.key=value\n"},
        {"a..b=5", "--set: \"a..b=5\" must look like path.to.key=value\n"},
        {"a b=5", "--set: \"a b=5\" must look like path.to.key=value\n"},
        {"5a=5", "--set: \"5a=5\" must look like path.to.key=value\n"},
        {"a.b=", "--set a.b: has no value; an empty string is a.b='\"\"'\n"},
        {"a.b=[1,", "--set a.b: [1, is no value a config could hold: syntax error\n"},
        {"a=[", "--set a: [ is no value a config could hold: syntax error\n"},
        {"a=\"x", "--set a: \"x is no value a config could hold: syntax error\n"},
        {"a=[1]; b=[2]", "--set a: [1]; b=[2] is no value a config could hold: syntax error\n"},
        {"a={b=1;}; c=2", "--set a: {b=1;}; c=2 is no value a config could hold\n"},
        {"a={b=1;b=2;}", "--set a: {b=1;b=2;} is no value a config could hold: duplicate setting name\n"},
        {"a=[99999999999]", "--set a: [99999999999] is no value a config could hold: 99999999999 does not fit 32 bits; "
                            "write 99999999999L for 64\n"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct tree tree = tree_text("keep = 1;");
        cr_expect_not(sy_setting_assign(tree.root, all[i].assignment, 1, tree.problems), "%s", all[i].assignment);
        expect_problems(tree.problems, all[i].problem);
        expect_written(tree.root, "keep = 1;\n");
        tree_free(&tree);
    }
}

/* A value of several lines could smuggle a directive in. */
Test(assign, no_file_is_included) {
    struct tree tree = tree_text("");
    cr_expect_not(sy_setting_assign(tree.root, "a=[1,\n@include \"x.cfg\"\n]", 1, tree.problems));
    cr_expect_eq(sy_problems_count(tree.problems), 1);
    tree_free(&tree);
}
