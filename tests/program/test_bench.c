/* test_bench.c - `switchyard bench`: the form of what it says, not how fast anything is. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(bench, .init = program_setup, .fini = program_teardown);

#define QUICK "--backend reference --threads 1 --batch 4 --rounds 2 --steps 3 "

static json_t *answer(void) {
    json_error_t error;
    json_t *object = json_load_file("out", 0, &error);
    cr_assert(json_is_object(object), "%s", error.text);
    return object;
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    cr_expect(json_is_number(value), "%s is a number", key);
    return json_number_value(value);
}

static void expect_spread(const json_t *object, const char *key) {
    const json_t *spread = json_object_get(object, key);
    cr_assert(json_is_object(spread), "%s", key);
    cr_expect_gt(number(spread, "min"), 0);
    cr_expect_leq(number(spread, "min"), number(spread, "median"));
    cr_expect_leq(number(spread, "median"), number(spread, "max"));
}

static void expect_figures(const json_t *object, const char *net) {
    cr_expect_str_eq(json_string_value(json_object_get(object, "net")), net);
    cr_expect_str_eq(json_string_value(json_object_get(object, "precision")), "fp32");
    cr_expect_eq(number(object, "batch"), 4);
    cr_expect_eq(number(object, "threads"), 1);
    cr_expect_eq(number(object, "steps"), 6, "rounds times steps");
    const char *const positive[] = {"images_per_s", "gflops", "percent_of_peak", "peak_mib", "first_step_s"};
    for (size_t i = 0; i < sizeof positive / sizeof *positive; i++) {
        cr_expect_gt(number(object, positive[i]), 0, "%s", positive[i]);
    }
    expect_spread(object, "step_ms");
    expect_spread(object, "inference_step_ms");
    cr_expect_gt(number(json_object_get(object, "phases_ms"), "forward"), 0);
    cr_expect_gt(number(json_object_get(object, "phases_ms"), "backward"), 0);
}

Test(bench, one_network_is_one_object) {
    cr_assert_eq(run_program("bench --net mlp-12-12-12 --classes 7 --json --layers " QUICK), 0);
    json_t *object = answer();
    expect_figures(object, "mlp-12-12-12");
    expect_spread(object, "paused_step_ms");
    cr_expect_eq(number(object, "parameters"), 3072 * 12 + 12 + 2 * (12 * 12 + 12) + 12 * 7 + 7);
    cr_expect_eq(number(object, "multiply_adds"), 3072 * 12 + 2 * 12 * 12 + 12 * 7);
    cr_expect_gt(number(json_object_get(object, "machine"), "gflops"), 0);
    cr_expect_gt(number(json_object_get(object, "machine"), "gbytes_per_s"), 0);
    const json_t *layers = json_object_get(object, "layers");
    cr_assert_eq(json_array_size(layers), 5, "flatten, three kinds of linear ones, relu");
    const json_t *first = json_array_get(layers, 1);
    cr_expect_str_eq(json_string_value(json_object_get(first, "operator")), "linear");
    cr_expect_str_eq(json_string_value(json_object_get(first, "shape")), "3072 -> 12, image");
    cr_expect_gt(number(first, "forward_ms"), 0);
    cr_expect_gt(number(first, "backward_gflops"), 0);
    const json_t *middle = json_array_get(layers, 3);
    cr_expect_str_eq(json_string_value(json_object_get(middle, "shape")), "12 -> 12");
    cr_expect_eq(number(middle, "count"), 2, "equal ones are timed once");
    json_decref(object);
}

static bool has_layer(const json_t *result, const char *operator, const char * shape) {
    const json_t *layers = json_object_get(result, "layers");
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);
        if (!strcmp(json_string_value(json_object_get(layer, "operator")), operator) &&
            !strcmp(json_string_value(json_object_get(layer, "shape")), shape)) {
            return number(layer, "forward_ms") > 0;
        }
    }
    return false;
}

/* Every kind of operator that networks are made of can be timed on its own, and is told by its shape. */
Test(bench, layers_of_convolutions_have_their_shapes) {
    cr_assert_eq(run_program("bench --net resnet-8,mobilenetv2-0.1,densenet-2-1-1 --classes 3 --json --layers "
                             "--backend reference --threads 1 --batch 2 --rounds 1 --steps 1"),
                 0);
    json_t *object = answer();
    const json_t *results = json_object_get(object, "results");
    const json_t *resnet = json_array_get(results, 0), *mobile = json_array_get(results, 1);
    const json_t *dense = json_array_get(results, 2);
    cr_expect(has_layer(resnet, "conv2d", "3x32x32 -> 16x32x32, 3x3, image"));
    cr_expect(has_layer(resnet, "conv2d", "16x32x32 -> 32x16x16, 3x3, stride 2"));
    cr_expect(has_layer(resnet, "slice_pad", "16x32x32 -> 32x16x16, stride 2"));
    cr_expect(has_layer(resnet, "add", "16x32x32 x 2 -> 16x32x32"));
    cr_expect(has_layer(resnet, "global_avg_pool", "64x8x8 -> 64"));
    cr_expect(has_layer(mobile, "conv2d", "12x16x16 -> 12x8x8, 3x3, stride 2, groups 12"));
    cr_expect(has_layer(dense, "concat", "2x32x32 x 2 -> 6x32x32"));
    cr_expect(has_layer(dense, "avg_pool", "3x32x32 -> 3x16x16, 2x2, stride 2"));
    json_decref(object);
}

