/* test_compare.c - suites: processes of their own, killed and started again, side by side, failing, mistaken. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "program.h"
#include "results.h"

TestSuite(compare, .init = program_setup, .fini = program_teardown);

static const char *const variants[] = {"vanilla", "dml", "switokd"};
enum { VARIANTS = 3, SEEDS = 3 };

/* Three variants over three seeds; `more` is put in front of the variants. */
static void write_suite(const char *more) {
    char text[2048];
    write_small("small.cfg", "");
    snprintf(text, sizeof text,
             "suite = \"s\";\nbase = \"small.cfg\";\nseeds = [1, 2, 3];\n%s"
             "variants: {\n  vanilla: { topology: { plugin = \"independent\"; }; };\n"
             "  dml: { policy: { plugin = \"learning\"; }; };\n  switokd: { };\n};\n",
             more);
    write_text("suite.cfg", text);
}

static int shell(const char *format, const char *arguments) {
    char command[2048], whole[4096];
    snprintf(command, sizeof command, format, arguments);
    snprintf(whole, sizeof whole, "sw='%s'; %s", getenv("SWITCHYARD_PROGRAM"), command);
    int status = system(whole);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Everything in which two equal suites agree: all but times and costs. */
static void expect_same_suite(const char *one, const char *other) {
    for (int v = 0; v < VARIANTS; v++) {
        for (int seed = 1; seed <= SEEDS; seed++) {
            static const char *const files[] = {"run.cfg", "steps.jsonl", "epochs.jsonl", "predictions.json",
                                                "checkpoints/best/student.safetensors"};
            char a[256], b[256];
            for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
                snprintf(a, sizeof a, "%s/%s/seed-%d/%s", one, variants[v], seed, files[f]);
                snprintf(b, sizeof b, "%s/%s/seed-%d/%s", other, variants[v], seed, files[f]);
                cr_expect(same_bytes(a, b), "%s and %s", a, b);
            }
            snprintf(a, sizeof a, "%s/%s/seed-%d/result.json", one, variants[v], seed);
            snprintf(b, sizeof b, "%s/%s/seed-%d/result.json", other, variants[v], seed);
            cr_expect(same_result(a, b), "%s and %s", a, b);
        }
    }
}

/* The table without what depends on time. */
static char *accuracies(const char *folder) {
    char arguments[256];
    snprintf(arguments, sizeof arguments, "report %s --format csv", folder);
    cr_assert_eq(run_program(arguments), 0);
    cr_assert_eq(shell("grep -vE '%s' out > kept", "second|minute|peak|energy|rate|images|time|speed|memory"), 0);
    return read_text("kept");
}

Test(compare, killed_five_times_side_by_side_it_ends_as_undisturbed_one_by_one) {
    write_suite("baseline = \"vanilla\";\n");
    static const char arguments[] = "compare suite.cfg --set train.epochs=3 --set train.checkpoint_steps=4";
    char text[256];
    snprintf(text, sizeof text, "%s --out whole --jobs 1 --quiet", arguments);
    cr_assert_eq(run_program(text), 0);
    srand(17);
    for (int kill = 0; kill < 5; kill++) {
        snprintf(text, sizeof text,
                 "%s --out cut --jobs 2 >out 2>err & pid=$!; sleep 0.%02d; kill -KILL $pid; wait $pid", arguments,
                 5 + rand() % 60);
        shell("\"$sw\" %s", text);
    }
    snprintf(text, sizeof text, "%s --out cut --jobs 3", arguments);
    cr_assert_eq(run_program(text), 0);
    cr_expect(said("3 runs at a time, 1 thread each"));
    expect_same_suite("whole", "cut");
    char *whole = accuracies("whole"), *cut = accuracies("cut");
    cr_expect(whole && strlen(whole) > 500);
    cr_expect_str_eq(whole, cut, "the same table");
    free(whole);
    free(cut);
}

