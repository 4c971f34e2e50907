/* test_stages.c - several runs in one config: what starts from what, resuming, and what is wrong with them. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(stages, .init = program_setup, .fini = program_teardown);

static const char *const common = "backend = \"reference\";\n"
                                  "data: { plugin = \"shapes\"; batch = 8; train = 40; test = 16; };\n"
                                  "train: { epochs = 2; optimizer: { lr = 0.02; }; };\n"
                                  "nodes: { teacher: { plugin = \"mlp\"; role = \"teacher\"; hidden = [12]; };\n"
                                  "  student: { plugin = \"mlp\"; role = \"student\"; hidden = [4]; }; };\n";
static const char *const distill = "topology: { plugin = \"distill\"; loss: { temperature = 4.0; }; };";

static void write_stages(const char *path, const char *stages) {
    char text[4096];
    snprintf(text, sizeof text, "%sstages: {\n%s};\n", common, stages);
    write_text(path, text);
}

/* A teacher of 4 epochs, then a student against its state after 2 and after 4: 20 + 10 + 10 steps. */
static void write_trajectory(const char *path) {
    char text[2048];
    snprintf(text, sizeof text,
             "teacher: { use = [\"teacher\"]; train: { epochs = 4; snapshot_every = 2; }; };\n"
             "student: { repeat = [2, 4]; %s nodes: {\n"
             "  teacher: { frozen = \"eval\"; init = \"@teacher:$\"; };\n"
             "  student: { init = \"@previous\"; }; }; };\n",
             distill);
    write_stages(path, text);
}

/* By hand: the same two runs, the second with the first's files. */
Test(stages, are_the_runs_that_they_say) {
    char text[4096];
    write_trajectory("staged.cfg");
    cr_assert_eq(run_program("run staged.cfg --out s --quiet"), 0);
    snprintf(text, sizeof text, "%s%s", common, distill);
    write_text("plain.cfg", text);
    write_stages("alone.cfg", "teacher: { use = [\"teacher\"]; };");
    cr_assert_eq(run_program("run alone.cfg --out t --quiet --set train.epochs=4 --set train.snapshots=[2]"), 0);
    cr_expect(same_bytes("s/stages/1-teacher/checkpoints/20/teacher.safetensors",
                         "t/stages/1-teacher/checkpoints/20/teacher.safetensors"));
    cr_expect(same_bytes("s/stages/1-teacher/snapshots/2/teacher.safetensors",
                         "t/stages/1-teacher/snapshots/2/teacher.safetensors"));
    cr_assert_eq(run_program("run plain.cfg --out a --quiet --set nodes.teacher.frozen=eval "
                             "--set nodes.teacher.init=t/stages/1-teacher/snapshots/2/teacher.safetensors"),
                 0);
    cr_expect(same_bytes("s/stages/2-student-2/steps.jsonl", "a/steps.jsonl"));
    cr_assert_eq(run_program("run plain.cfg --out b --quiet --set nodes.teacher.frozen=eval --set train.first_epoch=2 "
                             "--set nodes.teacher.init=t/stages/1-teacher/checkpoints/20/teacher.safetensors "
                             "--set nodes.student.init=a/checkpoints/10/student.safetensors"),
                 0);
    cr_expect(same_bytes("s/stages/3-student-4/steps.jsonl", "b/steps.jsonl"));
    cr_expect(same_bytes("s/steps.jsonl", "b/steps.jsonl"), "the whole is what its last stage is");
    cr_expect(same_bytes("s/checkpoints/10/student.safetensors", "b/checkpoints/10/student.safetensors"));
    json_t *result = json_load_file("s/result.json", 0, NULL);
    const json_t *last = json_array_get(json_object_get(result, "stages"), 2);
    cr_expect_str_eq(json_string_value(json_object_get(last, "folder")), "stages/3-student-4");
    json_decref(result);
}

static json_t *result_of(const char *path) {
    json_t *result = json_load_file(path, 0, NULL);
    cr_assert_not_null(result, "%s", path);
    return result;
}

static double told(const json_t *result, const char *key) {
    return json_number_value(json_object_get(result, key));
}

static json_int_t spent(const json_t *result, const char *node) {
    const json_t *about = json_object_get(json_object_get(result, "nodes"), node);
    return json_integer_value(json_object_get(about, "multiply_adds_spent"));
}

