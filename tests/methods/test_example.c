/* test_example.c - the example policy: compiled as its README says, outside the tree, it runs in place of switokd. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../program/program.h"

#define COMPILE "cc -std=c11 -shared -fPIC -I include -o my_rule.so experiments/examples/my_rule.c"
#define TINY                                                                             \
    "--set backend=reference --set threads=1 --set data.batch=16 --set data.train=96 "   \
    "--set data.test=48 --set nodes.teacher.plugin=mlp --set nodes.teacher.hidden=[12] " \
    "--set nodes.student.plugin=mlp --set nodes.student.hidden=[4]"

/* A working folder with nothing in it but the headers and the example, as copies. */
static void setup(void) {
    char command[1024];
    const char *root = getenv("SWITCHYARD_SOURCE_ROOT");
    program_setup();
    cr_assert(root, "SWITCHYARD_SOURCE_ROOT names the source tree");
    snprintf(command, sizeof command,
             "mkdir experiments && cp -r '%s/include' . && cp -r '%s/experiments/examples' experiments && "
             "cp experiments/examples/my_rule.cfg .",
             root, root);
    cr_assert_eq(system(command), 0);
}

TestSuite(example, .init = setup, .fini = program_teardown);

Test(example, is_short_and_compiles_without_a_word) {
    char *text = read_text("experiments/examples/my_rule.c"), *readme = read_text("experiments/examples/README.md");
    int lines = 0;
    cr_assert(text && readme);
    for (const char *at = text; *at; at++) {
        lines += *at == '\n';
    }
    cr_expect_leq(lines, 45);
    cr_expect(strstr(readme, COMPILE), "the README says how");
    cr_assert_eq(system(COMPILE " 2>err"), 0);
    char *words = read_text("err");
    cr_expect_str_empty(words);
    free(words), free(readme), free(text);
}

Test(example, runs_in_place_of_switokd) {
    cr_assert_eq(system(COMPILE), 0);
    cr_assert_eq(run_program("run my_rule.cfg --quiet --steps 4 --out r " TINY), 0);
    char *steps = read_text("r/steps.jsonl"), *config = read_text("r/run.cfg");
    int lines = 0;
    cr_assert(steps && config);
    for (const char *at = steps; (at = strstr(at, "\"smoothed\"")); at++) {
        lines++;
    }
    cr_expect_eq(lines, 4, "its observed fields are in the journal of every step");
    cr_expect(strstr(steps, "\"mode\":\"learning\"") || strstr(steps, "\"mode\": \"learning\""));
    cr_expect(strstr(config, "memory = 0.9"), "its parameters are in the written config");
    free(config), free(steps);
}

Test(example, its_decisions_count) {
    cr_assert_eq(system(COMPILE), 0);
    cr_assert_eq(run_program("run my_rule.cfg --quiet --steps 2 --out r --set policy.limit=0 " TINY), 0);
    char *steps = read_text("r/steps.jsonl");
    cr_assert(steps);
    cr_expect_not(strstr(steps, "\"learning\""), "no gap is narrow enough for a limit of 0");
    cr_expect(strstr(steps, "\"on\":false") || strstr(steps, "\"on\": false"), "the teacher is paused");
    free(steps);
}

Test(example, its_parameters_are_checked_and_explained) {
    cr_assert_eq(system(COMPILE), 0);
    cr_expect_eq(run_program("check my_rule.cfg --set policy.limit=3 " TINY), 2);
    cr_expect(said("3 is outside [0, 2]"));
    char *folder = realpath(".", NULL);
    setenv("SWITCHYARD_PLUGIN_PATH", folder, 1);
    cr_expect_eq(run_program("help my_rule"), 0);
    cr_expect(said("widest gap at which both learn"));
    free(folder);
}
