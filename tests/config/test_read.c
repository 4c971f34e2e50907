/* Reading files: values and their places, @include, and what cannot be read. */
#include "../scratch.h"
#include "config/includes.h"
#include "trees.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

TestSuite(read, .init = enter_data);

Test(read, every_kind_of_value) {
    struct tree tree = tree_file("values.cfg");
    expect_problems(tree.problems, "");
    cr_expect_eq(at(&tree, "integer")->kind, SY_SETTING_INT);
    cr_expect_eq(at(&tree, "integer")->integer, 42);
    cr_expect_eq(at(&tree, "integer")->number, 42.0);
    cr_expect_eq(at(&tree, "long")->integer, 9000000000);
    cr_expect_eq(at(&tree, "hex")->integer, 16);
    cr_expect_eq(at(&tree, "real")->kind, SY_SETTING_FLOAT);
    cr_expect_eq(at(&tree, "real")->number, 5e-4);
    cr_expect_eq(at(&tree, "flag")->kind, SY_SETTING_BOOL);
    cr_expect_eq(at(&tree, "flag")->integer, 1);
    cr_expect_str_eq(at(&tree, "text")->string, "a # b // c \"@include\" [[[");
    cr_expect_eq(at(&tree, "group.inner")->integer, -1);
    cr_expect_str_eq(at(&tree, "group.deeper.leaf")->string, "x");
    cr_expect_eq(at(&tree, "array")->kind, SY_SETTING_LIST);
    cr_expect_eq(at(&tree, "array")->n_children, 3);
    cr_expect_eq(at(&tree, "list.[1]")->number, 2.5);
    cr_expect_eq(at(&tree, "list.[3].four")->integer, 4);
    cr_expect_eq(at(&tree, "list.[4].[0]")->integer, 5);
    cr_expect_eq(at(&tree, "empty")->n_children, 0);
    cr_expect_eq(at(&tree, "nothing")->kind, SY_SETTING_GROUP);
    tree_free(&tree);
}

Test(read, places) {
    struct tree tree = tree_file("values.cfg");
    char path[64], small[8];
    cr_expect_eq(at(&tree, "integer")->line, 2);
    cr_expect_eq(at(&tree, "after")->line, 4);
    cr_expect_eq(at(&tree, "group.deeper.leaf")->line, 11);
    cr_expect_str_eq(at(&tree, "group.inner")->file, "values.cfg");
    cr_expect_str_eq(sy_setting_path(at(&tree, "list.[3].four"), path, sizeof path), "list.[3].four");
    cr_expect_str_eq(sy_setting_path(at(&tree, "group.inner"), small, sizeof small), "group.i");
    cr_expect_str_eq(sy_setting_path(tree.root, path, sizeof path), "");
    tree_free(&tree);
}

Test(read, find_finds_only_what_is_there) {
    static const char *const none[] = {"nil",     "group.nil", "group.inner.x", "array.[3]", "array.[x]",
                                       "array.1", ".group",    "array.[1",      "group.[0]", "group..inner"};
    struct tree tree = tree_file("values.cfg");
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        cr_expect_null(sy_setting_find(tree.root, none[i]), "%s", none[i]);
    }
    cr_expect_eq(sy_setting_find(tree.root, ""), tree.root);
    cr_expect_null(sy_setting_find(NULL, "x"));
    tree_free(&tree);
}

Test(read, get_marks_find_does_not) {
    struct tree tree = tree_text("a = 1; b = 2; l = (1);");
    at(&tree, "a");
    cr_expect_not(at(&tree, "a")->used);
    cr_expect_eq(sy_setting_get(tree.root, "b"), at(&tree, "b"));
    cr_expect(at(&tree, "b")->used);
    cr_expect_null(sy_setting_get(tree.root, "c"));
    cr_expect_null(sy_setting_get(NULL, "c"));
    cr_expect_null(sy_setting_get(sy_setting_get(tree.root, "a"), "c"));
    cr_expect_null(sy_setting_get(sy_setting_get(tree.root, "l"), "c"));
    tree_free(&tree);
}

