/* stages.c - from a file with stages to one config for each. */
#include "stages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "experiment_parts.h"
#include "stages_parts.h"

/* Above every layer a file comes in: base, variant, --set. */
enum { LAYER_STAGE = 100, LAYER_ARGUMENT, LAYER_STAGE_ARGUMENT };

const struct sy_field sy_stage_fields[] = {
    SY_PARAM(struct sy_stage_settings, use, .def_text = "[]",
             .doc = "nodes that take part, the others are left out; none named: all of them"),
    SY_PARAM(struct sy_stage_settings, repeat, .def_text = "[]", .min = 0, .max = 1e9,
             .doc = "numbers: the stage is repeated for each as X-NUMBER, with the number for $ in every text; "
                    "init = \"@previous\" starts from the repetition before",
             .reference = "Jin et al., ICCV 2019: a stage for every anchor of the teacher's trajectory"),
    SY_PARAM(struct sy_stage_settings, restart, .def = 1, .flags = SY_FLAG,
             .doc = "whether schedules begin anew in every repetition, or see all of them as one long run"),
    SY_PARAM(struct sy_stage_settings, skip, .flags = SY_FLAG,
             .doc = "leaves the stage out: nodes of later ones then start from files, say"),
    SY_END,
};
static const struct sy_table stage_table = {sy_stage_fields, 0};

bool sy_is_staged(const struct sy_setting *config) {
    return sy_setting_find(config, "stages") != NULL;
}

/* ---- one stage laid over the rest ------------------------------------------------------------------------------- */

/* The rest of the file with `stage` on it; what --set says is above both. NULL when memory is used up. */
static struct sy_setting *laid(const struct sy_setting *file, const struct sy_setting *stage) {
    struct sy_setting *config = sy_setting_copy(file), *over = sy_setting_copy(stage), *own = sy_setting_copy(stage);
    struct sy_setting *general = NULL;
    bool good = config && over && own;
    if (good) {
        sy_setting_remove(config, "stages");
        general = sy_setting_copy(config);
        good = general != NULL;
    }
    if (good) {
        sy_setting_drop_arguments(config);
        sy_setting_drop_arguments(over);
        sy_setting_keep_arguments(general);
        sy_setting_keep_arguments(own);
        good = sy_setting_overlay(config, over, LAYER_STAGE) && sy_setting_overlay(config, general, LAYER_ARGUMENT) &&
               sy_setting_overlay(config, own, LAYER_STAGE_ARGUMENT);
    }
    sy_setting_destroy(general);
    sy_setting_destroy(over);
    sy_setting_destroy(own);
    if (!good) {
        sy_setting_destroy(config);
        return NULL;
    }
    return config;
}

/* Puts the number in place of every $ in the texts of a tree. */
static bool substitute(struct sy_setting *setting, const char *number) {
    bool good = true;
    for (size_t i = 0; i < setting->n_children && good; i++) {
        good = substitute(setting->children[i], number);
    }
    if (!good || setting->kind != SY_SETTING_STRING || !strchr(setting->string, '$')) {
        return good;
    }
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    for (const char *at = setting->string; stream && *at; at++) {
        *at == '$' ? fputs(number, stream) : fputc(*at, stream);
    }
    good = stream && fclose(stream) == 0 && sy_setting_set_string(setting, text);
    free(text);
    return good;
}

/* "@previous" in a repeated stage: the one before, or nothing. */
static bool name_previous(struct sy_setting *over, const char *previous) {
    static const char word[] = "@previous";
    struct sy_setting *nodes = sy_setting_get(over, "nodes");
    bool good = true;
    for (size_t i = 0; nodes && nodes->kind == SY_SETTING_GROUP && i < nodes->n_children && good; i++) {
        struct sy_setting *init = sy_setting_get(nodes->children[i], "init");
        size_t length = sizeof word - 1;
        if (!init || init->kind != SY_SETTING_STRING || strncmp(init->string, word, length) != 0 ||
            !strchr(".:", init->string[length])) { /* finds the end of the text, too */
            continue;
        }
        if (previous) {
            char text[512];
            snprintf(text, sizeof text, "@%s%s", previous, init->string + length);
            good = sy_setting_set_string(init, text);
        } else {
            sy_setting_remove(nodes->children[i], "init");
        }
    }
    return good;
}

