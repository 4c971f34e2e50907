/* Field tables: every type, every complaint, defaults and paths. */
#include "trees.h"

#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

TestSuite(fields, .init = enter_data);

struct thing {
    int32_t small, flag, choice;
    int64_t large;
    uint64_t natural;
    double real, open;
    const char *text, *path, *none;
    struct sy_ints ints;
    struct sy_doubles doubles;
    struct sy_strings texts, paths;
    double seen;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct thing, small, .def = 3, .min = 1, .max = 10, .doc = "a small one"),
    SY_PARAM(struct thing, flag, .def = 1, .flags = SY_FLAG, .doc = "yes or no"),
    SY_PARAM(struct thing, choice, .def = 1, .choices = "sum|student|mean", .doc = "one of three"),
    SY_PARAM(struct thing, large, .def = -5, .doc = "any"),
    SY_PARAM(struct thing, natural, .def = 7, .doc = "from zero"),
    SY_PARAM(struct thing, real, .def = 0.5, .min = 0.1, .max = 10, .doc = "a real one"),
    SY_PARAM(struct thing, open, .def = 1, .max = 2, .flags = SY_MIN_EXCLUSIVE, .doc = "above zero"),
    SY_PARAM(struct thing, text, .def_text = "hello", .doc = "words"),
    SY_PARAM(struct thing, path, .def_text = "./x/../data", .flags = SY_PATH, .doc = "where"),
    SY_PARAM(struct thing, none, .doc = "nothing unless given"),
    SY_PARAM(struct thing, ints, .def_text = "[1, 2]", .min = 0, .max = 100, .doc = "whole ones"),
    SY_PARAM(struct thing, doubles, .def_text = "[0.5, 2]", .min = 0, .max = 3, .doc = "real ones"),
    SY_PARAM(struct thing, texts, .def_text = "[\"a\", \"b\"]", .doc = "words"),
    SY_PARAM(struct thing, paths, .def_text = "[]", .flags = SY_PATH, .doc = "places"),
    SY_OBSERVED(struct thing, seen, .doc = "no business of the config"),
    SY_END,
};
static const struct sy_table table = {fields, 0};

static bool read_thing(struct thing *thing, struct tree *tree) {
    memset(thing, 0, sizeof *thing);
    return sy_fields_read(thing, &table, tree->root, tree->arena, tree->problems);
}

static void expect_defaults(const struct thing *thing) {
    char folder[4096], path[4200];
    cr_assert(getcwd(folder, sizeof folder));
    snprintf(path, sizeof path, "%s/data", folder);
    cr_expect_eq(thing->small, 3);
    cr_expect_eq(thing->flag, 1);
    cr_expect_eq(thing->choice, 1);
    cr_expect_eq(thing->large, -5);
    cr_expect_eq(thing->natural, 7);
    cr_expect_eq(thing->real, 0.5);
    cr_expect_str_eq(thing->text, "hello");
    cr_expect_str_eq(thing->path, path);
    cr_expect_null(thing->none);
    cr_expect_eq(thing->ints.count, 2);
    cr_expect_eq(thing->ints.at[1], 2);
    cr_expect_eq(thing->doubles.count, 2);
    cr_expect_eq(thing->doubles.at[1], 2.0);
    cr_expect_eq(thing->texts.count, 2);
    cr_expect_str_eq(thing->texts.at[1], "b");
    cr_expect_eq(thing->paths.count, 0);
}

Test(fields, defaults_fill_the_struct_and_the_tree) {
    struct thing thing;
    struct tree tree = tree_text("");
    char folder[4096], expected[8192];
    cr_expect(read_thing(&thing, &tree));
    expect_problems(tree.problems, "");
    expect_defaults(&thing);
    cr_assert(getcwd(folder, sizeof folder));
    snprintf(expected, sizeof expected,
             "small = 3;\nflag = true;\nchoice = \"student\";\nlarge = -5;\nnatural = 7;\nreal = 0.5;\nopen = 1.0;\n"
             "text = \"hello\";\npath = \"%s/data\";\nints = [1, 2];\ndoubles = (0.5, 2);\ntexts = [\"a\", \"b\"];\n"
             "paths = [];\n",
             folder);
    expect_written(tree.root, expected);
    cr_expect_str_eq(at(&tree, "ints")->file, "default");
    cr_expect_eq(at(&tree, "ints.[1]")->line, 0);
    cr_expect(at(&tree, "real")->used);
    tree_free(&tree);
}

