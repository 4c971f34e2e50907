/* test_names.c - names, roles, shapes and order of every tensor against names/, which names.py wrote with PyTorch. */
#include <criterion/criterion.h>
#include <string.h>

#include "loaded.h"

struct list {
    const char *file, *plugin;
    struct setting settings[MAX_SETTINGS];
    int32_t image, classes;
};

static const struct list lists[] = {
    {"wrn-16-1", "wrn", {{"width", 1}}, 32, 10},
    {"wrn-16-2", "wrn", {{"width", 2}}, 32, 100},
    {"wrn-16-8", "wrn", {{"width", 8}}, 32, 10},
    {"wrn-16-10", "wrn", {{"width", 10}}, 32, 100},
    {"wrn-16-2-standard", "wrn", {{"variant", 1}}, 32, 100},
    {"resnet-20", "resnet_cifar", {{"depth", 20}}, 32, 100},
    {"resnet-56", "resnet_cifar", {{"depth", 56}}, 32, 10},
    {"mobilenetv2-0.5", "mobilenetv2", {{"width", 0.5}}, 32, 100},
    {"mobilenetv2-1.4-torchvision", "mobilenetv2", {{"width", 1.4}, {"variant", 1}}, 64, 200},
    {"mobilenetv2-1.0", "mobilenetv2", {{"width", 1}}, 32, 100},
    {"resnet-18", "resnet", {{"depth", 18}}, 224, 1000},
    {"resnet-34", "resnet", {{"depth", 34}}, 224, 1000},
    {"resnet-34-tiny", "resnet", {{"depth", 34}, {"variant", 1}}, 64, 200},
    {"mobilenet", "mobilenet", {{NULL, 0}}, 32, 100},
    {"vgg-8", "vgg", {{"depth", 8}}, 32, 100},
    {"vgg-13", "vgg", {{"depth", 13}}, 32, 100},
    {"shufflenetv2", "shufflenetv2", {{NULL, 0}}, 32, 100},
    {"shufflenetv2-0.2", "shufflenetv2", {{"width", 0.2}}, 32, 10},
    {"densenet", "densenet", {{NULL, 0}}, 32, 10},
    {"mlp", "mlp", {{NULL, 0}}, 32, 10},
};

/* As names.py writes it: "conv1.weight trainable 16x3x3x3". */
static void describe(char *out, size_t room, const struct sy_param *param) {
    int used = snprintf(out, room, "%s %s ", param->name, param->role == SY_TRAINABLE ? "trainable" : "statistic");
    for (int32_t d = 0; d < param->rank; d++) {
        used += snprintf(out + used, room - (size_t)used, "%s%lld", d ? "x" : "", (long long)param->shape[d]);
    }
}

static void compare(const struct sy_graph *graph, const char *name) {
    char path[4096], line[512], ours[512];
    int32_t count = 0;
    snprintf(path, sizeof path, "%s/%s.txt", SY_TEST_NAMES, name);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "cannot open %s", path);
    for (; fgets(line, sizeof line, file); count++) {
        line[strcspn(line, "\n")] = '\0';
        if (count < graph->n_params) {
            describe(ours, sizeof ours, graph->params[count]);
            cr_expect_str_eq(ours, line, "%s, tensor %d: %s, should be %s", name, (int)count, ours, line);
        }
    }
    cr_expect_eq(count, graph->n_params, "%s: %d tensors, should be %d", name, (int)graph->n_params, (int)count);
    fclose(file);
}

Test(names, state_dicts_are_those_of_the_released_models) {
    const int64_t hidden[] = {64, 32}, blocks[] = {6, 12, 24, 16};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct loaded network = load_network(lists[i].plugin, lists[i].settings);
        if (!strcmp(lists[i].plugin, "mlp")) {
            set_list(&network, "hidden", hidden, 2);
        } else if (!strcmp(lists[i].plugin, "densenet")) {
            set_list(&network, "blocks", blocks, 4);
        }
        struct sy_built_graph *built = build_network(&network, lists[i].image, lists[i].classes);
        compare(&built->graph, lists[i].file);
        sy_graph_destroy(built);
        unload_network(&network);
    }
}
