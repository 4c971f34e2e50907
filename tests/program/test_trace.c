/* test_trace.c - whole runs against traces that PyTorch computed in float64: every decision equal, losses, gap and threshold
 * within rounding. The traces and the images they were computed on are too large to keep here: SWITCHYARD_FIXTURES names
 * the folder with trace-pair-*, SWITCHYARD_CIFAR10 the one with data_batch_1.bin; without them the tests are skipped. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "program.h"

TestSuite(trace, .init = program_setup, .fini = program_teardown);

#define EXACT_STEPS 10 /* later rounding grows: PyTorch in float32 itself is off by 1e-4 */

static double number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static double distance(double a, double b) {
    return fabs(a - b) / fabs(b);
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

/* The largest relative distance in one step; whether who learnt is the same is expected here. */
static double compare_step(const json_t *ours, const json_t *theirs, int step) {
    static const char *const names[] = {"teacher", "student"}, *const keys[] = {"gap", "delta", "epsilon", "s_label",
                                                                                "t_label"};
    const json_t *pair = json_object_get(json_object_get(theirs, "pairs"), "0-1");
    const json_t *gate = json_array_get(json_object_get(ours, "gates"), 0);
    double worst = 0;
    for (int i = 0; i < 2; i++) {
        const json_t *node = json_object_get(json_object_get(ours, "nodes"), names[i]);
        char loss[8], on[8];
        snprintf(loss, sizeof loss, "ce%d", i);
        snprintf(on, sizeof on, "on%d", i);
        worst = larger(worst, distance(number(node, "label_loss"), number(theirs, loss)));
        cr_expect_eq(json_is_true(json_object_get(node, "on")), json_is_true(json_object_get(theirs, on)),
                     "step %d: who learns", step);
    }
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        worst = larger(worst, distance(number(gate, keys[k]), number(pair, keys[k])));
    }
    return worst;
}

/* Convolutions as they stand, as PyTorch computes them: in these networks, where some input of a ReLU is always near 0,
 * Winograd's rounding errors grow past 1e-5 within the first 10 steps (2.7e-5 in the learning trace, 5.4e-6 direct). */
static void follow(const char *rule, const char *change) {
    const char *fixtures = getenv("SWITCHYARD_FIXTURES"), *images = getenv("SWITCHYARD_CIFAR10");
    char text[4096], path[1024];
    if (!fixtures || !images) {
        cr_skip_test("SWITCHYARD_FIXTURES and SWITCHYARD_CIFAR10 name no traces");
    }
    snprintf(text, sizeof text,
             "data: { plugin = \"cifar10\"; path = \"%s\"; batch = 32; shuffle = false; };\n"
             "train: { optimizer: { lr = 0.005; momentum = 0.9; weight_decay = 5e-4; }; };\n"
             "nodes: { teacher: { plugin = \"wrn\"; depth = 16; width = 2; role = \"teacher\";\n"
             "    init = \"%s/trace-pair-%s/net0-wrn-16-2-init.safetensors\"; };\n"
             "  student: { plugin = \"resnet_cifar\"; depth = 20; role = \"student\"; optimizer: { lr = 0.001; };\n"
             "    init = \"%s/trace-pair-%s/net1-resnet-20-init.safetensors\"; }; };\n"
             "topology: { plugin = \"pair\"; };\npolicy: { plugin = \"switokd\"; };\n",
             images, fixtures, rule, fixtures, rule);
    write_text("trace.cfg", text);
    snprintf(text, sizeof text, "run trace.cfg --out r --quiet --steps 48 --set backend=openblas %s", change);
    cr_assert_eq(run_program(text), 0);
    snprintf(path, sizeof path, "%s/trace-pair-%s/trace.jsonl", fixtures, rule);
    FILE *ours = fopen("r/steps.jsonl", "r"), *theirs = fopen(path, "r");
    cr_assert(ours && theirs);
    for (int step = 0; step < 48; step++) {
        json_t *a = json_loadf(ours, JSON_DISABLE_EOF_CHECK, NULL);
        json_t *b = json_loadf(theirs, JSON_DISABLE_EOF_CHECK, NULL);
        cr_assert(a && b);
        cr_expect_lt(compare_step(a, b, step), step < EXACT_STEPS ? 1e-5 : 1e-3, "step %d", step);
        json_decref(a);
        json_decref(b);
    }
    fclose(ours);
    fclose(theirs);
}

Test(trace, switokd_follows_pytorch, .timeout = 600) {
    follow("switokd", "");
}

Test(trace, learning_follows_pytorch, .timeout = 600) {
    follow("learning", "--set policy.plugin=learning");
}

Test(trace, vanilla_follows_pytorch, .timeout = 600) {
    follow("vanilla", "--set topology.plugin=independent");
}

/* ---- three networks --------------------------------------------------------------------------------------------- */

