/* test_run.c - whole runs: what they leave behind, resuming, starting from weights, comparing. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "results.h"

TestSuite(run, .init = program_setup, .fini = program_teardown);

static json_t *line(const char *file, int index) {
    char *text = read_text(file), *at = text;
    for (int i = 0; at && i < index; i++) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    json_t *object = at ? json_loads(at, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    free(text);
    return object;
}

Test(run, leaves_a_complete_run_folder) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --out r"), 0);
    const char *const files[] = {"run.cfg",
                                 "manifest.json",
                                 "steps.jsonl",
                                 "epochs.jsonl",
                                 "times.jsonl",
                                 "result.json",
                                 "predictions.json",
                                 "checkpoints/10/teacher.safetensors",
                                 "checkpoints/10/student.safetensors",
                                 "checkpoints/5/teacher.safetensors",
                                 "checkpoints/best/student.safetensors"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        snprintf(path, sizeof path, "r/%s", files[i]);
        cr_expect(exists(path), "%s", path);
    }
    json_t *first = line("r/steps.jsonl", 0);
    json_t *teacher = json_object_get(json_object_get(first, "nodes"), "teacher");
    json_t *gate = json_array_get(json_object_get(first, "gates"), 0);
    cr_expect_eq(json_integer_value(json_object_get(first, "step")), 0);
    cr_expect(json_is_real(json_object_get(teacher, "loss")) && json_is_real(json_object_get(teacher, "label_loss")));
    cr_expect(json_is_boolean(json_object_get(teacher, "on")) && json_is_real(json_object_get(teacher, "lr")));
    cr_expect_str_eq(json_string_value(json_object_get(gate, "teacher")), "teacher");
    const char *const observed[] = {"gap", "delta", "epsilon", "s_label", "t_label"};
    for (size_t i = 0; i < sizeof observed / sizeof *observed; i++) {
        cr_expect(json_is_real(json_object_get(gate, observed[i])), "%s", observed[i]);
    }
    json_decref(first);
}

Test(run, the_written_config_runs_again_and_gives_the_same_bytes) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --out a --quiet"), 0);
    cr_assert_eq(run_program("run a/run.cfg --out b --quiet"), 0);
    cr_expect(same_bytes("a/run.cfg", "b/run.cfg"));
    cr_expect(same_bytes("a/steps.jsonl", "b/steps.jsonl"));
    cr_expect(same_bytes("a/checkpoints/10/student.safetensors", "b/checkpoints/10/student.safetensors"));
    cr_assert_eq(run_program("run small.cfg --out c --quiet --set seed=2"), 0);
    cr_expect_not(same_bytes("a/steps.jsonl", "c/steps.jsonl"), "another seed is another run");
}

/* Whether two finished runs of the small experiment agree in everything that is not time. */
static void expect_same_run(const char *one, const char *other) {
    const char *const files[] = {"steps.jsonl",
                                 "epochs.jsonl",
                                 "predictions.json",
                                 "checkpoints/10/teacher.safetensors",
                                 "checkpoints/10/student.safetensors",
                                 "checkpoints/10/teacher.optimizer.safetensors",
                                 "checkpoints/best/student.safetensors"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char a[128], b[128];
        snprintf(a, sizeof a, "%s/%s", one, files[i]);
        snprintf(b, sizeof b, "%s/%s", other, files[i]);
        cr_expect(same_bytes(a, b), "%s", files[i]);
    }
    char a[128], b[128];
    snprintf(a, sizeof a, "%s/result.json", one);
    snprintf(b, sizeof b, "%s/result.json", other);
    cr_expect(same_result(a, b));
}

Test(run, resumed_anywhere_it_ends_in_the_same_bytes) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --out whole --quiet"), 0);
    const char *const stops[] = {"1", "3", "5", "7", "9"};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        char arguments[128], folder[16];
        snprintf(folder, sizeof folder, "cut%s", stops[i]);
        snprintf(arguments, sizeof arguments, "run small.cfg --out %s --quiet --steps %s", folder, stops[i]);
        cr_assert_eq(run_program(arguments), 0);
        cr_expect(said("--resume continues"));
        snprintf(arguments, sizeof arguments, "run small.cfg --out %s --quiet --resume", folder);
        cr_assert_eq(run_program(arguments), 0);
        expect_same_run("whole", folder);
    }
    cr_assert_eq(run_program("run cut3 --resume"), 0, "a finished run resumes to its table");
    expect_same_run("whole", "cut3");
}

Test(run, a_folder_in_use_or_of_another_config_is_refused) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --out r --steps 2"), 0);
    cr_expect_eq(run_program("run small.cfg --out r"), 2);
    cr_expect(said("--resume"));
    cr_expect_eq(run_program("run small.cfg --out r --resume --set train.optimizer.lr=0.5"), 2);
    cr_expect(said("run.cfg was made from another configuration"));
    cr_expect(said("lr = 0.02"));
    cr_expect_eq(run_program("run small.cfg --out none --resume"), 2);
}

Test(run, an_interrupt_leaves_a_checkpoint_and_exits_with_130) {
    write_small("small.cfg", "");
    const char *program = getenv("SWITCHYARD_PROGRAM");
    char command[1024];
    /* The signal may come before the handler stands or after the end; try until it met a running run. */
    int code = 0;
    for (int attempt = 0; attempt < 20 && code != 130; attempt++) {
        snprintf(command, sizeof command,
                 "rm -rf r; '%s' run small.cfg --set train.epochs=2000 --out r >out 2>err & pid=$!; "
                 "while [ ! -s r/times.jsonl ] && kill -0 $pid 2>err; do sleep 0.02; done; kill -INT $pid; wait $pid",
                 program);
        int status = system(command);
        code = WEXITSTATUS(status);
    }
    cr_expect_eq(code, 130);
    cr_expect(said("interrupted; a checkpoint is in r"));
    cr_expect(exists("r/checkpoints"));
}

