/* shufflenetv2.c - split, transform, shuffle: Ma, Zhang, Zheng, Sun, ECCV 2018. */
#include <stdbool.h>

#include <switchyard/network.h>

struct shufflenetv2 {
    double width;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct shufflenetv2, width, .def = 1, .min = 0.2, .max = 2,
             .doc = "size of the network: 0.2, 0.3, 0.5, 1, 1.5 or 2"),
    SY_END,
};

#define STAGES 3

static const struct size {
    double width;
    int32_t channels[STAGES + 1], blocks[STAGES];
} sizes[] = {
    {0.2, {40, 80, 160, 512}, {3, 3, 3}},    {0.3, {40, 80, 160, 512}, {3, 7, 3}},
    {0.5, {48, 96, 192, 1024}, {3, 7, 3}},   {1, {116, 232, 464, 1024}, {3, 7, 3}},
    {1.5, {176, 352, 704, 1024}, {3, 7, 3}}, {2, {224, 488, 976, 2048}, {3, 7, 3}},
};

static const struct size *size_of(const struct shufflenetv2 *net) {
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i].width > net->width - 1e-9 && sizes[i].width < net->width + 1e-9) {
            return &sizes[i];
        }
    }
    return NULL;
}

static int init(void *self, struct sy_error *err) {
    const struct shufflenetv2 *net = self;
    return size_of(net)
               ? SY_OK
               : sy_fail(err, SY_ERANGE, "there is no width %g; there are 0.2, 0.3, 0.5, 1, 1.5 and 2", net->width);
}

/* Convolution `index` of a block, and its norm; depthwise ones are 3x3. */
static int32_t unit(const struct sy_builder *b, int32_t x, int32_t channels, int32_t stride, bool depthwise,
                    const char *prefix, int32_t index) {
    x = sy_conv2d(b, x,
                  SY_CONV2D(.channels = channels, .kernel = depthwise ? 3 : 1, .stride = stride,
                            .padding = depthwise ? 1 : 0, .groups = depthwise ? channels : 1),
                  "%sconv%d", prefix, index);
    return sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "%sbn%d", prefix, index);
}

static int32_t joined(const struct sy_builder *b, int32_t left, int32_t right) {
    return sy_channel_shuffle(b, sy_concat(b, (const int32_t[]){left, right}, 2), 2);
}

/* Half of the channels as they are; the other through 1x1 - 3x3 depthwise - 1x1. */
static int32_t basic_block(const struct sy_builder *b, int32_t x, const char *prefix) {
    int32_t half = sy_channels(b, x) / 2;
    int32_t left = sy_slice(b, x, 0, half), right = sy_slice(b, x, half, sy_channels(b, x) - half);
    right = sy_relu(b, unit(b, right, half, 1, false, prefix, 1));
    right = unit(b, right, half, 1, true, prefix, 2);
    return joined(b, left, sy_relu(b, unit(b, right, half, 1, false, prefix, 3)));
}

/* Both branches see everything and halve the image. */
static int32_t down_block(const struct sy_builder *b, int32_t x, int32_t channels, const char *prefix) {
    int32_t in = sy_channels(b, x), half = channels / 2;
    int32_t left = unit(b, x, in, 2, true, prefix, 1);
    left = sy_relu(b, unit(b, left, half, 1, false, prefix, 2));
    int32_t right = sy_relu(b, unit(b, x, half, 1, false, prefix, 3));
    right = unit(b, right, half, 2, true, prefix, 4);
    return joined(b, left, sy_relu(b, unit(b, right, half, 1, false, prefix, 5)));
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct size *size = size_of(self);
    char prefix[32];
    (void)err;
    int32_t x = sy_output(b, sy_relu(b, unit(b, in->inputs[0], 24, 1, false, "", 1)), "stem");
    for (int32_t s = 0; s < STAGES; s++) {
        snprintf(prefix, sizeof prefix, "layer%d.0.", s + 1);
        x = down_block(b, x, size->channels[s], prefix);
        for (int32_t i = 1; i <= size->blocks[s]; i++) {
            snprintf(prefix, sizeof prefix, "layer%d.%d.", s + 1, i);
            x = basic_block(b, x, prefix);
        }
        sy_output(b, x, "stage%d", s + 1);
    }
    x = sy_relu(b, unit(b, x, size->channels[STAGES], 1, false, "", 2));
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    sy_output(b, sy_linear(b, x, SY_LINEAR(.features = in->classes), "linear"), "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .init = init, .build = build};

SY_PLUGIN(SY_NETWORK, "shufflenetv2", struct shufflenetv2, .fields = fields, .ops = &ops,
          .short_name = "shufflenetv2-{width}", .doc = "ShuffleNetV2 for small images",
          .help =
              "Parameters named as in RepDistiller, whose first convolution is 1x1 of stride 1 and which has no max\n"
              "pool. Outputs: stem, stage1 to stage3, pooled, logits. Width 1 with 100 classes has 1,355,528\n"
              "parameters.",
          .reference = "Ma, Zhang, Zheng, Sun, ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture "
                       "Design, ECCV 2018");
