/* test_outputs.c - taps and their shapes, what a wrong depth says, and how weights start. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "loaded.h"

struct taps {
    const char *plugin;
    struct setting settings[MAX_SETTINGS];
    int32_t image;
    const char *outputs; /* name:CxHxW or name:C, in order */
};

static const struct taps taps[] = {
    {"wrn", {{NULL, 0}}, 32, "stem:16x32x32 stage1:32x32x32 stage2:64x16x16 stage3:128x8x8 pooled:128 logits:10 "},
    {"wrn", {{NULL, 0}}, 64, "stem:16x64x64 stage1:32x64x64 stage2:64x32x32 stage3:128x16x16 pooled:128 logits:10 "},
    {"wrn", {{"variant", 1}}, 32, "stem:16x32x32 stage1:32x32x32 stage2:64x16x16 stage3:128x8x8 pooled:128 logits:10 "},
    {"resnet_cifar",
     {{NULL, 0}},
     33,
     "stem:16x33x33 stage1:16x33x33 stage2:32x17x17 stage3:64x9x9 pooled:64 logits:10 "},
    {"mobilenetv2",
     {{NULL, 0}},
     32,
     "stem:16x16x16 stage1:8x16x16 stage2:12x16x16 stage3:16x8x8 stage4:32x4x4 stage5:48x4x4 stage6:80x2x2 "
     "stage7:160x2x2 pooled:1280 logits:10 "},
    {"mobilenetv2",
     {{"width", 1.4}, {"variant", 1}},
     64,
     "stem:48x32x32 stage1:24x32x32 stage2:32x16x16 stage3:48x8x8 stage4:88x4x4 stage5:136x4x4 stage6:224x2x2 "
     "stage7:448x2x2 pooled:1792 logits:10 "},
    {"resnet",
     {{NULL, 0}},
     224,
     "stem:64x112x112 stage1:64x56x56 stage2:128x28x28 stage3:256x14x14 stage4:512x7x7 pooled:512 logits:10 "},
    {"resnet",
     {{"variant", 1}},
     64,
     "stem:64x64x64 stage1:64x64x64 stage2:128x32x32 stage3:256x16x16 stage4:512x8x8 pooled:512 logits:10 "},
    {"mobilenet",
     {{NULL, 0}},
     32,
     "stem:32x32x32 stage1:64x32x32 stage2:128x16x16 stage3:256x8x8 stage4:512x4x4 stage5:1024x2x2 pooled:1024 "
     "logits:10 "},
    {"vgg",
     {{NULL, 0}},
     32,
     "stem:64x32x32 stage1:128x16x16 stage2:256x8x8 stage3:512x4x4 stage4:512x4x4 pooled:512 logits:10 "},
    {"vgg",
     {{"depth", 13}},
     64,
     "stem:64x64x64 stage1:128x32x32 stage2:256x16x16 stage3:512x8x8 stage4:512x4x4 pooled:512 logits:10 "},
    {"shufflenetv2",
     {{NULL, 0}},
     32,
     "stem:24x32x32 stage1:116x16x16 stage2:232x8x8 stage3:464x4x4 pooled:1024 logits:10 "},
    {"mlp", {{NULL, 0}}, 8, "pooled:192 logits:10 "},
};

static void describe(char *out, size_t room, const struct sy_graph *graph) {
    size_t used = 0;
    out[0] = '\0';
    for (int32_t i = 0; i < graph->n_outputs && used < room; i++) {
        const struct sy_shape *shape = &graph->values[graph->outputs[i]->value];
        used += (size_t)snprintf(out + used, room - used, "%s:%d", graph->outputs[i]->name, (int)shape->dim[0]);
        if (shape->rank == 3 && used < room) {
            used += (size_t)snprintf(out + used, room - used, "x%dx%d", (int)shape->dim[1], (int)shape->dim[2]);
        }
        if (used < room) {
            used += (size_t)snprintf(out + used, room - used, " ");
        }
    }
}