Test(compare, a_killed_suite_leaves_nobody_training) {
    write_suite("");
    /* waits until runs train, kills the suite, and then for the lock that all its processes hold */
    cr_expect_eq(shell("\"$sw\" compare suite.cfg --out s --jobs 2 %s >out 2>err & pid=$!; "
                       "while [ ! -s s/dml/seed-1/times.jsonl ] && kill -0 $pid; do sleep 0.02; done; kill -KILL $pid; "
                       "wait $pid; flock -w 20 s/lock true",
                       "--set train.epochs=100000"),
                 0);
}

Test(compare, an_interrupt_stops_all_and_each_has_a_checkpoint) {
    write_suite("");
    cr_expect_eq(shell("\"$sw\" compare suite.cfg --out s --jobs 2 %s >out 2>err & pid=$!; "
                       "while [ ! -s s/dml/seed-1/times.jsonl ] || [ ! -s s/vanilla/seed-1/times.jsonl ]; do "
                       "kill -0 $pid || break; sleep 0.02; done; kill -INT $pid; wait $pid",
                       "--set train.epochs=100000 --set train.checkpoint_every=0"),
                 130);
    cr_expect(said("interrupted; the same command goes on from here"));
    cr_expect_eq(
        shell("ls s/dml/seed-1/checkpoints/*/complete s/vanilla/seed-1/checkpoints/*/complete >out 2>&1%s", ""), 0);
    cr_expect_not(exists("s/switokd/seed-1"), "no others are started");
}

Test(compare, variants_that_differ_in_nothing_differ_in_nothing) {
    write_small("small.cfg", "");
    write_text("suite.cfg", "base = \"small.cfg\"; seeds = [1, 2, 3]; baseline = \"one\";\n"
                            "variants: { one: { }; other: { train: { epochs = 2; }; }; };\n");
    cr_assert_eq(run_program("compare suite.cfg --out s --quiet"), 0);
    for (int seed = 1; seed <= SEEDS; seed++) {
        char a[128], b[128];
        snprintf(a, sizeof a, "s/one/seed-%d/steps.jsonl", seed);
        snprintf(b, sizeof b, "s/other/seed-%d/steps.jsonl", seed);
        cr_expect(same_bytes(a, b));
    }
    cr_expect(said("[0, 0]"), "a paired difference of exactly 0");
}

Test(compare, one_that_fails_is_told_and_the_others_go_on) {
    write_suite("");
    cr_assert_eq(run_program("run small.cfg --out s/dml/seed-2 --steps 3 --quiet"), 0);    /* not as the suite has it */
    cr_assert_eq(run_program("run small.cfg --out s/dml/seed-3 --set seed=3 --quiet"), 0); /* nor this, and finished */
    cr_expect_eq(run_program("compare suite.cfg --out s"), 1);
    cr_expect(said("switchyard: dml seed 2 failed: s/dml/seed-2/run.cfg was made from another configuration: "));
    cr_expect(said("switchyard: dml seed 3 failed: s/dml/seed-3/run.cfg was made from another configuration: "));
    cr_expect_not(exists("s/dml/seed-2/failure.json"), "what is not the suite's stays as it was");
    cr_expect(exists("s/dml/seed-1/result.json") && exists("s/switokd/seed-3/result.json"));
    cr_expect(said("expert mode"), "and there is a table");
    cr_expect_eq(shell("rm -r s/dml/seed-2 s/dml/seed-3%s", ""), 0);
    cr_expect_eq(run_program("compare suite.cfg --out s --quiet"), 0);
}

