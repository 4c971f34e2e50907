/* network.cc - a network in C++17: specifications are variables, where C takes the address of a literal. */
#include <switchyard/network.h>

struct my_plugin {
    int32_t width;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct my_plugin, width, .def = 4, .min = 1, .max = 4096, .doc = "channels of the convolution"),
    SY_END,
};

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *) {
    auto network = static_cast<const my_plugin *>(self);
    struct sy_conv2d conv = {};
    conv.size = sizeof conv, conv.channels = network->width, conv.kernel = 3, conv.padding = 1;
    struct sy_linear linear = {};
    linear.size = sizeof linear, linear.features = in->classes;
    int32_t x = sy_relu(b, sy_conv2d(b, in->inputs[0], &conv, "conv"));
    sy_output(b, sy_linear(b, sy_global_avg_pool(b, x), &linear, "fc"), "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

SY_PLUGIN(SY_NETWORK, "my_plugin", struct my_plugin, .fields = fields, .ops = &ops, .doc = "one convolution");
