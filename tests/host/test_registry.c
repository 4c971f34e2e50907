/* test_registry.c - where plugins are found, and which of two wins. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <switchyard/loss.h>
#include <switchyard/network.h>
#include <switchyard/policy.h>

#include "folders.h"
#include "host/plugins.h"

static struct test_folder folder;
static struct sy_problems *problems;
static struct sy_registry *registry;

static void begin(void) {
    unsetenv("SWITCHYARD_PLUGIN_PATH");
    test_folder_create(&folder);
    problems = sy_problems_create();
    registry = NULL;
}

static void end(void) {
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    test_folder_destroy(&folder);
}

TestSuite(registry, .init = begin, .fini = end);

/* A registry that searches these folders below the test's own, colon-separated, and a program elsewhere. */
static void search(const char *first, const char *second) {
    char list[1024];
    snprintf(list, sizeof list, "%s%s%s", test_folder_path(&folder, first), second ? ":" : "",
             second ? test_folder_path(&folder, second) : "");
    setenv("SWITCHYARD_PLUGIN_PATH", list, 1);
    registry = sy_registry_create("/bin/sh");
    cr_assert_not_null(registry);
}

static void expect_found(const char *kind, const char *name, const char *doc, const char *file) {
    const struct sy_found *found = sy_registry_find(registry, kind, name, NULL, problems);
    cr_assert(found != NULL, "%s", sy_problems_count(problems) ? sy_problems_text(problems, 0) : "no problem told");
    cr_expect_str_eq(found->plugin.doc, doc);
    cr_expect_str_eq(found->plugin.kind, kind);
    cr_expect_str_eq(found->plugin.name, name);
    cr_expect_str_eq(found->file, test_folder_path(&folder, file));
    cr_expect_eq(sy_problems_count(problems), 0);
}

static void expect_problem(const char *kind, const char *name, const char *message) {
    size_t before = sy_problems_count(problems);
    cr_expect_null(sy_registry_find(registry, kind, name, NULL, problems));
    cr_assert_eq(sy_problems_count(problems), before + 1);
    cr_expect_str_eq(sy_problems_text(problems, before), message);
}

Test(registry, finds_in_the_kinds_folder_and_beside_it) {
    test_folder_put(&folder, "rule", "a/policies/rule.so");
    test_folder_put(&folder, "several", "b/several.so");
    search("a", "b");
    expect_found(SY_POLICY, "rule", "counts apples", "a/policies/rule.so");
    expect_found(SY_POLICY, "several", "the policy of several", "b/several.so");
    expect_found(SY_LOSS, "several", "the loss of several", "b/several.so");
}

Test(registry, keeps_what_it_found) {
    test_folder_put(&folder, "rule", "policies/rule.so");
    search(".", NULL);
    const struct sy_found *found = sy_registry_find(registry, SY_POLICY, "rule", NULL, problems);
    cr_assert_not_null(found);
    cr_expect_eq(sy_registry_find(registry, SY_POLICY, "rule", NULL, problems), found);
}

Test(registry, first_folder_wins) {
    const struct sy_candidate *candidates;
    test_folder_put(&folder, "rule_too", "a/rule.so");
    test_folder_put(&folder, "rule", "b/policies/rule.so");
    search("a", "b");
    expect_found(SY_POLICY, "rule", "counts pears", "a/rule.so");
    cr_assert_eq(sy_registry_candidates(registry, NULL, false, &candidates), 2);
    cr_expect_str_eq(candidates[0].file, test_folder_path(&folder, "a/rule.so"));
    cr_expect_null(candidates[0].shadowed_by);
    cr_expect_str_eq(candidates[1].file, test_folder_path(&folder, "b/policies/rule.so"));
    cr_expect_str_eq(candidates[1].shadowed_by, test_folder_path(&folder, "a/rule.so"));
}

Test(registry, kinds_folder_wins_over_the_folder_itself) {
    test_folder_put(&folder, "rule_too", "rule.so");
    test_folder_put(&folder, "rule", "policies/rule.so");
    search(".", NULL);
    expect_found(SY_POLICY, "rule", "counts apples", "policies/rule.so");
}

