/* mobilenetv2.c - inverted residuals: Sandler, Howard, Zhu, Zhmoginov, Chen, CVPR 2018. */
#include <stdbool.h>

#include <switchyard/network.h>

struct mobilenetv2 {
    double width, dropout;
    int32_t variant, start;
};

enum { CIFAR, TORCHVISION };
enum { AUTO, OWN, INVERSE_FAN_IN };

static const struct sy_field fields[] = {
    SY_PARAM(struct mobilenetv2, width, .def = 0.5, .min = 0.0625, .max = 10, .doc = "factor on the channels"),
    SY_PARAM(struct mobilenetv2, variant, .choices = "cifar|torchvision",
             .doc =
                 "cifar: channels rounded down, ReLU, an expansion in every block; torchvision: channels in multiples "
                 "of 8, ReLU6, no expansion in the first block, dropout",
             .reference = "cifar: 0.5-MobileNetV2 of SwitOKD and RCO; torchvision: 1.4-MobileNetV2 of SwitOKD"),
    SY_PARAM(struct mobilenetv2, dropout, .def = 0.2, .min = 0, .max = 0.99,
             .doc = "probability of dropping before the classifier; torchvision variant only"),
    SY_PARAM(struct mobilenetv2, start, .choices = "auto|own|inverse_fan_in",
             .doc =
                 "how weights start. own: as the model's code has it, Kaiming by fan_out; inverse_fan_in: normal with "
                 "standard deviation 1/fan_in; auto: as SwitOKD's scripts, own for cifar and inverse_fan_in for "
                 "torchvision"),
    SY_END,
};

/* Rows of table 2 of the paper: expansion, channels, blocks, stride of the first. */
struct stage {
    int32_t expansion, channels, blocks, stride;
};

#define STAGES 7

/* ---- the variant for small images ------------------------------------------------------------------------------- */

static const struct stage cifar_stages[STAGES] = {{1, 16, 1, 1}, {6, 24, 2, 1},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                                  {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
static const struct sy_init by_fan_out = {SY_INIT_KAIMING_NORMAL_OUT, 0, 0};
static const struct sy_init zero = {SY_INIT_CONSTANT, 0, 0};
static const struct sy_init small = {SY_INIT_NORMAL, 0, 0.01};
static const struct sy_init inverse = {SY_INIT_NORMAL_INVERSE_FAN_IN, 0, 0};

/* How convolutions start, and the classifier. */
struct start {
    struct sy_init conv, linear;
};

static struct start start_of(const struct mobilenetv2 *net) {
    bool own = net->start == OWN || (net->start == AUTO && net->variant == CIFAR);
    return own ? (struct start){by_fan_out, small} : (struct start){inverse, inverse};
}

/* 1x1 up - 3x3 depthwise - 1x1 down, plus the input where shapes agree. */
static int32_t cifar_block(const struct sy_builder *b, const struct start *start, int32_t x, int32_t channels,
                           int32_t expansion, int32_t stride, int32_t stage, int32_t index) {
    int32_t in = sy_channels(b, x), wide = in * expansion;
    int32_t h =
        sy_conv2d(b, x, SY_CONV2D(.channels = wide, .weight_init = start->conv), "blocks.%d.%d.conv.0", stage, index);
    h = sy_relu(b, sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "blocks.%d.%d.conv.1", stage, index));
    /* fan_out of a depthwise convolution counts all channels, as the released code does */
    h = sy_conv2d(b, h,
                  SY_CONV2D(.channels = wide, .kernel = 3, .stride = stride, .padding = 1, .groups = wide,
                            .weight_init = start->conv),
                  "blocks.%d.%d.conv.3", stage, index);
    h = sy_relu(b, sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "blocks.%d.%d.conv.4", stage, index));
    h = sy_conv2d(b, h, SY_CONV2D(.channels = channels, .weight_init = start->conv), "blocks.%d.%d.conv.6", stage,
                  index);
    h = sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "blocks.%d.%d.conv.7", stage, index);
    return stride == 1 && in == channels ? sy_add(b, x, h) : h;
}

