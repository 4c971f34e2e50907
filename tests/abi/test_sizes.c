/* test_sizes.c - plugins with longer and shorter structs than today's load, run and keep their defaults. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <switchyard/policy.h>

#include "host/plugins.h"

/* The same in both plugins. */
struct instance_of_either {
    double limit;
    double seen;
    int64_t calls;
};

/* Declares, makes, reads limit = 4.5, and decides once. */
static void expect_works(const char *name, const char *doc) {
    char path[4096];
    struct sy_field field;
    struct sy_policy_out out = {.size = sizeof out};
    struct sy_error err = {.size = sizeof err};
    struct sy_problems *problems = sy_problems_create();
    struct sy_arena *arena = sy_arena_create();
    struct sy_registry *registry = sy_registry_create("/bin/sh");
    const char *folder = getenv("SWITCHYARD_ABI_PLUGINS");
    cr_assert(folder != NULL, "SWITCHYARD_ABI_PLUGINS is not set; run the tests through meson test");
    snprintf(path, sizeof path, "%s/%s.so", folder, name);
    cr_assert(sy_registry_declare(registry, path, NULL, problems), "%s", sy_problems_text(problems, 0));

    const struct sy_found *found = sy_registry_find(registry, SY_POLICY, name, NULL, problems);
    cr_assert_not_null(found);
    cr_expect_eq(found->plugin.size, sizeof found->plugin);
    cr_expect(doc ? !strcmp(found->plugin.doc, doc) : found->plugin.doc == NULL);
    cr_expect_null(found->plugin.help);
    cr_expect_null(found->plugin.reference);
    cr_expect_null(found->plugin.extension);

    char text[] = "limit = 4.5;\n";
    struct sy_setting *config = sy_setting_read_text(text, "x.cfg", problems);
    struct sy_instance *instance = sy_instance_create(found, config, arena, problems);
    cr_assert(instance != NULL, "%s", sy_problems_text(problems, 0));
    const struct sy_policy_ops *ops = instance->ops;
    cr_expect_null(ops->init);
    cr_expect_null(ops->fini);
    cr_expect_null(ops->epoch);
    cr_expect_eq(ops->size, sizeof *ops);
    cr_expect_eq(ops->decide(instance->self, &out, NULL, &err), SY_OK);
    cr_expect_eq(out.mode, SY_EXPERT);
    const struct instance_of_either *self = instance->self;
    cr_expect_eq(self->seen, 4.5);
    cr_expect_eq(self->calls, 1);

    cr_assert(sy_instance_field(instance, 0, &field));
    cr_expect_str_eq(field.name, "seen");
    cr_assert(sy_instance_field(instance, 1, &field));
    cr_expect_str_eq(field.name, "calls");
    cr_expect(!sy_instance_field(instance, 2, &field));

    sy_instance_destroy(instance);
    sy_setting_destroy(config);
    sy_registry_destroy(registry);
    sy_arena_destroy(arena);
    sy_problems_destroy(problems);
}

Test(sizes, longer_structs) {
    expect_works("newer", "from the future");
}

Test(sizes, shorter_structs) {
    expect_works("older", NULL);
}
