/* Tables as a whole: are they sane, what do they say to a person? */
#include "trees.h"

#include <math.h>
#include <stdlib.h>

#include <criterion/criterion.h>

struct self {
    int32_t whole;
    double real;
    struct sy_ints ints;
    struct sy_doubles reals;
    const char *text;
    double history[4];
};

static const struct sy_field good[] = {
    SY_PARAM(struct self, whole, .def = 2, .min = 1, .max = 5, .unit = "pixels", .doc = "how far"),
    SY_PARAM(struct self, real, .def = 0.5, .max = 1, .flags = SY_MIN_EXCLUSIVE, .doc = "how much",
             .reference = "A paper, eq. 3"),
    SY_PARAM(struct self, ints, .def_text = "[1, 2]",
             .doc =
                 "which of those that a line of help has no room for, as there are more words to say of this one than "
                 "fit into the width of a page"),
    SY_PARAM(struct self, text, .flags = SY_PATH | SY_REQUIRED, .doc = "where"),
    SY_STATE_ARRAY(struct self, history, .unit = "epochs", .doc = "what was"),
    SY_END,
};

Test(table, a_good_one_is_good) {
    struct sy_error err = {0};
    cr_expect_eq(sy_table_check(&(struct sy_table){good, 0}, sizeof(struct self), &err), SY_OK);
    cr_expect_eq(sy_table_check(&(struct sy_table){NULL, 0}, 0, &err), SY_OK);
}

Test(table, help_says_it_all) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    cr_assert(out);
    sy_table_print(&(struct sy_table){good, 0}, out);
    fclose(out);
    cr_expect_str_eq(
        text,
        "  whole    integer, default 2 pixels, range [1, 5]\n"
        "             how far\n"
        "  real     number, default 0.5, range (0, 1]\n"
        "             how much\n"
        "             (A paper, eq. 3)\n"
        "  ints     list of integers, default [1, 2]\n"
        "             which of those that a line of help has no room for, as there are more words to say of "
        "this one than\n"
        "             fit into the width of a page\n"
        "  text     path, required\n"
        "             where\n"
        "  history  state, checkpointed, in epochs\n"
        "             what was\n",
        "%s", text);
    free(text);
}

struct insane {
    struct sy_field row;
    const char *words;
};

#define WHOLE(...) SY_PARAM(struct self, whole, __VA_ARGS__)
#define REAL(...)  SY_PARAM(struct self, real, __VA_ARGS__)

static const struct insane insane[] = {
    {{.name = "Upper", .role = SY_PARAMETER, .type = SY_TYPE_INT32}, "field \"Upper\": names are [a-z0-9_]+"},
    {{.name = "", .role = SY_PARAMETER, .type = SY_TYPE_INT32}, "field \"\": names are [a-z0-9_]+"},
    {{.name = "x", .role = SY_PARAMETER}, "field \"x\" has no type or role of this border"},
    {{.name = "x", .role = SY_PARAMETER, .type = 99}, "field \"x\" has no type or role of this border"},
    {{.name = "x", .type = SY_TYPE_INT32}, "field \"x\" has no type or role of this border"},
    {{.name = "x", .role = SY_PARAMETER, .type = SY_TYPE_DOUBLE, .offset = sizeof(struct self) - 4},
     "field \"x\" lies outside its instance"},
    {{.name = "x", .role = SY_STATE_FIELD, .type = SY_TYPE_DOUBLE, .count = 1u << 31},
     "field \"x\" lies outside its instance"},
    {{.name = "x", .role = SY_STATE_FIELD, .type = SY_TYPE_STRING, .count = 1}, "state field \"x\" must be a number"},
    {{.name = "x", .role = SY_PARAMETER, .type = SY_TYPE_DOUBLE, .count = 2},
     "parameter \"x\" is an array; only state can be"},
    {WHOLE(.def = 11, .min = 0, .max = 10), "field \"whole\": its default 11 is outside [0, 10]"},
    {WHOLE(.def = 3e9), "field \"whole\": its default 3e+09 is outside [-2147483648, 2147483647]"},
    {WHOLE(.def = 1.5), "field \"whole\": its default 1.5 is no whole number"},
    {WHOLE(.min = 3, .max = 1), "field \"whole\": its range is empty"},
    {WHOLE(.flags = SY_FLAG, .def = 2), "field \"whole\": its default 2 is neither 0 nor 1"},
    {WHOLE(.flags = SY_PATH), "field \"whole\" is a path but no string"},
    {WHOLE(.choices = "a|b", .def = 2), "field \"whole\": its default is none of its choices"},
    {WHOLE(.choices = "a||b"), "field \"whole\": choices are an int32_t and words as in \"sum|student\""},
    {REAL(.choices = "a|b"), "field \"real\": choices are an int32_t and words as in \"sum|student\""},
    {REAL(.flags = SY_FLAG), "field \"real\" is a flag but no plain int32_t"},
    {REAL(.def = NAN), "field \"real\": its default nan is outside"},
    {REAL(.def = 0, .max = 1, .flags = SY_MIN_EXCLUSIVE), "field \"real\": its default 0 is outside (0, 1]"},
    {SY_PARAM(struct self, ints, .def_text = "[1, 2"),
     "field \"ints\": its default [1, 2 is no value a config could hold"},
    {SY_PARAM(struct self, ints, .def_text = "[1, 12]", .max = 10),
     "field \"ints\": its default [1, 12]: [1]: 12 is outside [0, 10]"},
    {SY_PARAM(struct self, reals, .def_text = "[\"x\"]"),
     "field \"reals\": its default [\"x\"]: [0]: is a string, must be a number, for example 1.0"},
};

Test(table, insane_ones_are_refused) {
    for (size_t i = 0; i < sizeof insane / sizeof insane[0]; i++) {
        struct sy_field rows[] = {insane[i].row, SY_END};
        struct sy_error err = {0};
        cr_expect_eq(sy_table_check(&(struct sy_table){rows, 0}, sizeof(struct self), &err), SY_EINVAL, "%s",
                     insane[i].words);
        cr_expect_str_eq(err.text, insane[i].words);
    }
}

Test(table, names_are_there_once) {
    struct sy_field rows[] = {WHOLE(.doc = "a"), REAL(.doc = "b"), WHOLE(.doc = "c"), SY_END};
    struct sy_error err = {0};
    cr_expect_eq(sy_table_check(&(struct sy_table){rows, 0}, sizeof(struct self), &err), SY_EINVAL);
    cr_expect_str_eq(err.text, "field \"whole\" is there twice");
}

Test(table, required_fields_need_no_default) {
    struct sy_field rows[] = {WHOLE(.min = 1, .max = 3, .flags = SY_REQUIRED), SY_END};
    struct sy_error err = {0};
    cr_expect_eq(sy_table_check(&(struct sy_table){rows, 0}, sizeof(struct self), &err), SY_OK);
}
