/* Problems: how they look, their order, the nearest known name. */
#include "trees.h"

#include <string.h>

#include <criterion/criterion.h>

Test(problems, are_told_in_the_order_of_files_and_lines) {
    struct tree tree = tree_text(NULL);
    sy_problem_in(tree.problems, "b.cfg", 7, "seventh");
    sy_problem_in(tree.problems, "a.cfg", 2, "second");
    sy_problem_in(tree.problems, "b.cfg", 3, "third");
    sy_problem_in(tree.problems, "b.cfg", 7, "seventh again");
    sy_problem_in(tree.problems, "a.cfg", 0, "the file");
    sy_problem(tree.problems, NULL, "nowhere, %d", 1);
    expect_problems(tree.problems, "nowhere, 1\nb.cfg:3: third\nb.cfg:7: seventh\nb.cfg:7: seventh again\n"
                                   "a.cfg: the file\na.cfg:2: second\n");
    cr_expect_eq(sy_problems_count(tree.problems), 6);
    cr_expect_str_eq(sy_problems_text(tree.problems, 0), "b.cfg:7: seventh");
    tree_free(&tree);
}

Test(problems, keep_order_when_there_are_many) {
    struct tree tree = tree_text(NULL);
    for (int line = 500; line > 0; line--) {
        sy_problem_in(tree.problems, "a.cfg", line, "x");
    }
    char expected[500 * 16] = "";
    for (int line = 1, used = 0; line <= 500; line++) {
        used += snprintf(expected + used, sizeof expected - (size_t)used, "a.cfg:%d: x\n", line);
    }
    expect_problems(tree.problems, expected);
    tree_free(&tree);
}

Test(problems, name_the_place_of_a_setting) {
    struct tree tree = tree_text("a: {\n b = (1,\n {c = 2;});\n};");
    cr_assert(sy_setting_assign(tree.root, "x.y=[7]", 1, tree.problems));
    struct sy_setting *added = sy_setting_add(tree.root->children[0], SY_SETTING_INT, "d");
    sy_problem(tree.problems, at(&tree, "a.b.[1].c"), "one");
    sy_problem(tree.problems, at(&tree, "x.y.[0]"), "two");
    sy_problem(tree.problems, added, "three");
    sy_problem(tree.problems, tree.root, "four");
    expect_problems(tree.problems, "a.d: three\nt.cfg: four\nt.cfg:3: a.b.[1].c: one\n--set x.y.[0]: two\n");
    tree_free(&tree);
}

Test(problems, take_long_texts_whole) {
    struct tree tree = tree_text(NULL);
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    sy_problem(tree.problems, NULL, "%s", text);
    cr_expect_str_eq(sy_problems_text(tree.problems, 0), text);
    tree_free(&tree);
}

struct guess {
    const char *name, *nearest;
};

Test(problems, guess_the_nearest_name) {
    static const char *const known[] = {"temperature", "lr", "momentum", NULL, "nesterov", "plugin"};
    static const struct guess guesses[] = {
        {"temprature", "temperature"}, /* a letter too few */
        {"temperatures", "temperature"} /* too many */,
        {"tempreature", "temperature"}, /* swapped */
        {"rl", "lr"},                   /* swapped: one edit, and one is always allowed */
        {"plugni", "plugin"},
        {"momentun", "momentum"},
        {"pligun", "plugin"}, /* two edits in six letters */
        {"plxxxn", NULL},     /* three in six */
        {"xx", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) {
        const char *nearest = sy_nearest_name(guesses[i].name, known, sizeof known / sizeof known[0]);
        const char *expected = guesses[i].nearest;
        cr_expect(expected ? nearest && !strcmp(nearest, expected) : !nearest, "%s: %s", guesses[i].name,
                  nearest ? nearest : "none");
    }
}

Test(problems, guess_nothing_for_endless_names) {
    char name[400];
    const char *const known[] = {"plugin"};
    memset(name, 'p', sizeof name - 1);
    name[sizeof name - 1] = 0;
    cr_expect_null(sy_nearest_name(name, known, 1));
}
