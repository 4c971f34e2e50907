/* short_name.c - see short_name.h. */
#include "short_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <switchyard/network.h>

#include "descriptor.h"

#define NAME_ROOM   64  /* of a plugin, a parameter or a number */
#define KNOWN_ROOM  768 /* for the list of what there is */
#define MOST_LISTED 256

/* ---- the pattern ------------------------------------------------------------------------------------------------ */

/* What stands before the first dash. */
static void first_word(char out[NAME_ROOM], const char *text) {
    snprintf(out, NAME_ROOM, "%.*s", (int)strcspn(text, "-"), text);
}

/* The next "-{name}" of a pattern; false at its end or where it is none. */
static bool next_parameter(const char **at, char out[NAME_ROOM]) {
    size_t length = (*at)[0] == '-' && (*at)[1] == '{' ? strcspn(*at + 2, "}") : 0;
    if (!length || length >= NAME_ROOM || (*at)[2 + length] != '}') {
        return false;
    }
    snprintf(out, NAME_ROOM, "%.*s", (int)length, *at + 2);
    *at += length + 3;
    return true;
}

static bool find_row(const struct sy_table *table, const char *name, struct sy_field *out) {
    for (size_t i = 0; sy_table_row(table, i, out); i++) {
        if (out->role == SY_PARAMETER && !strcmp(out->name, name)) {
            return true;
        }
    }
    return false;
}

static bool is_list(const struct sy_field *field) {
    return field->type == SY_TYPE_INTS || field->type == SY_TYPE_DOUBLES;
}

static bool takes_numbers(const struct sy_field *field) {
    bool words = field->choices || (field->flags & SY_FLAG);
    return !words && field->type != SY_TYPE_STRING && field->type != SY_TYPE_STRINGS;
}

int sy_short_name_check(const struct sy_plugin *plugin, const struct sy_table *table, struct sy_error *err) {
    char word[NAME_ROOM], name[NAME_ROOM];
    struct sy_field field;
    if (!plugin->short_name) {
        return SY_OK;
    }
    const char *at = plugin->short_name + strcspn(plugin->short_name, "-"), *why = NULL;
    first_word(word, plugin->short_name);
    if (!sy_is_plugin_name(word)) {
        why = "must begin with a word of a-z, 0-9 and _";
    }
    for (bool last = false; *at && !why;) {
        if (last) {
            why = "a list takes all numbers that are left, so it must come last";
        } else if (!next_parameter(&at, name)) {
            why = "after its first word come parameters, each as -{NAME}";
        } else if (!find_row(table, name, &field)) {
            return sy_fail(err, SY_EINVAL, "plugin \"%s\": short name \"%s\": it has no parameter \"%s\"", plugin->name,
                           plugin->short_name, name);
        } else if (!takes_numbers(&field)) {
            why = "its parameters must be numbers or lists of numbers";
        } else {
            last = is_list(&field);
        }
    }
    return why ? sy_fail(err, SY_EINVAL, "plugin \"%s\": short name \"%s\": %s", plugin->name, plugin->short_name, why)
               : SY_OK;
}

/* ---- finding ---------------------------------------------------------------------------------------------------- */

/* Plugins of one kind, each once. */
struct known {
    const struct sy_found *at[MOST_LISTED];
    size_t count;
};

static void list_known(struct known *known, struct sy_registry *registry, const char *kind) {
    const struct sy_candidate *candidates;
    struct sy_problems *quiet = sy_problems_create();
    struct sy_arena *arena = sy_arena_create();
    size_t count = sy_registry_candidates(registry, kind, true, &candidates), n_names = 0;
    const char **names = arena ? sy_arena_take(arena, (count + 1) * sizeof *names) : NULL;
    known->count = 0;
    /* The listing does not outlive a find that fails. */
    for (size_t i = 0; names && i < count; i++) {
        if (!candidates[i].shadowed_by && !candidates[i].failed) {
            names[n_names++] = sy_arena_text(arena, candidates[i].name);
        }
    }
    for (size_t i = 0; quiet && i < n_names && known->count < MOST_LISTED; i++) {
        const struct sy_found *found = names[i] ? sy_registry_find(registry, kind, names[i], NULL, quiet) : NULL;
        if (found) {
            known->at[known->count++] = found;
        }
    }
    sy_arena_destroy(arena);
    sy_problems_destroy(quiet);
}