Test(read, includes_are_relative_to_the_first_file) {
    struct tree tree = tree_file("including.cfg");
    expect_problems(tree.problems, "");
    cr_expect_str_eq(at(&tree, "inner")->file, "parts/inner.cfg");
    cr_expect_eq(at(&tree, "inner")->line, 2);
    cr_expect_str_eq(at(&tree, "leaf")->file, "leaf.cfg");
    cr_expect_eq(at(&tree, "leaf")->line, 2);
    cr_expect_str_eq(at(&tree, "after")->file, "including.cfg");
    cr_expect_eq(at(&tree, "after")->line, 3);
    tree_free(&tree);
}

Test(read, included_files_are_named_with_their_folder) {
    cr_assert_eq(chdir("parts"), 0);
    struct tree tree = tree_file("../including.cfg");
    cr_expect_str_eq(at(&tree, "inner")->file, "../parts/inner.cfg");
    tree_free(&tree);
    tree = tree_file("../includes_broken.cfg");
    expect_problems(tree.problems, "../broken.cfg:2: syntax error\n");
    tree_free(&tree);
}

struct refused {
    const char *file, *problems;
};

static void expect_refused(const struct refused *refused) {
    struct tree tree = tree_file(refused->file);
    cr_expect_null(tree.root, "%s", refused->file);
    expect_problems(tree.problems, refused->problems);
    tree_free(&tree);
}

Test(read, include_cycles) {
    expect_refused(&(struct refused){"cycle_a.cfg", "cycle_b.cfg:6: @include cycle: cycle_a.cfg -> cycle_b.cfg -> "
                                                    "cycle_a.cfg\n"});
    expect_refused(&(struct refused){"itself.cfg", "itself.cfg:1: @include cycle: itself.cfg -> itself.cfg\n"});
    expect_refused(
        &(struct refused){"chain_0.cfg", "chain_10.cfg:1: @include \"chain_11.cfg\": nested more than 10 deep\n"});
    struct tree tree = tree_file("chain_2.cfg");
    expect_problems(tree.problems, "");
    cr_expect_eq(at(&tree, "end")->integer, 1);
    tree_free(&tree);
}

Test(read, what_cannot_be_read) {
    static const struct refused all[] = {
        {"nowhere.cfg", "nowhere.cfg: cannot be read: No such file or directory\n"},
        {"parts", "parts: cannot be read: Is a directory\n"},
        {"zero_byte.cfg", "zero_byte.cfg: cannot be read: it has zero bytes, so it is no text file\n"},
        {"missing.cfg", "missing.cfg:2: @include \"nowhere.cfg\": No such file or directory\n"
                        "missing.cfg:3: @include \"parts\": Is a directory\n"
                        "missing.cfg:4: @include \"/etc/hostname\": must be relative to the folder of missing.cfg\n"},
        {"broken.cfg", "broken.cfg:2: syntax error\n"},
        {"includes_broken.cfg", "broken.cfg:2: syntax error\n"},
        {"mixed.cfg",
         "mixed.cfg:2: mismatched element type in array; write numbers alike, as in [1.0, 2.5], or use ( )\n"},
        {"includes_unended.cfg", "unended.cfg:2: the comment on the last line needs a line end\n"},
        {"marked.cfg", "marked.cfg:1: begins with a byte order mark; save it without\n"},
        {"twice.cfg", "twice.cfg:2: duplicate setting name\n"},
        {"too_large.cfg", "too_large.cfg:1: 99999999999 does not fit 32 bits; write 99999999999L for 64\n"
                          "too_large.cfg:3: -2147483649 does not fit 32 bits; write -2147483649L for 64\n"
                          "too_large.cfg:4: 0xFFFFFFFF does not fit 32 bits; write 0xFFFFFFFFL for 64\n"
                          "too_large.cfg:5: 99999999999999999999L does not fit 64 bits; whole numbers end at "
                          "9223372036854775807L\n"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        expect_refused(&all[i]);
    }
}

Test(read, an_empty_file_is_an_empty_group) {
    struct tree tree = tree_file("empty.cfg");
    expect_problems(tree.problems, "");
    cr_expect_eq(tree.root->kind, SY_SETTING_GROUP);
    cr_expect_eq(tree.root->n_children, 0);
    tree_free(&tree);
}

Test(read, a_last_line_needs_no_end) {
    struct tree tree = tree_file("unended.cfg");
    expect_problems(tree.problems, "");
    cr_expect_eq(at(&tree, "a")->integer, 1);
    tree_free(&tree);
}

Test(read, a_pipe_is_read_to_its_end) {
    int ends[2];
    char name[32];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "a = 5;", 6), 6);
    close(ends[1]);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    struct tree tree = tree_file(name);
    expect_problems(tree.problems, "");
    cr_expect_eq(at(&tree, "a")->integer, 5);
    tree_free(&tree);
    close(ends[0]);
}

