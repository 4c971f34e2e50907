/* mobilenet.c - depthwise separable convolutions for small images: Howard et al., 2017. */
#include <switchyard/network.h>

struct mobilenet {
    double width;
    int32_t start;
};

enum { AUTO, OWN, INVERSE_FAN_IN };

static const struct sy_field fields[] = {
    SY_PARAM(struct mobilenet, width, .def = 1, .min = 0.0625, .max = 10, .doc = "factor on the channels"),
    SY_PARAM(struct mobilenet, start, .choices = "auto|own|inverse_fan_in",
             .doc =
                 "how weights start. own: PyTorch's default, as the model's code has it; inverse_fan_in: normal with "
                 "standard deviation 1/fan_in; auto: as SwitOKD's scripts, inverse_fan_in"),
    SY_END,
};

/* Of the 13 blocks: channels, and the stride of the depthwise convolution. */
static const struct {
    int32_t channels, stride;
} blocks[] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
              {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};
#define BLOCKS ((int32_t)(sizeof blocks / sizeof blocks[0]))

static int32_t norm(const struct sy_builder *b, int32_t x, const char *prefix, int32_t index) {
    return sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "%sbn%d", prefix, index));
}

/* 3x3 depthwise - bn - relu - 1x1 - bn - relu */
static int32_t block(const struct sy_builder *b, int32_t x, struct sy_init start, int32_t channels, int32_t stride,
                     int32_t index) {
    int32_t in = sy_channels(b, x);
    char prefix[32];
    snprintf(prefix, sizeof prefix, "layers.%d.", index);
    x = sy_conv2d(
        b, x,
        SY_CONV2D(.channels = in, .kernel = 3, .stride = stride, .padding = 1, .groups = in, .weight_init = start),
        "%sconv1", prefix);
    x = sy_conv2d(b, norm(b, x, prefix, 1), SY_CONV2D(.channels = channels, .weight_init = start), "%sconv2", prefix);
    return norm(b, x, prefix, 2);
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct mobilenet *net = self;
    const struct sy_init start = {net->start == OWN ? SY_INIT_DEFAULT : SY_INIT_NORMAL_INVERSE_FAN_IN, 0, 0};
    int32_t stage = 1;
    (void)err;
    int32_t x = sy_conv2d(
        b, in->inputs[0],
        SY_CONV2D(.channels = (int32_t)(32 * net->width), .kernel = 3, .padding = 1, .weight_init = start), "conv1");
    x = sy_output(b, norm(b, x, "", 1), "stem");
    for (int32_t i = 0; i < BLOCKS; i++) {
        x = block(b, x, start, (int32_t)(blocks[i].channels * net->width), blocks[i].stride, i);
        if (i + 1 == BLOCKS || blocks[i + 1].stride != 1) {
            sy_output(b, x, "stage%d", stage++);
        }
    }
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    x = sy_linear(b, x, SY_LINEAR(.features = in->classes, .weight_init = start), "linear");
    sy_output(b, x, "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

SY_PLUGIN(SY_NETWORK, "mobilenet", struct mobilenet, .fields = fields, .ops = &ops, .short_name = "mobilenet-{width}",
          .doc = "MobileNet (the first) for small images",
          .help =
              "Parameters named as in the PyTorch model released with SwitOKD. Outputs: stem, stage1 to stage5 (the\n"
              "blocks of one resolution), pooled, logits. With 100 classes it has 3,309,476 parameters.",
          .reference = "Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision "
                       "Applications, 2017");
