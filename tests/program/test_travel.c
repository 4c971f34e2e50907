/* test_travel.c - weights leave and come back: convert, eval, predict. What PyTorch and an ONNX runtime make of the files
 * is travel.py's business. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "program.h"

static void setup(void) {
    program_setup();
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --out there --quiet"), 0);
}

TestSuite(travel, .init = setup, .fini = program_teardown);

/* What stands behind the last `what` of the last run's output. */
static double number_after(const char *what) {
    char *out = read_text("out"), *at = out;
    for (char *next = out; next && (next = strstr(next, what)); next++) {
        at = next + strlen(what);
    }
    cr_assert(at && at != out, "%s", out);
    double number = strtod(at, NULL);
    free(out);
    return number;
}

Test(travel, a_run_tells_the_same_as_its_own_result) {
    cr_assert_eq(run_program("eval there --checkpoint last --json --set data.test_limit=32 --set backend=reference"),
                 0);
    double top1 = number_after("\"top1\":"), nll = number_after("\"nll\":");
    char *epochs = read_text("there/epochs.jsonl");
    cr_assert(epochs);
    char *last = strstr(epochs, "\"epoch\":1"), *student = strstr(last, "\"student\":{");
    cr_assert(student);
    cr_expect_float_eq(strtod(strstr(student, "\"test_accuracy\":") + 16, NULL), top1, 1e-15);
    cr_expect_float_eq(strtod(strstr(student, "\"test_loss\":") + 12, NULL), nll, 1e-12);
    free(epochs);
}

Test(travel, a_converted_file_needs_nothing_beside_it) {
    cr_assert_eq(run_program("convert there alone.safetensors --node teacher --checkpoint last"), 0);
    cr_assert_eq(run_program("convert alone.safetensors again.safetensors"), 0);
    cr_expect(same_bytes("alone.safetensors", "again.safetensors"));
    cr_assert_eq(run_program("eval there --node teacher --checkpoint last --json"), 0);
    double before = number_after("\"nll\":");
    cr_assert_eq(run_program("eval alone.safetensors --json"), 0);
    cr_expect_eq(number_after("\"nll\":"), before);
    cr_expect_eq(run_program("eval alone.safetensors --split train --set data.limit=10"), 0);
    cr_expect(said("on 10 samples of shapes, split train"));
}

Test(travel, files_from_elsewhere_are_told_what_they_are) {
    cr_assert_eq(run_program("convert there plain.safetensors --checkpoint last"), 0);
    cr_assert_eq(run_program("convert plain.safetensors wrong.safetensors --net resnet-8 --classes 12"), 2);
    cr_expect(said("plain.safetensors has no tensor \"conv1.weight\" [16, 3, 3, 3]"));
    cr_expect(said("\"fc1.weight\" is no tensor of this network"));
    cr_expect_not(exists("wrong.safetensors"));
    cr_assert_eq(run_program("convert plain.safetensors right.safetensors --net mlp-4 --classes 12"), 0);
    cr_expect_eq(run_program("eval right.safetensors"), 2, "it no longer knows its data");
    cr_expect(said("--data names a set"));
    cr_expect_eq(run_program("eval right.safetensors --data shapes --set data.test=48"), 0);
}

Test(travel, what_cannot_be_found_is_explained) {
    cr_expect_eq(run_program("eval there --node principal"), 2);
    cr_expect(said("has no weights of node \"principal\"; there are"));
    cr_expect_eq(run_program("eval there --checkpoint 7000"), 2);
    cr_expect(said("has no checkpoint \"7000\""));
    cr_assert_eq(system("mkdir nothing two && cp there/checkpoints/10/*.safetensors two"), 0);
    cr_expect_eq(run_program("eval nothing"), 2);
    cr_expect(said("nothing: holds no node's weights"));
    cr_expect_eq(run_program("eval two"), 2);
    cr_expect(said("two: holds weights of ") && said("; --node says whose are meant"));
    cr_expect_eq(run_program("eval two --node teacher"), 0);
    cr_expect_eq(run_program("eval nowhere.safetensors"), 2);
    cr_expect(said("nowhere.safetensors: cannot be found"));
    cr_expect_eq(run_program("eval small.cfg"), 2);
    cr_expect(said("is no safetensors file"));
    cr_expect_eq(run_program("convert there small.cfg"), 2);
    cr_expect_eq(run_program("convert there a.txt"), 2);
    cr_expect(said("a.txt must end in .safetensors or .onnx"));
    cr_assert_eq(run_program("convert there a.onnx"), 0);
    cr_expect_eq(run_program("convert there a.onnx"), 2);
    cr_expect(said("a.onnx is there already; --force replaces it"));
    cr_expect_eq(run_program("convert there a.onnx --force"), 0);
}

