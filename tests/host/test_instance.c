/* test_instance.c - parameters arrive, functions are copied, fields are told. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <switchyard/policy.h>

#include "folders.h"
#include "host/plugins.h"

/* As in plugins/rule.c. */
struct rule {
    double limit;
    int32_t side;
    int64_t calls;
    double seen;
};

static struct test_folder folder;
static struct sy_problems *problems;
static struct sy_registry *registry;
static struct sy_arena *arena;

static void begin(void) {
    test_folder_create(&folder);
    test_folder_put(&folder, "rule", "policies/rule.so");
    setenv("SWITCHYARD_PLUGIN_PATH", folder.path, 1);
    problems = sy_problems_create();
    registry = sy_registry_create("/bin/sh");
    arena = sy_arena_create();
}

static void end(void) {
    sy_arena_destroy(arena);
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    test_folder_destroy(&folder);
}

TestSuite(instance, .init = begin, .fini = end);

static struct sy_setting *config_of(const char *text) {
    struct sy_setting *config = sy_setting_read_text(text, "x.cfg", problems);
    cr_assert_not_null(config);
    return config;
}

static void expect_only_problem(const char *message) {
    cr_assert_eq(sy_problems_count(problems), 1);
    cr_expect_str_eq(sy_problems_text(problems, 0), message);
}

Test(instance, starts_zeroed_with_defaults) {
    const struct sy_found *found = sy_registry_find(registry, SY_POLICY, "rule", NULL, problems);
    struct sy_instance *instance = sy_instance_create(found, NULL, arena, problems);
    cr_assert_not_null(instance);
    const struct rule *rule = instance->self;
    cr_expect_eq((uintptr_t)rule % 64, 0);
    cr_expect_eq(rule->limit, 1.5);
    cr_expect_eq(rule->side, 0);
    cr_expect_eq(rule->calls, 0);
    cr_expect_eq(rule->seen, 0);
    sy_instance_destroy(instance);
    sy_instance_destroy(NULL);
}

Test(instance, has_functions_and_parameters_of_its_own) {
    struct sy_setting *config = config_of("policy: { plugin = \"rule\"; limit = 4; side = \"right\"; };");
    struct sy_instance *instance =
        sy_instance_from_group(registry, SY_POLICY, sy_setting_get(config, "policy"), NULL, NULL, arena, problems);
    cr_assert_not_null(instance);
    const struct sy_policy_ops *ops = instance->ops;
    const struct rule *rule = instance->self;
    struct sy_policy_out out = {.size = sizeof out};
    struct sy_error err = {.size = sizeof err};
    cr_expect_eq(ops->size, sizeof *ops);
    cr_expect_null(ops->init);
    cr_expect_null(ops->epoch);
    cr_expect_eq(ops->decide(instance->self, &out, NULL, &err), SY_OK);
    cr_expect_eq(out.mode, SY_EXPERT);
    cr_expect_eq(rule->calls, 1);
    cr_expect_eq(rule->seen, 4);
    cr_expect_eq(sy_problems_count(problems), 0);
    sy_instance_destroy(instance);
    sy_setting_destroy(config);
}

Test(instance, tells_every_mistake_of_a_group) {
    struct sy_setting *config = config_of("policy: {\n plugin = \"rule\";\n limit = 40;\n sid = \"left\";\n};");
    cr_expect_null(
        sy_instance_from_group(registry, SY_POLICY, sy_setting_get(config, "policy"), NULL, NULL, arena, problems));
    cr_assert_eq(sy_problems_count(problems), 2);
    cr_expect(strstr(sy_problems_text(problems, 0), "x.cfg:3: policy.limit: ") != NULL, "%s",
              sy_problems_text(problems, 0));
    cr_expect(strstr(sy_problems_text(problems, 1), "x.cfg:4: policy.sid: ") != NULL, "%s",
              sy_problems_text(problems, 1));
    sy_setting_destroy(config);
}

Test(instance, leaves_keys_of_others_alone) {
    static const char *const names[] = {"weight", NULL};
    struct sy_setting *config = config_of("policy: { plugin = \"rule\"; weight = 1; };");
    struct sy_instance *instance =
        sy_instance_from_group(registry, SY_POLICY, sy_setting_get(config, "policy"), NULL, names, arena, problems);
    cr_expect_not_null(instance);
    cr_expect_eq(sy_problems_count(problems), 0, "%s", sy_problems_text(problems, 0));
    sy_instance_destroy(instance);
    sy_setting_destroy(config);
}

Test(instance, fallback_becomes_part_of_the_config) {
    struct sy_setting *config = config_of("policy: { limit = 2; };");
    struct sy_instance *instance =
        sy_instance_from_group(registry, SY_POLICY, sy_setting_get(config, "policy"), "rule", NULL, arena, problems);
    cr_assert_not_null(instance);
    const struct sy_setting *plugin = sy_setting_find(config, "policy.plugin");
    cr_assert_not_null(plugin);
    cr_expect_str_eq(plugin->string, "rule");
    cr_expect_eq(((const struct rule *)instance->self)->limit, 2);
    sy_instance_destroy(instance);
    instance = sy_instance_from_group(registry, SY_POLICY, NULL, "rule", NULL, arena, problems);
    cr_expect_not_null(instance);
    sy_instance_destroy(instance);
    sy_setting_destroy(config);
}

Test(instance, missing_plugin_key) {
    struct sy_setting *config = config_of("policy: { limit = 2; };");
    cr_expect_null(
        sy_instance_from_group(registry, SY_POLICY, sy_setting_get(config, "policy"), NULL, NULL, arena, problems));
    expect_only_problem(
        "x.cfg:1: policy: plugin is missing; say which policy, as in plugin = \"NAME\"; `switchyard list "
        "policy` shows which there are");
    sy_setting_destroy(config);
}

Test(instance, plugin_key_of_another_type) {
    struct sy_setting *config = config_of("policy: { plugin = 3; };");
    cr_expect_null(
        sy_instance_from_group(registry, SY_POLICY, sy_setting_get(config, "policy"), NULL, NULL, arena, problems));
    expect_only_problem("x.cfg:1: policy.plugin: must be the name of a policy, as a string");
    sy_setting_destroy(config);
}

Test(instance, tells_state_and_observed_fields_only) {
    struct sy_field field;
    const struct sy_found *found = sy_registry_find(registry, SY_POLICY, "rule", NULL, problems);
    struct sy_instance *instance = sy_instance_create(found, NULL, arena, problems);
    cr_assert(sy_instance_field(instance, 0, &field));
    cr_expect_str_eq(field.name, "calls");
    cr_expect_eq(field.role, SY_STATE_FIELD);
    cr_assert(sy_instance_field(instance, 1, &field));
    cr_expect_str_eq(field.name, "seen");
    cr_expect_eq(field.role, SY_OBSERVED_FIELD);
    cr_expect(!sy_instance_field(instance, 2, &field));
    sy_instance_destroy(instance);
}