Test(bench, several_networks_are_an_array_in_their_order) {
    cr_assert_eq(run_program("bench --net mlp-12,mlp mlp-3-4 --json " QUICK), 0);
    json_t *object = answer();
    const char *const nets[] = {"mlp-12", "mlp", "mlp-3-4"};
    const json_t *results = json_object_get(object, "results");
    cr_assert_eq(json_array_size(results), 3);
    for (size_t i = 0; i < 3; i++) {
        expect_figures(json_array_get(results, i), nets[i]);
    }
    cr_expect(json_is_object(json_object_get(object, "machine")));
    json_decref(object);
}

Test(bench, an_experiment_is_measured_in_both_modes_with_its_loader) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("bench small.cfg --json " QUICK), 0);
    json_t *object = answer();
    expect_figures(object, "small.cfg");
    expect_spread(object, "expert_step_ms");
    cr_expect_gt(number(object, "loader_images_per_s"), 0);
    cr_expect_geq(number(object, "loader_processor_share"), 0);
    cr_expect_gt(number(json_object_get(object, "phases_ms"), "policy"), 0);
    cr_expect_gt(number(json_object_get(object, "expert_phases_ms"), "backward"), 0, "the student learns on");
    cr_expect_not(exists("runs"), "nothing is written");
    json_decref(object);
}

Test(bench, tables_tell_the_same) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("bench small.cfg --layers " QUICK), 0);
    const char *const words[] = {"machine: 1 thread", "learning", "expert",     "inference", "% peak",
                                 "peak MiB",          "backward", "the loader", "reference", "3072 -> 12"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        cr_expect(said(words[i]), "%s", words[i]);
    }
    char *err = read_text("err");
    cr_expect_str_empty(err, "progress is for terminals");
    free(err);
}

static void expect_refusal(const char *arguments, const char *text) {
    cr_expect_eq(run_program(arguments), 2, "%s", arguments);
    cr_expect(said(text), "%s", arguments);
}

Test(bench, wrong_input_ends_with_2_and_says_what_would_be_right) {
    expect_refusal("bench", "give one config file, or networks as in --net wrn-16-2");
    expect_refusal("bench none.cfg", "none.cfg");
    expect_refusal("bench --net wnr-16-2", "no network is called \"wnr\"; did you mean \"wrn\"?");
    expect_refusal("bench --net wrn-17-2", "--net wrn-17-2: nodes.net: network \"wrn\": depth 17 is not 6n + 4");
    expect_refusal("bench --net wrn-9999", "--net wrn-9999: nodes.net.depth: 9999 is outside [10, 1000]");
    expect_refusal("bench --net mlp --backend reference --precision bf16",
                   "does not compute in bf16 with these settings on this machine; it can do fp32, fp64");
    expect_refusal("bench --net mlp --precision fp61", "\"fp61\" is not one of \"fp32\", \"bf16\"");
    expect_refusal("bench --net mlp --backend refrence", "did you mean \"reference\"?");
    expect_refusal("bench --net mlp --rounds 0", "--rounds 0: must be a whole number, 1 to 1000");
    expect_refusal("bench --net mlp --set nodes.net.hiden=[3]", "did you mean \"hidden\"?");
    expect_refusal("bench --net mlp --fast", "`switchyard bench --help` lists the options");
}

Test(bench, mistakes_of_all_cases_are_told_at_once_and_each_once) {
    expect_refusal("bench --net wnr,mlp --precision fp32,fp61 --backend refrence", "no network is called \"wnr\"");
    cr_expect(said("\"fp61\" is not one of"));
    cr_expect(said("did you mean \"reference\"?"));
    char *err = read_text("err");
    cr_expect_null(strstr(strstr(err, "wnr") + 40, "--net wnr"), "%s", err);
    free(err);
}
