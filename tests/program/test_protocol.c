/* test_protocol.c - validation part, selection of weights, and how often the test split is touched. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "results.h"

TestSuite(protocol, .init = program_setup, .fini = program_teardown);

enum { EPOCHS = 6 };

/* The small experiment for a few epochs, selected as told. */
static void train(const char *select, const char *more) {
    char arguments[512];
    write_small("small.cfg", "");
    snprintf(arguments, sizeof arguments, "run small.cfg --quiet --set train.epochs=%d --set train.select=%s %s",
             EPOCHS, select, more);
    cr_assert_eq(run_program(arguments), 0);
}

/* A figure of the student in every epoch; -1 where it is null. */
static void figures(double *out, const char *folder, const char *key) {
    char path[128];
    snprintf(path, sizeof path, "%s/epochs.jsonl", folder);
    FILE *file = fopen(path, "r");
    cr_assert(file, "%s", path);
    for (int e = 0; e < EPOCHS; e++) {
        json_t *line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
        cr_assert(line);
        const json_t *value = json_object_get(json_object_get(json_object_get(line, "nodes"), "student"), key);
        cr_assert(value, "%s", key);
        out[e] = json_is_null(value) ? -1 : json_number_value(value);
        json_decref(line);
    }
    fclose(file);
}

static int first_best(const double *at) {
    int best = 0;
    for (int e = 1; e < EPOCHS; e++) {
        best = at[e] > at[best] ? e : best;
    }
    return best;
}

static json_t *student(const char *folder) {
    char path[128];
    snprintf(path, sizeof path, "%s/result.json", folder);
    json_t *result = json_load_file(path, 0, NULL);
    json_t *node = json_incref(json_object_get(json_object_get(result, "nodes"), "student"));
    cr_assert(node);
    json_decref(result);
    return node;
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : -1;
}

Test(protocol, last_counts_what_the_last_epoch_measured) {
    double test[EPOCHS];
    train("last", "--out r");
    figures(test, "r", "test_accuracy");
    json_t *node = student("r");
    const json_t *selected = json_object_get(node, "selected");
    cr_expect_eq(number(selected, "epoch"), EPOCHS - 1);
    cr_expect_eq(number(selected, "test_accuracy"), test[EPOCHS - 1]);
    cr_expect_eq(number(node, "test_accuracy"), test[EPOCHS - 1]);
    cr_expect_eq(number(node, "best_test_accuracy"), test[first_best(test)]);
    cr_expect_eq(number(node, "best_epoch"), first_best(test));
    json_decref(node);
}

Test(protocol, best_test_is_the_first_best_epoch_and_marked) {
    double test[EPOCHS];
    train("best_test", "--out r");
    cr_expect(said("CHOSEN BY THE TEST SPLIT"));
    figures(test, "r", "test_accuracy");
    json_t *node = student("r");
    const json_t *selected = json_object_get(node, "selected");
    cr_expect_eq(number(selected, "epoch"), first_best(test));
    cr_expect_eq(number(selected, "test_accuracy"), test[first_best(test)], "the kept weights give the same again");
    cr_expect_eq(number(node, "test_accuracy"), test[EPOCHS - 1]);
    json_decref(node);
}

Test(protocol, best_val_never_sees_the_test_split_before_the_end) {
    double test[EPOCHS], val[EPOCHS], loss[EPOCHS];
    train("best_val", "--out r --set data.validation=32");
    figures(test, "r", "test_accuracy");
    figures(val, "r", "val_accuracy");
    figures(loss, "r", "val_loss");
    for (int e = 0; e < EPOCHS; e++) {
        cr_expect_eq(test[e], -1);
        cr_expect(val[e] >= 0 && loss[e] > 0);
    }
    json_t *node = student("r");
    const json_t *selected = json_object_get(node, "selected");
    cr_expect_eq(number(selected, "epoch"), first_best(val));
    cr_expect_geq(number(selected, "test_accuracy"), 0);
    cr_expect_eq(number(node, "test_accuracy"), -1, "the last weights were not tested");
    cr_expect_eq(number(node, "best_val_accuracy"), val[first_best(val)]);
    json_decref(node);
}