Test(fields, no_group_means_all_defaults) {
    struct thing thing;
    struct tree tree = tree_text(NULL);
    cr_expect(read_thing(&thing, &tree));
    expect_problems(tree.problems, "");
    expect_defaults(&thing);
    tree_free(&tree);
}

Test(fields, given_values_arrive) {
    struct thing thing;
    struct tree tree =
        tree_text("small = 10; flag = false; choice = \"mean\"; large = -9000000000L; natural = 9000000000L;"
                  "real = 2; open = 2.0; text = \"\"; none = \"some\"; ints = [0, 100]; doubles = (1, 2.5);"
                  "texts = []; paths = [\"a\", \"/b/./c/\"]; path = \"..\";");
    cr_expect(read_thing(&thing, &tree));
    expect_problems(tree.problems, "");
    cr_expect_eq(thing.small, 10);
    cr_expect_eq(thing.flag, 0);
    cr_expect_eq(thing.choice, 2);
    cr_expect_eq(thing.large, -9000000000);
    cr_expect_eq(thing.natural, 9000000000u);
    cr_expect_eq(thing.real, 2.0);
    cr_expect_eq(thing.open, 2.0);
    cr_expect_str_eq(thing.text, "");
    cr_expect_str_eq(thing.none, "some");
    cr_expect_eq(thing.ints.count, 2);
    cr_expect_eq(thing.ints.at[1], 100);
    cr_expect_eq(thing.doubles.count, 2);
    cr_expect_eq(thing.doubles.at[0], 1.0);
    cr_expect_eq(thing.texts.count, 0);
    cr_expect_str_eq(thing.paths.at[1], "/b/c");
    cr_expect_eq(thing.seen, 0.0);
    tree_free(&tree);
}

Test(fields, a_single_value_is_a_list_of_one) {
    struct thing thing;
    struct tree tree = tree_text("ints = 4; doubles = 1; texts = \"one\";");
    cr_expect(read_thing(&thing, &tree));
    cr_expect_eq(thing.ints.count, 1);
    cr_expect_eq(thing.ints.at[0], 4);
    cr_expect_eq(thing.doubles.at[0], 1.0);
    cr_expect_eq(thing.texts.count, 1);
    cr_expect_str_eq(thing.texts.at[0], "one");
    tree_free(&tree);
}

struct complaint {
    const char *text, *problem;
};

static const struct complaint complaints[] = {
    {"small = 12;", "small: 12 is outside [1, 10]"},
    {"small = 0;", "small: 0 is outside [1, 10]"},
    {"small = 2.5;", "small: is 2.5, must be a whole number in [1, 10]"},
    {"small = 3000000000L;", "small: 3000000000 is outside [1, 10]"},
    {"small = true;", "small: is true or false, must be a whole number in [1, 10]"},
    {"large = \"5\";", "large: is a string, must be a whole number, for example 1"},
    {"large = [1];", "large: is a list, must be a whole number, for example 1"},
    {"natural = -1;", "natural: -1 is outside [0, 9223372036854775807]"},
    {"flag = 1;", "flag: is a whole number, must be true or false"},
    {"flag = \"yes\";", "flag: is a string, must be true or false"},
    {"choice = \"studnet\";",
     "choice: \"studnet\" is not one of \"sum\", \"student\", \"mean\"; did you mean \"student\"?"},
    {"choice = \"nothing\";", "choice: \"nothing\" is not one of \"sum\", \"student\", \"mean\""},
    {"choice = 1;", "choice: is a whole number, must be one of \"sum\", \"student\", \"mean\""},
    {"real = 12;", "real: 12 is outside [0.1, 10]"},
    {"real = 0.09999999;", "real: 0.09999999 is outside [0.1, 10]"},
    {"real = \"x\";", "real: is a string, must be a number in [0.1, 10]"},
    {"real = 1.0e999;", "real: inf is outside [0.1, 10]"},
    {"open = 0;", "open: 0 is outside (0, 2]"},
    {"open = 0.0;", "open: 0 is outside (0, 2]"},
    {"text = 5;", "text: is a whole number, must be a string in quotes"},
    {"path = 5.5;", "path: is a number with a fraction, must be a string in quotes"},
    {"ints = [1, -2];", "ints.[1]: -2 is outside [0, 100]"},
    {"ints = (1, 2.5);", "ints.[1]: is 2.5, must be a whole number in [0, 100]"},
    {"ints = 101;", "ints: 101 is outside [0, 100]"},
    {"ints = { };", "ints: is a group, must be a list, for example [1, 2]"},
    {"doubles = ((1), 2.5);", "doubles.[0]: is a list, must be a number in [0, 3]"},
    {"doubles = \"x\";", "doubles: is a string, must be a number in [0, 3]"},
    {"texts = (\"a\", 2);", "texts.[1]: is a whole number, must be a string in quotes"},
};

