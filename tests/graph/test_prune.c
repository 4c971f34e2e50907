/* test_prune.c - a pruned graph has what its outputs need, every parameter, and nothing else. */
#include <criterion/criterion.h>
#include <string.h>

#include "graph/graph_builder.h"

static const struct sy_shape image = {3, {6, 8, 8}};

/* x - conv1 - relu1 - stem; from there two branches: conv2 - aside, and conv3 - bn - pooled - fc - logits */
static int branches(const void *self, const struct sy_builder *b, const struct sy_network_in *in,
                    struct sy_error *err) {
    (void)self, (void)err;
    int32_t x = sy_relu(b, sy_conv2d(b, in->inputs[0], SY_CONV2D(.channels = 4), "conv1"));
    sy_output(b, x, "stem");
    sy_output(b, sy_batch_norm(b, sy_conv2d(b, x, SY_CONV2D(.channels = 5), "conv2"), SY_BATCH_NORM(.eps = 0), "bn2"),
              "aside");
    x = sy_batch_norm(b, sy_conv2d(b, x, SY_CONV2D(.channels = 6), "conv3"), SY_BATCH_NORM(.eps = 0), "bn3");
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    sy_output(b, sy_linear(b, x, SY_LINEAR(.features = in->classes), "fc"), "logits");
    return SY_OK;
}

static struct sy_built_graph *original(void) {
    struct sy_error err = {.size = sizeof err};
    struct sy_built_graph *built = sy_graph_build_with(branches, NULL, &image, 1, 10, &err);
    cr_assert_not_null(built, "%s", err.text);
    return built;
}

static struct sy_built_graph *pruned(const struct sy_graph *graph, const char *first, const char *second) {
    int32_t outputs[2] = {sy_graph_output(graph, first), second ? sy_graph_output(graph, second) : 0};
    struct sy_built_graph *built = sy_graph_prune(graph, outputs, second ? 2 : 1);
    cr_assert_not_null(built);
    return built;
}

static void expect_ops(const struct sy_graph *graph, const char *names) {
    char text[256] = "";
    for (int32_t i = 0; i < graph->n_ops; i++) {
        strcat(strcat(text, i ? " " : ""), graph->ops[i]->name);
    }
    cr_expect_str_eq(text, names);
}

/* Every operator reads values that exist when it runs, and has the shape it had. */
static void expect_consistent(const struct sy_graph *graph) {
    bool made[64] = {false};
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        made[graph->inputs[i]] = true;
    }
    for (int32_t i = 0; i < graph->n_ops; i++) {
        const struct sy_op *op = graph->ops[i];
        for (int32_t k = 0; k < op->n_inputs; k++) {
            cr_expect(made[op->inputs[k]], "%s reads a value that nobody made", op->name);
        }
        made[op->output] = true;
        for (int k = 0; k < SY_OP_PARAMS; k++) {
            cr_expect(op->param[k] < 0 || graph->params[op->param[k]]->op == i, "%s does not own its parameters",
                      op->name);
        }
    }
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        cr_expect(made[graph->outputs[i]->value], "%s has no value", graph->outputs[i]->name);
    }
}

Test(prune, keeps_what_the_outputs_need) {
    struct sy_built_graph *full = original();
    struct sy_built_graph *logits = pruned(&full->graph, "logits", NULL);
    struct sy_built_graph *aside = pruned(&full->graph, "aside", "stem");
    expect_ops(&full->graph, "conv1 relu1 conv2 bn2 conv3 bn3 global_avg_pool1 fc");
    expect_ops(&logits->graph, "conv1 relu1 conv3 bn3 global_avg_pool1 fc");
    expect_ops(&aside->graph, "conv1 relu1 conv2 bn2");
    expect_consistent(&full->graph);
    expect_consistent(&logits->graph);
    expect_consistent(&aside->graph);
    cr_expect_eq(logits->graph.n_inputs, 1);
    cr_expect_eq(sy_graph_multiply_adds(&aside->graph), 64 * (6 * 4 + 4 * 5));
    sy_graph_destroy(logits);
    sy_graph_destroy(aside);
    sy_graph_destroy(full);
}

Test(prune, has_the_outputs_asked_for_in_that_order) {
    struct sy_built_graph *full = original();
    struct sy_built_graph *two = pruned(&full->graph, "logits", "stem");
    cr_assert_eq(two->graph.n_outputs, 2);
    cr_expect_str_eq(two->graph.outputs[0]->name, "logits");
    cr_expect_str_eq(two->graph.outputs[1]->name, "stem");
    cr_expect_eq(two->graph.values[two->graph.outputs[0]->value].dim[0], 10);
    cr_expect_eq(two->graph.values[two->graph.outputs[1]->value].dim[0], 4);
    sy_graph_destroy(two);
    sy_graph_destroy(full);
}

Test(prune, keeps_every_parameter_at_its_place) {
    struct sy_built_graph *full = original();
    struct sy_built_graph *logits = pruned(&full->graph, "logits", NULL);
    cr_assert_eq(logits->graph.n_params, full->graph.n_params);
    cr_expect_eq(sy_graph_parameter_count(&logits->graph), sy_graph_parameter_count(&full->graph));
    for (int32_t i = 0; i < full->graph.n_params; i++) {
        const struct sy_param *before = full->graph.params[i], *after = logits->graph.params[i];
        bool gone = !strncmp(before->name, "conv2.", 6) || !strncmp(before->name, "bn2.", 4);
        cr_expect_str_eq(after->name, before->name);
        cr_expect_arr_eq(after->shape, before->shape, sizeof before->shape);
        cr_expect_eq(after->op < 0, gone, "%s belongs to operator %d", after->name, (int)after->op);
    }
    sy_graph_destroy(logits);
    sy_graph_destroy(full);
}

Test(prune, a_parameter_starts_the_same_without_its_operator) {
    struct sy_built_graph *full = original();
    struct sy_built_graph *logits = pruned(&full->graph, "logits", NULL);
    for (int32_t i = 0; i < full->graph.n_params; i++) {
        float before[128], after[128];
        size_t count = 1;
        for (int32_t d = 0; d < full->graph.params[i]->rank; d++) {
            count *= (size_t)full->graph.params[i]->shape[d];
        }
        cr_assert_leq(count, 128);
        sy_param_initialise(before, &full->graph, i, 5, 2);
        sy_param_initialise(after, &logits->graph, i, 5, 2);
        cr_expect_arr_eq(after, before, count * sizeof *after, "%s", full->graph.params[i]->name);
    }
    sy_graph_destroy(logits);
    sy_graph_destroy(full);
}

Test(prune, can_be_pruned_again) {
    struct sy_built_graph *full = original();
    struct sy_built_graph *once = pruned(&full->graph, "logits", "pooled");
    struct sy_built_graph *twice = pruned(&once->graph, "pooled", NULL);
    expect_ops(&twice->graph, "conv1 relu1 conv3 bn3 global_avg_pool1");
    expect_consistent(&twice->graph);
    sy_graph_destroy(twice);
    sy_graph_destroy(once);
    sy_graph_destroy(full);
}