Test(run, starts_from_weights_and_lists_every_mismatch) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --out a --quiet --steps 5"), 0);
    cr_assert_eq(run_program("run small.cfg --out b --quiet --steps 1 "
                             "--set nodes.teacher.init=a/checkpoints/5/teacher.safetensors"),
                 0);
    cr_expect_eq(run_program("check small.cfg --set nodes.student.init=a/checkpoints/5/teacher.safetensors"), 2);
    cr_expect(said("\"fc1.weight\" is [12, 3072], must be [4, 3072]"));
    cr_expect(said("\"fc2.weight\""));
    cr_expect_eq(run_program("check small.cfg --set nodes.student.init=a/checkpoints/5/teacher.safetensors "
                             "--set nodes.student.hidden=[12,3]"),
                 2);
    cr_expect(said("has no tensor \"fc3.weight\""));
}

Test(run, check_tells_what_will_happen) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("check small.cfg --set train.schedule.kind=multistep --set train.schedule.epochs=[1]"), 0);
    cr_expect(said("L_teacher = CE(labels, teacher) + [teacher-student in learning mode] KL(student || teacher)"));
    cr_expect(said("L_student = CE(labels, student) + KL(teacher || student)"));
    cr_expect(said("gate       teacher-student: policy switokd"));
    cr_expect(said("12 features") || said("36940") || said("parameters in 4 tensors"));
    cr_expect(said("0.002"), "the rate after the milestone");
    cr_expect(said("memory (foreseen, MiB)"));
    cr_expect(said("reference"));
}

Test(run, a_suite_runs_its_variants_and_prints_the_table) {
    write_small("small.cfg", "");
    write_text("suite.cfg", "suite = \"s\"; base = \"small.cfg\"; seeds = [1, 2];\n"
                            "variants: { vanilla: { topology: { plugin = \"independent\"; }; };\n"
                            "            dml: { policy: { plugin = \"learning\"; }; }; switokd: { }; };\n");
    cr_assert_eq(run_program("compare suite.cfg --out s"), 0);
    cr_expect(said("vanilla"));
    cr_expect(said("expert mode"));
    cr_expect(said("+-"));
    json_t *vanilla = line("s/vanilla/seed-1/steps.jsonl", 0), *dml = line("s/dml/seed-1/steps.jsonl", 0);
    const json_t *a = json_object_get(json_object_get(json_object_get(vanilla, "nodes"), "teacher"), "label_loss");
    const json_t *b = json_object_get(json_object_get(json_object_get(dml, "nodes"), "teacher"), "label_loss");
    cr_expect_float_eq(json_real_value(a), json_real_value(b), 0, "same weights, same batch, same crops");
    cr_expect_gt(json_real_value(a), 0);
    json_decref(vanilla);
    json_decref(dml);
    cr_assert_eq(run_program("compare suite.cfg --out s"), 0);
    cr_expect_not(said("epoch 1/2"), "finished runs are skipped");
}

static const char measured[] =
    "experiment = \"measured\"; threads = 2; backend = { plugin = \"onednn\"; conv = \"measured\"; };\n"
    "data: { plugin = \"shapes\"; batch = 8; }; train: { epochs = 1; };\n"
    "nodes: { net: { plugin = \"resnet_cifar\"; depth = 8; role = \"peer\"; }; };\n";

/* What is measured may be another time; what is written down is not. */
Test(run, measured_choices_are_written_down_and_followed) {
    const char *direct =
        " --set \"nodes.net.choices=\\\"layer1.0.conv1=direct layer1.0.conv2=direct layer2.0.conv2=direct "
        "layer3.0.conv2=direct\\\"\"";
    char command[512];
    write_text("measured.cfg", measured);
    if (run_program("run measured.cfg --steps 3 --out a --quiet") == 2) {
        cr_skip_test("backend onednn does not work here");
    }
    cr_assert_eq(run_program("run a/run.cfg --steps 3 --out b --quiet"), 0);
    cr_expect(same_bytes("a/run.cfg", "b/run.cfg"));
    cr_expect(same_bytes("a/steps.jsonl", "b/steps.jsonl"));
    char *config = read_text("a/run.cfg");
    cr_expect(config && strstr(config, "layer1.0.conv1="), "run.cfg does not have what was chosen");
    free(config);
    snprintf(command, sizeof command, "run measured.cfg --steps 4 --out whole --quiet%s", direct);
    cr_assert_eq(run_program(command), 0);
    snprintf(command, sizeof command, "run measured.cfg --steps 2 --out parts --quiet%s", direct);
    cr_assert_eq(run_program(command), 0);
    cr_assert_eq(run_program("run measured.cfg --steps 4 --out parts --quiet --resume"), 0);
    cr_expect(same_bytes("whole/steps.jsonl", "parts/steps.jsonl"), "resumed with other choices");
    cr_assert_eq(run_program("run measured.cfg --steps 3 --out c --quiet --set nodes.net.choices=layer1.0.conv1=often"),
                 2);
    cr_expect(said("direct and winograd are understood"));
}