Test(fields, every_complaint_says_where_and_what_would_be_right) {
    for (size_t i = 0; i < sizeof complaints / sizeof complaints[0]; i++) {
        char text[256], expected[512];
        struct thing thing;
        snprintf(text, sizeof text, "\n%s", complaints[i].text);
        snprintf(expected, sizeof expected, "t.cfg:2: %s\n", complaints[i].problem);
        struct tree tree = tree_text(text);
        cr_expect_not(read_thing(&thing, &tree), "%s", text);
        expect_problems(tree.problems, expected);
        tree_free(&tree);
    }
}

Test(fields, all_complaints_come_at_once) {
    struct thing thing;
    struct tree tree = tree_text("real = 12;\nsmall = 12;");
    cr_assert(sy_setting_assign(tree.root, "flag=1", 1, tree.problems));
    cr_expect_not(read_thing(&thing, &tree));
    expect_problems(tree.problems, "t.cfg:1: real: 12 is outside [0.1, 10]\nt.cfg:2: small: 12 is outside [1, 10]\n"
                                   "--set flag: is a whole number, must be true or false\n");
    tree_free(&tree);
}

struct number {
    int32_t whole;
    double any;
};

static const struct sy_field numbers[] = {
    SY_PARAM(struct number, whole, .doc = "no limits"),
    SY_PARAM(struct number, any, .doc = "no limits"),
    SY_END,
};

Test(fields, types_have_limits_too) {
    struct number number = {0};
    struct sy_table limits = {numbers, 0};
    struct tree tree = tree_text("whole = 2147483648L;\nany = -1.0e999;");
    cr_expect_not(sy_fields_read(&number, &limits, tree.root, tree.arena, tree.problems));
    expect_problems(tree.problems, "t.cfg:1: whole: 2147483648 is outside [-2147483648, 2147483647]\n"
                                   "t.cfg:2: any: -inf is outside what a number can be\n");
    tree_free(&tree);
    tree = tree_text("whole = -2147483648;\nany = 1.0e308;");
    cr_expect(sy_fields_read(&number, &limits, tree.root, tree.arena, tree.problems));
    cr_expect_eq(number.whole, INT32_MIN);
    cr_expect_eq(number.any, 1e308);
    tree_free(&tree);
}

Test(fields, paths_are_relative_to_their_file) {
    struct thing thing;
    char folder[4096], expected[4200];
    struct tree tree = tree_file("including.cfg");
    cr_assert(tree.root && getcwd(folder, sizeof folder));
    struct sy_field rows[] = {SY_PARAM(struct thing, path, .flags = SY_PATH, .doc = "where"), SY_END};
    rows[0].name = "inner";
    struct sy_table inner = {rows, 0};
    cr_expect(sy_fields_read(&thing, &inner, tree.root, tree.arena, tree.problems));
    snprintf(expected, sizeof expected, "%s/parts/data", folder);
    cr_expect_str_eq(thing.path, expected);
    cr_expect_str_eq(at(&tree, "inner")->string, expected, "the tree says it too, so that it can be written anywhere");
    cr_assert(sy_setting_assign(tree.root, "inner=../up", 1, tree.problems));
    cr_expect(sy_fields_read(&thing, &inner, tree.root, tree.arena, tree.problems));
    *strrchr(folder, '/') = 0;
    snprintf(expected, sizeof expected, "%s/up", folder);
    cr_expect_str_eq(thing.path, expected);
    tree_free(&tree);
}

