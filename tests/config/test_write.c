/* Writing: what is written reads back to the same tree. */
#include "trees.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

/* Whether two trees say the same: kinds, names, order and every bit of every value. */
static bool same(const struct sy_setting *a, const struct sy_setting *b) {
    bool names = a->name && b->name ? !strcmp(a->name, b->name) : !a->name && !b->name;
    if (!names || a->kind != b->kind || a->n_children != b->n_children) {
        return false;
    }
    if (a->kind == SY_SETTING_STRING && strcmp(a->string, b->string)) {
        return false;
    }
    if (a->kind == SY_SETTING_FLOAT && memcmp(&a->number, &b->number, sizeof a->number)) {
        return false;
    }
    if ((a->kind == SY_SETTING_INT || a->kind == SY_SETTING_BOOL) && a->integer != b->integer) {
        return false;
    }
    for (size_t i = 0; i < a->n_children; i++) {
        if (!same(a->children[i], b->children[i])) {
            return false;
        }
    }
    return true;
}

static void expect_round_trip(const struct sy_setting *root) {
    char *text = written(root);
    struct tree back = tree_text(text);
    expect_problems(back.problems, "");
    cr_expect(back.root && same(root, back.root), "reads back as another tree:\n%s", text);
    tree_free(&back);
    free(text);
}

Test(write, looks_like_a_config) {
    struct tree tree =
        tree_text("a=1;b=2.0;c=true;d=\"x\";e:{f=[1,2];g=(1,2.5);h:{};};l=({x=1;},[]);big=[5000000000L];");
    expect_written(tree.root,
                   "a = 1;\nb = 2.0;\nc = true;\nd = \"x\";\ne: {\n  f = [1, 2];\n  g = (1, 2.5);\n  h: {\n  };\n"
                   "};\nl = ({\n  x = 1;\n}, []);\nbig = (5000000000L);\n");
    tree_free(&tree);
}

Test(write, numbers_exactly) {
    static const double numbers[] = {
        0.1,      1.0 / 3,   5e-4,    1e20,  1e-320,   -0.0,    0.0, 1.7976931348623157e308,
        5e-324,   123456.0,  1e15,    1e16,  1e17,     -2.5e-7, 1.0, 0.30000000000000004,
        INFINITY, -INFINITY, 2e0 / 3, 1e100, 4.9e-300, 1e22,    1e23};
    struct tree tree = tree_text("");
    struct sy_setting *list = sy_setting_add(tree.root, SY_SETTING_LIST, "numbers");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sy_setting_add(list, SY_SETTING_FLOAT, NULL)->number = numbers[i];
    }
    expect_round_trip(tree.root);
    tree_free(&tree);
}

Test(write, whole_numbers_of_any_size) {
    static const int64_t numbers[] = {
        0, -1, INT32_MAX, INT32_MIN, (int64_t)INT32_MAX + 1, INT64_MAX, INT64_MIN, (int64_t)INT32_MIN - 1};
    struct tree tree = tree_text("");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%zu", i);
        sy_setting_add(tree.root, SY_SETTING_INT, name)->integer = numbers[i];
    }
    expect_round_trip(tree.root);
    tree_free(&tree);
}

Test(write, every_byte_of_a_string) {
    char bytes[256];
    for (int i = 0; i < 255; i++) {
        bytes[i] = (char)(i + 1);
    }
    bytes[255] = 0;
    struct tree tree = tree_text("a = 1;");
    cr_assert(sy_setting_set_string(sy_setting_add(tree.root, SY_SETTING_STRING, "s"), bytes));
    cr_assert(sy_setting_set_string(sy_setting_add(tree.root, SY_SETTING_STRING, "t"), "\n@include \"x.cfg\"\n"));
    cr_assert(sy_setting_set_string(sy_setting_add(tree.root, SY_SETTING_STRING, "u"), ""));
    expect_round_trip(tree.root);
    tree_free(&tree);
}

Test(write, a_full_disk_is_noticed) {
    struct tree tree = tree_text("a = 1;");
    FILE *full = fopen("/dev/full", "w");
    if (!full) {
        cr_skip_test("there is no /dev/full here");
    }
    cr_expect_not(sy_setting_write(tree.root, full));
    fclose(full);
    tree_free(&tree);
}

/* ---- random trees ----------------------------------------------------------------------------------------------- */

static uint64_t draw(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15u;
    uint64_t mixed = (*state ^ (*state >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

static void fill(struct sy_setting *setting, uint64_t *state, int depth);

static void fill_children(struct sy_setting *setting, uint64_t *state, int depth) {
    int count = (int)(draw(state) % 5);
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%c%d_-*", 'a' + (int)(draw(state) % 26), i);
        enum sy_setting_kind kind = (enum sy_setting_kind)(depth < 5 ? draw(state) % 6 : 2 + draw(state) % 4);
        struct sy_setting *child = sy_setting_add(setting, kind, setting->kind == SY_SETTING_GROUP ? name : NULL);
        cr_assert(child);
        fill(child, state, depth + 1);
    }
}

static void fill(struct sy_setting *setting, uint64_t *state, int depth) {
    char text[12] = "";
    uint64_t bits = draw(state);
    switch (setting->kind) {
    case SY_SETTING_INT:
        setting->integer = (int64_t)bits >> (bits % 64);
        break;
    case SY_SETTING_BOOL:
        setting->integer = (int64_t)(bits & 1);
        break;
    case SY_SETTING_FLOAT:
        memcpy(&setting->number, &bits, sizeof bits);
        if (isnan(setting->number)) {
            setting->number = 0.1;
        }
        break;
    case SY_SETTING_STRING:
        memcpy(text, &bits, sizeof bits);
        cr_assert(sy_setting_set_string(setting, text));
        break;
    default:
        fill_children(setting, state, depth);
    }
}

Test(write, random_trees) {
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct tree tree = tree_text("");
        uint64_t state = seed;
        fill(tree.root, &state, 0);
        expect_round_trip(tree.root);
        tree_free(&tree);
    }
}
