/* head.c - a classifier on outputs of other nodes: on a tap, or on several joined. */
#include <switchyard/network.h>

struct head {
    struct sy_ints channels;
    int32_t stride;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct head, channels, .def_text = "[]", .min = 1, .max = 1e6, .unit = "channels",
             .doc = "of each 3x3 convolution, with batch norm and ReLU, before the map is pooled; [] for none"),
    SY_PARAM(struct head, stride, .def = 2, .min = 1, .max = 16, .unit = "pixels", .doc = "of these convolutions"),
    SY_END,
};

static const struct sy_init kaiming = {SY_INIT_KAIMING_NORMAL_IN, 0, 0};

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct head *head = self;
    (void)err;
    int32_t x = in->n_inputs > 1 ? sy_concat(b, in->inputs, in->n_inputs) : in->inputs[0];
    for (size_t i = 0; i < head->channels.count; i++) {
        x = sy_conv2d(b, x,
                      SY_CONV2D(.channels = (int32_t)head->channels.at[i], .kernel = 3, .stride = head->stride,
                                .padding = 1, .weight_init = kaiming),
                      "conv%zu", i + 1);
        x = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "bn%zu", i + 1));
    }
    if (head->channels.count) {
        sy_output(b, x, "map");
    }
    if (sy_value_shape(b, x).rank != 1) {
        x = sy_global_avg_pool(b, x);
    }
    sy_output(b, x, "pooled");
    sy_output(b, sy_linear(b, x, SY_LINEAR(.features = in->classes), "fc"), "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

SY_PLUGIN(
    SY_NETWORK, "head", struct head, .fields = fields, .ops = &ops,
    .doc = "classifier on taps of other nodes: joined, convolved, pooled, fully connected",
    .help = "Inputs are joined along their channels. With the pooled features of peers it is PCL's ensemble; with\n"
            "channels and one tap an early exit, as in self-distillation. Outputs: map (after the convolutions,\n"
            "if any), pooled, logits.",
    .reference = "Wu, Gong, Peer Collaborative Learning, AAAI 2021; Zhang et al., Be Your Own Teacher, ICCV 2019");
