/* table.c - field tables looked at as a whole: are they sane, and what do they say to a person? */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "values.h"

static size_t type_bytes(uint32_t type) {
    switch (type) {
    case SY_TYPE_INT32:
        return sizeof(int32_t);
    case SY_TYPE_INT64:
    case SY_TYPE_UINT64:
    case SY_TYPE_DOUBLE:
    case SY_TYPE_STRING:
        return 8;
    case SY_TYPE_INTS:
    case SY_TYPE_DOUBLES:
    case SY_TYPE_STRINGS:
        return sizeof(struct sy_ints);
    default:
        return 0;
    }
}

/* Number of words in "a|b|c"; 0 where one of them is empty or they are too many to read. */
static int count_choices(const char *choices) {
    int count = 0;
    for (const char *at = choices;; at++) {
        size_t length = strcspn(at, "|");
        count++;
        at += length;
        if (!length || count > SY_MOST_CHOICES || at - choices >= SY_CHOICES_ROOM) {
            return 0;
        }
        if (!*at) {
            return count;
        }
    }
}

/* Flags and choices go with one type each. */
static int check_kind(const struct sy_field *field, struct sy_error *err) {
    bool whole = field->type == SY_TYPE_INT32 || field->type == SY_TYPE_INT64 || field->type == SY_TYPE_UINT64;
    bool text = field->type == SY_TYPE_STRING || field->type == SY_TYPE_STRINGS;
    if ((field->flags & SY_PATH) && !text) {
        return sy_fail(err, SY_EINVAL, "field \"%s\" is a path but no string", field->name);
    }
    if ((field->flags & SY_FLAG) && (field->type != SY_TYPE_INT32 || field->choices)) {
        return sy_fail(err, SY_EINVAL, "field \"%s\" is a flag but no plain int32_t", field->name);
    }
    if (field->choices && (field->type != SY_TYPE_INT32 || !count_choices(field->choices))) {
        return sy_fail(err, SY_EINVAL, "field \"%s\": choices are an int32_t and words as in \"sum|student\"",
                       field->name);
    }
    if (field->choices && (field->def < 0 || field->def >= count_choices(field->choices))) {
        return sy_fail(err, SY_EINVAL, "field \"%s\": its default is none of its choices", field->name);
    }
    if ((field->flags & SY_FLAG) && field->def != 0 && field->def != 1) {
        return sy_fail(err, SY_EINVAL, "field \"%s\": its default %g is neither 0 nor 1", field->name, field->def);
    }
    if (whole && field->def != floor(field->def)) {
        return sy_fail(err, SY_EINVAL, "field \"%s\": its default %g is no whole number", field->name, field->def);
    }
    return SY_OK;
}

/* A list's default must be a list as the config has them, of elements the field takes. */
static int check_list_default(const struct sy_field *field, struct sy_error *err) {
    struct sy_strings list;
    struct sy_field rows[2] = {*field, {.name = NULL}};
    struct sy_table table = {rows, 0};
    struct sy_problems *problems = sy_problems_create();
    struct sy_arena *arena = sy_arena_create();
    struct sy_setting *value = sy_default_setting(field);
    int status = SY_OK;
    rows[0].offset = 0;
    if (!problems || !arena) {
        status = sy_fail(err, SY_ENOMEM, "memory is used up");
    } else if (!value) {
        status = sy_fail(err, SY_EINVAL, "field \"%s\": its default %s is no value a config could hold", field->name,
                         field->def_text);
    } else if (!sy_fields_read(&list, &table, NULL, arena, problems)) {
        status = sy_fail(err, SY_EINVAL, "field \"%s\": its default %s: %s", field->name, field->def_text,
                         sy_problems_text(problems, 0));
    }
    sy_setting_destroy(value);
    sy_arena_destroy(arena);
    sy_problems_destroy(problems);
    return status;
}

static int check_default(const struct sy_field *field, struct sy_error *err) {
    int status = check_kind(field, err);
    bool scalar = field->type <= SY_TYPE_DOUBLE && !field->choices && !(field->flags & SY_FLAG);
    bool narrow = field->type == SY_TYPE_INT32, natural = field->type == SY_TYPE_UINT64;
    bool fits = isfinite(field->def) && sy_in_range(field, field->def) && !(natural && field->def < 0) &&
                !(narrow && (field->def > INT32_MAX || field->def < INT32_MIN));
    if (status != SY_OK || (field->flags & SY_REQUIRED)) {
        return status;
    }
    if (field->type >= SY_TYPE_INTS && field->def_text) {
        return check_list_default(field, err);
    }
    return fits || !scalar ? SY_OK
                           : sy_fail(err, SY_EINVAL, "field \"%s\": its default %g is outside%s", field->name,
                                     field->def, sy_range_text(field, (char[96]){0}, 96));
}

