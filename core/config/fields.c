/* fields.c - reading groups by field tables. */
#include "fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "untrusted.h"
#include "values.h"

bool sy_table_row(const struct sy_table *table, size_t index, struct sy_field *out) {
    size_t bytes = table->field_size ? table->field_size : sizeof *out;
    if (!table->fields) {
        return false;
    }
    /* Rows of another build are longer or shorter than ours; the name comes first in all of them. */
    const char *at = (const char *)table->fields;
    for (size_t i = 0; i <= index; i++) {
        const char *name;
        memcpy(&name, at + i * bytes, sizeof name);
        if (!name) {
            return false;
        }
    }
    memset(out, 0, sizeof *out);
    memcpy(out, at + index * bytes, bytes < sizeof *out ? bytes : sizeof *out);
    return true;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

/* What a reader of one setting needs. */
struct reading {
    char *self;
    struct sy_arena *arena;
    struct sy_problems *problems;
};

static bool out_of_memory(struct reading *reading) {
    sy_problem(reading->problems, NULL, "memory is used up");
    return false;
}

static bool wrong_type(struct reading *reading, const struct sy_field *field, const struct sy_setting *from,
                       const char *right, const char *example) {
    char range[96] = "", value[64];
    if (sy_has_range(field)) {
        sy_range_text(field, range, sizeof range);
    }
    if (from->kind == SY_SETTING_FLOAT) {
        snprintf(value, sizeof value, "%.12g", from->number);
    } else {
        snprintf(value, sizeof value, "%s", sy_value_word(from));
    }
    sy_problem(reading->problems, from, "is %s, must be %s%s%s", value, right, range[0] ? " in" : ", for example ",
               range[0] ? range : example);
    return false;
}

static bool outside(struct reading *reading, const struct sy_field *field, const struct sy_setting *from) {
    char range[96], value[64];
    if (from->kind == SY_SETTING_INT) {
        snprintf(value, sizeof value, "%lld", (long long)from->integer);
    } else {
        snprintf(value, sizeof value, "%.12g", from->number);
    }
    sy_range_text(field, range, sizeof range);
    sy_problem(reading->problems, from, "%s is outside%s", value, range[0] ? range : " what a number can be");
    return false;
}

static bool read_integer(struct reading *reading, const struct sy_field *field, const struct sy_setting *from,
                         int64_t *out) {
    bool narrow = field->type == SY_TYPE_INT32, natural = field->type == SY_TYPE_UINT64;
    if (from->kind != SY_SETTING_INT) {
        return wrong_type(reading, field, from, "a whole number", "1");
    }
    if (!sy_in_range(field, (double)from->integer) || (natural && from->integer < 0) ||
        (narrow && (from->integer > INT32_MAX || from->integer < INT32_MIN))) {
        return outside(reading, field, from);
    }
    *out = from->integer;
    return true;
}

static bool read_double(struct reading *reading, const struct sy_field *field, const struct sy_setting *from,
                        double *out) {
    if (from->kind != SY_SETTING_INT && from->kind != SY_SETTING_FLOAT) {
        return wrong_type(reading, field, from, "a number", "1.0");
    }
    if (!isfinite(from->number) || !sy_in_range(field, from->number)) {
        return outside(reading, field, from);
    }
    *out = from->number;
    return true;
}

static bool read_flag(struct reading *reading, const struct sy_setting *from, int32_t *out) {
    if (from->kind != SY_SETTING_BOOL) {
        sy_problem(reading->problems, from, "is %s, must be true or false", sy_value_word(from));
        return false;
    }
    *out = from->integer != 0;
    return true;
}

static bool read_choice(struct reading *reading, const struct sy_field *field, const struct sy_setting *from,
                        int32_t *out) {
    char copy[SY_CHOICES_ROOM], readable[4 * SY_CHOICES_ROOM] = "";
    const char *known[SY_MOST_CHOICES];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", field->choices);
    for (char *save = NULL, *word = strtok_r(copy, "|", &save); word && count < SY_MOST_CHOICES;
         word = strtok_r(NULL, "|", &save)) {
        known[count++] = word;
        size_t used = strlen(readable);
        snprintf(readable + used, sizeof readable - used, "%s\"%s\"", count > 1 ? ", " : "", word);
    }
    if (from->kind != SY_SETTING_STRING) {
        sy_problem(reading->problems, from, "is %s, must be one of %s", sy_value_word(from), readable);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(from->string, known[i])) {
            *out = (int32_t)i;
            return true;
        }
    }
    const char *near = sy_nearest_name(from->string, known, count);
    sy_problem(reading->problems, from, "\"%s\" is not one of %s%s%s%s", from->string, readable,
               near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return false;
}

/* Text of a string field in the arena; a path becomes absolute, in the tree too, so that a written config works from
 * anywhere. */
static const char *read_text(struct reading *reading, const struct sy_field *field, struct sy_setting *from) {
    if (from->kind != SY_SETTING_STRING) {
        sy_problem(reading->problems, from, "is %s, must be a string in quotes", sy_value_word(from));
        return NULL;
    }
    bool own = !strcmp(from->file, "--set") || !strcmp(from->file, "default");
    if (field->flags & SY_CODE && !own && sy_untrusted_folder()) {
        sy_problem(reading->problems, from, "\"%s\" is code, which a config may not bring under --untrusted",
                   from->string);
        return NULL;
    }
    if (field->flags & SY_PATH) {
        char *absolute = sy_absolute_path(from->string, from->file);
        bool set = absolute && sy_setting_set_string(from, absolute);
        free(absolute);
        if (!set) {
            out_of_memory(reading);
            return NULL;
        }
        if (!own && !sy_untrusted_allows(from->string)) {
            sy_problem(reading->problems, from,
                       "%s is outside the config's folder %s, and --untrusted lets it name "
                       "nothing there; --set may",
                       from->string, sy_untrusted_folder());
            return NULL;
        }
    }
    const char *text = sy_arena_text(reading->arena, from->string);
    if (!text) {
        out_of_memory(reading);
    }
    return text;
}

static bool read_element(struct reading *reading, const struct sy_field *field, struct sy_setting *from, void *list,
                         size_t index) {
    if (field->type == SY_TYPE_INTS) {
        return read_integer(reading, field, from, (int64_t *)list + index);
    }
    if (field->type == SY_TYPE_DOUBLES) {
        return read_double(reading, field, from, (double *)list + index);
    }
    ((const char **)list)[index] = read_text(reading, field, from);
    return ((const char **)list)[index] != NULL;
}

/* A list, or a single value as a list of one. */
static bool read_list(struct reading *reading, const struct sy_field *field, struct sy_setting *from) {
    bool single = from->kind != SY_SETTING_LIST;
    size_t count = single ? 1 : from->n_children;
    void *list = sy_arena_take(reading->arena, (count + 1) * sizeof(int64_t));
    if (!list) {
        return out_of_memory(reading);
    }
    if (from->kind == SY_SETTING_GROUP) {
        sy_problem(reading->problems, from, "is a group, must be a list, for example [%s]",
                   field->type == SY_TYPE_INTS      ? "1, 2"
                   : field->type == SY_TYPE_DOUBLES ? "1.0, 2.0"
                                                    : "\"a\", \"b\"");
        return false;
    }
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        good = read_element(reading, field, single ? from : from->children[i], list, i) && good;
    }
    struct sy_ints value = {list, count}; /* the three lists differ in the pointer's type only */
    memcpy(reading->self + field->offset, &value, sizeof value);
    return good;
}

