/* fusion.c - one classifier on the last maps of several networks: Kim et al., FFL, ICPR 2020. */
#include <switchyard/network.h>

struct fusion {
    int32_t channels, classifier;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct fusion, channels, .def = 0, .min = 0, .max = 1e6, .unit = "channels",
             .doc = "of the fused map; 0: as many as the first input has"),
    SY_PARAM(struct fusion, classifier, .def = 1, .flags = SY_FLAG,
             .doc = "pool the fused map and classify; false: only the map, also of a single input",
             .reference = "false: Li et al., FFSD, TNNLS 2022, the leader's way to the maps of all students"),
    SY_END,
};

static const struct sy_init kaiming = {SY_INIT_KAIMING_NORMAL_OUT, 0, 0};

/* concat - depthwise 3x3 - bn - relu - 1x1 - bn - relu - pool - fc */
static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct fusion *fusion = self;
    if (in->n_inputs < 2 && fusion->classifier) {
        return sy_fail(err, SY_EINVAL,
                       "fuses the maps of two nodes at least, as in inputs = [\"one.stage3\", "
                       "\"two.stage3\"]; there is one input");
    }
    int32_t channels = fusion->channels ? fusion->channels : sy_channels(b, in->inputs[0]);
    int32_t x = in->n_inputs > 1 ? sy_output(b, sy_concat(b, in->inputs, in->n_inputs), "joined") : in->inputs[0];
    x = sy_conv2d(b, x,
                  SY_CONV2D(.channels = sy_channels(b, x), .kernel = 3, .padding = 1, .groups = sy_channels(b, x),
                            .weight_init = kaiming),
                  "depthwise");
    x = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "bn1"));
    x = sy_conv2d(b, x, SY_CONV2D(.channels = channels, .weight_init = kaiming), "pointwise");
    x = sy_output(b, sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "bn2")), "fused");
    if (!fusion->classifier) {
        return SY_OK;
    }
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    sy_output(b, sy_linear(b, x, SY_LINEAR(.features = in->classes), "fc"), "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

SY_PLUGIN(SY_NETWORK, "fusion", struct fusion, .fields = fields, .ops = &ops,
          .doc = "classifier on the fused last maps of several networks",
          .help = "Inputs: maps of one size, joined along their channels, then a depthwise 3x3 and a 1x1 convolution,\n"
                  "each with batch norm and ReLU. Outputs: joined (the inputs), fused (the map), pooled, logits.",
          .reference = "Kim, Hyun, Chung, Kwak, Feature Fusion for Online Mutual Knowledge Distillation, ICPR 2020");
