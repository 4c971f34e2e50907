/* test_onnx.c - every operator has a form in ONNX. What a runtime computes from it: tests/program/travel.py. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/graph/graph_builder.h"
#include "../../core/record/onnx.h"
#include "scratch.h"

/* One of each, of ranks 3 and 1. */
static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    (void)self, (void)err;
    int32_t x = sy_conv2d(b, in->inputs[0], SY_CONV2D(.channels = 8, .kernel = 3, .padding = 1, .bias = 1), "conv");
    x = sy_relu6(b, sy_batch_norm(b, x, SY_BATCH_NORM(), "norm"));
    x = sy_add(b, x, sy_relu(b, x));
    x = sy_max_pool(b, sy_avg_pool(b, x, 3, 1, 1), 2, 2, 0);
    x = sy_channel_shuffle(b, sy_concat(b, (const int32_t[]){x, x}, 2), 4);
    x = sy_slice(b, sy_slice_pad(b, x, 2, 1, 1), 1, 4);
    x = sy_transposed_conv2d(b, x, SY_CONV2D(.channels = 4, .kernel = 4, .stride = 2, .padding = 1), "up");
    x = sy_transposed_conv2d(
        b, x, SY_CONV2D(.channels = 4, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1), "wider");
    int32_t pooled = sy_global_avg_pool(b, x), flat = sy_flatten(b, x);
    int32_t one = sy_linear(b, sy_dropout(b, flat, 0.2), SY_LINEAR(.features = 4), "fc1");
    int32_t unit = sy_l2_normalize(b, pooled, 1e-12);
    int32_t gate = sy_softmax(b, one), dot = sy_dot(b, unit, gate);
    sy_output(b, sy_multiply(b, gate, dot), "logits");
    return SY_OK;
}

static const float *ones(const void *context, int32_t index) {
    (void)index;
    return context;
}

static struct sy_built_graph *every_operator(void) {
    const struct sy_shape image = {3, {3, 8, 8}};
    struct sy_error err = {.size = sizeof err};
    struct sy_built_graph *built = sy_graph_build_with(build, NULL, &image, 1, 4, &err);
    cr_assert(built, "%s", err.text);
    bool there[SY_OP_KINDS] = {false};
    for (int32_t i = 0; i < built->graph.n_ops; i++) {
        there[built->graph.ops[i]->kind] = true;
    }
    for (int32_t kind = 1; kind < SY_OP_KINDS; kind++) {
        cr_assert(there[kind], "%s is missing above: write its form, then put it here", sy_op_kind_name(kind));
    }
    return built;
}

Test(onnx, every_operator_has_a_form) {
    struct sy_error err = {.size = sizeof err};
    struct sy_built_graph *built = every_operator();
    struct scratch scratch;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "all.onnx");
    const char *const notes[] = {"key", "value", NULL};
    float *values = malloc(4096 * sizeof *values);
    for (size_t i = 0; i < 4096; i++) {
        values[i] = 1;
    }
    cr_assert_eq(sy_onnx_write(path, "all", &built->graph, 0, ones, values, notes, &err), SY_OK, "%s", err.text);
    if (system("python3 -c 'import onnx' 2>/dev/null") == 0) {
        char command[700];
        snprintf(command, sizeof command, "python3 -c 'import onnx; onnx.checker.check_model(onnx.load(\"%s\"), True)'",
                 path);
        cr_expect_eq(system(command), 0);
    }
    free(values);
    scratch_remove(scratch.path);
    sy_graph_destroy(built);
}

static const float *none(const void *context, int32_t index) {
    (void)context, (void)index;
    return NULL;
}

Test(onnx, weights_that_are_not_there_are_named) {
    struct sy_error err = {.size = sizeof err};
    struct sy_built_graph *built = every_operator();
    struct scratch scratch;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "all.onnx");
    cr_expect_eq(sy_onnx_write(path, "all", &built->graph, 0, none, NULL, NULL, &err), SY_EINVAL);
    cr_expect(strstr(err.text, "conv.weight"), "%s", err.text);
    cr_expect_neq(access(path, F_OK), 0, "nothing half-written is left");
    scratch_remove(scratch.path);
    sy_graph_destroy(built);
}
