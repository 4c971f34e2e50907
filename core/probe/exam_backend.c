/* exam_backend.c - a backend against the plainest one, operator by operator. */
#include <math.h>
#include <stdlib.h>

#include <switchyard/network.h>

#include "../graph/graph_builder.h"
#include "../train/weights.h"
#include "rig.h"

enum { BATCH = 3 };

/* Every operator, each behind a convolution or a linear layer, so that gradients pass through all of them. */
static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    (void)self, (void)err;
    int32_t x = sy_conv2d(b, in->inputs[0], SY_CONV2D(.channels = 8, .kernel = 3, .padding = 1, .bias = 1), "conv");
    int32_t stem = sy_output(b, x, "conv2d");
    sy_output(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 1e-5), "bn"), "batch_norm");
    sy_output(b, sy_relu(b, x), "relu");
    sy_output(b, sy_relu6(b, x), "relu6");
    sy_output(b, sy_conv2d(b, x, SY_CONV2D(.channels = 8, .kernel = 3, .stride = 2, .padding = 1, .groups = 8), "dw"),
              "depthwise");
    sy_output(b, sy_add(b, x, sy_relu(b, x)), "add");
    const int32_t both[] = {x, in->inputs[0]};
    sy_output(b, sy_concat(b, both, 2), "concat");
    sy_output(b, sy_avg_pool(b, x, 3, 2, 1), "avg_pool");
    sy_output(b, sy_max_pool(b, x, 2, 2, 0), "max_pool");
    sy_output(b, sy_slice_pad(b, x, 2, 4, 4), "slice_pad");
    sy_output(b, sy_dropout(b, x, 0.3), "dropout");
    sy_output(b, sy_multiply(b, x, stem), "multiply");
    sy_output(b, sy_slice(b, x, 2, 3), "slice");
    sy_output(b, sy_channel_shuffle(b, x, 2), "channel_shuffle");
    sy_output(b, sy_transposed_conv2d(b, x, SY_CONV2D(.channels = 4, .kernel = 2, .stride = 2), "up"),
              "transposed_conv2d");
    int32_t v = sy_output(b, sy_global_avg_pool(b, x), "global_avg_pool");
    sy_output(b, sy_flatten(b, sy_avg_pool(b, x, 4, 4, 0)), "flatten");
    int32_t w = sy_output(b, sy_linear(b, v, SY_LINEAR(.features = 6), "fc"), "linear");
    sy_output(b, sy_softmax(b, w), "softmax");
    sy_output(b, sy_l2_normalize(b, w, 0), "l2_normalize");
    sy_output(b, sy_dot(b, w, sy_relu(b, w)), "dot");
    return SY_OK;
}

/* Largest difference, and largest magnitude. */
struct apart {
    double difference, magnitude;
};

static void take(struct apart *apart, const struct sy_tensor *a, const struct sy_tensor *b) {
    for (size_t i = 0; i < sy_tensor_count(a); i++) {
        double x = sy_rig_element(a, i), y = sy_rig_element(b, i);
        apart->difference = fmax(apart->difference, isnan(x - y) ? INFINITY : fabs(x - y));
        apart->magnitude = fmax(apart->magnitude, fabs(y));
    }
}

static void judge(struct sy_exam *exam, const char *item, const struct apart *apart) {
    double allowed = 2e-4 * apart->magnitude + 1e-5; /* sums in another order, in float */
    if (apart->difference <= allowed) {
        sy_exam_pass(exam, item, "within %.1e of %.3g", apart->difference, apart->magnitude);
    } else {
        sy_exam_fail(exam, item, "%.3g apart, of %.3g", apart->difference, apart->magnitude);
    }
}

static int compare_outputs(struct sy_exam *exam, struct sy_rig *one, struct sy_rig *other, int32_t mode,
                           struct sy_error *err) {
    int status = sy_rig_forward(one, mode, err);
    status = status == SY_OK ? sy_rig_forward(other, mode, err) : status;
    for (int32_t k = 0; k < one->graph->n_outputs && status == SY_OK; k++) {
        struct sy_tensor a = {.size = sizeof a}, b = {.size = sizeof b};
        struct apart apart = {0, 0};
        char item[64];
        status = one->ops->output(one->plan, k, &a, err);
        status = status == SY_OK ? other->ops->output(other->plan, k, &b, err) : status;
        if (status == SY_OK) {
            take(&apart, &a, &b);
            snprintf(item, sizeof item, "%s, %s", one->graph->outputs[k]->name,
                     mode == SY_TRAIN ? "training" : "evaluation");
            judge(exam, item, &apart);
        }
    }
    return status;
}

static int compare_gradients(struct sy_exam *exam, struct sy_rig *one, struct sy_rig *other, struct sy_error *err) {
    int status = sy_rig_backward(one, err);
    status = status == SY_OK ? sy_rig_backward(other, err) : status;
    for (int32_t p = 0; p < one->graph->n_params && status == SY_OK; p++) {
        const struct sy_param *param = one->graph->params[p];
        size_t count = sy_param_count(param);
        double *rooms = param->role == SY_TRAINABLE ? malloc(2 * count * sizeof *rooms) : NULL;
        struct sy_tensor a, b;
        struct apart apart = {0, 0};
        char item[80];
        if (!rooms) {
            continue;
        }
        status = sy_rig_get(&a, rooms, one, SY_PARAMETER_GRADIENT, p, err);
        status = status == SY_OK ? sy_rig_get(&b, rooms + count, other, SY_PARAMETER_GRADIENT, p, err) : status;
        if (status == SY_OK) {
            take(&apart, &a, &b);
            snprintf(item, sizeof item, "gradient of %s", param->name);
            judge(exam, item, &apart);
        }
        free(rooms);
    }
    return status;
}

void sy_exam_backend(struct sy_exam *exam) {
    struct sy_error err = {.size = sizeof err};
    const struct sy_shape image = {3, {3, 8, 8}};
    const struct sy_found *plainest = sy_rig_plainest(exam, SY_PRECISION_FP32);
    struct sy_built_graph *built = sy_graph_build_with(build, NULL, &image, 1, 2, &err);
    struct sy_rig one = {.graph = NULL}, other = {.graph = NULL};
    int status = built && plainest ? SY_OK : SY_ENOTSUP;
    if (status == SY_OK) {
        status = sy_rig_make(&one, exam, exam->found, SY_PRECISION_FP32, &built->graph, BATCH, &err);
    }
    if (status == SY_OK) {
        status = sy_rig_make(&other, exam, plainest, SY_PRECISION_FP32, &built->graph, BATCH, &err);
    }
    if (status != SY_OK) {
        sy_exam_skip(exam, "everything else", "it does not work here: %s", err.text);
    } else {
        printf("  against %s\n", plainest->plugin.name);
        status = compare_outputs(exam, &one, &other, SY_EVALUATE, &err);
        status = status == SY_OK ? compare_outputs(exam, &one, &other, SY_TRAIN, &err) : status;
        status = status == SY_OK ? compare_gradients(exam, &one, &other, &err) : status;
        if (status != SY_OK) {
            sy_exam_fail(exam, "everything else", "%s", err.text);
        }
    }
    sy_rig_finish(&one);
    sy_rig_finish(&other);
    sy_graph_destroy(built);
}
