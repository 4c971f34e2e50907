/* suite.c - see suite.h. */
#include "suite.h"
#include "../config/untrusted.h"

#include <string.h>

#include "../record/journal.h"
#include "../record/json.h"
#include "../record/run_folder.h"

struct suite_settings {
    const char *suite, *base, *baseline;
    struct sy_ints seeds;
};

static const struct sy_field suite_fields[] = {
    SY_PARAM(struct suite_settings, suite, .def_text = "suite", .doc = "its name; runs/NAME is where runs go"),
    SY_PARAM(struct suite_settings, base, .flags = SY_PATH | SY_REQUIRED, .doc = "config file the variants change"),
    SY_PARAM(struct suite_settings, seeds, .def_text = "[1]", .min = 0, .max = 9e15, .doc = "one run each"),
    SY_PARAM(struct suite_settings, baseline, .def_text = "", .doc = "variant that the others are compared with"),
    SY_END,
};

static const struct sy_field expected_fields[] = {
    SY_PARAM(struct sy_expected, value, .min = 0, .max = 100, .flags = SY_REQUIRED, .unit = "% of accuracy",
             .doc = "what a paper says of a node"),
    SY_PARAM(struct sy_expected, tolerance, .def = -1, .min = -1, .max = 100, .unit = "% of accuracy",
             .doc = "how far off still counts as reproduced; -1: not told"),
    SY_END,
};

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* expected: { student: { value = 67.24; tolerance = 0.5; }; } */
static void read_expected(struct sy_suite *suite, struct sy_suite_variant *variant, struct sy_setting *group,
                          struct sy_problems *problems) {
    struct sy_table table = {expected_fields, 0};
    if (group->kind != SY_SETTING_GROUP) {
        sy_problem(problems, group,
                   "must be a group of nodes: expected: { student: { value = 67.24; tolerance = 0.5; }; };");
        return;
    }
    variant->expected = sy_arena_take(suite->arena, (group->n_children + 1) * sizeof *variant->expected);
    if (!variant->expected) {
        sy_problem(problems, group, "memory is used up");
    }
    for (size_t i = 0; variant->expected && i < group->n_children; i++) {
        struct sy_setting *node = group->children[i];
        struct sy_expected *expected = &variant->expected[variant->n_expected++];
        expected->at = node;
        expected->node = node->name;
        if (node->kind != SY_SETTING_GROUP) {
            sy_problem(problems, node, "must be a group: %s: { value = 67.24; tolerance = 0.5; };", node->name);
            continue;
        }
        sy_fields_read(expected, &table, node, suite->arena, problems);
        sy_fields_finish(node, (const struct sy_table *const[]){&table}, 1, NULL, problems);
    }
}

/* A group as the config is to be changed by, in the suite's arena: that one without `expected` and `threads`, which must
 * be the same for all. */
static void read_variant(struct sy_suite *suite, size_t index, struct sy_setting *changes,
                         struct sy_problems *problems) {
    struct sy_suite_variant *variant = &suite->variants[index];
    variant->changes = changes;
    if (changes->kind != SY_SETTING_GROUP) {
        sy_problem(problems, changes, "must be a group: %s: { ... };", changes->name);
        return;
    }
    struct sy_setting *expected = sy_setting_get(changes, "expected");
    const struct sy_setting *threads = sy_setting_find(changes, "threads");
    if (threads) {
        sy_problem(problems, threads,
                   "must be the same for all variants, for it is part of the bits; set it in the base file");
    }
    if (expected) {
        read_expected(suite, variant, expected, problems);
    }
}

static bool read_variants(struct sy_suite *suite, struct sy_problems *problems) {
    struct sy_setting *group = sy_setting_get(suite->root, "variants");
    if (!group || group->kind != SY_SETTING_GROUP || !group->n_children) {
        sy_problem(problems, group ? group : suite->root,
                   "a suite names its variants: variants: { baseline: { ... }; mine: { }; };");
        return false;
    }
    suite->variants = sy_arena_take(suite->arena, group->n_children * sizeof *suite->variants);
    for (size_t v = 0; suite->variants && v < group->n_children; v++) {
        read_variant(suite, v, group->children[v], problems);
        suite->n_variants++;
    }
    return suite->variants != NULL;
}

