/* test_counts.c - parameters, tensors and multiply-adds against the published figures of these networks. */
#include <criterion/criterion.h>

#include "loaded.h"

struct row {
    const char *plugin;
    struct setting settings[MAX_SETTINGS];
    int32_t image, classes;
    int64_t parameters;
    int tensors;
    const char *millions, *format; /* multiply-adds, and how many digits of them are known */
};

static const struct row rows[] = {
    {"wrn", {{"depth", 16}, {"width", 1}}, 32, 10, 175626, 58, "33.7", "%.1f"},
    {"wrn", {{"depth", 16}, {"width", 2}}, 32, 100, 704420, 60, "129.4", "%.1f"},
    {"wrn", {{"depth", 16}, {"width", 2}}, 32, 200, 717320, 60, "129.4", "%.1f"},
    {"wrn", {{"depth", 16}, {"width", 8}}, 32, 10, 10965866, 60, "2001", "%.0f"},
    {"wrn", {{"depth", 16}, {"width", 10}}, 32, 100, 17179940, 60, "3120", "%.0f"},
    {"wrn", {{"variant", 1}}, 32, 100, 703284, 44, "101.1", "%.1f"},
    {"resnet_cifar", {{"depth", 20}}, 32, 10, 269722, 59, "40.6", "%.1f"},
    {"resnet_cifar", {{"depth", 20}}, 32, 100, 275572, 59, "40.6", "%.1f"},
    {"resnet_cifar", {{"depth", 20}}, 64, 200, 282072, 59, "162", "%.0f"},
    /* counted by hand */
    {"resnet_cifar", {{"depth", 20}, {"shortcut", 1}}, 32, 10, 272474, 65, "40.8", "%.1f"},
    {"resnet_cifar", {{"depth", 8}, {"width", 4}, {"shortcut", 1}}, 32, 100, 1233540, 32, "177.1", "%.1f"},
    {"resnet_cifar", {{"depth", 32}, {"width", 4}, {"shortcut", 1}}, 32, 100, 7433860, 104, "1083.0", "%.1f"},
    {"mobilenetv2", {{"width", 0.5}}, 32, 100, 812836, 161, "6.52", "%.2f"},
    {"mobilenetv2", {{"width", 1.4}, {"variant", 1}}, 64, 200, 4674376, 158, "47.7", "%.1f"},
    {"mobilenet", {{NULL, 0}}, 32, 100, 3309476, 83, "46.4", "%.1f"},
    {"resnet", {{"depth", 34}, {"variant", 1}}, 64, 200, 21379592, 110, "4638", "%.0f"},
    {"resnet", {{"depth", 18}}, 224, 1000, 11689512, 62, "1814", "%.0f"},
    {"resnet", {{"depth", 34}}, 224, 1000, 21797672, 110, "3664", "%.0f"},
    /* of the following published models, counted in PyTorch's modules of them */
    {"vgg", {{"depth", 8}}, 32, 100, 3965028, 22, "96.2", "%.1f"},
    {"vgg", {{"depth", 13}}, 32, 100, 9462180, 42, "284.9", "%.1f"},
    {"shufflenetv2", {{NULL, 0}}, 32, 100, 1355528, 170, "44.5", "%.1f"},
    {"mobilenetv2", {{"width", 1}}, 32, 100, 2353060, 161, "22.4", "%.1f"},
    {"wrn", {{"depth", 10}, {"width", 1}}, 32, 10, 78186, 34, "19.6", "%.1f"},
    {"wrn", {{"depth", 40}, {"width", 10}}, 32, 100, 55914020, 156, "8782", "%.0f"},
};

Test(counts, parameters_tensors_and_multiply_adds_are_the_published_ones) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct loaded network = load_network(row->plugin, row->settings);
        struct sy_built_graph *built = build_network(&network, row->image, row->classes);
        int tensors = 0;
        char millions[32];
        for (int32_t k = 0; k < built->graph.n_params; k++) {
            tensors += built->graph.params[k]->role == SY_TRAINABLE;
        }
        snprintf(millions, sizeof millions, row->format, (double)sy_graph_multiply_adds(&built->graph) * 1e-6);
        cr_expect_eq(sy_graph_parameter_count(&built->graph), row->parameters, "row %zu, %s: %lld parameters", i,
                     row->plugin, (long long)sy_graph_parameter_count(&built->graph));
        cr_expect_eq(tensors, row->tensors, "row %zu, %s: %d tensors", i, row->plugin, tensors);
        cr_expect_str_eq(millions, row->millions, "row %zu, %s: %s million", i, row->plugin, millions);
        sy_graph_destroy(built);
        unload_network(&network);
    }
}

Test(counts, a_training_step_is_three_forward_passes_but_for_the_gradient_of_the_image) {
    struct loaded network = load_network("wrn", rows[1].settings);
    struct sy_built_graph *built = build_network(&network, 32, 100);
    const int64_t first = 3 * 16 * 3 * 3 * 32 * 32, forward = sy_graph_multiply_adds(&built->graph);
    cr_expect_eq(sy_graph_step_multiply_adds(&built->graph, 0), 3 * forward - first);
    sy_graph_destroy(built);
    unload_network(&network);
}

Test(counts, a_small_densenet_has_a_million_parameters) {
    const int64_t blocks[] = {6, 12, 24, 16};
    struct loaded network = load_network("densenet", NULL);
    set_list(&network, "blocks", blocks, 4);
    struct sy_built_graph *built = build_network(&network, 32, 10);
    cr_expect_eq(sy_graph_parameter_count(&built->graph), 1000618);
    cr_expect_eq(sy_graph_multiply_adds(&built->graph), 125341440);
    sy_graph_destroy(built);
    unload_network(&network);
}

Test(counts, the_multilayer_perceptron_has_what_its_layers_have) {
    const int64_t hidden[] = {64, 32};
    struct loaded network = load_network("mlp", NULL);
    set_list(&network, "hidden", hidden, 2);
    struct sy_built_graph *built = build_network(&network, 32, 10);
    const int64_t weights = 3072 * 64 + 64 * 32 + 32 * 10;
    cr_expect_eq(sy_graph_multiply_adds(&built->graph), weights);
    cr_expect_eq(sy_graph_parameter_count(&built->graph), weights + 64 + 32 + 10);
    cr_expect_eq(sy_graph_step_multiply_adds(&built->graph, 0), 3 * weights - 3072 * 64,
                 "flattened, it is still the image");
    sy_graph_destroy(built);
    unload_network(&network);
}
