/* test_blame.c - a plugin that crashes, hangs or lies in a real run: the message names it and the call, and a checkpoint
 * was kept. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../program/program.h"

TestSuite(blame, .init = program_setup, .fini = program_teardown);

/* code 0: any but that; a sanitizer has its own way to end. */
static void run_broken(const char *name, const char *more, int code) {
    char plugins[1024], arguments[1024];
    const char *folder = getenv("SWITCHYARD_BAD_PLUGINS");
    cr_assert(folder, "SWITCHYARD_BAD_PLUGINS names the folder of broken plugins");
    snprintf(plugins, sizeof plugins, "plugins = [\"%s/%s.so\"];\n", folder, name);
    write_small("small.cfg", plugins);
    snprintf(arguments, sizeof arguments, "run small.cfg --quiet --out r %s", more);
    int got = run_program(arguments);
    cr_expect(code ? got == code : got != 0, "%s: exit code %d", name, got);
}

static void expect_said(const char *text) {
    char *err = read_text("err");
    cr_expect(said(text), "\"%s\" is not in:\n%s", text, err);
    free(err);
}

static void expect_checkpoint(void) {
    expect_said("the checkpoint of step 0 in r is whole, --resume goes on from there");
    cr_expect(exists("r/checkpoints/0"), "there is a checkpoint");
}

Test(blame, crash_in_a_decision) {
    run_broken("crashes", "--set policy.plugin=crashes", 0);
    expect_said("switchyard: policy \"crashes\" crashed in decide, at step 2 (");
    expect_said("/crashes.so): SIGSEGV, memory that is not its own; ");
    expect_checkpoint();
}

/* With a checkpoint a step nothing is lost; resumed, it comes to the same point. */
Test(blame, crash_with_a_checkpoint_every_step) {
    run_broken("crashes", "--set policy.plugin=crashes --set train.checkpoint_steps=1", 0);
    expect_said("the checkpoint of step 2 in r is whole, --resume goes on from there");
    cr_expect(exists("r/checkpoints/2"));
    run_broken("crashes", "--set policy.plugin=crashes --set train.checkpoint_steps=1 --resume", 0);
    expect_said("policy \"crashes\" crashed in decide, at step 2 (");
}

Test(blame, abort_in_a_decision) {
    run_broken("aborts", "--set policy.plugin=aborts", 0);
    expect_said("policy \"aborts\" crashed in decide, at step 1 (");
    expect_said("SIGABRT, it gave up by itself");
}

#if defined(__x86_64__) /* elsewhere it gives 0, or what the processor likes */
Test(blame, division_by_zero) {
    run_broken("divides", "--set policy.plugin=divides", 0);
    expect_said("policy \"divides\" crashed in decide, at step 0 (");
}
#endif

Test(blame, crash_in_a_thread_of_the_loader) {
    run_broken("crashes_in_read", "--set data.plugin=crashes_in_read", 0);
    expect_said("dataset \"crashes_in_read\" crashed in read");
}

Test(blame, call_that_does_not_come_back) {
    run_broken("loops_forever", "--set policy.plugin=loops_forever --set train.call_limit=1", 1);
    expect_said("switchyard: policy \"loops_forever\" does not come back from decide, at step 1 (");
    expect_said("it has worked for 1 s, the limit of a call");
    expect_checkpoint();
}

Test(blame, decisions_that_are_none) {
    run_broken("nan_weight", "--set policy.plugin=nan_weight", 1);
    expect_said("step 1: policy nan_weight decided mode 0 with weights 1 and ");
    run_broken("third_mode", "--set policy.plugin=third_mode --out r2", 1);
    expect_said("step 0: policy third_mode decided mode 7 with weights 1 and 1; a mode is 0 or 1");
}

Test(blame, losses_that_are_no_numbers) {
    run_broken("nan_value", "--set topology.loss.plugin=nan_value", 1);
    expect_said("step 0, node teacher: loss nan_value of edge student->teacher is not finite");
    run_broken("nan_gradient", "--set topology.loss.plugin=nan_gradient --out r2", 1);
    expect_said("step 0, nan_gradient: its gradient is not finite (");
    expect_said("at sample 1 of the batch, element 1); the outputs it was made from are");
}

/* The target's gradient is looked through like the others, and so is one that goes to an attached source. */
Test(blame, gradient_to_a_source_that_is_no_number) {
    run_broken("nan_source_gradient",
               "--set topology.plugin=custom --set topology.loss.plugin=nan_source_gradient "
               "--set 'topology.edges=[\"teacher -> student attached=1\"]' "
               "--set 'topology.gates=[\"teacher-student\"]'",
               1);
    expect_said("step 0, nan_source_gradient: its gradient to a source is not finite (");
    expect_said("at sample 2 of the batch, element 0); the outputs it was made from are");
}

/* What another loss left there is not taken for it. */
Test(blame, gradient_to_a_source_that_is_not_written) {
    run_broken("no_temperature",
               "--set topology.plugin=custom --set topology.loss.plugin=no_temperature "
               "--set 'topology.edges=[\"teacher -> student attached=1\"]' "
               "--set 'topology.gates=[\"teacher-student\"]'",
               1);
    expect_said("step 0, no_temperature: its gradient to a source is not finite (");
    expect_said("at sample 0 of the batch, element 0)");
}

/* Logits are sound; who reads the tap beside them is not blamed for what lies there. */
Test(blame, tap_that_overflows) {
    const char *settings = "--set nodes.teacher.plugin=infinite_tap --set nodes.teacher.hidden=[4] --set "
                           "nodes.student.plugin=infinite_tap "
                           "--set topology.plugin=custom --set topology.loss.plugin=mse "
                           "--set 'topology.edges=[\"teacher -> student output=far source_output=far\"]' "
                           "--set 'topology.gates=[\"teacher-student\"]'";
    run_broken("infinite_tap", settings, 1);
    expect_said("step 0, teacher: its output \"far\" is not finite (");
}

Test(blame, weights_that_diverge) {
    run_broken("nan_value", "--set train.optimizer.lr=1000 --set train.label_loss.label_weight=1e6", 1);
    expect_said(", teacher: its output is not finite (");
    expect_said("a lower learning rate or a warm-up may help");
}

/* The others of a suite go on; the table and the report say which run has no result, and why. */
Test(blame, crash_in_a_run_of_a_suite) {
    char plugins[1024];
    snprintf(plugins, sizeof plugins, "plugins = [\"%s/crashes.so\"];\n", getenv("SWITCHYARD_BAD_PLUGINS"));
    write_small("small.cfg", plugins);
    write_text("suite.cfg", "suite = \"s\"; base = \"small.cfg\"; seeds = [1];\n"
                            "variants: { bad: { policy: { plugin = \"crashes\"; }; }; good: { }; };\n");
    cr_expect_eq(run_program("compare suite.cfg --out s --jobs 1 --quiet"), 1);
    cr_expect(exists("s/good/seed-1/result.json") && !exists("s/bad/seed-1/result.json"));
    char *failure = read_text("s/bad/seed-1/failure.json");
    cr_expect(failure && strstr(failure, "reason"), "what report tells");
    free(failure);
    cr_assert_eq(run_program("report s"), 0);
    expect_said("1 of 2 runs have finished: 0 running, 0 unfinished, 1 failed, ");
}