Test(registry, declared_file_wins_whatever_it_is_called) {
    const struct sy_candidate *candidates;
    test_folder_put(&folder, "rule", "a/policies/rule.so");
    test_folder_put(&folder, "rule_too", "build/whatever.so");
    search("a", NULL);
    cr_expect(sy_registry_declare(registry, test_folder_path(&folder, "build/whatever.so"), NULL, problems));
    expect_found(SY_POLICY, "rule", "counts pears", "build/whatever.so");
    cr_assert_eq(sy_registry_candidates(registry, SY_POLICY, false, &candidates), 2);
    cr_expect_str_eq(candidates[1].shadowed_by, test_folder_path(&folder, "build/whatever.so"));
}

Test(registry, declared_file_offers_all_its_plugins) {
    test_folder_put(&folder, "several", "a/several.so");
    search("a", NULL);
    expect_problem(SY_POLICY, "hidden_rule", "no policy named \"hidden_rule\" (known: several)");
    cr_expect(sy_registry_declare(registry, test_folder_path(&folder, "a/several.so"), NULL, problems));
    cr_expect_not_null(sy_registry_find(registry, SY_POLICY, "hidden_rule", NULL, problems));
}

Test(registry, declared_file_that_is_not_there) {
    char message[1024];
    const char *path = test_folder_path(&folder, "no/such.so");
    search(".", NULL);
    cr_expect(!sy_registry_declare(registry, path, NULL, problems));
    snprintf(message, sizeof message, "plugin file %s: No such file or directory", path);
    cr_expect_str_eq(sy_problems_text(problems, 0), message);
}

Test(registry, a_file_does_not_shadow_itself) {
    const struct sy_candidate *candidates;
    test_folder_put(&folder, "rule", "a/policies/rule.so");
    test_folder_link(&folder, "a", "same_folder");
    test_folder_link(&folder, "a/policies/rule.so", "b/policies/rule.so");
    search("a", "same_folder");
    cr_expect_eq(sy_registry_candidates(registry, NULL, true, &candidates), 1);
    sy_registry_destroy(registry);
    search("a", "b");
    cr_assert_eq(sy_registry_candidates(registry, NULL, true, &candidates), 1);
    cr_expect_null(candidates[0].shadowed_by);
}

Test(registry, build_tree_and_installed_folders_follow_the_program) {
    test_folder_write(&folder, "built/switchyard", "");
    test_folder_put(&folder, "rule", "built/plugins/policies/rule.so");
    registry = sy_registry_create(test_folder_path(&folder, "built/switchyard"));
    expect_found(SY_POLICY, "rule", "counts apples", "built/plugins/policies/rule.so");
    sy_registry_destroy(registry);

    test_folder_write(&folder, "usr/bin/switchyard", "");
    test_folder_put(&folder, "rule_too", "usr/lib/switchyard/plugins/policies/rule.so");
    registry = sy_registry_create(test_folder_path(&folder, "usr/bin/switchyard"));
    expect_found(SY_POLICY, "rule", "counts pears", "usr/lib/switchyard/plugins/policies/rule.so");
    sy_registry_destroy(registry);

    /* The environment goes first. */
    setenv("SWITCHYARD_PLUGIN_PATH", test_folder_path(&folder, "built/plugins"), 1);
    registry = sy_registry_create(test_folder_path(&folder, "usr/bin/switchyard"));
    expect_found(SY_POLICY, "rule", "counts apples", "built/plugins/policies/rule.so");
}

Test(registry, never_the_current_folder) {
    test_folder_put(&folder, "rule", "policies/rule.so");
    test_folder_put(&folder, "rule", "rule.so");
    cr_assert_eq(chdir(folder.path), 0);
    setenv("SWITCHYARD_PLUGIN_PATH", "::", 1);
    registry = sy_registry_create("/bin/sh");
    expect_problem(SY_POLICY, "rule",
                   "no policy named \"rule\": no policies were found at all; set SWITCHYARD_PLUGIN_PATH to where they "
                   "are");
}