static void expect_nested(int depth, const char *open, const char *close, const char *problems) {
    char *text = calloc((size_t)depth + 5, strlen(open) + strlen(close));
    cr_assert(text);
    strcpy(text, "a = ");
    for (int i = 0; i < depth; i++) {
        strcat(text, open);
    }
    for (int i = 0; i < depth; i++) {
        strcat(text, close);
    }
    struct tree tree = tree_text(text);
    expect_problems(tree.problems, problems);
    cr_expect_eq(tree.root != NULL, !*problems);
    tree_free(&tree);
    free(text);
}

Test(read, nesting_has_an_end) {
    expect_nested(64, "(", ")", "");
    expect_nested(65, "(", ")", "t.cfg:1: nested more than 64 deep\n");
    expect_nested(60, "{a=", "1;}", "t.cfg:1: syntax error\n");
    expect_nested(20000, "(", "", "t.cfg:1: nested more than 64 deep\n");
    expect_nested(20000, "{a=", "", "t.cfg:1: nested more than 64 deep\n");
}

/* No text may do harm: cuts of a good one, with letters changed. What it becomes is not said here. */
Test(read, junk_does_no_harm) {
    char *good = sy_read_text("values.cfg"), *bad;
    cr_assert(good);
    size_t length = strlen(good);
    uint32_t random = 1;
    for (int round = 0; round < 3000; round++) {
        bad = strdup(good);
        for (int i = 0; i < 4; i++) {
            random = random * 1664525u + 1013904223u;
            bad[(random >> 8) % length] = (char)(random >> 24 ? random >> 24 : 1);
        }
        bad[(random >> 4) % (length + 1)] = round % 2 ? 0 : bad[(random >> 4) % (length + 1)];
        struct tree tree = tree_text(bad);
        cr_expect_eq(tree.root == NULL, sy_problems_count(tree.problems) > 0);
        tree_free(&tree);
        free(bad);
    }
    free(good);
}

static void put_times(FILE *file, const char *text, int count) {
    for (int i = 0; i < count; i++) {
        fputs(text, file);
    }
}

Test(read, a_long_file_is_read_whole) {
    char folder[SCRATCH_ROOM];
    scratch_folder(folder);
    cr_assert_eq(chdir(folder), 0);
    FILE *file = fopen("long.cfg", "w");
    cr_assert(file);
    put_times(file, "# a remark of some length that nobody needs to read to its end\n", 3000);
    cr_assert(fputs("last = 7;\n", file) >= 0 && fclose(file) == 0);
    struct tree tree = tree_file("long.cfg");
    expect_problems(tree.problems, "");
    cr_expect_eq(at(&tree, "last")->integer, 7);
    cr_expect_eq(at(&tree, "last")->line, 3001);
    tree_free(&tree);
    scratch_clear(folder);
}

/* Each file is within the limit, but not one in the other. */
Test(read, depth_adds_up_over_files) {
    char folder[SCRATCH_ROOM];
    scratch_folder(folder);
    cr_assert_eq(chdir(folder), 0);
    FILE *outer = fopen("outer.cfg", "w"), *inner = fopen("inner.cfg", "w");
    cr_assert(outer && inner);
    put_times(outer, "g: {\n", 40);
    fputs("@include \"inner.cfg\"\n", outer);
    put_times(outer, "};\n", 40);
    put_times(inner, "h: {\n", 40);
    put_times(inner, "};\n", 40);
    cr_assert(fclose(outer) == 0 && fclose(inner) == 0);
    struct tree tree = tree_file("outer.cfg");
    cr_assert_eq(sy_problems_count(tree.problems), 1);
    cr_expect(strstr(sy_problems_text(tree.problems, 0), "inner.cfg:25: "), "%s", sy_problems_text(tree.problems, 0));
    cr_expect(strstr(sy_problems_text(tree.problems, 0), "nested more than 64 deep"));
    cr_expect_null(tree.root);
    tree_free(&tree);
    scratch_clear(folder);
}
