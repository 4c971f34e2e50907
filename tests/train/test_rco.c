/* test_rco.c - experiments/methods/rco_greedy.cfg against PyTorch: what is measured, what is chosen, every step's loss. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "golden_rco.h"
#include "record/safetensors.h"
#include "train/stages.h"

enum { PIXELS = 48, CLASSES = 5, TEACHER = 6, STUDENT = 4 };

static char folder[64];

static void make_folder(void) {
    strcpy(folder, "/tmp/switchyard-rco-XXXXXX");
    cr_assert(mkdtemp(folder) && chdir(folder) == 0);
}

static void remove_folder(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert(chdir("/") == 0 && system(command) == 0);
}

TestSuite(rco, .init = make_folder, .fini = remove_folder);

/* A perceptron's parameters by golden_rco.py's pattern. */
static void write_pattern(const char *path, int hidden, int seed) {
    const char *const names[] = {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"};
    const int64_t shapes[][2] = {{hidden, PIXELS}, {hidden, 0}, {CLASSES, hidden}, {CLASSES, 0}};
    float values[4][TEACHER * PIXELS];
    struct sy_named_tensor tensors[4];
    struct sy_error err = {.size = sizeof err};
    for (int t = 0; t < 4; t++) {
        int32_t rank = shapes[t][1] ? 2 : 1;
        int64_t count = shapes[t][0] * (rank == 2 ? shapes[t][1] : 1);
        for (int64_t i = 0; i < count; i++) {
            values[t][i] = (float)((double)((7 * i + 3 * t + seed) % 17 - 8) / 40);
        }
        tensors[t] = (struct sy_named_tensor){names[t],
                                              {.size = sizeof(struct sy_tensor),
                                               .dtype = SY_F32,
                                               .rank = rank,
                                               .shape = {shapes[t][0], shapes[t][1]},
                                               .data = values[t]}};
    }
    cr_assert_eq(sy_safetensors_write(path, tensors, 4, NULL, &err), SY_OK, "%s", err.text);
}

/* The file with perceptrons and a step an epoch; `more` is appended to the assignments. */
static struct sy_stages *make_stages(struct sy_registry *registry, struct sy_problems *problems, const char *more) {
    char path[4096], text[4096], *rest = NULL;
    snprintf(path, sizeof path, "%s/experiments/methods/rco_greedy.cfg", getenv("SWITCHYARD_SOURCE_ROOT"));
    snprintf(text, sizeof text,
             "plugins=[\"%s/by_class.so\"]\nbackend=reference\nthreads=1\ndata.plugin=by_class\ndata.batch=40\n"
             "data.mean=[0.0,0.0,0.0]\ndata.std=[1.0,1.0,1.0]\ndata.validation=0.2\ndata.augment.crop_pad=0\n"
             "data.augment.flip=false\ntrain.optimizer.lr=%g\ntrain.optimizer.weight_decay=0.0\n"
             "train.checkpoint_every=0\ntrain.schedule.epochs=[100000]\nstages.teacher.train.epochs=%d\nstages.teacher."
             "train.snapshot_every=1\n"
             "stages.student.train.schedule.epochs=[100000]\nstages.student.train.epochs=%d\nstages.student.repeat=[1,"
             "2,3,4,5,6,7,8,9,10]\n"
             "stages.student.choose.most=%g\nnodes.teacher.plugin=mlp\nnodes.teacher.hidden=[%d]\n"
             "stages.teacher.nodes.teacher.init=teacher.safetensors\nnodes.student.plugin=mlp\n"
             "nodes.student.hidden=[%d]\n%s",
             getenv("SWITCHYARD_TEST_PLUGINS"), rco_rate, RCO_EPOCHS, RCO_STEPS, rco_most, TEACHER, STUDENT, more);
    struct sy_setting *config = sy_setting_read(path, problems);
    cr_assert(config != NULL, "%s", sy_problems_text(problems, 0));
    struct sy_setting *student = sy_setting_get(sy_setting_get(config, "nodes"), "student");
    struct sy_setting *init = sy_setting_add(student, SY_SETTING_STRING, "init");
    snprintf(path, sizeof path, "%s/student.safetensors", folder);
    cr_assert(init && sy_setting_set_string(init, path)); /* of the first repetition; --set would hold in all */
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        cr_assert(sy_setting_assign(config, line, 1, problems), "%s", line);
    }
    struct sy_stages *stages = sy_stages_create(config, registry, problems);
    bool good = stages && sy_stages_check(stages, NULL, NULL, problems);
    cr_assert(good, "%s", sy_problems_count(problems) ? sy_problems_text(problems, 0) : "?");
    return stages;
}

