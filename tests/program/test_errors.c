/* test_errors.c - what is wrong is told at once, with its place, and nothing is written. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(errors, .init = program_setup, .fini = program_teardown);

Test(errors, all_mistakes_of_a_file_are_told_in_one_go_with_their_lines) {
    write_text("bad.cfg", "experiment = \"bad\";\n"
                          "sed = 3;\n"                                                 /* line 2 */
                          "data: { plugin = \"shapes\"; bach = 16; };\n"               /* 3 */
                          "train: { epochs = 0; optimizer: { kind = \"sgdd\"; }; };\n" /* 4 */
                          "nodes: {\n"
                          "  teacher: { plugin = \"wrm\"; role = \"teacher\"; };\n"        /* 6 */
                          "  student: { plugin = \"resnet_cifar\"; role = \"pupil\"; };\n" /* 7 */
                          "};\n"
                          "topology: { plugin = \"pair\"; pause = \"maybe\"; };\n" /* 9 */
                          "policy: { plugin = \"switokd\"; temperature = \"hot\"; };\n");
    cr_expect_eq(run_program("run bad.cfg"), 2);
    cr_expect(said("bad.cfg:2: sed: unknown key; did you mean \"seed\"?"));
    cr_expect(said("bad.cfg:3: data.bach: unknown key; did you mean \"batch\"?"));
    cr_expect(said("bad.cfg:4: train.epochs: 0 is outside [1, 1000000000]"));
    cr_expect(said("bad.cfg:4: train.optimizer.kind: \"sgdd\" is not one of"));
    cr_expect(said("did you mean \"sgd\"?"));
    cr_expect(said("bad.cfg:6: nodes.teacher.plugin: no network named \"wrm\"; did you mean \"wrn\"?"));
    cr_expect(said("bad.cfg:7: nodes.student.role: \"pupil\" is not one of"));
    cr_expect(said("bad.cfg:9: topology.pause: \"maybe\" is not one of"));
    cr_expect_not(exists("runs"), "nothing is written");
}

Test(errors, policy_mistakes_are_told_once_however_many_gates) {
    write_small("bad.cfg", "");
    cr_expect_eq(run_program("check bad.cfg --set policy.temperature=5000"), 2);
    cr_expect(said("--set policy.temperature: 5000 is outside [0.01, 1000]"));
    char *err = read_text("err");
    cr_expect_eq(strstr(strstr(err, "5000") + 4, "5000"), NULL);
    free(err);
}

Test(errors, what_nobody_uses_is_checked_all_the_same) {
    write_small("bad.cfg", "");
    cr_expect_eq(run_program("check bad.cfg --set topology.plugin=independent --set topology.loss.temperatur=2"), 2);
    cr_expect(said("temperatur: unknown key; did you mean \"temperature\"?"));
    cr_expect_eq(run_program("check bad.cfg --set nodes.student.role=peer --set topology.plugin=independent "
                             "--set policy.plugin=switokdd"),
                 2);
    cr_expect(said("did you mean \"switokd\"?"));
}

Test(errors, a_wrong_shape_of_the_experiment_is_explained) {
    write_small("small.cfg", "");
    cr_expect_eq(run_program("check small.cfg --set nodes.student.role=teacher"), 2);
    cr_expect(said("needs exactly two nodes, one with role = \"teacher\""));
    cr_expect_eq(run_program("check small.cfg --set nodes.teacher.plugin=wrn --set nodes.teacher.depth=17"), 2);
    cr_expect(said("depth 17 is not 6n + 4; the nearest are 16 and 22"));
    cr_expect_eq(run_program("check small.cfg --set precision=bf16"), 2);
    cr_expect(said(
        "backend \"reference\": does not compute in bf16 with these settings on this machine; it can do fp32, fp64"));
    cr_expect_eq(run_program("check small.cfg --set data.mean=[1,2]"), 2);
    cr_expect(said("has 2 numbers, must have one for each of the 3 channels"));
    cr_expect_eq(run_program("check small.cfg --set data.plugin=cifar10 --set data.path=nowhere"), 2);
    cr_expect(said("nowhere"));
}

Test(errors, files_that_cannot_be_read_are_named) {
    cr_expect_eq(run_program("run missing.cfg"), 2);
    cr_expect(said("missing.cfg"));
    write_text("a.cfg", "x = 1;\n@include \"b.cfg\"\n");
    write_text("b.cfg", "@include \"a.cfg\"\n");
    cr_expect_eq(run_program("check a.cfg"), 2);
    cr_expect(said("b.cfg:1: @include cycle"));
    write_text("broken.cfg", "experiment = ;\n");
    cr_expect_eq(run_program("check broken.cfg"), 2);
    cr_expect(said("broken.cfg:1: syntax error"));
    write_small("small.cfg", "");
    cr_expect_eq(run_program("check small.cfg --set nodes.teacher.init=none.safetensors"), 2);
    cr_expect(said("none.safetensors"));
    write_text("bad.so", "no shared object\n");
    cr_expect_eq(run_program("check small.cfg --set 'plugins=[\"bad.so\"]'"), 2);
    cr_expect(said("bad.so"));
}

Test(errors, commands_and_options_are_checked) {
    cr_expect_eq(run_program("rnu"), 2);
    cr_expect(said("did you mean \"run\"?"));
    cr_expect_eq(run_program("run"), 2);
    cr_expect_eq(run_program("run x.cfg --steps many"), 2);
    cr_expect(said("--steps many: must be a whole number"));
    cr_expect_eq(run_program("help switokdd"), 2);
    cr_expect(said("switokd"));
    cr_expect_eq(run_program("--help"), 0);
    const char *const commands[] = {"run", "check", "compare", "bench", "list", "help"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char arguments[64];
        snprintf(arguments, sizeof arguments, "%s --help", commands[i]);
        cr_expect_eq(run_program(arguments), 0, "%s", arguments);
        cr_expect(said("usage: switchyard"));
    }
}