/* What people write for it. */
static const char *pattern_of(const struct sy_found *found) {
    return found->plugin.short_name ? found->plugin.short_name : found->plugin.name;
}

static void tell_unknown(const struct known *known, const char *kind, const char *word, const char *from,
                         struct sy_problems *problems) {
    char text[KNOWN_ROOM] = "", (*first)[NAME_ROOM] = calloc(known->count + 1, sizeof *first);
    const char **names = calloc(known->count + 1, sizeof *names);
    size_t used = 0;
    for (size_t i = 0; first && names && i < known->count; i++) {
        first_word(first[i], pattern_of(known->at[i]));
        names[i] = first[i];
        bool again = i > 0 && !strcmp(pattern_of(known->at[i]), pattern_of(known->at[i - 1]));
        if (used < sizeof text && !again) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "", pattern_of(known->at[i]));
        }
    }
    const char *near = first && names && known->count ? sy_nearest_name(word, names, known->count) : NULL;
    sy_problem_in(problems, from, 0, "no %s is called \"%s\"%s%s%s (known: %s)", sy_kind_find(kind)->word, word,
                  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "", text);
    free(names);
    free(first);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static struct sy_setting *add(struct sy_setting *group, enum sy_setting_kind kind, const char *name, const char *from) {
    struct sy_setting *setting = sy_setting_add(group, kind, name);
    char *file = setting ? strdup(from) : NULL;
    if (file) {
        free((char *)(uintptr_t)setting->file);
        setting->file = file;
    }
    return file ? setting : NULL;
}

/* A number as the config's reader would have read it; false if it is none. */
static bool add_number(struct sy_setting *group, const char *name, const char *text, const char *from) {
    char *end;
    errno = 0;
    long long whole = strtoll(text, &end, 10);
    bool integer = !*end && !errno;
    double number = strtod(text, &end);
    if (!*text || *end || !strchr("0123456789.", *text)) {
        return false;
    }
    struct sy_setting *setting = add(group, integer ? SY_SETTING_INT : SY_SETTING_FLOAT, name, from);
    if (setting) {
        setting->integer = integer ? whole : 0;
        setting->number = number;
    }
    return setting != NULL;
}

/* The numbers behind the word's dashes, one after the other, into the parameters of the short name. */
static bool read_numbers(struct sy_setting *group, const struct sy_found *found, const char *word, const char *from,
                         struct sy_problems *problems) {
    char name[NAME_ROOM], number[NAME_ROOM];
    struct sy_setting *list = NULL;
    const char *pattern = pattern_of(found), *place = pattern + strcspn(pattern, "-");
    const char *at = word + strcspn(word, "-");
    while (*at == '-') {
        struct sy_field field;
        size_t length = strcspn(++at, "-");
        if (!list && (!next_parameter(&place, name) || !find_row(&found->table, name, &field))) {
            sy_problem_in(problems, from, 0, "has more numbers than %s takes", pattern);
            return false;
        }
        if (!list && is_list(&field)) {
            list = add(group, SY_SETTING_LIST, name, from);
        }
        snprintf(number, sizeof number, "%.*s", (int)length, at);
        if (!add_number(list ? list : group, list ? NULL : name, number, from)) {
            sy_problem_in(problems, from, 0, "\"%s\" is no number; %s takes one for %s", number, pattern, name);
            return false;
        }
        at += length;
    }
    return true;
}

/* ---- choosing --------------------------------------------------------------------------------------------------- */

/* Whether the plugin takes what stands behind the word's first dash: the ranges of its parameters, and what a network says
 * of them together. */