static int check_row(const struct sy_field *field, size_t self_size, struct sy_error *err) {
    size_t bytes = type_bytes(field->type);
    for (const char *c = field->name; *c || c == field->name; c++) {
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_') {
            return sy_fail(err, SY_EINVAL, "field \"%s\": names are [a-z0-9_]+", field->name);
        }
    }
    if (!bytes || field->role < SY_PARAMETER || field->role > SY_OBSERVED_FIELD) {
        return sy_fail(err, SY_EINVAL, "field \"%s\" has no type or role of this border", field->name);
    }
    if (field->offset > self_size || bytes * (field->count ? field->count : 1) > self_size - field->offset) {
        return sy_fail(err, SY_EINVAL, "field \"%s\" lies outside its instance", field->name);
    }
    if (field->role != SY_PARAMETER) {
        bool number = field->type >= SY_TYPE_INT32 && field->type <= SY_TYPE_DOUBLE;
        return number ? SY_OK : sy_fail(err, SY_EINVAL, "state field \"%s\" must be a number", field->name);
    }
    if (field->count > 1) {
        return sy_fail(err, SY_EINVAL, "parameter \"%s\" is an array; only state can be", field->name);
    }
    if (!(field->min <= field->max)) {
        return sy_fail(err, SY_EINVAL, "field \"%s\": its range is empty", field->name);
    }
    return check_default(field, err);
}

int sy_table_check(const struct sy_table *table, size_t self_size, struct sy_error *err) {
    struct sy_field field, other;
    for (size_t i = 0; sy_table_row(table, i, &field); i++) {
        int status = check_row(&field, self_size, err);
        if (status != SY_OK) {
            return status;
        }
        for (size_t k = 0; k < i && sy_table_row(table, k, &other); k++) {
            if (!strcmp(field.name, other.name)) {
                return sy_fail(err, SY_EINVAL, "field \"%s\" is there twice", field.name);
            }
        }
    }
    return SY_OK;
}

/* ---- help ------------------------------------------------------------------------------------------------------- */

static const char *type_word(const struct sy_field *field) {
    static const char *const words[] = {"",     "integer",          "integer",         "integer",      "number",
                                        "text", "list of integers", "list of numbers", "list of texts"};
    if (field->choices) {
        return "choice";
    }
    if (field->flags & SY_FLAG) {
        return "true or false";
    }
    if (field->flags & SY_PATH) {
        return field->type == SY_TYPE_STRINGS ? "list of paths" : "path";
    }
    return field->type <= SY_TYPE_STRINGS ? words[field->type] : "?";
}

static void default_text(const struct sy_field *field, char *out, size_t room) {
    if (field->flags & SY_REQUIRED) {
        snprintf(out, room, "required");
    } else if (field->type == SY_TYPE_STRING || field->type >= SY_TYPE_INTS) {
        snprintf(out, room, "%s", field->def_text ? field->def_text : "none");
    } else if (field->choices) {
        const char *word = field->choices;
        for (int i = 0; i < (int)field->def && strchr(word, '|'); i++) {
            word = strchr(word, '|') + 1;
        }
        snprintf(out, room, "%.*s", (int)strcspn(word, "|"), word);
    } else if (field->flags & SY_FLAG) {
        snprintf(out, room, "%s", field->def != 0 ? "true" : "false");
    } else {
        snprintf(out, room, "%.12g", field->def);
    }
}

void sy_words_print(const char *text, int column, int blanks, FILE *out) {
    enum { LINE = 112 };
    for (const char *word = text; *word; word += strspn(word, " ")) {
        int length = (int)strcspn(word, " ");
        if (word > text && column + 1 + length > LINE) {
            column = fprintf(out, "\n%*s", blanks, "") - 1;
        } else if (word > text) {
            column += fprintf(out, " ");
        }
        column += fprintf(out, "%.*s", length, word);
        word += length;
    }
}

/* Between two signs, all lines behind as many blanks. */
static void print_words(const char *before, const char *text, const char *after, int blanks, FILE *out) {
    sy_words_print(text, fprintf(out, "%*s%s", blanks, "", before), blanks, out);
    fprintf(out, "%s\n", after);
}

static void print_row(const struct sy_field *field, int width, FILE *out) {
    char range[128], value[128];
    default_text(field, value, sizeof value);
    if (field->role != SY_PARAMETER) {
        fprintf(out, "  %-*s  %s%s%s\n", width, field->name,
                field->role == SY_OBSERVED_FIELD ? "observed, journalled after every call" : "state, checkpointed",
                field->unit ? ", in " : "", field->unit ? field->unit : "");
    } else {
        sy_range_text(field, range, sizeof range);
        bool plain = field->choices || (field->flags & SY_FLAG) || (field->min == 0 && field->max == 0);
        fprintf(out, "  %-*s  %s, %s%s%s%s%s%s%s%s\n", width, field->name, type_word(field),
                field->flags & SY_REQUIRED ? "" : "default ", value, field->unit ? " " : "",
                field->unit ? field->unit : "", plain ? "" : ", range", plain ? "" : range,
                field->choices ? ", one of " : "", field->choices ? field->choices : "");
    }
    if (field->doc) {
        print_words("", field->doc, "", width + 6, out);
    }
    if (field->reference) {
        print_words("(", field->reference, ")", width + 6, out);
    }
}

void sy_table_print(const struct sy_table *table, FILE *out) {
    struct sy_field field;
    int width = 0;
    for (size_t i = 0; sy_table_row(table, i, &field); i++) {
        int length = (int)strlen(field.name);
        width = length > width ? length : width;
    }
    for (size_t i = 0; sy_table_row(table, i, &field); i++) {
        print_row(&field, width, out);
    }
}