Test(registry, a_name_cannot_leave_the_folder) {
    test_folder_put(&folder, "rule", "outside/rule.so");
    test_folder_put(&folder, "rule", "inside/policies/other.so");
    search("inside", NULL);
    expect_problem(SY_POLICY, "../../outside/rule", "no policy named \"../../outside/rule\" (known: other)");
}

Test(registry, unknown_name_gets_the_nearest_without_opening_files) {
    test_folder_write(&folder, "policies/switokd.so", "no plugin, but nobody looks inside");
    test_folder_write(&folder, "policies/learning.so", "");
    test_folder_write(&folder, "losses/switokdd.so", "");
    search(".", NULL);
    expect_problem(SY_POLICY, "switokdd",
                   "no policy named \"switokdd\"; did you mean \"switokd\"? (known: learning, switokd)");
    expect_problem(SY_POLICY, "zebra", "no policy named \"zebra\" (known: learning, switokd)");
}

Test(registry, wrong_folder_of_a_kind) {
    char message[1024];
    test_folder_put(&folder, "rule", "networks/rule.so");
    search(".", NULL);
    snprintf(
        message, sizeof message,
        "network \"rule\": %s: plugin \"rule\" in it is of kind policy/1, not network/1; it lies in the wrong folder",
        test_folder_path(&folder, "networks/rule.so"));
    expect_problem(SY_NETWORK, "rule", message);
}

Test(registry, a_file_of_another_kind_beside_the_folders_is_passed_over) {
    test_folder_put(&folder, "rule", "a/rule.so");
    search("a", NULL);
    expect_problem(SY_NETWORK, "rule",
                   "no network named \"rule\": no networks were found at all; set SWITCHYARD_PLUGIN_PATH to where they "
                   "are");
}

Test(registry, a_broken_winner_is_not_replaced_in_silence) {
    test_folder_put_bad(&folder, "no_symbol", "a/policies/rule.so");
    test_folder_put(&folder, "rule", "b/policies/rule.so");
    search("a", "b");
    cr_expect_null(sy_registry_find(registry, SY_POLICY, "rule", NULL, problems));
    cr_expect_eq(sy_problems_count(problems), 1);
}

Test(registry, problems_know_their_place) {
    struct sy_setting *config = sy_setting_read_text("policy: {\n  plugin = \"rul\";\n};\n", "x.cfg", problems);
    test_folder_put(&folder, "rule", "policies/rule.so");
    search(".", NULL);
    cr_assert_not_null(config);
    const struct sy_setting *at = sy_setting_find(config, "policy.plugin");
    cr_expect_null(sy_registry_find(registry, SY_POLICY, "rul", at, problems));
    cr_assert_eq(sy_problems_count(problems), 1);
    cr_expect_str_eq(sy_problems_text(problems, 0),
                     "x.cfg:2: policy.plugin: no policy named \"rul\"; did you mean \"rule\"? (known: rule)");
    sy_setting_destroy(config);
}

Test(registry, candidates_are_sorted_and_filtered) {
    const struct sy_candidate *candidates;
    test_folder_put(&folder, "several", "several.so");
    test_folder_put(&folder, "rule", "policies/rule.so");
    test_folder_put_bad(&folder, "no_symbol", "stray.so");
    test_folder_write(&folder, "policies/README.md", "no plugin");
    search(".", NULL);
    cr_assert_eq(sy_registry_candidates(registry, NULL, false, &candidates), 4);
    cr_expect_str_eq(candidates[0].kind, SY_LOSS);
    cr_expect_str_eq(candidates[0].name, "several");
    cr_expect_str_eq(candidates[1].kind, SY_POLICY);
    cr_expect_str_eq(candidates[1].name, "rule");
    cr_expect_str_eq(candidates[2].name, "several");
    cr_expect_null(candidates[2].failed);
    cr_expect_str_eq(candidates[3].kind, "");
    cr_expect_str_eq(candidates[3].name, "stray");
    cr_expect_not_null(candidates[3].failed);
    cr_assert_eq(sy_registry_candidates(registry, SY_LOSS, true, &candidates), 1);
    cr_expect_str_eq(candidates[0].kind, SY_LOSS);
}