struct trio {
    const char *folder, *topology;
    const char *networks[3]; /* as the files call them */
    const char *settings[3];
    const char *gates[2]; /* the trace's pairs, in the order of the gates */
};

static double compare_trio(const json_t *ours, const json_t *theirs, const struct trio *trio, int step) {
    static const char *const names[] = {"a", "b", "c"}, *const keys[] = {"gap", "delta", "epsilon", "s_label",
                                                                         "t_label"};
    double worst = 0;
    for (int i = 0; i < 3; i++) {
        const json_t *node = json_object_get(json_object_get(ours, "nodes"), names[i]);
        char loss[8], on[8];
        snprintf(loss, sizeof loss, "ce%d", i);
        snprintf(on, sizeof on, "on%d", i);
        worst = larger(worst, distance(number(node, "label_loss"), number(theirs, loss)));
        cr_expect_eq(json_is_true(json_object_get(node, "on")), json_is_true(json_object_get(theirs, on)),
                     "step %d, node %d: who learns", step, i);
    }
    for (size_t g = 0; g < 2; g++) {
        const json_t *pair = json_object_get(json_object_get(theirs, "pairs"), trio->gates[g]);
        const json_t *gate = json_array_get(json_object_get(ours, "gates"), g);
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            worst = larger(worst, distance(number(gate, keys[k]), number(pair, keys[k])));
        }
    }
    return worst;
}

/* The released three-network scripts: epsilon of the pair they take, and their way to pause. */
static void follow_trio(const struct trio *trio) {
    const char *fixtures = getenv("SWITCHYARD_FIXTURES"), *images = getenv("SWITCHYARD_CIFAR10");
    char text[8192], path[1024];
    if (!fixtures || !images) {
        cr_skip_test("SWITCHYARD_FIXTURES and SWITCHYARD_CIFAR10 name no traces");
    }
    size_t used = (size_t)snprintf(text, sizeof text,
                                   "data: { plugin = \"cifar10\"; path = \"%s\"; batch = 32; shuffle = false; };\n"
                                   "train: { optimizer: { momentum = 0.9; weight_decay = 5e-4; }; };\nnodes: {\n",
                                   images);
    for (int i = 0; i < 3; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "%c: { %s init = \"%s/%s/net%d-%s-init.safetensors\"; };\n", 'a' + i,
                                 trio->settings[i], fixtures, trio->folder, i, trio->networks[i]);
    }
    snprintf(text + used, sizeof text - used,
             "};\ntopology: { %s };\npolicy: { plugin = \"switokd\"; epsilon_source = "
             "\"official\"; };\n",
             trio->topology);
    write_text("trio.cfg", text);
    cr_assert_eq(run_program("run trio.cfg --out r --quiet --steps 32 --set backend=openblas"), 0);
    snprintf(path, sizeof path, "%s/%s/trace.jsonl", fixtures, trio->folder);
    FILE *ours = fopen("r/steps.jsonl", "r"), *theirs = fopen(path, "r");
    cr_assert(ours && theirs);
    for (int step = 0; step < 32; step++) {
        json_t *a = json_loadf(ours, JSON_DISABLE_EOF_CHECK, NULL);
        json_t *b = json_loadf(theirs, JSON_DISABLE_EOF_CHECK, NULL);
        cr_assert(a && b);
        cr_expect_lt(compare_trio(a, b, trio, step), step < EXACT_STEPS ? 1e-5 : 1e-3, "step %d", step);
        json_decref(a);
        json_decref(b);
    }
    fclose(ours);
    fclose(theirs);
}

#define WRN(width_)    "plugin = \"wrn\"; depth = 16; width = " #width_ "; "
#define AS(role_, lr_) "role = \"" role_ "\"; optimizer: { lr = " lr_ "; };"

Test(trace, one_teacher_and_two_students_follow_pytorch, .timeout = 600) {
    follow_trio(&(struct trio){"trace-1t2s-official",
                               "plugin = \"multi_student\"; pause = \"zero_grad_step\";",
                               {"wrn-16-2", "wrn-16-1", "resnet-20"},
                               {WRN(2) AS("teacher", "0.005"), WRN(1) AS("student", "0.001"),
                                "plugin = \"resnet_cifar\"; depth = 20; " AS("student", "0.001")},
                               {"0-1", "0-2"}});
}

Test(trace, two_teachers_and_one_student_follow_pytorch, .timeout = 600) {
    follow_trio(&(struct trio){"trace-2t1s-official",
                               "plugin = \"multi_teacher\";",
                               {"wrn-16-1", "wrn-16-2", "resnet-20"},
                               {WRN(1) AS("teacher", "0.005"), WRN(2) AS("teacher", "0.005"),
                                "plugin = \"resnet_cifar\"; depth = 20; " AS("student", "0.001")},
                               {"0-2", "1-2"}});
}