static bool accepts(const struct sy_found *found, struct sy_registry *registry, const char *kind, const char *word) {
    struct sy_problems *quiet = sy_problems_create();
    struct sy_arena *arena = sy_arena_create();
    struct sy_setting *group = quiet ? sy_setting_read_text("", "", quiet) : NULL;
    struct sy_setting *plugin = group ? add(group, SY_SETTING_STRING, "plugin", "") : NULL;
    bool good = arena && plugin && sy_setting_set_string(plugin, found->plugin.name) &&
                read_numbers(group, found, word, "", quiet);
    struct sy_instance *instance =
        good ? sy_instance_from_group(registry, kind, group, NULL, NULL, arena, quiet) : NULL;
    good = instance != NULL;
    if (good && !strcmp(kind, SY_NETWORK)) {
        const struct sy_network_ops *ops = instance->ops;
        good = !SY_HAS(ops, init) || !ops->init || ops->init(instance->self, NULL) == SY_OK;
        if (good && SY_HAS(ops, fini) && ops->fini) {
            ops->fini(instance->self);
        }
    }
    sy_instance_destroy(instance);
    sy_setting_destroy(group);
    sy_arena_destroy(arena);
    sy_problems_destroy(quiet);
    return good;
}

/* By its own name before any short one. Several plugins may share a word: then the first that takes the numbers. */
static const struct sy_found *choose(const struct known *known, struct sy_registry *registry, const char *kind,
                                     const char *word) {
    char first[NAME_ROOM], own[NAME_ROOM];
    const struct sy_found *fitting[MOST_LISTED];
    size_t count = 0;
    first_word(first, word);
    for (int by_name = 1; by_name >= 0; by_name--) {
        for (size_t i = 0; i < known->count; i++) {
            const struct sy_found *found = known->at[i];
            first_word(own, by_name ? found->plugin.name : pattern_of(found));
            bool new = by_name || strcmp(found->plugin.name, first) != 0;
            if (new && !strcmp(own, first)) {
                fitting[count++] = found;
            }
        }
    }
    for (size_t i = 0; i < count && count > 1; i++) {
        if (accepts(fitting[i], registry, kind, word)) {
            return fitting[i];
        }
    }
    return count ? fitting[0] : NULL;
}

bool sy_short_name_read(struct sy_setting *group, struct sy_registry *registry, const char *kind, const char *word,
                        const char *from, struct sy_problems *problems) {
    char first[NAME_ROOM];
    struct known *known = malloc(sizeof *known);
    if (!known) {
        sy_problem(problems, NULL, "memory is used up");
        return false;
    }
    list_known(known, registry, kind);
    first_word(first, word);
    const struct sy_found *found = choose(known, registry, kind, word);
    if (!found) {
        tell_unknown(known, kind, first, from, problems);
    }
    free(known);
    struct sy_setting *plugin = found ? add(group, SY_SETTING_STRING, "plugin", from) : NULL;
    if (found && (!plugin || !sy_setting_set_string(plugin, found->plugin.name))) {
        sy_problem(problems, NULL, "memory is used up");
        return false;
    }
    return found && read_numbers(group, found, word, from, problems);
}

/* ---- an instance in one word ------------------------------------------------------------------------------------ */

/* Appends as much as there is room for. */
static void append(char *out, size_t room, double number) {
    size_t used = strlen(out);
    snprintf(out + used, room - used, "-%g", number);
}

static void append_parameter(char *out, size_t room, const struct sy_instance *instance, const struct sy_field *field) {
    const void *at = (const char *)instance->self + field->offset;
    const struct sy_ints *ints = at;
    const struct sy_doubles *doubles = at;
    switch (field->type) {
    case SY_TYPE_INT32:
        append(out, room, *(const int32_t *)at);
        break;
    case SY_TYPE_INT64:
        append(out, room, (double)*(const int64_t *)at);
        break;
    case SY_TYPE_DOUBLE:
        append(out, room, *(const double *)at);
        break;
    case SY_TYPE_INTS:
        for (size_t i = 0; i < ints->count; i++) {
            append(out, room, (double)ints->at[i]);
        }
        break;
    case SY_TYPE_DOUBLES:
        for (size_t i = 0; i < doubles->count; i++) {
            append(out, room, doubles->at[i]);
        }
        break;
    default:
        break;
    }
}

void sy_short_name_write(char *out, size_t room, const struct sy_instance *instance) {
    char name[NAME_ROOM];
    struct sy_field field;
    const char *pattern = pattern_of(instance->found), *at = pattern + strcspn(pattern, "-");
    first_word(name, pattern);
    snprintf(out, room, "%s", name);
    while (next_parameter(&at, name) && find_row(&instance->found->table, name, &field)) {
        append_parameter(out, room, instance, &field);
    }
}