Test(stages, costs_are_those_of_all) {
    static const char *const files[] = {"s/stages/1-teacher/result.json", "s/stages/2-student-2/result.json",
                                        "s/stages/3-student-4/result.json", "s/result.json"};
    json_t *results[4];
    write_trajectory("staged.cfg");
    cr_assert_eq(run_program("run staged.cfg --out s --quiet"), 0);
    for (int i = 0; i < 4; i++) {
        results[i] = result_of(files[i]);
    }
    double seconds = told(results[0], "seconds") + told(results[1], "seconds") + told(results[2], "seconds");
    cr_expect_float_eq(told(results[3], "seconds"), seconds, 1e-12);
    cr_expect_gt(spent(results[0], "teacher"), 0);
    cr_expect_eq(spent(results[3], "teacher"),
                 spent(results[0], "teacher") + spent(results[1], "teacher") + spent(results[2], "teacher"));
    cr_expect_eq(spent(results[3], "student"), spent(results[1], "student") + spent(results[2], "student"));
    const json_t *first = json_array_get(json_object_get(results[3], "stages"), 0);
    cr_expect_eq(told(first, "seconds"), told(results[0], "seconds"));
    cr_expect_eq(told(first, "steps"), 20);
    for (int i = 0; i < 4; i++) {
        json_decref(results[i]);
    }
}

/* Who looks at the folder while a stage trains sees that stage; what the last one does not write is no link to nowhere. */
Test(stages, folder_shows_the_stage_at_work) {
    write_trajectory("staged.cfg");
    cr_assert_eq(run_program("run staged.cfg --out s --quiet --steps 7"), 0);
    cr_expect(same_bytes("s/steps.jsonl", "s/stages/1-teacher/steps.jsonl"));
    cr_assert_eq(run_program("run staged.cfg --out s --quiet --resume --steps 23"), 0);
    cr_expect(same_bytes("s/steps.jsonl", "s/stages/2-student-2/steps.jsonl"));
}

static void expect_same_stages(const char *one, const char *other) {
    const char *const files[] = {"stages/1-teacher/steps.jsonl",
                                 "stages/1-teacher/snapshots/2/teacher.safetensors",
                                 "stages/2-student-2/steps.jsonl",
                                 "stages/2-student-2/checkpoints/10/student.safetensors",
                                 "stages/3-student-4/steps.jsonl",
                                 "stages/3-student-4/epochs.jsonl",
                                 "stages/3-student-4/checkpoints/10/student.safetensors",
                                 "stages/3-student-4/checkpoints/10/student.optimizer.safetensors"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char a[256], b[256];
        snprintf(a, sizeof a, "%s/%s", one, files[i]);
        snprintf(b, sizeof b, "%s/%s", other, files[i]);
        cr_expect(same_bytes(a, b), "%s", b);
    }
}

/* In a stage, at the border of two, and twice. */
Test(stages, resumed_anywhere_they_end_in_the_same_bytes) {
    const int stops[] = {7, 20, 23, 30, 37};
    char text[256];
    write_trajectory("staged.cfg");
    cr_assert_eq(run_program("run staged.cfg --out whole --quiet"), 0);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        snprintf(text, sizeof text, "run staged.cfg --out cut%zu --quiet --steps %d", i, stops[i]);
        cr_assert_eq(run_program(text), 0);
        cr_expect(said("--resume continues"));
        snprintf(text, sizeof text, "run cut%zu --resume", i); /* from the folder's own run.cfg */
        cr_assert_eq(run_program(text), 0);
        cr_expect_eq(said("stage 1 of 3"), stops[i] < 20, "what is finished is not done again");
        snprintf(text, sizeof text, "cut%zu", i);
        expect_same_stages("whole", text);
    }
    cr_expect_eq(run_program("run staged.cfg --out cut0"), 2);
    cr_expect(said("--resume"));
    cr_expect_eq(run_program("run staged.cfg --out cut0 --resume --set train.optimizer.lr=0.5"), 2);
    cr_expect(said("cut0/run.cfg was made from another configuration"));
}

/* run.cfg has all it needs, wherever it lies: paths are absolute, those that differ between repetitions too. */
Test(stages, the_written_config_runs_again) {
    char text[1024];
    write_trajectory("staged.cfg");
    cr_assert_eq(run_program("run staged.cfg --out s --quiet"), 0);
    snprintf(text, sizeof text,
             "student: { repeat = [2, 4]; train: { epochs = 1; }; %s nodes: {\n"
             "  teacher: { frozen = \"eval\"; init = \"s/stages/1-teacher/snapshots/$/teacher.safetensors\"; };\n"
             "  student: { init = \"@previous\"; }; }; };\n",
             distill);
    write_stages("files.cfg", text);
    cr_assert_eq(run_program("run files.cfg --out a --quiet"), 0);
    cr_assert_eq(run_program("run a/run.cfg --out b --quiet"), 0);
    cr_expect(same_bytes("a/run.cfg", "b/run.cfg"));
    cr_expect(same_bytes("a/steps.jsonl", "b/steps.jsonl"));
    cr_expect_not(same_bytes("a/stages/1-student-2/steps.jsonl", "a/stages/2-student-4/steps.jsonl"));
}

