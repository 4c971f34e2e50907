/* test_lists.c - `switchyard list`: what is found, what hides what, and what cannot be used. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(lists, .init = program_setup, .fini = program_teardown);

/* A folder ./mine before the others: a copy of a policy, and a file that is none. */
static void set_up_mine(void) {
    char command[4600], path[4400];
    const char *before = getenv("SWITCHYARD_PLUGIN_PATH");
    cr_assert(before);
    snprintf(command, sizeof command,
             "mkdir -p mine/policies && cp '%s/policies/switokd.so' mine/policies && "
             "echo no plugin > mine/policies/broken.so",
             before);
    cr_assert_eq(system(command), 0);
    char *here = realpath("mine", NULL);
    snprintf(path, sizeof path, "%s:%s", here, before);
    free(here);
    setenv("SWITCHYARD_PLUGIN_PATH", path, 1);
}

Test(lists, every_kind_or_one) {
    cr_expect_eq(run_program("list"), 0);
    cr_expect(said("switokd") && said("resnet_cifar") && said("reference") && said("shapes") && said("pair"));
    cr_expect_eq(run_program("list policy"), 0);
    cr_expect(said("switokd") && !said("resnet_cifar"));
    cr_assert_eq(system("cp out first"), 0);
    cr_expect_eq(run_program("list policies"), 0);
    cr_expect(same_bytes("first", "out"), "the folder's name will do");
}

Test(lists, what_hides_what_and_what_cannot_be_used_is_told) {
    set_up_mine();
    cr_expect_eq(run_program("list policy"), 0);
    cr_expect(said("(hidden by mine/policies/switokd.so)"));
    cr_expect(said("(unusable: "));
    cr_expect_eq(run_program("help policy switokd"), 0);
    cr_expect(said("mine/policies/switokd.so"), "the first of the path is taken");
}

Test(lists, the_border_and_the_sizes_plugins_were_built_with) {
    set_up_mine();
    cr_expect_eq(run_program("list --abi"), 0);
    cr_expect(said("this program: symbol ") && said("policy/1") && said("backend/1") && said("mlp"));
    cr_expect_not(said("broken"), "what does not load has no sizes");
    cr_expect_not(said("built on older headers"));
    cr_expect_eq(run_program("list --abi loss"), 0);
    cr_expect(said("kl") && !said("switokd"));
}

Test(lists, the_headers_are_where_they_are_told_to_be) {
    cr_expect_eq(run_program("list --include-dir"), 0);
    cr_expect_eq(system("test -f \"$(cat out)/switchyard/plugin.h\""), 0);
}
