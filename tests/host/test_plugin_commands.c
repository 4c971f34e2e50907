/* test_plugin_commands.c - `switchyard list` and `switchyard help`. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "folders.h"

static struct test_folder folder;
static char out[16384], err[16384];

static void begin(void) {
    test_folder_create(&folder);
    test_folder_put(&folder, "rule", "plugins/policies/rule.so");
    test_folder_put(&folder, "several", "plugins/several.so");
    test_folder_put(&folder, "rule_too", "more/rule.so");
    test_folder_put_bad(&folder, "no_function", "plugins/policies/no_function.so");
    char path[1024];
    snprintf(path, sizeof path, "%s:%s", test_folder_path(&folder, "plugins"), test_folder_path(&folder, "more"));
    setenv("SWITCHYARD_PLUGIN_PATH", path, 1);
    cr_assert_eq(chdir(folder.path), 0);
}

static void end(void) {
    test_folder_destroy(&folder);
}

TestSuite(plugin_commands, .init = begin, .fini = end);

static void read_back(FILE *file, char *to, size_t room) {
    fflush(file);
    rewind(file);
    to[fread(to, 1, room - 1, file)] = 0;
    fclose(file);
}

/* Runs a command with stdout and stderr caught in `out` and `err`. */
static int run(int (*command)(int, char **), const char *first, const char *second, const char *third) {
    char *argv[5] = {(char[]){"command"}, strdup(first ? first : ""), strdup(second ? second : ""),
                     strdup(third ? third : ""), NULL};
    int argc = 1 + (first != NULL) + (second != NULL) + (third != NULL);
    FILE *out_file = tmpfile(), *err_file = tmpfile();
    fflush(stdout);
    fflush(stderr);
    int old_out = dup(1), old_err = dup(2);
    dup2(fileno(out_file), 1);
    dup2(fileno(err_file), 2);
    int code = command(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(old_out, 1);
    dup2(old_err, 2);
    close(old_out);
    close(old_err);
    read_back(out_file, out, sizeof out);
    read_back(err_file, err, sizeof err);
    for (int i = 1; i < 4; i++) {
        free(argv[i]);
    }
    return code;
}

static void expect_line(const char *text) {
    cr_expect(strstr(out, text) != NULL, "\"%s\" is not in:\n%s", text, out);
}

Test(plugin_commands, list_shows_kind_name_doc_and_file) {
    cr_expect_eq(run(sy_cli_list, NULL, NULL, NULL), SY_EXIT_OK);
    expect_line("policy    rule         counts apples ");
    expect_line(" plugins/policies/rule.so\n");
    expect_line("loss      several      the loss of several ");
    expect_line("policy    rule         (hidden by plugins/policies/rule.so) ");
    expect_line("  more/rule.so\n");
    expect_line(
        "policy    no_function  (unusable: plugin \"no_function\" has no function \"decide\", which a policy must");
    cr_expect_str_empty(err);
}

Test(plugin_commands, list_of_one_kind) {
    cr_expect_eq(run(sy_cli_list, "loss", NULL, NULL), SY_EXIT_OK);
    expect_line("the loss of several");
    cr_expect(strstr(out, "policy") == NULL);
    cr_expect_eq(run(sy_cli_list, "policies", NULL, NULL), SY_EXIT_OK);
    expect_line("counts apples");
}

Test(plugin_commands, list_of_an_unknown_kind) {
    cr_expect_eq(run(sy_cli_list, "polcy", NULL, NULL), SY_EXIT_BAD_INPUT);
    cr_expect_str_eq(err, "switchyard list: no kind of plugin is called \"polcy\"; did you mean \"policy\"? (known: "
                          "backend, network, loss, policy, topology, dataset)\n");
    cr_expect_eq(run(sy_cli_list, "a", "b", NULL), SY_EXIT_BAD_INPUT);
    cr_expect_eq(run(sy_cli_list, "--help", NULL, NULL), SY_EXIT_OK);
    expect_line("usage: switchyard list");
}

Test(plugin_commands, list_of_nothing) {
    setenv("SWITCHYARD_PLUGIN_PATH", test_folder_path(&folder, "more"), 1);
    cr_expect_eq(run(sy_cli_list, "network", NULL, NULL), SY_EXIT_FAILED);
    cr_expect(strstr(err, "no plugins were found") != NULL, "%s", err);
}

Test(plugin_commands, help_tells_everything) {
    cr_expect_eq(run(sy_cli_help, "rule", NULL, NULL), SY_EXIT_OK);
    expect_line("policy rule - counts apples\n");
    expect_line("Decides by the number of apples.\n\nA second paragraph.\n");
    expect_line("From: A. Gardener, Apples, 2001\n");
    expect_line("1.5 apples");
    expect_line("[0, 10]");
    expect_line("how many are too many");
    expect_line("Gardener 2001, eq. 3");
    expect_line("left|right");
    expect_line("decisions so far");
    expect_line("apples seen");
    expect_line("plugins/policies/rule.so");
    cr_expect_str_empty(err);
}

Test(plugin_commands, help_of_a_name_in_several_kinds) {
    cr_expect_eq(run(sy_cli_help, "several", NULL, NULL), SY_EXIT_OK);
    expect_line("loss several - the loss of several\n");
    expect_line("policy several - the policy of several\n");
    cr_expect_eq(run(sy_cli_help, "policy", "several", NULL), SY_EXIT_OK);
    cr_expect(strstr(out, "loss several") == NULL);
    cr_expect_eq(run(sy_cli_help, "loss/several", NULL, NULL), SY_EXIT_OK);
    cr_expect(strstr(out, "policy several") == NULL);
    expect_line("loss several");
}

Test(plugin_commands, help_of_unknown_and_broken_names) {
    cr_expect_eq(run(sy_cli_help, "rul", NULL, NULL), SY_EXIT_BAD_INPUT);
    cr_expect_str_eq(err, "switchyard help: no plugin named \"rul\"; did you mean \"rule\"? `switchyard list` shows "
                          "which there are\n");
    cr_expect_eq(run(sy_cli_help, "loss", "severa", NULL), SY_EXIT_BAD_INPUT);
    cr_expect_str_eq(err, "no loss named \"severa\"; did you mean \"several\"? (known: several)\n");
    cr_expect_eq(run(sy_cli_help, "no_function", NULL, NULL), SY_EXIT_BAD_INPUT);
    cr_expect(strstr(err, "which a policy must have") != NULL, "%s", err);
    cr_expect_eq(run(sy_cli_help, "polcy/rule", NULL, NULL), SY_EXIT_BAD_INPUT);
    cr_expect(strstr(err, "did you mean \"policy\"?") != NULL, "%s", err);
    cr_expect_eq(run(sy_cli_help, NULL, NULL, NULL), SY_EXIT_BAD_INPUT);
    cr_expect_eq(run(sy_cli_help, "--help", NULL, NULL), SY_EXIT_OK);
    expect_line("usage: switchyard help PLUGIN");
}