/* A stage's schedule begins anew, or the repetitions are one long run to it. */
Test(stages, schedules_restart_or_go_on) {
    const char *const cosine = "--set stages.student.train.schedule.kind=cosine";
    char text[256];
    write_trajectory("staged.cfg");
    snprintf(text, sizeof text, "check staged.cfg %s", cosine);
    cr_assert_eq(run_program(text), 0);
    cr_expect(said("1          0.01"));
    cr_expect_not(said("0.0170711"));
    snprintf(text, sizeof text, "check staged.cfg %s --set stages.student.restart=false", cosine);
    cr_assert_eq(run_program(text), 0);
    cr_expect(said("0.0170711"), "a quarter of the way");
    cr_expect(said("0.00292893"), "three quarters");
}

Test(stages, arguments_hold_in_all_or_in_one) {
    write_trajectory("staged.cfg");
    cr_assert_eq(run_program("run staged.cfg --out r --quiet --set train.epochs=3 --set stages.teacher.train.epochs=5 "
                             "--set stages.teacher.train.snapshots=[2,4]"),
                 0);
    cr_expect(exists("r/stages/1-teacher/checkpoints/25"));
    cr_expect(exists("r/stages/2-student-2/checkpoints/15"));
}

Test(stages, all_mistakes_are_told_before_anything_is_written) {
    write_text("bad.cfg", "backend = \"reference\";\n"
                          "data: { plugin = \"shapes\"; batch = 8; train = 40; test = 16; };\n"
                          "nodes: { teacher: { plugin = \"mlp\"; hidden = [12]; };\n"
                          "  student: { plugin = \"mlp\"; hiden = [4]; }; };\n" /* 4 */
                          "stages: {\n"
                          "  first: { use = [\"techer\"]; };\n"                                   /* 6 */
                          "  second: { nodes: { teacher: { init = \"@frist.teacher\"; }; }; };\n" /* 7 */
                          "  third: { nodes: { teacher: { init = \"@fourth.teacher\"; }; }; };\n" /* 8 */
                          "  fourth: { nodes: { teacher: { init = \"@third:beast\"; }; }; };\n"   /* 9 */
                          "  fifth: { nodes: { teacher: { init = \"@previous\"; }; }; };\n"       /* 10 */
                          "  sixth: { nodes: { teacher: { init = \"@sixth\"; }; }; };\n"          /* 11 */
                          "  seventh = 7; };\n");                                                 /* 12 */
    cr_expect_eq(run_program("run bad.cfg"), 2);
    cr_expect(said("bad.cfg:6: stages.first.use: no node is called \"techer\"; did you mean \"teacher\"?"));
    cr_expect(said("bad.cfg:7: nodes.teacher.init: no stage is called \"frist\"; did you mean \"first\"?"));
    cr_expect(said("bad.cfg:8: nodes.teacher.init: stage \"fourth\" is not before \"third\""), "a cycle");
    cr_expect(said("bad.cfg:9: nodes.teacher.init: \"beast\" says no moment of a stage"));
    cr_expect(said("bad.cfg:10: nodes.teacher.init: \"@previous\" is for stages with `repeat`"));
    cr_expect(said("bad.cfg:11: nodes.teacher.init: stage \"sixth\" is not before \"sixth\""));
    cr_expect(said("bad.cfg:12: stages.seventh: must be a group"));
    cr_expect_not(exists("runs"));
    write_text("none.cfg", "stages: { };\n");
    cr_expect_eq(run_program("check none.cfg"), 2);
    cr_expect(said("none.cfg:1: stages: names no stage"));
}

