/* resnet_cifar.c - residual networks for small images: He, Zhang, Ren, Sun, CVPR 2016, section 4.2. */
#include <switchyard/network.h>

struct resnet_cifar {
    int32_t depth, width, shortcut, from, to;
};

enum { PADDING, PROJECTION };

static const struct sy_field fields[] = {
    SY_PARAM(struct resnet_cifar, depth, .def = 20, .min = 8, .max = 1202,
             .doc = "convolutions and the classifier: 6n + 2 (20, 32, 44, 56, 110, ...)"),
    SY_PARAM(struct resnet_cifar, width, .def = 1, .min = 1, .max = 64,
             .doc = "times the channels 16, 32, 64 of the stages; the stem has 16, from 3 on half of the first stage's",
             .reference = "RepDistiller, ICLR 2020: resnet8x4 and resnet32x4, with shortcut = projection"),
    SY_PARAM(struct resnet_cifar, shortcut, .choices = "padding|projection",
             .doc = "where shapes change; padding: option A, without parameters; projection: option B, 1x1 convolution "
                    "and batch norm, convolutions begin by fan_out and the classifier as PyTorch has it",
             .reference = "padding: released code of SwitOKD, ECCV 2022; projection: of ONE, NeurIPS 2018, "
                          "OKDDip, AAAI 2020, and FFSD, TNNLS 2022"),
    SY_PARAM(struct resnet_cifar, from, .def = 1, .min = 1, .max = 3,
             .doc = "first stage; from 2 on there is no stem, and the node is fed by the stage before"),
    SY_PARAM(struct resnet_cifar, to, .def = 3, .min = 1, .max = 3,
             .doc = "last stage; up to 2 it is the trunk of others: neither pooled nor logits"),
    SY_END,
};

static int32_t channels_of(const struct resnet_cifar *resnet, int32_t stage) {
    return resnet->width * (8 << stage);
}
static int32_t channels_of_stem(const struct resnet_cifar *resnet) {
    return resnet->width > 2 ? 8 * resnet->width : 16;
}

/* Of convolutions, by shortcut. */
static const struct sy_init normal[] = {{SY_INIT_KAIMING_NORMAL_IN, 0, 0}, {SY_INIT_KAIMING_NORMAL_OUT, 0, 0}};

static int init(void *self, struct sy_error *err) {
    const struct resnet_cifar *resnet = self;
    if ((resnet->depth - 2) % 6 != 0) {
        int32_t n = (resnet->depth - 2) / 6;
        return sy_fail(err, SY_ERANGE, "depth %d is not 6n + 2; the nearest are %d and %d", resnet->depth, 6 * n + 2,
                       6 * n + 8);
    }
    if (resnet->from > resnet->to) {
        return sy_fail(err, SY_ERANGE, "from = %d comes after to = %d; the first stage is not behind the last",
                       resnet->from, resnet->to);
    }
    return SY_OK;
}

/* conv 3x3 - bn - relu - conv 3x3 - bn, plus the input (where shapes change: every second row and column, zero channels
 * on both sides: option A; or conv 1x1 - bn: option B), then relu. */
static int32_t block(const struct sy_builder *b, int32_t x, int32_t shortcut, int32_t channels, int32_t stride,
                     int32_t stage, int32_t index) {
    struct sy_init kaiming = normal[shortcut];
    int32_t more = channels - sy_channels(b, x);
    int32_t h = sy_conv2d(
        b, x, SY_CONV2D(.channels = channels, .kernel = 3, .stride = stride, .padding = 1, .weight_init = kaiming),
        "layer%d.%d.conv1", stage, index);
    h = sy_relu(b, sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "layer%d.%d.bn1", stage, index));
    h = sy_conv2d(b, h, SY_CONV2D(.channels = channels, .kernel = 3, .padding = 1, .weight_init = kaiming),
                  "layer%d.%d.conv2", stage, index);
    h = sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "layer%d.%d.bn2", stage, index);
    if ((stride != 1 || more != 0) && shortcut == PROJECTION) {
        x = sy_conv2d(b, x, SY_CONV2D(.channels = channels, .stride = stride, .weight_init = kaiming),
                      "layer%d.%d.downsample.0", stage, index);
        x = sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "layer%d.%d.downsample.1", stage, index);
    } else if (stride != 1 || more != 0) {
        x = sy_slice_pad(b, x, stride, more / 2, more - more / 2);
    }
    return sy_relu(b, sy_add(b, h, x));
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct resnet_cifar *resnet = self;
    const struct sy_init kaiming = normal[resnet->shortcut], usual = {SY_INIT_DEFAULT, 0, 0};
    int32_t x = in->inputs[0];
    if (resnet->from == 1) {
        x = sy_conv2d(
            b, x, SY_CONV2D(.channels = channels_of_stem(resnet), .kernel = 3, .padding = 1, .weight_init = kaiming),
            "conv1");
        x = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "bn1"));
        sy_output(b, x, "stem");
    } else if (sy_channels(b, x) != channels_of(resnet, resnet->from - 1)) {
        return sy_fail(err, SY_EINVAL, "stage %d is fed with %d channels by stage %d, not with %d", resnet->from,
                       channels_of(resnet, resnet->from - 1), resnet->from - 1, sy_channels(b, x));
    }
    for (int32_t stage = resnet->from; stage <= resnet->to; stage++) {
        for (int32_t i = 0; i < (resnet->depth - 2) / 6; i++) {
            x = block(b, x, resnet->shortcut, channels_of(resnet, stage), stage > 1 && i == 0 ? 2 : 1, stage, i);
        }
        sy_output(b, x, "stage%d", stage);
    }
    if (resnet->to < 3) {
        return SY_OK;
    }
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    x = sy_linear(b, x,
                  SY_LINEAR(.features = in->classes, .weight_init = resnet->shortcut == PROJECTION ? usual : kaiming),
                  "linear");
    sy_output(b, x, "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .init = init, .build = build};

SY_PLUGIN(
    SY_NETWORK, "resnet_cifar", struct resnet_cifar, .fields = fields, .ops = &ops, .short_name = "resnet-{depth}",
    .doc = "residual network for small images (ResNet-20, 32, 44, 56, 110)",
    .help =
        "Channels 16, 32 and 64, times width; parameters named as in the PyTorch models released with SwitOKD.\n"
        "Outputs: stem, stage1 to stage3, pooled, logits. ResNet-20 with 10 classes has 269,722 parameters. With\n"
        "to = 2 it is the trunk that branches with from = 3 share: inputs = [\"TRUNK.stage2\"]; names of\n"
        "parameters stay. Papers' resnet32x4 and resnet8x4 are depth = 32 or 8, width = 4, shortcut = \"projection\".",
    .reference = "He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR 2016");