static bool read_value(struct reading *reading, const struct sy_field *field, struct sy_setting *from) {
    void *to = reading->self + field->offset;
    int64_t integer = 0;
    int32_t narrow = 0;
    double number = 0;
    const char *text;
    bool good;
    switch (field->type) {
    case SY_TYPE_INT32:
        if (field->choices) {
            good = read_choice(reading, field, from, &narrow);
        } else if (field->flags & SY_FLAG) {
            good = read_flag(reading, from, &narrow);
        } else {
            good = read_integer(reading, field, from, &integer);
            narrow = (int32_t)integer;
        }
        memcpy(to, &narrow, sizeof narrow);
        return good;
    case SY_TYPE_INT64:
    case SY_TYPE_UINT64:
        good = read_integer(reading, field, from, &integer);
        memcpy(to, &integer, sizeof integer);
        return good;
    case SY_TYPE_DOUBLE:
        good = read_double(reading, field, from, &number);
        memcpy(to, &number, sizeof number);
        return good;
    case SY_TYPE_STRING:
        text = read_text(reading, field, from);
        memcpy(to, &text, sizeof text);
        return text != NULL;
    default:
        return read_list(reading, field, from);
    }
}

/* ---- defaults --------------------------------------------------------------------------------------------------- */

/* Reads the default and notes it in the group, so that the tree is complete. */
static bool use_default(struct reading *reading, const struct sy_field *field, struct sy_setting *group) {
    struct sy_setting *value = sy_default_setting(field);
    if (!value && sy_has_default(field)) {
        sy_problem(reading->problems, NULL, "the default of \"%s\", %s, cannot be had: memory is used up", field->name,
                   field->def_text ? field->def_text : "a number");
        return false;
    }
    if (!value) {
        return true;
    }
    value->parent = group; /* for the path in problems */
    bool good = read_value(reading, field, value);
    if (good && group) {
        struct sy_setting *wrapped = sy_setting_add(group, value->kind, field->name);
        good = wrapped && sy_setting_become(wrapped, value);
        if (!good) {
            out_of_memory(reading);
        } else {
            wrapped->used = true;
        }
    }
    sy_setting_destroy(value);
    return good;
}