/* The group `choose`, each time with one thing wrong. */
Test(stages, a_choice_needs_something_to_choose_by) {
    const struct {
        const char *repeat, *choose, *more, *told;
    } wrong[] = {
        {"", "choose: { most = 1.0; };", "", "bad.cfg:8: stages.student.choose: chooses among the numbers of `repeat`"},
        {"repeat = [2, 4];", "choose: { };", "", "bad.cfg:8: stages.student.choose: \"most\" is missing"},
        {"repeat = [2, 4];", "choose: { mots = 1.0; most = 1.0; };", "", "did you mean \"most\"?"},
        {"repeat = [2, 4];", "choose = 3;", "", "bad.cfg:8: stages.student.choose: must be a group"},
        {"repeat = [2, 4]; restart = false;", "choose: { most = 1.0; };", "", "with restart = false"},
        {"repeat = [2, 4];", "choose: { most = 1.0; };", "",
         "choose: needs samples that nobody trains on: data.validation"},
        {"repeat = [2, 4];", "choose: { most = 1.0; edge = \"student->teacher\"; };", "--set data.validation=0.2",
         "choose: no edge is called \"student->teacher\"; there is \"teacher->student\""},
        {"repeat = [2, 4];", "choose: { most = 1.0; };",
         "--set stages.last.nodes.student.init=@student-2 --set data.validation=0.2",
         "stage \"student-2\" may be passed over; \"@student\" is the last of its kind"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[2048];
        snprintf(text, sizeof text,
                 "teacher: { use = [\"teacher\"]; train: { epochs = 4; snapshot_every = 2; }; };\n"
                 "student: { %s %s %s nodes: {\n"
                 "  teacher: { frozen = \"eval\"; init = \"@teacher%s\"; };\n"
                 "  student: { %s }; }; };\n"
                 "last: { use = [\"student\"]; topology: { plugin = \"independent\"; }; };\n",
                 wrong[i].repeat, wrong[i].choose, distill, *wrong[i].repeat ? ":$" : "",
                 *wrong[i].repeat ? "init = \"@previous\";" : "");
        write_stages("bad.cfg", text);
        snprintf(text, sizeof text, "check bad.cfg %s", wrong[i].more);
        cr_expect_eq(run_program(text), 2, "%s", wrong[i].told);
        char *err = read_text("err");
        cr_expect(said(wrong[i].told), "%s, not %s", wrong[i].told, err);
        free(err);
    }
}

/* What only the stages' experiments can tell; no file is there. */
Test(stages, what_a_node_starts_from_must_be_there_and_fit) {
    const struct {
        const char *init, *told;
    } wrong[] = {
        {"@first.techer",
         "bad.cfg:8: nodes.teacher.init: stage \"first\" has no node \"techer\"; did you mean \"teacher\"?"},
        {"@first:1", "stage \"first\" keeps no snapshot after 1 epochs; train.snapshots = [1] in that stage"},
        {"@first:9", "stage \"first\" has 2 epochs only"},
        {"@first.student", "stage \"first\", node \"student\": \"fc1.weight\" is [4, 3072], must be [12, 3072]"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "first: { topology: { plugin = \"independent\"; }; };\n"
                 "second: { topology: { plugin = \"independent\"; }; nodes: { teacher: { init = \"%s\"; }; }; };\n",
                 wrong[i].init);
        write_stages("bad.cfg", text);
        cr_expect_eq(run_program("check bad.cfg"), 2);
        cr_expect(said(wrong[i].told), "%s", wrong[i].init);
    }
    cr_expect_eq(run_program("check bad.cfg --set stages.second.nodes.teacher.init=@first "
                             "--set stages.second.data.classes=10"),
                 2);
    cr_expect(said("\"fc2.weight\" is [12, 12], must be [10, 12]"), "class counts differ");
    cr_expect_eq(run_program("check bad.cfg --set stages.second.nodes.teacher.init=@first --set data.bach=1"), 2);
    char *err = read_text("err"), *first = strstr(err, "data.bach");
    cr_expect(first && !strstr(first + 1, "data.bach"), "told once, not once a stage");
    free(err);
}

Test(stages, are_variants_of_a_suite_like_others) {
    char text[4096];
    snprintf(text, sizeof text, "%stopology: { plugin = \"independent\"; };\n", common);
    write_text("base.cfg", text);
    snprintf(text, sizeof text,
             "suite = \"s\"; base = \"base.cfg\"; variants: { vanilla: { };\n"
             "  kd: { stages: { teacher: { use = [\"teacher\"]; };\n"
             "    student: { nodes: { teacher: { frozen = \"eval\"; init = \"@teacher\"; }; }; %s }; }; }; };\n",
             distill);
    write_text("suite.cfg", text);
    cr_assert_eq(run_program("compare suite.cfg --out s --quiet"), 0);
    cr_expect(exists("s/kd/seed-1/result.json"));
    cr_expect(same_bytes("s/vanilla/seed-1/checkpoints/10/teacher.safetensors",
                         "s/kd/seed-1/checkpoints/10/teacher.safetensors"),
              "the frozen teacher is vanilla's");
    cr_expect_not(same_bytes("s/vanilla/seed-1/checkpoints/10/student.safetensors",
                             "s/kd/seed-1/checkpoints/10/student.safetensors"));
}