Test(outputs, every_network_names_its_stages_and_fits_any_image) {
    for (size_t i = 0; i < sizeof taps / sizeof taps[0]; i++) {
        char text[1024];
        struct loaded network = load_network(taps[i].plugin, taps[i].settings);
        struct sy_built_graph *built = build_network(&network, taps[i].image, 10);
        describe(text, sizeof text, &built->graph);
        cr_expect_str_eq(text, taps[i].outputs, "row %zu, %s: %s", i, taps[i].plugin, text);
        sy_graph_destroy(built);
        unload_network(&network);
    }
}

Test(outputs, the_perceptron_names_its_hidden_layers) {
    const int64_t hidden[] = {64, 32};
    char text[256];
    struct loaded network = load_network("mlp", NULL);
    set_list(&network, "hidden", hidden, 2);
    struct sy_built_graph *built = build_network(&network, 8, 10);
    describe(text, sizeof text, &built->graph);
    cr_expect_str_eq(text, "hidden1:64 hidden2:32 pooled:32 logits:10 ");
    sy_graph_destroy(built);
    unload_network(&network);
}

Test(outputs, a_wrong_depth_says_which_are_right) {
    const struct {
        const char *plugin;
        double depth;
        const char *text;
    } wrong[] = {
        {"wrn", 17, "depth 17 is not 6n + 4; the nearest are 16 and 22"},
        {"wrn", 12, "depth 12 is not 6n + 4; the nearest are 10 and 16"},
        {"vgg", 12, "there is no VGG of depth 12; there are 8, 11, 13, 16 and 19"},
        {"resnet", 20, "depth 20 is neither 18 nor 34; resnet_cifar has the small ones (20, 32, ...)"},
        {"resnet_cifar", 18, "depth 18 is not 6n + 2; the nearest are 14 and 20"},
        {"resnet_cifar", 111, "depth 111 is not 6n + 2; the nearest are 110 and 116"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sy_error err = {.size = sizeof err};
        struct loaded network = load_network(wrong[i].plugin, (struct setting[4]){{"depth", wrong[i].depth}});
        cr_expect_eq(network.ops->init(network.self, &err), SY_ERANGE);
        cr_expect_str_eq(err.text, wrong[i].text);
        unload_network(&network);
    }
}

/* Root mean square of a parameter's start. */
static double spread(const struct sy_graph *graph, const char *name) {
    for (int32_t i = 0; i < graph->n_params; i++) {
        const struct sy_param *param = graph->params[i];
        if (strcmp(param->name, name) != 0) {
            continue;
        }
        size_t count = 1;
        for (int32_t d = 0; d < param->rank; d++) {
            count *= (size_t)param->shape[d];
        }
        float *start = malloc(count * sizeof *start);
        cr_assert_not_null(start);
        double sum = 0;
        sy_param_initialise(start, graph, i, 1, 1);
        for (size_t k = 0; k < count; k++) {
            sum += (double)start[k] * start[k];
        }
        free(start);
        return sqrt(sum / (double)count);
    }
    cr_assert_fail("no parameter %s", name);
    return 0;
}

/* What the authors' code gives each kind of weight. The spread of n numbers is off by about 1/sqrt(2n); 4 of these. */
Test(outputs, weights_start_as_in_the_released_code) {
    const struct {
        const char *plugin;
        struct setting settings[MAX_SETTINGS];
        const char *param;
        double expected;
        int count;
    } starts[] = {
        {"wrn", {{NULL, 0}}, "layer3.1.conv2.weight", 1.4142135623730951 / sqrt(9 * 128), 147456},
        {"wrn", {{NULL, 0}}, "layer3.0.shortcut.0.weight", 1.4142135623730951 * sqrt(2.0 / (64 + 128)), 8192},
        {"wrn", {{NULL, 0}}, "layer3.1.conv2.bias", 0, 1},
        {"wrn", {{NULL, 0}}, "linear.weight", 1 / sqrt(3.0 * 128), 1280},
        {"wrn", {{"variant", 1}}, "block3.layer.0.conv1.weight", sqrt(2.0 / (9 * 128)), 73728},
        {"wrn", {{"variant", 1}}, "fc.bias", 0, 1},
        {"resnet_cifar", {{NULL, 0}}, "layer3.0.conv1.weight", sqrt(2.0 / (9 * 32)), 18432},
        {"resnet_cifar", {{NULL, 0}}, "linear.weight", sqrt(2.0 / 64), 640},
        {"resnet_cifar", {{"shortcut", 1}}, "layer3.0.conv1.weight", sqrt(2.0 / (9 * 64)), 18432},
        {"resnet_cifar", {{"shortcut", 1}}, "layer3.0.downsample.0.weight", sqrt(2.0 / 64), 2048},
        {"mobilenetv2", {{NULL, 0}}, "blocks.6.0.conv.3.weight", sqrt(2.0 / (9 * 480)), 4320},
        {"mobilenetv2", {{NULL, 0}}, "classifier.0.weight", 0.01, 12800},
        {"mobilenetv2", {{NULL, 0}}, "classifier.0.bias", 0, 1},
        {"mobilenetv2", {{"variant", 1}, {"width", 1.4}}, "features.17.conv.1.0.weight", 1.0 / 9, 12096},
        {"mobilenetv2", {{"variant", 1}, {"width", 1.4}}, "classifier.1.weight", 1.0 / 1792, 17920},
        {"mobilenetv2", {{"start", 2}}, "classifier.0.weight", 1.0 / 1280, 12800},
        {"mobilenetv2", {{"variant", 1}, {"start", 1}}, "features.17.conv.1.0.weight", sqrt(2.0 / (9 * 480)), 4320},
        {"mobilenet", {{NULL, 0}}, "layers.12.conv2.weight", 1.0 / 1024, 1048576},
        {"mobilenet", {{"start", 1}}, "layers.12.conv2.weight", 1 / sqrt(3.0 * 1024), 1048576},
        {"mobilenet", {{NULL, 0}}, "linear.bias", 1 / sqrt(3.0 * 1024), 10},
        {"resnet", {{NULL, 0}}, "layer4.0.downsample.0.weight", sqrt(2.0 / 512), 131072},
        {"resnet", {{NULL, 0}}, "fc.weight", 1 / sqrt(3.0 * 512), 5120},
        {"resnet", {{"variant", 1}}, "layer4.1.left.3.weight", 1.0 / (9 * 512), 2359296},
        {"resnet", {{"variant", 1}}, "fc.weight", 1.0 / 512, 5120},
        {"resnet", {{"variant", 1}, {"start", 1}}, "layer1.0.left.0.weight", 1 / sqrt(3.0 * 9 * 64), 36864},
        {"vgg", {{NULL, 0}}, "block4.0.weight", sqrt(2.0 / (9 * 512)), 2359296},
        {"vgg", {{NULL, 0}}, "classifier.weight", 0.01, 5120},
        {"shufflenetv2", {{NULL, 0}}, "conv2.weight", 1 / sqrt(3.0 * 464), 475136},
    };
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct loaded network = load_network(starts[i].plugin, starts[i].settings);
        struct sy_built_graph *built = build_network(&network, 32, 10);
        double found = spread(&built->graph, starts[i].param);
        cr_expect_float_eq(found, starts[i].expected, 4 * starts[i].expected / sqrt(2.0 * starts[i].count) + 1e-30,
                           "%s %s: %g, should be %g", starts[i].plugin, starts[i].param, found, starts[i].expected);
        sy_graph_destroy(built);
        unload_network(&network);
    }
}

Test(outputs, the_last_norm_of_the_papers_wrn_has_momentum_09) {
    for (int variant = 0; variant < 2; variant++) {
        struct loaded network = load_network("wrn", (struct setting[4]){{"variant", variant}});
        struct sy_built_graph *built = build_network(&network, 32, 10);
        for (int32_t i = 0; i < built->graph.n_ops; i++) {
            const struct sy_op *op = built->graph.ops[i];
            if (op->kind == SY_OP_BATCH_NORM) {
                double expected = variant == 0 && !strcmp(op->name, "bn1") ? 0.9 : 0.1;
                cr_expect_eq(op->momentum, expected, "%s has momentum %g", op->name, op->momentum);
                cr_expect_eq(op->eps, 1e-5);
            }
        }
        sy_graph_destroy(built);
        unload_network(&network);
    }
}