/* Takes out the nodes that are not in `use`. */
static void drop_nodes(struct sy_setting *config, const struct sy_stage_settings *settings, const struct sy_setting *at,
                       struct sy_problems *problems) {
    struct sy_setting *nodes = sy_setting_get(config, "nodes");
    size_t count = nodes && nodes->kind == SY_SETTING_GROUP ? nodes->n_children : 0;
    const char **names = calloc(count + 1, sizeof *names);
    bool *kept = calloc(count + 1, sizeof *kept);
    for (size_t i = 0; names && i < count; i++) {
        names[i] = nodes->children[i]->name;
    }
    for (size_t u = 0; names && kept && u < settings->use.count; u++) {
        size_t i = 0;
        while (i < count && strcmp(names[i], settings->use.at[u]) != 0) {
            i++;
        }
        kept[i] = true;
        if (i == count) {
            const char *near = sy_nearest_name(settings->use.at[u], names, count);
            sy_problem(problems, at, "no node is called \"%s\"%s%s%s", settings->use.at[u],
                       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        }
    }
    for (size_t i = count; names && kept && settings->use.count && i-- > 0;) {
        if (!kept[i]) {
            sy_setting_remove(nodes, names[i]);
        }
    }
    if (!names || !kept) {
        sy_problem(problems, NULL, "memory is used up");
    }
    free(kept);
    free(names);
}

/* Tells a repetition how many epochs of the same kind went before: other crops, and perhaps a schedule that goes on. */
static bool note_epochs(struct sy_setting *config, const struct sy_stage_settings *settings, size_t index) {
    const struct sy_setting *given = sy_setting_find(config, "train.epochs");
    struct sy_setting *train = sy_setting_get(config, "train");
    int64_t epochs = given && given->kind == SY_SETTING_INT ? given->integer : 1;
    const struct {
        const char *name;
        int64_t value;
    } keys[] = {{"first_epoch", (int64_t)index * epochs},
                {"whole_epochs", settings->restart ? 0 : (int64_t)settings->repeat.count * epochs}};
    train = train ? train : sy_setting_add(config, SY_SETTING_GROUP, "train");
    for (size_t i = 0; i < sizeof keys / sizeof *keys && train; i++) {
        struct sy_setting *key = sy_setting_add(train, SY_SETTING_INT, keys[i].name);
        if (!key) {
            return false;
        }
        key->integer = keys[i].value;
        key->number = (double)keys[i].value;
    }
    return train != NULL;
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

/* Appends a stage; `index` of a repeated one. False when memory is used up. */
static bool add_stage(struct sy_stages *stages, const struct sy_setting *group,
                      const struct sy_stage_settings *settings, const struct sy_stage_choice *choice, size_t index,
                      struct sy_problems *problems) {
    struct sy_stage *at = realloc(stages->at, (stages->count + 1) * sizeof *at);
    struct sy_setting *over = sy_setting_copy(group);
    const char *name = group->name;
    bool repeated = settings->repeat.count > 0, good = at && over;
    stages->at = at ? at : stages->at;
    for (size_t i = 0; over && sy_stage_fields[i].name; i++) {
        sy_setting_remove(over, sy_stage_fields[i].name);
    }
    if (over) {
        sy_setting_remove(over, "choose");
    }
    if (good && repeated) {
        char number[32];
        snprintf(number, sizeof number, "%" PRId64, settings->repeat.at[index]);
        name = sy_arena_print(stages->arena, "%s-%s", group->name, number);
        good = name && name_previous(over, index ? at[stages->count - 1].name : NULL) && substitute(over, number);
    }
    struct sy_setting *config = good ? laid(stages->config, over) : NULL;
    sy_setting_destroy(over);
    if (!config || (repeated && !note_epochs(config, settings, index))) {
        sy_setting_destroy(config);
        return false;
    }
    drop_nodes(config, settings, sy_setting_find(group, "use"), problems);
    for (size_t i = 0; i < stages->count; i++) {
        if (!strcmp(at[i].name, name)) {
            sy_problem(problems, group, "two stages are called \"%s\"", name);
        }
    }
    at[stages->count] = (struct sy_stage){.name = name,
                                          .config = config,
                                          .group = group->name,
                                          .number = repeated ? settings->repeat.at[index] : 0,
                                          .first = stages->count - index,
                                          .last = stages->count - index + (repeated ? settings->repeat.count - 1 : 0),
                                          .choice = choice};
    stages->count++;
    return true;
}

static void add_group(struct sy_stages *stages, struct sy_setting *group, struct sy_problems *problems) {
    struct sy_stage_settings settings = {0};
    const struct sy_stage_choice *choice = NULL;
    if (group->kind != SY_SETTING_GROUP) {
        sy_problem(problems, group, "must be a group: %s: { ... };", group->name);
        return;
    }
    size_t before = sy_problems_count(problems);
    sy_fields_read(&settings, &stage_table, group, stages->arena, problems);
    sy_stages_read_choice(&choice, stages, group, &settings, problems);
    if (sy_problems_count(problems) != before || settings.skip) {
        return;
    }
    for (size_t i = 0; i < (settings.repeat.count ? settings.repeat.count : 1); i++) {
        if (!add_stage(stages, group, &settings, choice, i, problems)) {
            sy_problem(problems, NULL, "memory is used up");
            return;
        }
    }
}

struct sy_stages *sy_stages_create(struct sy_setting *config, struct sy_registry *registry,
                                   struct sy_problems *problems) {
    struct sy_stages *stages = calloc(1, sizeof *stages);
    struct sy_setting *group = sy_setting_get(config, "stages");
    size_t before = sy_problems_count(problems);
    if (!stages || !(stages->arena = sy_arena_create())) {
        sy_problem(problems, NULL, "memory is used up");
        sy_setting_destroy(config);
        free(stages);
        return NULL;
    }
    stages->config = config;
    stages->registry = registry;
    if (!group || group->kind != SY_SETTING_GROUP || !group->n_children) {
        sy_problem(problems, group ? group : config,
                   "names no stage; stages: { first: { ... }; second: { ... }; }; each laid over the rest of the file");
    } else if (sy_setting_find(config, "variants")) {
        sy_problem(problems, sy_setting_find(config, "variants"),
                   "this is a suite; `switchyard compare` runs it, and stages belong into its base or its variants");
    } else {
        for (size_t i = 0; i < group->n_children; i++) {
            add_group(stages, group->children[i], problems);
        }
        if (!stages->count && sy_problems_count(problems) == before) {
            sy_problem(problems, group, "all stages are skipped; leave one in");
        }
        for (size_t i = 0; i < stages->count; i++) {
            sy_stages_take_starts(stages, i, problems);
        }
    }
    if (sy_problems_count(problems) != before) {
        sy_stages_destroy(stages);
        return NULL;
    }
    return stages;
}

void sy_stages_destroy(struct sy_stages *stages) {
    if (!stages) {
        return;
    }
    for (size_t i = 0; i < stages->count; i++) {
        struct sy_stage *stage = &stages->at[i];
        for (size_t n = 0; n < stage->n_nodes; n++) {
            sy_graph_destroy(stage->graphs[n]);
        }
        sy_setting_destroy(stage->config);
        sy_setting_destroy(stage->places);
    }
    free(stages->at);
    sy_setting_destroy(stages->config);
    sy_arena_destroy(stages->arena);
    free(stages);
}