bool sy_fields_read(void *self, const struct sy_table *table, struct sy_setting *group, struct sy_arena *arena,
                    struct sy_problems *problems) {
    struct reading reading = {self, arena, problems};
    struct sy_field field;
    bool good = true;
    if (group && group->kind != SY_SETTING_GROUP) {
        sy_problem(problems, group, "is %s, must be a group: { ... }", sy_value_word(group));
        good = false;
        group = NULL;
    }
    bool complain = good;
    for (size_t i = 0; sy_table_row(table, i, &field); i++) {
        if (field.role != SY_PARAMETER) {
            continue;
        }
        struct sy_setting *from = sy_setting_get(group, field.name);
        if (from) {
            good = read_value(&reading, &field, from) && good;
        } else if (!(field.flags & SY_REQUIRED)) {
            good = use_default(&reading, &field, group) && good;
        } else if (complain) {
            sy_problem(problems, group, "\"%s\" is missing: %s", field.name, field.doc ? field.doc : "it is required");
            good = false;
        }
    }
    return good;
}

/* ---- unknown keys ----------------------------------------------------------------------------------------------- */

/* All names a group may have; malloc'ed. */
static const char **known_names(const struct sy_table *const *tables, size_t n_tables, const char *const *names,
                                size_t *count) {
    struct sy_field field;
    size_t total = 0;
    for (size_t t = 0; t < n_tables; t++) {
        for (size_t i = 0; sy_table_row(tables[t], i, &field); i++) {
            total++;
        }
    }
    for (size_t i = 0; names && names[i]; i++) {
        total++;
    }
    const char **known = malloc((total + 1) * sizeof *known);
    *count = 0;
    for (size_t t = 0; known && t < n_tables; t++) {
        for (size_t i = 0; sy_table_row(tables[t], i, &field); i++) {
            if (field.role == SY_PARAMETER) {
                known[(*count)++] = field.name;
            }
        }
    }
    for (size_t i = 0; known && names && names[i]; i++) {
        known[(*count)++] = names[i];
    }
    return known;
}

static void report_unknown(const struct sy_setting *child, const char *const *known, size_t count,
                           struct sy_problems *problems) {
    const char *near = sy_nearest_name(child->name, known, count);
    if (near) {
        sy_problem(problems, child, "unknown key; did you mean \"%s\"?", near);
        return;
    }
    char list[1024] = "";
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", known[i]);
    }
    sy_problem(problems, child, "unknown key; known here: %s", count ? list : "none");
}

/* The newest layer that says anything in a subtree; a group itself stays in the layer that made it. */
static int newest_layer(const struct sy_setting *setting) {
    int newest = setting->layer;
    for (size_t i = 0; i < setting->n_children; i++) {
        int layer = newest_layer(setting->children[i]);
        newest = layer > newest ? layer : newest;
    }
    return newest;
}

void sy_fields_finish(struct sy_setting *group, const struct sy_table *const *tables, size_t n_tables,
                      const char *const *names, struct sy_problems *problems) {
    size_t count = 0;
    if (!group || group->kind != SY_SETTING_GROUP) {
        return;
    }
    const struct sy_setting *chooser = sy_setting_find(group, "plugin");
    chooser = chooser ? chooser : sy_setting_find(group, "kind");
    const char **known = known_names(tables, n_tables, names, &count);
    for (size_t i = 0; known && i < group->n_children;) {
        struct sy_setting *child = group->children[i];
        if (!child->used && chooser && newest_layer(child) < chooser->layer) {
            sy_setting_remove(group, child->name); /* meant for what another layer has replaced */
            continue;
        }
        if (!child->used) {
            report_unknown(child, known, count, problems);
        }
        i++;
    }
    if (!known) {
        sy_problem(problems, NULL, "memory is used up");
    }
    free(known);
}