static void build_cifar(const struct mobilenetv2 *net, const struct start *start, const struct sy_builder *b,
                        const struct sy_network_in *in) {
    int32_t x = sy_conv2d(b, in->inputs[0],
                          SY_CONV2D(.channels = (int32_t)(32 * net->width), .kernel = 3, .stride = 2, .padding = 1,
                                    .weight_init = start->conv),
                          "conv1.0");
    x = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "conv1.1"));
    sy_output(b, x, "stem");
    for (int32_t s = 0; s < STAGES; s++) {
        const struct stage *stage = &cifar_stages[s];
        for (int32_t i = 0; i < stage->blocks; i++) {
            x = cifar_block(b, start, x, (int32_t)(stage->channels * net->width), stage->expansion,
                            i ? 1 : stage->stride, s, i);
        }
        sy_output(b, x, "stage%d", s + 1);
    }
    int32_t last = net->width > 1 ? (int32_t)(1280 * net->width) : 1280;
    x = sy_conv2d(b, x, SY_CONV2D(.channels = last, .weight_init = start->conv), "conv2.0");
    x = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "conv2.1"));
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    x = sy_linear(b, x, SY_LINEAR(.features = in->classes, .weight_init = start->linear, .bias_init = zero),
                  "classifier.0");
    sy_output(b, x, "logits");
}

/* ---- torchvision's form ----------------------------------------------------------------------------------------- */

static const struct stage torchvision_stages[STAGES] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                                        {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

/* To the nearest multiple of 8 that is not more than a tenth too small. */
static int32_t round_to_8(double channels) {
    int32_t rounded = (int32_t)(channels + 4) / 8 * 8;
    rounded = rounded < 8 ? 8 : rounded;
    return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

static int32_t torchvision_block(const struct sy_builder *b, const struct start *start, int32_t x, int32_t channels,
                                 int32_t expansion, int32_t stride, int32_t index) {
    int32_t in = sy_channels(b, x), wide = in * expansion, h = x, part = 0;
    if (expansion != 1) {
        h = sy_conv2d(b, h, SY_CONV2D(.channels = wide, .weight_init = start->conv), "features.%d.conv.%d.0", index,
                      part);
        h = sy_relu6(b, sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "features.%d.conv.%d.1", index, part));
        part++;
    }
    h = sy_conv2d(b, h,
                  SY_CONV2D(.channels = wide, .kernel = 3, .stride = stride, .padding = 1, .groups = wide,
                            .weight_init = start->conv),
                  "features.%d.conv.%d.0", index, part);
    h = sy_relu6(b, sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "features.%d.conv.%d.1", index, part));
    h = sy_conv2d(b, h, SY_CONV2D(.channels = channels, .weight_init = start->conv), "features.%d.conv.%d", index,
                  part + 1);
    h = sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "features.%d.conv.%d", index, part + 2);
    return stride == 1 && in == channels ? sy_add(b, x, h) : h;
}

static void build_torchvision(const struct mobilenetv2 *net, const struct start *start, const struct sy_builder *b,
                              const struct sy_network_in *in) {
    int32_t index = 0;
    int32_t x = sy_conv2d(b, in->inputs[0],
                          SY_CONV2D(.channels = round_to_8(32 * net->width), .kernel = 3, .stride = 2, .padding = 1,
                                    .weight_init = start->conv),
                          "features.0.0");
    x = sy_relu6(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "features.0.1"));
    sy_output(b, x, "stem");
    for (int32_t s = 0; s < STAGES; s++) {
        const struct stage *stage = &torchvision_stages[s];
        for (int32_t i = 0; i < stage->blocks; i++) {
            x = torchvision_block(b, start, x, round_to_8(stage->channels * net->width), stage->expansion,
                                  i ? 1 : stage->stride, ++index);
        }
        sy_output(b, x, "stage%d", s + 1);
    }
    int32_t last = round_to_8(1280 * (net->width > 1 ? net->width : 1));
    x = sy_conv2d(b, x, SY_CONV2D(.channels = last, .weight_init = start->conv), "features.%d.0", ++index);
    x = sy_relu6(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "features.%d.1", index));
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    x = sy_dropout(b, x, net->dropout);
    x = sy_linear(b, x, SY_LINEAR(.features = in->classes, .weight_init = start->linear, .bias_init = zero),
                  "classifier.1");
    sy_output(b, x, "logits");
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct mobilenetv2 *net = self;
    const struct start start = start_of(net);
    (void)err;
    if (net->variant == CIFAR) {
        build_cifar(net, &start, b, in);
    } else {
        build_torchvision(net, &start, b, in);
    }
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

SY_PLUGIN(
    SY_NETWORK, "mobilenetv2", struct mobilenetv2, .fields = fields, .ops = &ops, .short_name = "mobilenetv2-{width}",
    .doc = "MobileNetV2 at any width, for small images or as in torchvision",
    .help =
        "Parameters named as in the PyTorch models released with SwitOKD. Outputs: stem, stage1 to stage7, pooled,\n"
        "logits. Width 0.5 (cifar, 100 classes) has 812,836 parameters, width 1.4 (torchvision, 200 classes)\n"
        "4,674,376.",
    .reference = "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018");
