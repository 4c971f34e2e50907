/* test_cards.c - files of weights that say wrongly what they are, and what a person may say of them instead. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(cards, .init = program_setup, .fini = program_teardown);

/* A file with one number of weights and this metadata. */
static void write_card(const char *name, const char *metadata) {
    char header[2048];
    int length =
        snprintf(header, sizeof header,
                 "{\"__metadata__\":{%s},\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", metadata);
    unsigned long long count = (unsigned long long)length;
    FILE *file = fopen(name, "wb");
    cr_assert(file && fwrite(&count, 8, 1, file) == 1 && fwrite(header, (size_t)length, 1, file) == 1 &&
              fwrite("\0\0\0\0", 4, 1, file) == 1 && fclose(file) == 0);
}

#define NETWORK "\"switchyard.network\":\"plugin = \\\"mlp\\\"; hidden = [1];\""
#define IMAGE   "\"switchyard.image\":\"3x8x8\""
#define CLASSES "\"switchyard.classes\":\"2\""

Test(cards, each_mistake_of_a_description_is_told) {
    static const struct {
        const char *metadata, *words;
    } cases[] = {
        {NETWORK, "\"switchyard.image\" must be channels, height and width, as in 3x32x32"},
        {NETWORK ",\"switchyard.image\":\"3x8\"", "\"switchyard.image\" must be channels"},
        {NETWORK ",\"switchyard.image\":\"3x8x8x8\"", "\"switchyard.image\" must be channels"},
        {NETWORK ",\"switchyard.image\":\"0x8x8\"", "\"switchyard.image\" must be channels"},
        {NETWORK ",\"switchyard.image\":\"3x20000x8\"", "\"switchyard.image\" must be channels"},
        {NETWORK "," IMAGE, "\"switchyard.classes\" must be a number of classes, 2 or more"},
        {NETWORK "," IMAGE ",\"switchyard.classes\":\"1\"", "must be a number of classes, 2 or more"},
        {NETWORK "," IMAGE ",\"switchyard.classes\":\"ten\"", "must be a number of classes, 2 or more"},
        {NETWORK "," IMAGE "," CLASSES ",\"switchyard.mean\":\"[0.5, 0.5]\"", "must be a list of 3 numbers"},
        {NETWORK "," IMAGE "," CLASSES ",\"switchyard.mean\":\"half\"", "must be a list of 3 numbers"},
        {NETWORK "," IMAGE "," CLASSES ",\"switchyard.mean\":\"[0.5, 0.5, null]\"", "must be a list of 3 numbers"},
        {NETWORK "," IMAGE "," CLASSES ",\"switchyard.std\":\"[0.5, 0, 0.5]\"", "must be a list of 3 numbers above 0"},
        {NETWORK "," IMAGE "," CLASSES ",\"switchyard.class_names\":\"[1, 2]\"", "must be a list of 2 texts"},
        {NETWORK "," IMAGE "," CLASSES ",\"switchyard.class_names\":\"[\\\"cat\\\"]\"", "must be a list of 2 texts"},
        {NETWORK "," IMAGE "," CLASSES, "has no tensor \"fc1.weight\" [1, 192]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_card("a.safetensors", cases[i].metadata);
        cr_expect_eq(run_program("convert a.safetensors b.onnx"), 2, "%s", cases[i].metadata);
        cr_expect(said("a.safetensors") && said(cases[i].words), "%s: must say %s", cases[i].metadata, cases[i].words);
        cr_expect_not(exists("b.onnx"));
    }
}

Test(cards, what_a_person_says_of_a_file_is_checked_too) {
    write_card("plain.safetensors", "\"format\":\"pt\"");
    cr_expect_eq(run_program("convert plain.safetensors b.onnx"), 2);
    cr_expect(said("does not say what network it is for; say it: --net NAME --classes K"));
    cr_expect_eq(run_program("convert plain.safetensors b.onnx --net mlp-1"), 2, "of how many classes?");
    cr_expect(said("does not say what network it is for"));
    cr_expect_eq(run_program("convert plain.safetensors b.onnx --net mlp-1 --classes 2 --image 8x8"), 2);
    cr_expect(said("--image: 8x8: must be channels, height and width, as in 3x32x32"));
    cr_expect_eq(run_program("convert plain.safetensors b.onnx --net mlp-1 --classes 2 --image 3x8x8"), 2);
    cr_expect(said("has no tensor \"fc1.weight\" [1, 192]") && said("\"w\" is no tensor of this network"));
    cr_expect_eq(run_program("convert plain.safetensors b.onnx --net mlp-one --classes 2"), 2);
    cr_expect(said("\"one\" is no number"));
    cr_expect_eq(run_program("convert plain.safetensors b.onnx --net wrn-16-2-1-1 --classes 2"), 2);
    cr_expect(said("has more numbers than"));
    cr_expect_eq(run_program("convert plain.safetensors b.onnx --net mpl-1 --classes 2"), 2);
    cr_expect(said("no network is called \"mpl\"; did you mean \"mlp\"?"));
    cr_expect_eq(run_program("convert plain.safetensors b.onnx --net mlp-1 --classes 2 --plugin nowhere.so"), 2);
    cr_expect(said("nowhere.so"));
    cr_expect_not(exists("b.onnx"));
}

/* The network of a plugin file that nothing but --plugin names. */
Test(cards, a_plugin_file_of_ones_own_is_used) {
    char command[4600];
    snprintf(command, sizeof command, "cp '%s/networks/mlp.so' mine.so", getenv("SWITCHYARD_PLUGIN_PATH"));
    cr_assert_eq(system(command), 0);
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --out r --quiet"), 0);
    cr_assert_eq(run_program("convert r a.safetensors"), 0);
    setenv("SWITCHYARD_PLUGIN_PATH", "/nowhere", 1);
    cr_expect_eq(run_program("convert a.safetensors b.onnx --net mlp-4 --classes 12 --plugin mine.so"), 0);
    cr_expect(exists("b.onnx"));
}

/* Pictures cannot be prepared for weights that do not say how theirs were. */
Test(cards, predictions_need_to_know_the_normalisation) {
    char command[4600];
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --out r --quiet"), 0);
    cr_assert_eq(run_program("convert r a.safetensors"), 0);
    snprintf(command, sizeof command,
             "predict a.safetensors '%s/tests/data/images/centre.png' --net mlp-4 --classes 12 --top 1",
             getenv("SWITCHYARD_SOURCE_ROOT"));
    int code = run_program(command);
    if (said("this build reads") || said("cannot resize")) {
        cr_skip_test("built without libraries for pictures");
    }
    cr_expect_eq(code, 2);
    cr_expect(said("does not say how its images were normalised; say it: --set data.mean=[...]"));
    strcat(command, " --set data.mean=[0.5,0.5,0.5] --set data.std=[0.2,0.2,0.2]");
    cr_expect_eq(run_program(command), 0);
    cr_expect(said("class "), "it does not know its classes' names either");
}
