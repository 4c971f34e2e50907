/* Texts to trees and back: values, lines, @include, layers, --set. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/includes.h"
#include "config/setting.h"

static struct sy_problems *problems;

static void start(void) {
    problems = sy_problems_create();
}

static void stop(void) {
    sy_problems_destroy(problems);
}

TestSuite(reading, .init = start, .fini = stop);

static struct sy_setting *read_good(const char *text) {
    struct sy_setting *root = sy_setting_read_text(text, "a.cfg", problems);
    cr_assert_not_null(root, "%s", sy_problems_text(problems, 0));
    return root;
}

Test(reading, all_kinds_of_values) {
    struct sy_setting *root = read_good("i = 3;\nl = 9007199254740993L;\nd = 0.1;\nb = true;\ns = \"x\\\"y\";\n"
                                        "g : { k = [1, 2]; };\n");
    cr_assert_eq(sy_setting_find(root, "i")->integer, 3);
    cr_assert_eq(sy_setting_find(root, "l")->integer, 9007199254740993LL);
    cr_assert_eq(sy_setting_find(root, "d")->number, 0.1);
    cr_assert_eq(sy_setting_find(root, "b")->kind, SY_SETTING_BOOL);
    cr_assert_str_eq(sy_setting_find(root, "s")->string, "x\"y");
    cr_assert_eq(sy_setting_find(root, "g.k.[1]")->integer, 2);
    cr_assert_eq(sy_setting_find(root, "g.k")->line, 6);
    cr_assert_str_eq(sy_setting_find(root, "g.k")->file, "a.cfg");
    cr_assert_null(sy_setting_find(root, "g.none"));
    sy_setting_destroy(root);
}

Test(reading, numbers_that_would_be_cut_are_refused) {
    cr_assert_null(sy_setting_read_text("a = 1;\nb = 3000000000;\n", "a.cfg", problems));
    cr_assert_str_eq(sy_problems_text(problems, 0),
                     "a.cfg:2: 3000000000 does not fit 32 bits; write 3000000000L for 64");
}

Test(reading, nesting_has_a_limit) {
    char text[256] = "a = ";
    for (int i = 0; i <= SY_MOST_NESTED; i++) {
        strcat(text, "(");
    }
    cr_assert_null(sy_setting_read_text(text, "a.cfg", problems));
    cr_assert_str_eq(sy_problems_text(problems, 0), "a.cfg:1: nested more than 64 deep");
}

Test(reading, missing_include_is_named_at_its_line) {
    cr_assert_null(sy_setting_read_text("a = 1;\n@include \"nowhere.cfg\"\n", "a.cfg", problems));
    const char *text = sy_problems_text(problems, 0), *want = "a.cfg:2: @include \"nowhere.cfg\": ";
    cr_assert(!strncmp(text, want, strlen(want)), "%s", text);
}

Test(reading, a_folder_is_no_config) {
    cr_assert_null(sy_setting_read("/", problems));
    cr_assert_eq(sy_problems_count(problems), 1);
}

Test(reading, layers_replace_merge_and_append) {
    struct sy_setting *base = read_good("a = 1; g : { x = 1; y = 2; };"), *over = read_good("g : { y = 3; z = 4; };");
    cr_assert(sy_setting_overlay(base, over, 1));
    cr_assert_eq(sy_setting_find(base, "g.x")->integer, 1);
    cr_assert_eq(sy_setting_find(base, "g.y")->integer, 3);
    cr_assert_eq(sy_setting_find(base, "g.y")->layer, 1);
    cr_assert_eq(sy_setting_find(base, "g.x")->layer, 0);
    cr_assert_eq(sy_setting_find(base, "g.z")->integer, 4);
    sy_setting_destroy(base);
    sy_setting_destroy(over);
}

Test(reading, assignments) {
    struct sy_setting *root = read_good("a = 1;");
    cr_assert(sy_setting_assign(root, "a=2.5", 2, problems));
    cr_assert(sy_setting_assign(root, "g.list=[1.5, 2]", 2, problems));
    cr_assert(sy_setting_assign(root, "g.on=false", 2, problems));
    cr_assert(sy_setting_assign(root, "g.word=shapes", 2, problems));
    cr_assert(sy_setting_assign(root, "g.path=../data//x", 2, problems));
    cr_assert_eq(sy_setting_find(root, "a")->number, 2.5);
    cr_assert_eq(sy_setting_find(root, "g.list.[0]")->number, 1.5);
    cr_assert_eq(sy_setting_find(root, "g.list.[1]")->integer, 2);
    cr_assert_eq(sy_setting_find(root, "g.on")->kind, SY_SETTING_BOOL);
    cr_assert_str_eq(sy_setting_find(root, "g.word")->string, "shapes");
    cr_assert_str_eq(sy_setting_find(root, "g.path")->string, "../data//x");
    cr_assert_str_eq(sy_setting_find(root, "g.path")->file, "--set");
    static const char *const bad[] = {"", "a", "=1", "a..b=1", ".a=1", "a.=1", "a=[1", "a=\"x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_not(sy_setting_assign(root, bad[i], 2, problems), "%s", bad[i]);
        cr_assert_eq(sy_problems_count(problems), i + 1);
    }
    sy_setting_destroy(root);
}