/* Weights from a stranger: the description may not reach for files, nor name a plugin by its path. */
Test(travel, a_description_cannot_reach_for_files) {
    static const char *const networks[] = {"@include \\\"/etc/passwd\\\"\\n", "plugin = \\\"../../evil\\\";",
                                           "plugin = \\\"mlp\\\"; hidden = 4"};
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        char header[1024], file_name[32];
        snprintf(header, sizeof header,
                 "{\"__metadata__\":{\"switchyard.network\":\"%s\",\"switchyard.image\":\"3x8x8\","
                 "\"switchyard.classes\":\"2\"},\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                 networks[i]);
        snprintf(file_name, sizeof file_name, "evil%zu.safetensors", i);
        FILE *file = fopen(file_name, "wb");
        unsigned long long length = strlen(header);
        cr_assert(file && fwrite(&length, 8, 1, file) == 1 && fwrite(header, length, 1, file) == 1 &&
                  fwrite("\0\0\0\0", 4, 1, file) == 1 && fclose(file) == 0);
        char command[128];
        snprintf(command, sizeof command, "predict %s picture.png", file_name);
        cr_expect_eq(run_program(command), 2, "%s", networks[i]);
        cr_expect_not(said("root:"));
    }
}

Test(travel, an_onnx_file_holds_the_weights_as_they_are) {
    cr_assert_eq(run_program("convert there a.onnx --checkpoint last"), 0);
    cr_assert_eq(run_program("convert there a.safetensors --checkpoint last"), 0);
    FILE *onnx = fopen("a.onnx", "rb"), *plain = fopen("a.safetensors", "rb");
    static char model[1 << 20], tensors[1 << 20];
    size_t model_size = fread(model, 1, sizeof model, onnx), plain_size = fread(tensors, 1, sizeof tensors, plain);
    fclose(onnx);
    fclose(plain);
    cr_expect_arr_eq(model, "\x08\x07\x12\x0aswitchyard", 14);
    cr_expect(memmem(model, model_size, "fc1.weight", 10) && memmem(model, model_size, "Gemm", 4));
    /* the first kilobyte of the data is within the first matrix */
    unsigned long long header;
    memcpy(&header, tensors, 8);
    cr_assert(plain_size > 8 + header + 1024);
    cr_expect(memmem(model, model_size, tensors + 8 + header, 1024));
    if (system("python3 -c 'import onnx' 2>/dev/null") == 0) {
        cr_expect_eq(system("python3 -c 'import onnx; onnx.checker.check_model(onnx.load(\"a.onnx\"))'"), 0);
    }
}

Test(travel, pictures_get_classes_by_name) {
    char command[4400];
    snprintf(command, sizeof command, "predict there '%s/tests/data/images/centre.png' --top 2",
             getenv("SWITCHYARD_SOURCE_ROOT"));
    int code = run_program(command);
    if (said("this build reads") || said("cannot resize")) {
        cr_skip_test("built without libraries for pictures");
    }
    cr_expect_eq(code, 0);
    strcat(command, " --json --logits");
    cr_assert_eq(run_program(command), 0);
    char *out = read_text("out");
    cr_expect(strstr(out, "\"name\":\"") && strstr(out, "\"logits\":["));
    free(out);
    double first = number_after("\"classes\":[{\"class\":");
    cr_expect(first >= 0 && first < 12);
    cr_expect_eq(run_program("predict there"), 2);
    cr_expect_eq(run_program("predict there small.cfg"), 2);
}