Test(protocol, selected_weights_outlive_an_interrupted_run) {
    train("best_val", "--out whole --set data.validation=0.3");
    train("best_val", "--out cut --set data.validation=0.3 --steps 17");
    train("best_val", "--out cut --set data.validation=0.3 --resume");
    cr_expect(same_bytes("whole/epochs.jsonl", "cut/epochs.jsonl"));
    cr_expect(same_bytes("whole/predictions.json", "cut/predictions.json"));
    cr_expect(same_result("whole/result.json", "cut/result.json"));
    train("best_val", "--out cut --set data.validation=0.3 --resume"); /* once more, finished */
    cr_expect(same_bytes("whole/predictions.json", "cut/predictions.json"));
    cr_expect(same_result("whole/result.json", "cut/result.json"));
}

Test(protocol, the_validation_part_is_not_trained_on) {
    char *manifest;
    train("last", "--out r --set data.validation=0.25");
    manifest = read_text("r/manifest.json");
    cr_expect(manifest && strstr(manifest, "\"validation_samples\": 20"));
    free(manifest);
    json_t *line = json_load_file("r/epochs.jsonl", JSON_DISABLE_EOF_CHECK, NULL);
    cr_expect_eq(json_integer_value(json_object_get(line, "samples")), 60);
    json_decref(line);
    double test[EPOCHS];
    figures(test, "r", "test_accuracy");
    cr_expect_eq(test[EPOCHS - 1], -1, "the end is told in result.json, not on the way");
    json_t *node = student("r");
    cr_expect_geq(number(node, "test_accuracy"), 0);
    json_decref(node);
}

Test(protocol, evaluate_every_0_measures_once) {
    double test[EPOCHS];
    train("last", "--out r --set train.evaluate_every=0");
    figures(test, "r", "test_accuracy");
    for (int e = 0; e < EPOCHS; e++) {
        cr_expect(e == EPOCHS - 1 ? test[e] >= 0 : test[e] == -1);
    }
}

Test(protocol, what_cannot_be_selected_by_is_said) {
    write_small("small.cfg", "");
    cr_expect_eq(run_program("check small.cfg --set train.select=best_val"), 2);
    cr_expect(said("train.select: needs a validation part; data.validation = 0.1"));
    cr_expect_eq(run_program("check small.cfg --set train.select=best_test --set train.evaluate_every=0"), 2);
    cr_expect(said("has nothing to select from"));
    cr_expect_eq(run_program("check small.cfg --set data.validation=1.5"), 2);
    cr_expect(said("must be a whole number of samples, or a share below 1"));
    cr_expect_eq(run_program("check small.cfg --set data.validation=80"), 2);
    cr_expect(said("takes 80 of 80 training samples"));
    cr_expect_eq(run_program("check small.cfg --set data.validation=20 --set train.select=best_val"), 0);
    cr_expect(said("20 of the training samples are for validation; 60 are trained on"));
    cr_expect(said("the test split is touched once, at the end"));
}

Test(protocol, nodes_that_share_weights_are_not_picked_apart) {
    write_text("fed.cfg", "backend = \"reference\"; threads = 1;\n"
                          "data: { plugin = \"shapes\"; batch = 8; train = 32; test = 16; };\n"
                          "train: { select = \"best_test\"; };\n"
                          "nodes: {\n"
                          "  trunk: { plugin = \"resnet_cifar\"; depth = 8; to = 2; role = \"part\"; };\n"
                          "  one: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = [\"trunk.stage2\"]; };\n"
                          "  two: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = [\"trunk.stage2\"]; };\n"
                          "};\ntopology: { plugin = \"mesh\"; };\n");
    cr_expect_eq(run_program("check fed.cfg"), 2);
    cr_expect(said("fed.cfg:3: train.select: picks every node's own best epoch, but one computes with what other"));
}