/* Neither its figures nor its nodes nor its settings. */
Test(compare, a_run_of_another_configuration_is_in_no_table) {
    static const char mine[] = "run small.cfg --set nodes.stranger.plugin=mlp --set nodes.stranger.role=student "
                               "--set seed=2 --set topology.plugin=independent --quiet --out";
    char command[512];
    write_suite("");
    snprintf(command, sizeof command, "%s s/vanilla/seed-2", mine);
    cr_assert_eq(run_program(command), 0);
    snprintf(command, sizeof command, "%s s/vanilla/seed-1 --steps 3", mine);
    cr_assert_eq(run_program(command), 0);
    cr_expect_eq(run_program("compare suite.cfg --out s"), 1);
    cr_expect(said("s/vanilla/seed-2: is a run of another configuration, not of this suite; left out"));
    cr_expect(said("s/vanilla/seed-1: is a run of another configuration, not of this suite; left out"));
    cr_expect(said("7 of 9 runs have finished: 0 running, 0 unfinished, 2 failed"));
    cr_expect_eq(shell("grep stranger out%s | grep -v 'another configuration'", ""), 1, "not a line of it");
    cr_expect_eq(run_program("report s --format csv"), 0);
    cr_expect_not(said("stranger"));
    cr_expect_eq(shell("rm -r s/vanilla/seed-1 s/vanilla/seed-2%s", ""), 0);
    cr_expect_eq(run_program("compare suite.cfg --out s"), 0);
    cr_expect_not(said("another configuration"));
}

Test(compare, one_that_diverges_is_told_with_its_step) {
    write_small("small.cfg", "");
    write_text("suite.cfg", "base = \"small.cfg\"; seeds = [1];\n"
                            "variants: { sane: { }; wild: { train: { optimizer: { lr = 1000.0; }; }; }; };\n");
    cr_expect_eq(run_program("compare suite.cfg --out s --quiet"), 1);
    cr_expect(said("switchyard: wild seed 1 failed: step ") && said("diverged at step "));
    cr_expect(said("wild: 1 of 1 seeds diverged and is in none of its figures."));
    char *failure = read_text("s/wild/seed-1/failure.json");
    cr_expect(failure && strstr(failure, "\"diverged\""), "%s", failure ? failure : "nothing");
    free(failure);
    cr_expect_eq(run_program("compare suite.cfg --out s --quiet"), 1, "and again");
    cr_expect(said("diverged at step "));
}

Test(compare, one_run_of_a_suite_can_be_asked_for) {
    write_suite("");
    cr_expect_eq(run_program("compare suite.cfg --out s --only dml:2"), 0);
    cr_expect(exists("s/dml/seed-2/result.json"));
    cr_expect_not(exists("s/dml/seed-1"));
    cr_expect_eq(run_program("compare suite.cfg --out s --only dml:2"), 0, "there is nothing left to do");
    cr_expect_eq(run_program("compare suite.cfg --out s --only dml:4"), 2);
    cr_expect(said("the suite has no such run"));
}

Test(compare, a_finished_run_that_is_asked_for_must_be_the_suites) {
    write_suite("");
    cr_assert_eq(run_program("compare suite.cfg --out s --quiet"), 0);
    cr_expect_eq(run_program("compare suite.cfg --out s --only dml:2"), 0, "whatever threads the suite gave it");
    cr_assert_eq(shell("rm -r s/dml/seed-2%s", ""), 0);
    cr_assert_eq(run_program("run small.cfg --out s/dml/seed-2 --set seed=2 --quiet"), 0);
    cr_expect_eq(run_program("compare suite.cfg --out s --only dml:2"), 1);
    cr_expect(said("s/dml/seed-2/run.cfg was made from another configuration: "));
}

Test(compare, the_threads_of_a_suite_stay_what_they_were) {
    write_suite("");
    cr_assert_eq(run_program("compare suite.cfg --out s --quiet --jobs 1 --set threads=2"), 0);
    char *suite = read_text("s/suite.json");
    cr_expect(suite && strstr(suite, "\"threads\": 2"));
    cr_expect(strstr(suite, "\"folder\": \"dml\"") && strstr(suite, "\"baseline\": null"));
    free(suite);
    cr_assert_eq(run_program("compare suite.cfg --out s --set threads=0 --jobs 1"), 0);
    cr_expect(said("1 run at a time, 2 threads each"));
}

/* Of this machine's memory, a width that makes each run take a 24th or somewhat more. */
static long width_of_a_share(void) {
    FILE *file = fopen("/proc/meminfo", "r");
    double kib = 0;
    cr_assert(file && fscanf(file, "MemTotal: %lf", &kib) == 1);
    fclose(file);
    return (long)(kib * 1024 / 24 / (3072 * sizeof(float) * 3)); /* weights, gradients, momentum */
}

