/* test_broken.c - every broken plugin gets its own clear message. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include <switchyard/policy.h>

#include "folders.h"
#include "host/plugins.h"
#include "host/services.h"

struct broken_case {
    char name[32];
    char message[200]; /* of the problem, after the file and a colon */
};

ParameterizedTestParameters(broken, is_refused) {
    static struct broken_case cases[] = {
        {"bad_default", "plugin \"bad_default\": field \"limit\": its default 11 is outside [0, 10]"},
        {"bad_name", "its name \"Bad Name\" must be 1 to 63 of a-z, 0-9 and _"},
        {"duplicate_field", "plugin \"duplicate_field\": field \"limit\" is there twice"},
        {"empty_list", "its list sy_plugins_1 must hold 1 to 64 plugins and end with NULL"},
        {"field_outside", "plugin \"field_outside\": field \"outside\" lies outside its instance"},
        {"no_function", "plugin \"no_function\" has no function \"decide\", which a policy must have"},
        {"no_instance", "plugin \"no_instance\" has instances of 0 bytes; must be 1 to 1073741824"},
        {"no_ops", "plugin \"no_ops\" has no table of functions; set .ops"},
        {"no_symbol", "it is no Switchyard plugin: it does not export sy_plugins_1; SY_PLUGIN does that"},
        {"odd_fields", "plugin \"odd_fields\" has fields of 12 bytes; it was built against other headers than "},
        {"odd_ops", "plugin \"odd_ops\" has a table of functions of 0 bytes; set .size = sizeof ops"},
        {"odd_short_name", "plugin \"odd_short_name\": short name \"odd-{limt}\": it has no parameter \"limt\""},
        {"other_name", "it calls its plugin \"another_name\"; in a folder of plugins the file must be another_name.so"},
        {"short_struct", "its descriptor has 8 bytes, not 88 or a few more; it was built against other headers than "},
        {"twins", "it has two plugins \"twins\" of kind policy/1; names must differ"},
        {"undefined_symbol", "undefined symbol: sy_no_such_function"},
        {"wrong_kind", "plugin \"wrong_kind\" is of kind \"policy/9\", which is unknown here; known: backend/1, "},
    };
    return cr_make_param_array(struct broken_case, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest(struct broken_case *broken, broken, is_refused) {
    struct test_folder folder;
    char to[64], expected[1024];
    const struct sy_candidate *candidates;
    struct sy_problems *problems = sy_problems_create();
    test_folder_create(&folder);
    snprintf(to, sizeof to, "policies/%s.so", broken->name);
    test_folder_put_bad(&folder, broken->name, to);
    setenv("SWITCHYARD_PLUGIN_PATH", folder.path, 1);

    struct sy_registry *registry = sy_registry_create("/bin/sh");
    cr_expect_null(sy_registry_find(registry, SY_POLICY, broken->name, NULL, problems));
    cr_assert_eq(sy_problems_count(problems), 1);
    snprintf(expected, sizeof expected, "policy \"%s\": %s: %s", broken->name, test_folder_path(&folder, to),
             broken->message);
    cr_expect(!strncmp(sy_problems_text(problems, 0), expected, strlen(expected)), "got:  %s\nwant: %s",
              sy_problems_text(problems, 0), expected);

    /* `list` says the same. */
    cr_assert_eq(sy_registry_candidates(registry, SY_POLICY, true, &candidates), 1);
    cr_assert_not_null(candidates[0].failed);
    cr_expect(!strncmp(candidates[0].failed, broken->message, strlen(broken->message)), "%s", candidates[0].failed);
    sy_registry_destroy(registry);

    /* Declared, it is a problem at once; only its file's name does not matter there. */
    registry = sy_registry_create("/bin/sh");
    bool declared = sy_registry_declare(registry, test_folder_path(&folder, to), NULL, problems);
    cr_expect_eq(declared, !strcmp(broken->name, "other_name"));
    cr_expect_eq(sy_problems_count(problems), declared ? 1 : 2);
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    test_folder_destroy(&folder);
}

Test(broken, text_is_no_shared_object) {
    struct test_folder folder;
    struct sy_problems *problems = sy_problems_create();
    test_folder_create(&folder);
    test_folder_write(&folder, "policies/notes.so",
                      "not an ELF file, but long enough to be read as the head of one....");
    setenv("SWITCHYARD_PLUGIN_PATH", folder.path, 1);
    struct sy_registry *registry = sy_registry_create("/bin/sh");
    cr_expect_null(sy_registry_find(registry, SY_POLICY, "notes", NULL, problems));
    cr_assert_eq(sy_problems_count(problems), 1);
    cr_expect(strstr(sy_problems_text(problems, 0), "policies/notes.so: invalid ELF header") != NULL, "%s",
              sy_problems_text(problems, 0));
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    test_folder_destroy(&folder);
}

Test(broken, init_that_refuses_gives_its_reason) {
    struct test_folder folder;
    struct sy_error err = {.size = sizeof err};
    struct sy_problems *problems = sy_problems_create();
    struct sy_arena *arena = sy_arena_create();
    struct sy_services services;
    test_folder_create(&folder);
    test_folder_put_bad(&folder, "init_fails", "policies/init_fails.so");
    setenv("SWITCHYARD_PLUGIN_PATH", folder.path, 1);
    struct sy_registry *registry = sy_registry_create("/bin/sh");
    const struct sy_found *found = sy_registry_find(registry, SY_POLICY, "init_fails", NULL, problems);
    cr_assert_not_null(found);
    struct sy_instance *instance = sy_instance_create(found, NULL, arena, problems);
    cr_assert_not_null(instance);
    sy_services_init(&services, NULL, 1, "policy init_fails");
    const struct sy_policy_ops *ops = instance->ops;
    cr_expect_eq(ops->init(instance->self, &services.host, &err), SY_ENOTSUP);
    cr_expect_str_eq(err.text, "this policy needs a full moon; run it in 12 days");
    sy_services_finish(&services);
    sy_instance_destroy(instance);
    sy_registry_destroy(registry);
    sy_arena_destroy(arena);
    sy_problems_destroy(problems);
    test_folder_destroy(&folder);
}
