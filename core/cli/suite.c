/* suite.c - see suite.h. */
#include "suite.h"

#include <string.h>

struct suite_settings {
    const char *suite, *base;
    struct sy_ints seeds;
};

static const struct sy_field suite_fields[] = {
    SY_PARAM(struct suite_settings, suite, .def_text = "suite", .doc = "its name; runs/NAME is where runs go"),
    SY_PARAM(struct suite_settings, base, .flags = SY_PATH | SY_REQUIRED, .doc = "config file the variants change"),
    SY_PARAM(struct suite_settings, seeds, .def_text = "[1]", .min = 0, .max = 9e15, .doc = "one run each"),
    SY_END,
};

bool sy_suite_read(struct sy_suite *suite, const char *path, const struct sy_assignments *assignments,
                   struct sy_problems *problems) {
    static const char *const groups[] = {"variants", NULL};
    struct suite_settings settings = {0};
    struct sy_table table = {suite_fields, 0};
    size_t before = sy_problems_count(problems);
    *suite = (struct sy_suite){.arena = sy_arena_create()};
    suite->root = suite->arena ? sy_setting_read(path, problems) : NULL;
    if (!suite->root) {
        goto failed;
    }
    struct sy_setting *variants = sy_setting_get(suite->root, "variants");
    if (!variants || variants->kind != SY_SETTING_GROUP || !variants->n_children) {
        sy_problem(problems, variants ? variants : suite->root,
                   "a suite names its variants: variants: { baseline: { ... }; mine: { }; };");
    }
    sy_fields_read(&settings, &table, suite->root, suite->arena, problems);
    sy_fields_finish(suite->root, (const struct sy_table *const[]){&table}, 1, groups, problems);
    if (sy_problems_count(problems) != before) {
        goto failed;
    }
    suite->name = settings.suite;
    suite->variants = variants;
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

struct sy_setting *sy_suite_config(const struct sy_suite *suite, size_t variant, int64_t seed,
                                   const struct sy_assignments *assignments, struct sy_problems *problems) {
    const struct sy_setting *changes = suite->variants->children[variant];
    struct sy_setting *config = sy_setting_copy(suite->base);
    if (changes->kind != SY_SETTING_GROUP) {
        sy_problem(problems, changes, "must be a group: %s: { ... };", changes->name);
    } else if (!config || !sy_setting_overlay(config, changes, SY_LAYER_VARIANT)) {
        sy_problem(problems, NULL, "memory is used up");
    } else {
        char text[64];
        snprintf(text, sizeof text, "seed=%lld", (long long)seed);
        sy_assign_all(config, assignments, problems);
        sy_setting_assign(config, text, SY_LAYER_ARGUMENT, problems);
        return config;
    }
    sy_setting_destroy(config);
    return NULL;
}