/* A branch on a trunk is a network only together with it. */
Test(travel, a_node_that_others_feed_takes_them_along) {
    write_text("branch.cfg",
               "experiment = \"branch\"; threads = 1;\n"
               "data: { plugin = \"shapes\"; batch = 8; limit = 16; test_limit = 16; train = 24; test = 16; };\n"
               "nodes: {\n"
               "  trunk: { plugin = \"resnet_cifar\"; depth = 8; to = 2; role = \"part\"; };\n"
               "  student: { plugin = \"resnet_cifar\"; depth = 8; from = 3; role = \"student\";\n"
               "             inputs = [\"trunk.stage2\"]; };\n"
               "};\n"
               "topology: { plugin = \"independent\"; };\n");
    cr_assert_eq(run_program("run branch.cfg --out branch --quiet"), 0);
    cr_assert_eq(run_program("eval branch --json"), 0);
    double top1 = number_after("\"top1\":");
    char *epochs = read_text("branch/epochs.jsonl");
    cr_expect_eq(strtod(strstr(strstr(epochs, "\"student\":{"), "\"test_accuracy\":") + 16, NULL), top1);
    free(epochs);
    cr_assert_eq(run_program("convert branch whole.safetensors --node student"), 0);
    char *whole = read_text("whole.safetensors");
    cr_expect(strstr(whole + 8, "\"trunk.conv1.weight\"") && strstr(whole + 8, "\"student.linear.weight\""));
    free(whole);
    cr_assert_eq(run_program("convert branch whole.onnx --node student"), 0);
    cr_expect_eq(run_program("convert branch trunk.onnx --node trunk --checkpoint last"), 2);
    cr_expect(said("belongs to a node without logits"));
    cr_expect_eq(run_program("eval branch/checkpoints/best/student.safetensors"), 2, "alone it is of no use");
}

/* The best epoch of a branch is one of its trunk, too: here the last epochs undo what the first learnt. */
Test(travel, the_best_of_a_node_is_that_of_all_who_feed_it) {
    write_text("branch.cfg",
               "experiment = \"branch\"; threads = 1;\n"
               "data: { plugin = \"shapes\"; batch = 8; limit = 32; test_limit = 48; train = 48; test = 48; };\n"
               "train: { epochs = 4; optimizer: { lr = 0.05; momentum = 0.9; }; };\n"
               "nodes: {\n"
               "  trunk: { plugin = \"resnet_cifar\"; depth = 8; to = 2; role = \"part\"; };\n"
               "  one: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = [\"trunk.stage2\"]; };\n"
               "  two: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = [\"trunk.stage2\"]; };\n"
               "};\n"
               "topology: { plugin = \"mesh\"; };\n");
    cr_assert_eq(run_program("run branch.cfg --out branch --quiet"), 0);
    const char *const nodes[] = {"one", "two"};
    int earlier = 0;
    for (int i = 0; i < 2; i++) {
        char text[256];
        cr_assert_eq(system("cp branch/result.json out"), 0);
        snprintf(text, sizeof text, "\"%s\": {", nodes[i]);
        char *result = read_text("branch/result.json"), *node = strstr(result, text);
        double best = strtod(strstr(node, "\"best_test_accuracy\": ") + 22, NULL);
        earlier += strtol(strstr(node, "\"best_epoch\": ") + 14, NULL, 10) < 3;
        free(result);
        snprintf(text, sizeof text, "eval branch --json --node %s", nodes[i]);
        cr_assert_eq(run_program(text), 0);
        cr_expect_float_eq(number_after("\"top1\":"), best, 1e-12, "%s", nodes[i]);
        snprintf(text, sizeof text, "convert branch %s.safetensors --node %s", nodes[i], nodes[i]);
        cr_assert_eq(run_program(text), 0);
    }
    cr_expect_gt(earlier, 0, "the last epoch is not the best of both, so that this can go wrong");
    cr_assert_eq(remove("branch/checkpoints/best/one/trunk.safetensors"), 0);
    cr_assert_eq(run_program("eval branch --json --node one"), 0, "as runs of earlier versions have it");
    cr_expect(said("branch/checkpoints/16/one.safetensors"));
    cr_expect_eq(run_program("eval branch --node one --checkpoint best"), 2);
    cr_expect(said("whose weights of its best epoch were not kept"));
}
