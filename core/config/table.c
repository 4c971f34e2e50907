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

static int count_choices(const char *choices) {
    int count = 1;
    for (; *choices; choices++) {
        count += *choices == '|';
    }
    return count;
}

static int check_row(const struct sy_field *field, size_t self_size, struct sy_error *err) {
    size_t bytes = type_bytes(field->type);
    for (const char *c = field->name; *c; c++) {
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
    if (field->choices &&
        (field->type != SY_TYPE_INT32 || field->def < 0 || field->def >= count_choices(field->choices))) {
        return sy_fail(err, SY_EINVAL, "field \"%s\": its default is none of its choices", field->name);
    }
    bool scalar = field->type <= SY_TYPE_DOUBLE && !field->choices && !(field->flags & SY_FLAG);
    if (scalar && !(field->flags & SY_REQUIRED) && (!isfinite(field->def) || !sy_in_range(field, field->def))) {
        return sy_fail(err, SY_EINVAL, "field \"%s\": its default %g is outside%s", field->name, field->def,
                       sy_range_text(field, (char[96]){0}, 96));
    }
    if (field->min > field->max) {
        return sy_fail(err, SY_EINVAL, "field \"%s\": its range is empty", field->name);
    }
    return SY_OK;
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

static void print_row(const struct sy_field *field, int width, FILE *out) {
    char range[128], value[128];
    default_text(field, value, sizeof value);
    if (field->role != SY_PARAMETER) {
        fprintf(out, "  %-*s  %s%s\n", width, field->name,
                field->role == SY_OBSERVED_FIELD ? "observed, journalled after every call" : "state, checkpointed",
                field->unit ? field->unit : "");
    } else {
        sy_range_text(field, range, sizeof range);
        bool plain = field->choices || (field->flags & SY_FLAG) || (field->min == 0 && field->max == 0);
        fprintf(out, "  %-*s  %s, default %s%s%s%s%s%s%s\n", width, field->name, type_word(field), value,
                field->unit ? " " : "", field->unit ? field->unit : "", plain ? "" : ", range", plain ? "" : range,
                field->choices ? ", one of " : "", field->choices ? field->choices : "");
    }
    if (field->doc) {
        fprintf(out, "  %-*s    %s\n", width, "", field->doc);
    }
    if (field->reference) {
        fprintf(out, "  %-*s    (%s)\n", width, "", field->reference);
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
