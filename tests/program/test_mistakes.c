/* test_mistakes.c - stages and suites that contradict themselves: each mistake with its words, before anything is done. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(mistakes, .init = program_setup, .fini = program_teardown);

struct mistake {
    const char *text, *words;
};

static void expect_told(const char *command, const struct mistake *mistakes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        write_small("bad.cfg", mistakes[i].text);
        cr_expect_eq(run_program(command), 2, "%s", mistakes[i].text);
        cr_expect(said(mistakes[i].words), "%s: must say %s", mistakes[i].text, mistakes[i].words);
        cr_expect_not(exists("runs"));
    }
}

Test(mistakes, of_stages) {
    static const struct mistake mistakes[] = {
        {"stages: { };", "names no stage; stages: { first: { ... };"},
        {"stages = 3;", "names no stage"},
        {"stages: { one = 3; };", "must be a group: one: { ... };"},
        {"stages: { one: { skip = true; }; };", "all stages are skipped; leave one in"},
        {"stages: { a-1: { }; a: { repeat = [1]; }; };", "two stages are called \"a-1\""},
        {"stages: { one: { }; }; variants: { x: { }; };", "this is a suite; `switchyard compare` runs it"},
        {"stages: { one: { use = [\"techer\"]; }; };", "no node is called \"techer\"; did you mean \"teacher\"?"},
        {"stages: { one: { repeat = [-1]; }; };", "-1 is outside [0, "},
        {"stages: { one: { }; two: { nodes: { student: { init = \"@oen\"; }; }; }; };",
         "no stage is called \"oen\"; did you mean \"one\"?"},
        {"stages: { one: { }; two: { nodes: { student: { init = \"@two\"; }; }; }; };",
         "stage \"two\" is not before \"two\""},
        {"stages: { one: { nodes: { student: { init = \"@previous\"; }; }; }; };",
         "\"@previous\" is for stages with `repeat`; name the stage instead"},
        {"stages: { one: { }; two: { nodes: { student: { init = \"@one:soon\"; }; }; }; };",
         "\"soon\" says no moment of a stage"},
        {"stages: { one: { }; two: { nodes: { student: { init = \"@one:0\"; }; }; }; };",
         "\"0\" says no moment of a stage"},
        {"stages: { one: { }; two: { nodes: { student: { init = \"@one:9\"; }; }; }; };",
         "stage \"one\" has 2 epochs only"},
        {"stages: { one: { }; two: { nodes: { student: { init = \"@one:1\"; }; }; }; };",
         "stage \"one\" keeps no snapshot after 1 epochs; train.snapshots = [1]"},
        {"stages: { one: { }; two: { nodes: { student: { init = \"@one.pupil\"; }; }; }; };",
         "stage \"one\" has no node \"pupil\""},
    };
    expect_told("check bad.cfg", mistakes, sizeof mistakes / sizeof *mistakes);
}

/* A stage that repeats is named by its own name, and the last repetition is meant. */
Test(mistakes, of_stages_but_not_these) {
    write_small("good.cfg", "stages: { many: { repeat = [1, 2]; train: { epochs = 1; }; };\n"
                            "  last: { nodes: { student: { init = \"@many\"; }; }; }; };");
    cr_expect_eq(run_program("check good.cfg"), 0);
    cr_expect(said("node student of stage many-2, at its end"));
}

static void expect_suite_told(const struct mistake *mistakes, size_t count) {
    write_small("small.cfg", "");
    for (size_t i = 0; i < count; i++) {
        write_text("suite.cfg", mistakes[i].text);
        cr_expect_eq(run_program("compare suite.cfg --out s"), 2, "%s", mistakes[i].text);
        cr_expect(said(mistakes[i].words), "%s: must say %s", mistakes[i].text, mistakes[i].words);
        cr_expect_not(exists("s"));
    }
}

Test(mistakes, of_suites) {
    static const struct mistake mistakes[] = {
        {"base = \"small.cfg\";", "a suite names its variants: variants: { baseline: { ... }; mine: { }; };"},
        {"base = \"small.cfg\"; variants: { };", "a suite names its variants"},
        {"base = \"small.cfg\"; variants = 3;", "a suite names its variants"},
        {"base = \"small.cfg\"; variants: { one = 3; };", "must be a group: one: { ... };"},
        {"variants: { one: { }; };", "base"},
        {"base = \"nowhere.cfg\"; variants: { one: { }; };", "nowhere.cfg"},
        {"base = \"small.cfg\"; seeds = []; variants: { one: { }; };", "names no seed; seeds = [1, 2, 3], for example"},
        {"base = \"small.cfg\"; suite = \"../up\"; variants: { one: { }; };", "\"../up\" becomes a folder"},
        {"base = \"small.cfg\"; variants: { one: { expected = 67; }; };",
         "must be a group of nodes: expected: { student: { value = 67.24; tolerance = 0.5; }; };"},
        {"base = \"small.cfg\"; variants: { one: { expected: { student = 67; }; }; };",
         "must be a group: student: { value = 67.24; tolerance = 0.5; };"},
        {"base = \"small.cfg\"; variants: { one: { expected: { student: { value = 101; }; }; }; };",
         "101 is outside [0, 100]"},
        {"base = \"small.cfg\"; variants: { one: { expected: { pupil: { value = 10; }; }; }; };",
         "no node is called \"pupil\""},
    };
    expect_suite_told(mistakes, sizeof mistakes / sizeof *mistakes);
}

/* What a paper says goes into suite.json and from there into every table; a selection that differs is told as none. */
Test(mistakes, but_expectations_and_selections_are_kept_for_the_report) {
    write_small("small.cfg", "");
    write_text("suite.cfg", "suite = \"s\"; base = \"small.cfg\"; seeds = [1];\n"
                            "variants: { one: { expected: { student: { value = 99.5; tolerance = 0.25; }; "
                            "teacher: { value = 1.5; }; }; };\n"
                            "  two: { train: { select = \"best_test\"; }; }; };\n");
    cr_assert_eq(run_program("compare suite.cfg --out s --quiet --untrusted"), 0);
    cr_expect(said("99.50 (tolerance 0.25)") && said("1.50") && said("no"));
    char *suite = read_text("s/suite.json");
    cr_expect(strstr(suite, "99.5") && strstr(suite, "0.25") && strstr(suite, "\"selection\": null"), "%s", suite);
    free(suite);
    cr_assert_eq(run_program("report s --format json"), 0);
    cr_expect(said("\"reproduced\""));
}

Test(mistakes, in_assignments) {
    static const struct mistake mistakes[] = {
        {"seed", "--set: \"seed\" must look like path.to.key=value"},
        {"=3", "--set: \"=3\" must look like path.to.key=value"},
        {"seed=", "--set seed: has no value; an empty string is seed='\"\"'"},
        {"seed=[1,", "--set seed: [1, is no value a config could hold: syntax error"},
        {"nodes..x=1", "--set: \"nodes..x=1\" must look like path.to.key=value"},
        {"experiment.deep=1", "--set experiment: is a group, must be a string in quotes"},
    };
    write_small("small.cfg", "");
    cr_expect_eq(run_program("check small.cfg --set topology.plugin=custom --set topology.gates=3"), 2);
    cr_expect(said("--set topology.gates: is a whole number, must be a string in quotes"));
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char command[128];
        snprintf(command, sizeof command, "check small.cfg --set '%s'", mistakes[i].text);
        cr_expect_eq(run_program(command), 2, "%s", mistakes[i].text);
        cr_expect(said(mistakes[i].words), "%s: must say %s", mistakes[i].text, mistakes[i].words);
    }
}
