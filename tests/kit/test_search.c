/* test_search.c - `switchyard check` explains where plugins were looked for, found and refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "../program/program.h"

TestSuite(search, .init = program_setup, .fini = program_teardown);

static void expect_said(const char *text) {
    char *out = read_text("out");
    cr_expect(said(text), "\"%s\" is not in:\n%s", text, out);
    free(out);
}

Test(search, check_explains_it) {
    char command[2048], path[2048];
    const char *plugins = getenv("SWITCHYARD_PLUGIN_PATH"), *bad = getenv("SWITCHYARD_BAD_PLUGINS");
    cr_assert(plugins && bad);
    snprintf(command, sizeof command,
             "mkdir -p mine/policies && cp '%s/policies/switokd.so' mine/policies/ && "
             "cp '%s/undefined_symbol.so' mine/policies/",
             plugins, bad);
    cr_assert_eq(system(command), 0);
    char *here = realpath("mine", NULL);
    snprintf(path, sizeof path, "%s:%s", here, plugins);
    setenv("SWITCHYARD_PLUGIN_PATH", path, 1);
    write_small("small.cfg", "");
    cr_assert_eq(run_program("check small.cfg"), 0);
    expect_said("mine/policies/switokd.so\n");
    expect_said("shadows ");
    expect_said("looked for in the files of this config's `plugins`, then in\n           1. ");
    expect_said("unusable: ");
    expect_said("mine/policies/undefined_symbol.so: undefined symbol: sy_no_such_function");
    free(here);
}
