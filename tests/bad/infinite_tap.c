/* infinite_tap.c - a network with sound logits, and a tap beside them that overflows from the first batch on. */
#include <switchyard/network.h>

struct broken {
    struct sy_ints hidden;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct broken, hidden, .def_text = "[4]", .min = 1, .max = 64, .doc = "the last: features of the tap"),
    SY_END,
};

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct broken *network = self;
    const struct sy_init huge = {.kind = SY_INIT_CONSTANT, .value = 1e30};
    int32_t width = network->hidden.count ? (int32_t)network->hidden.at[network->hidden.count - 1] : 1;
    int32_t x = sy_flatten(b, in->inputs[0]), far = x;
    (void)err;
    sy_output(b, sy_linear(b, x, SY_LINEAR(.features = in->classes), "fc"), "logits");
    far = sy_linear(b, far, SY_LINEAR(.features = width, .weight_init = huge, .bias_init = huge), "far1");
    far = sy_linear(b, far, SY_LINEAR(.features = width, .weight_init = huge, .bias_init = huge), "far2");
    sy_output(b, far, "far");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

SY_PLUGIN(SY_NETWORK, "infinite_tap", struct broken, .fields = fields, .ops = &ops, .doc = "has a tap that overflows");