/* NULL where there is none. */
static const char *read_baseline(const struct sy_suite *suite, const char *name, struct sy_problems *problems) {
    if (!name || !name[0]) {
        return NULL;
    }
    const char **names = sy_arena_take(suite->arena, suite->n_variants * sizeof *names);
    if (!names) {
        sy_problem(problems, NULL, "memory is used up");
        return NULL;
    }
    for (size_t v = 0; v < suite->n_variants; v++) {
        names[v] = sy_suite_variant_name(suite, v);
        if (!strcmp(names[v], name)) {
            return names[v];
        }
    }
    const char *near = sy_nearest_name(name, names, suite->n_variants);
    sy_problem(problems, sy_setting_find(suite->root, "baseline"), "no variant is called \"%s\"%s%s%s", name,
               near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return NULL;
}

bool sy_suite_read(struct sy_suite *suite, const char *path, const struct sy_assignments *assignments,
                   struct sy_problems *problems) {
    static const char *const groups[] = {"variants", NULL};
    struct suite_settings settings = {0};
    struct sy_table table = {suite_fields, 0};
    size_t before = sy_problems_count(problems);
    *suite = (struct sy_suite){.arena = sy_arena_create()};
    if (!suite->arena) {
        sy_problem(problems, NULL, "memory is used up");
        goto failed;
    }
    suite->root = sy_setting_read(path, problems);
    if (!suite->root) {
        goto failed;
    }
    if (!read_variants(suite, problems) && sy_problems_count(problems) == before) {
        sy_problem(problems, NULL, "memory is used up");
    }
    sy_fields_read(&settings, &table, suite->root, suite->arena, problems);
    sy_fields_finish(suite->root, (const struct sy_table *const[]){&table}, 1, groups, problems);
    suite->baseline = read_baseline(suite, settings.baseline, problems);
    if (sy_problems_count(problems) != before) {
        goto failed;
    }
    suite->name = settings.suite;
    if (!sy_is_folder_name(suite->name)) {
        sy_problem(problems, sy_setting_find(suite->root, "suite"),
                   "\"%s\" becomes a folder: it must have no '/', not begin with '.', and be of 1 to 200 letters",
                   suite->name);
    }
    suite->seeds = settings.seeds.at;
    suite->n_seeds = settings.seeds.count;
    suite->base = sy_load_config(settings.base, assignments, problems);
    if (!suite->n_seeds) {
        sy_problem(problems, sy_setting_find(suite->root, "seeds"), "names no seed; seeds = [1, 2, 3], for example");
    }
    if (suite->base && sy_problems_count(problems) == before) {
        return true;
    }
failed:
    sy_suite_finish(suite);
    return false;
}

void sy_suite_finish(struct sy_suite *suite) {
    sy_setting_destroy(suite->base);
    sy_setting_destroy(suite->root);
    sy_arena_destroy(suite->arena);
    *suite = (struct sy_suite){0};
}

const char *sy_suite_variant_name(const struct sy_suite *suite, size_t variant) {
    return suite->variants[variant].changes->name;
}

void sy_suite_folder(char *out, size_t room, const struct sy_suite *suite, const char *folder, const size_t *variant,
                     int64_t seed) {
    size_t used = (size_t)(folder ? snprintf(out, room, "%s", folder) : snprintf(out, room, "runs/%s", suite->name));
    if (variant && used < room) {
        snprintf(out + used, room - used, "/%s/seed-%lld", sy_suite_variant_name(suite, *variant), (long long)seed);
    }
}

struct sy_setting *sy_suite_config(const struct sy_suite *suite, size_t variant, int64_t seed,
                                   const struct sy_assignments *assignments, struct sy_problems *problems) {
    struct sy_setting *config = sy_setting_copy(suite->base);
    char text[64];
    if (config) {
        sy_setting_drop_arguments(config); /* they come again, above the variant */
    }
    if (!config || !sy_setting_overlay(config, suite->variants[variant].changes, SY_LAYER_VARIANT)) {
        sy_problem(problems, NULL, "memory is used up");
        sy_setting_destroy(config);
        return NULL;
    }
    sy_setting_remove(config, "expected");
    snprintf(text, sizeof text, "seed=%lld", (long long)seed);
    sy_assign_all(config, assignments, problems);
    sy_setting_assign(config, text, SY_LAYER_ARGUMENT, problems);
    return config;
}

bool sy_suite_check_expected(const struct sy_suite *suite, size_t variant, const struct sy_setting *config,
                             struct sy_problems *problems) {
    const struct sy_suite_variant *of = &suite->variants[variant];
    bool good = true;
    for (size_t i = 0; i < of->n_expected; i++) {
        char path[256];
        snprintf(path, sizeof path, "nodes.%s", of->expected[i].node);
        if (!sy_setting_find(config, path)) {
            sy_problem(problems, of->expected[i].at, "no node is called \"%s\"", of->expected[i].node);
            good = false;
        }
    }
    return good;
}

/* ---- suite.json ------------------------------------------------------------------------------------------------- */

static json_t *expected_json(const struct sy_suite_variant *variant) {
    json_t *nodes = variant->n_expected ? json_object() : json_null();
    for (size_t i = 0; i < variant->n_expected; i++) {
        const struct sy_expected *expected = &variant->expected[i];
        sy_json_put(&nodes, expected->node,
                    json_pack("{s:o, s:o}", "value", sy_json_number(expected->value), "tolerance",
                              expected->tolerance >= 0 ? sy_json_number(expected->tolerance) : json_null()));
    }
    return nodes;
}

/* "last", ...: what train.select of all variants is; null where they differ. */
static json_t *selection_json(const struct sy_suite *suite) {
    const char *common = NULL;
    for (size_t v = 0; v < suite->n_variants; v++) {
        const struct sy_setting *own = sy_setting_find(suite->variants[v].changes, "train.select");
        const struct sy_setting *setting = own ? own : sy_setting_find(suite->base, "train.select");
        const char *select = setting && setting->kind == SY_SETTING_STRING ? setting->string : "last";
        if (common && strcmp(common, select) != 0) {
            return json_null();
        }
        common = select;
    }
    return json_string(common);
}

int sy_suite_write(const struct sy_suite *suite, const char *folder, int threads, json_t *others,
                   struct sy_error *err) {
    char path[4200];
    json_t *seeds = json_array(), *variants = json_array();
    for (size_t s = 0; s < suite->n_seeds; s++) {
        sy_json_add(&seeds, json_integer(suite->seeds[s]));
    }
    for (size_t v = 0; v < suite->n_variants; v++) {
        const char *name = sy_suite_variant_name(suite, v);
        sy_json_add(&variants, json_pack("{s:s, s:o, s:s}", "name", name, "expected",
                                         expected_json(&suite->variants[v]), "folder", name));
    }
    json_t *object = json_pack("{s:s, s:s?, s:o, s:o, s:i, s:o, s:o}", "suite", suite->name, "baseline",
                               suite->baseline, "seeds", seeds, "selection", selection_json(suite), "threads", threads,
                               "variants", variants, "others", others);
    snprintf(path, sizeof path, "%s/suite.json", folder);
    int status = sy_make_folders(folder, err);
    if (status != SY_OK) {
        json_decref(object);
        return status;
    }
    return sy_write_json(path, object, err);
}