struct resolved {
    const char *path, *file, *absolute;
};

Test(fields, paths_lose_their_dots) {
    static const struct resolved all[] = {
        {"a", "/x/y.cfg", "/x/a"},
        {"../a", "/x/y/z.cfg", "/x/a"},
        {"../../../a", "/x/y.cfg", "/a"},
        {"/b//c/./d/..", "q.cfg", "/b/c"},
        {"..", "/y.cfg", "/"},
        {".", "/x/y.cfg", "/x"},
        {".hidden/..x", "/y.cfg", "/.hidden/..x"},
    };
    struct sy_field rows[] = {SY_PARAM(struct thing, path, .flags = SY_PATH, .doc = "where"), SY_END};
    struct sy_table one = {rows, 0};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char text[64];
        struct thing thing;
        struct tree tree = tree_text(NULL);
        snprintf(text, sizeof text, "path = \"%s\";", all[i].path);
        tree.root = sy_setting_read_text(text, all[i].file, tree.problems);
        cr_expect(sy_fields_read(&thing, &one, tree.root, tree.arena, tree.problems));
        cr_expect_str_eq(thing.path, all[i].absolute);
        tree_free(&tree);
    }
}

Test(fields, what_is_required_must_be_there) {
    struct number number = {0};
    struct sy_field rows[] = {SY_PARAM(struct number, any, .flags = SY_REQUIRED, .doc = "how many"), SY_END};
    struct sy_table required = {rows, 0};
    struct tree tree = tree_text("\ng: { };");
    struct sy_setting *group = sy_setting_get(tree.root, "g");
    cr_expect_not(sy_fields_read(&number, &required, group, tree.arena, tree.problems));
    cr_expect_not(sy_fields_read(&number, &required, tree.root, tree.arena, tree.problems));
    cr_expect_not(sy_fields_read(&number, &required, NULL, tree.arena, tree.problems));
    expect_problems(tree.problems, "\"any\" is missing: how many\nt.cfg: \"any\" is missing: how many\n"
                                   "t.cfg:2: g: \"any\" is missing: how many\n");
    tree_free(&tree);
}

Test(fields, a_group_must_be_one) {
    struct thing thing = {0};
    struct tree tree = tree_text("g = [1];");
    struct sy_setting *group = sy_setting_get(tree.root, "g");
    cr_expect_not(sy_fields_read(&thing, &table, group, tree.arena, tree.problems));
    expect_problems(tree.problems, "t.cfg:1: g: is a list, must be a group: { ... }\n");
    expect_written(tree.root, "g = [1];\n");
    cr_expect_eq(thing.small, 3, "defaults all the same");
    sy_fields_finish(group, NULL, 0, NULL, tree.problems);
    cr_expect_eq(sy_problems_count(tree.problems), 1);
    tree_free(&tree);
}

/* Rows of a build with more members than ours, and with fewer. */
Test(fields, rows_of_another_build) {
    struct longer {
        struct sy_field field;
        void *more;
    } rows[] = {{SY_PARAM(struct number, whole, .def = 4, .doc = "w"), NULL},
                {SY_PARAM(struct number, any, .def = 5, .doc = "a"), NULL},
                {SY_END, NULL}};
    struct number number = {0};
    struct sy_field row;
    struct sy_table longer = {&rows[0].field, sizeof rows[0]};
    struct tree tree = tree_text(NULL);
    cr_expect(sy_fields_read(&number, &longer, NULL, tree.arena, tree.problems));
    cr_expect_eq(number.whole, 4);
    cr_expect_eq(number.any, 5.0);
    cr_expect_not(sy_table_row(&longer, 2, &row));
    struct sy_table shorter = {&rows[0].field, offsetof(struct sy_field, doc)};
    cr_expect(sy_table_row(&shorter, 0, &row));
    cr_expect_str_eq(row.name, "whole");
    cr_expect_null(row.doc);
    cr_expect_not(sy_table_row(&(struct sy_table){NULL, 0}, 0, &row));
    tree_free(&tree);
}