/* Trains into ./NAME up to `steps` (0: all); resumes where something is there. */
static void train(const char *name, int64_t steps) {
    struct sy_registry *registry = sy_registry_create("/bin/sh");
    struct sy_problems *problems = sy_problems_create();
    struct sy_stages *stages = make_stages(registry, problems, "");
    struct sy_error err = {.size = sizeof err};
    struct sy_run_options options = {.folder = name, .steps = steps, .resume = access(name, F_OK) == 0};
    int end;
    cr_assert_eq(sy_stages_train(stages, &options, &end, &err), SY_OK, "%s", err.text);
    cr_assert_eq(end, steps ? SY_RUN_STOPPED : SY_RUN_FINISHED, "%lld steps: %d", (long long)steps, end);
    sy_stages_destroy(stages);
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
}

static void expect_near(double is, double golden, const char *what, int number) {
    cr_expect(fabs(is - golden) <= 1e-5 * fabs(golden), "%s %d: %.9g, PyTorch says %.9g", what, number, is, golden);
}

/* The losses of a node in a stage's steps. */
static void expect_steps(const char *stage, const char *node, const double *golden, int count) {
    char path[256];
    snprintf(path, sizeof path, "r/stages/%s/steps.jsonl", stage);
    FILE *file = fopen(path, "r");
    cr_assert(file, "%s", path);
    for (int i = 0; i < count; i++) {
        json_t *line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
        const json_t *loss = json_object_get(json_object_get(json_object_get(line, "nodes"), node), "loss");
        cr_assert(loss, "%s has step %d", path, i);
        expect_near(json_number_value(loss), golden[i], stage, i);
        json_decref(line);
    }
    fclose(file);
}

enum { HALTS = sizeof rco_halts / sizeof *rco_halts };

Test(rco, goes_pytorchs_way) {
    char stage[64];
    write_pattern("teacher.safetensors", TEACHER, 1);
    write_pattern("student.safetensors", STUDENT, 2);
    train("r", 0);
    expect_steps("1-teacher", "teacher", rco_teacher, RCO_EPOCHS);
    json_t *choices = json_load_file("r/stages/student-choices.json", 0, NULL);
    cr_assert_eq(json_array_size(choices), HALTS);
    for (size_t h = 0; h < HALTS; h++) {
        const json_t *line = json_array_get(choices, h), *measured = json_object_get(line, "measured");
        cr_expect_eq(json_integer_value(json_object_get(line, "after")), rco_halts[h].after); /* null: 0 */
        cr_assert_eq(json_integer_value(json_object_get(line, "chosen")), rco_halts[h].chosen);
        cr_assert_eq(json_array_size(measured), (size_t)(RCO_EPOCHS - rco_halts[h].after));
        for (size_t i = 0; i < json_array_size(measured); i++) {
            const json_t *loss = json_object_get(json_array_get(measured, i), "loss");
            expect_near(json_number_value(loss), rco_halts[h].far[i], "halt", (int)h);
        }
        snprintf(stage, sizeof stage, "%d-student-%d", rco_halts[h].chosen + 1, rco_halts[h].chosen);
        expect_steps(stage, "student", rco_halts[h].losses, RCO_STEPS);
    }
    json_decref(choices);
    cr_expect_neq(access("r/stages/2-student-1", F_OK), 0, "what is passed over leaves nothing");
    json_t *result = json_load_file("r/result.json", 0, NULL);
    cr_expect_eq(json_array_size(json_object_get(result, "stages")), 1 + HALTS);
    json_decref(result);
}

/* Right before the first choice, and after a choice that is on disk. */
Test(rco, resumed_anywhere_it_ends_in_the_same_bytes) {
    const int64_t stops[] = {RCO_EPOCHS, RCO_EPOCHS + RCO_STEPS + 1};
    char command[256], name[16];
    write_pattern("teacher.safetensors", TEACHER, 1);
    write_pattern("student.safetensors", STUDENT, 2);
    train("r", 0);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        snprintf(name, sizeof name, "c%zu", i);
        train(name, stops[i]);
        train(name, 0);
        snprintf(command, sizeof command,
                 "cmp r/stages/student-choices.json %s/stages/student-choices.json && ls r/stages > r.txt && ls "
                 "%s/stages | cmp - r.txt && cmp r/steps.jsonl %s/steps.jsonl",
                 name, name, name);
        cr_expect_eq(system(command), 0, "stopped after %lld", (long long)stops[i]);
    }
}
