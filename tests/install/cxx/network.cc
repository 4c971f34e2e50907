/* network.cc - plugins/templates/network/my_plugin.c in C++17: casts where C needs none, and designators in the order of
 * the members. */
#include <switchyard/network.h>

struct my_plugin {
    int32_t width; /* parameter: read from the config, checked against the table below */
};

static const struct sy_field fields[] = {
    SY_PARAM(struct my_plugin, width, .def = 16, .min = 1, .max = 4096, .unit = "channels",
             .doc = "of the first convolution; doubled twice"),
    SY_END,
};

/* 3 x 3 convolution, batch norm, ReLU. */
static int32_t block(const struct sy_builder *b, int32_t x, int32_t channels, int32_t stride, int number) {
    x = sy_conv2d(b, x, SY_CONV2D(.channels = channels, .kernel = 3, .stride = stride, .padding = 1), "conv%d", number);
    x = sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 1e-5), "bn%d", number);
    return sy_relu(b, x);
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *) {
    auto network = static_cast<const my_plugin *>(self);
    int32_t x = block(b, in->inputs[0], network->width, 1, 1);
    x = block(b, x, 2 * network->width, 2, 2);
    x = block(b, x, 4 * network->width, 2, 3);
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    x = sy_linear(b, x, SY_LINEAR(.features = in->classes), "fc");
    sy_output(b, x, "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

SY_PLUGIN(SY_NETWORK, "my_plugin", struct my_plugin, .fields = fields, .ops = &ops, .doc = "three small convolutions");