Test(compare, runs_at_a_time_fit_together) {
    char text[256];
    long width = width_of_a_share();
    if (width > 1000000) {
        cr_skip_test("one layer cannot fill so much memory");
    }
    write_small("small.cfg", "");
    write_text("suite.cfg",
               "base = \"small.cfg\"; seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,"
               " 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]; variants: { switokd: { }; };\n");
    snprintf(text, sizeof text, "compare suite.cfg --out s --jobs 30 --set threads=1 --set nodes.student.hidden=[%ld]",
             width);
    cr_expect_eq(run_program(text), 2);
    cr_expect(said("30 runs at a time need "));
    cr_expect(said(" fits"));
    cr_expect_not(exists("s"), "nothing was written");
}

Test(compare, mistakes_in_a_suite_have_their_line) {
    write_small("small.cfg", "");
    write_text("suite.cfg",
               "base = \"small.cfg\";\nbaseline = \"vanila\";\nvariants: {\n  vanilla: {\n    threads = 2;\n"
               "    expected: { student: { value = 167; tolerence = 1; }; teacher = 4; };\n  };\n"
               "  dml = 3;\n};\n");
    cr_expect_eq(run_program("compare suite.cfg --out s"), 2);
    cr_expect(said("suite.cfg:2: baseline: no variant is called \"vanila\"; did you mean \"vanilla\"?"));
    cr_expect(said("suite.cfg:5: variants.vanilla.threads: must be the same for all variants"));
    cr_expect(said("suite.cfg:6: variants.vanilla.expected.student.value: "));
    cr_expect(
        said("suite.cfg:6: variants.vanilla.expected.student.tolerence: unknown key; did you mean \"tolerance\"?"));
    cr_expect(said("suite.cfg:6: variants.vanilla.expected.teacher: must be a group"));
    cr_expect(said("suite.cfg:8: variants.dml: must be a group"));
    cr_expect_not(exists("s"), "nothing was written");
    write_text("suite.cfg",
               "base = \"small.cfg\";\nvariants: {\n  one: { expected: { pupil: { value = 3; }; }; };\n};\n");
    cr_expect_eq(run_program("compare suite.cfg --out s"), 2);
    cr_expect(said("suite.cfg:3: variants.one.expected.pupil: no node is called \"pupil\""));
    cr_expect_eq(run_program("compare suite.cfg --out s --jobs 0"), 2);
    cr_expect_not(exists("s"));
}

Test(compare, event_files_change_nothing_else) {
    write_small("small.cfg", "");
    write_text("suite.cfg", "base = \"small.cfg\"; variants: { switokd: { }; };\n");
    cr_assert_eq(run_program("run small.cfg --out plain --quiet"), 0);
    cr_assert_eq(run_program("run small.cfg --out told --quiet --tensorboard --steps 7"), 0);
    cr_assert_eq(run_program("run small.cfg --out told --quiet --tensorboard --resume"), 0);
    cr_assert_eq(run_program("compare suite.cfg --out s --quiet --tensorboard"), 0);
    static const char *const files[] = {"steps.jsonl", "epochs.jsonl", "checkpoints/10/student.safetensors"};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        char a[64], b[64], c[64];
        snprintf(a, sizeof a, "plain/%s", files[f]);
        snprintf(b, sizeof b, "told/%s", files[f]);
        snprintf(c, sizeof c, "s/switokd/seed-1/%s", files[f]);
        cr_expect(same_bytes(a, b) && same_bytes(a, c), "%s", files[f]);
    }
    cr_expect_eq(shell("test $(ls told/tensorboard/events.out.tfevents.* | wc -l) = 2%s", ""), 0, "a file a start");
    cr_expect_eq(shell("grep -aq gap/teacher-student %s", "s/switokd/seed-1/tensorboard/events.out.tfevents.*"), 0);
    cr_expect_eq(shell("grep -aq test_accuracy/student %s", "told/tensorboard/events.out.tfevents.*"), 0);
}
