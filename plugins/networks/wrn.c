/* wrn.c - wide residual networks for small images: Zagoruyko, Komodakis, BMVC 2016. */
#include <switchyard/network.h>

struct wrn {
    int32_t depth, width, variant, from, to;
};

enum { PAPER, STANDARD };

static const struct sy_field fields[] = {
    SY_PARAM(struct wrn, depth, .def = 16, .min = 10, .max = 1000,
             .doc = "convolutions and the classifier: 6n + 4 (10, 16, 22, 28, 40, ...)"),
    SY_PARAM(struct wrn, width, .def = 2, .min = 1, .max = 64, .doc = "factor on the channels: 16, 32 and 64 times it"),
    SY_PARAM(struct wrn, variant, .choices = "paper|standard",
             .doc = "paper: biased convolutions, stride on the second, shortcut from the raw block input, last batch "
                    "norm with momentum 0.9; standard: no biases, stride on the first, shortcut from the activation",
             .reference = "paper: released code of SwitOKD, ECCV 2022; standard: Zagoruyko, Komodakis, BMVC 2016"),
    SY_PARAM(struct wrn, from, .def = 1, .min = 1, .max = 3,
             .doc = "first stage; from 2 on there is no stem, and the node is fed by the stage before"),
    SY_PARAM(struct wrn, to, .def = 3, .min = 1, .max = 3,
             .doc = "last stage; up to 2 it is the trunk of others: neither pooled nor logits"),
    SY_END,
};

static int init(void *self, struct sy_error *err) {
    const struct wrn *wrn = self;
    if ((wrn->depth - 4) % 6 != 0) {
        int32_t n = (wrn->depth - 4) / 6;
        return sy_fail(err, SY_ERANGE, "depth %d is not 6n + 4; the nearest are %d and %d", wrn->depth, 6 * n + 4,
                       6 * n + 10);
    }
    if (wrn->from > wrn->to) {
        return sy_fail(err, SY_ERANGE, "from = %d comes after to = %d; the first stage is not behind the last",
                       wrn->from, wrn->to);
    }
    return SY_OK;
}

/* ---- the paper's variant ---------------------------------------------------------------------------------------- */

static const struct sy_init xavier = {SY_INIT_XAVIER_UNIFORM, 0, 1.4142135623730951};
static const struct sy_init zero = {SY_INIT_CONSTANT, 0, 0};

/* bn - relu - conv 3x3 - bn - relu - conv 3x3 with the stride, plus the block's input, through a 1x1 convolution where
 * shapes change. */
static int32_t paper_block(const struct sy_builder *b, int32_t x, int32_t channels, int32_t stride, int32_t stage,
                           int32_t index) {
    int32_t in = sy_channels(b, x);
    int32_t h = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "layer%d.%d.bn1", stage, index));
    h = sy_conv2d(
        b, h,
        SY_CONV2D(.channels = channels, .kernel = 3, .padding = 1, .bias = 1, .weight_init = xavier, .bias_init = zero),
        "layer%d.%d.conv1", stage, index);
    h = sy_relu(b, sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "layer%d.%d.bn2", stage, index));
    h = sy_conv2d(b, h,
                  SY_CONV2D(.channels = channels, .kernel = 3, .stride = stride, .padding = 1, .bias = 1,
                            .weight_init = xavier, .bias_init = zero),
                  "layer%d.%d.conv2", stage, index);
    if (stride != 1 || in != channels) {
        x = sy_conv2d(
            b, x,
            SY_CONV2D(.channels = channels, .stride = stride, .bias = 1, .weight_init = xavier, .bias_init = zero),
            "layer%d.%d.shortcut.0", stage, index);
    }
    return sy_add(b, h, x);
}

static int32_t paper_body(const struct wrn *wrn, const struct sy_builder *b, int32_t x) {
    if (wrn->from == 1) {
        x = sy_conv2d(
            b, x,
            SY_CONV2D(.channels = 16, .kernel = 3, .padding = 1, .bias = 1, .weight_init = xavier, .bias_init = zero),
            "conv1");
        sy_output(b, x, "stem");
    }
    for (int32_t stage = wrn->from; stage <= wrn->to; stage++) {
        for (int32_t i = 0; i < (wrn->depth - 4) / 6; i++) {
            int32_t stride = stage > 1 && i == 0 ? 2 : 1;
            x = paper_block(b, x, (8 << stage) * wrn->width, stride, stage, i);
        }
        sy_output(b, x, "stage%d", stage);
    }
    return wrn->to < 3 ? x : sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.momentum = 0.9), "bn1"));
}

/* ---- the standard variant --------------------------------------------------------------------------------------- */

static const struct sy_init kaiming_out = {SY_INIT_KAIMING_NORMAL_OUT, 0, 0};

/* As above, but the stride is the first convolution's, and where shapes change the shortcut starts from the activation. */
static int32_t standard_block(const struct sy_builder *b, int32_t x, int32_t channels, int32_t stride, int32_t stage,
                              int32_t index) {
    int32_t in = sy_channels(b, x);
    int32_t a = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "block%d.layer.%d.bn1", stage, index));
    int32_t h = sy_conv2d(
        b, a, SY_CONV2D(.channels = channels, .kernel = 3, .stride = stride, .padding = 1, .weight_init = kaiming_out),
        "block%d.layer.%d.conv1", stage, index);
    h = sy_relu(b, sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "block%d.layer.%d.bn2", stage, index));
    h = sy_conv2d(b, h, SY_CONV2D(.channels = channels, .kernel = 3, .padding = 1, .weight_init = kaiming_out),
                  "block%d.layer.%d.conv2", stage, index);
    if (in != channels) {
        x = sy_conv2d(b, a, SY_CONV2D(.channels = channels, .stride = stride, .weight_init = kaiming_out),
                      "block%d.layer.%d.convShortcut", stage, index);
    }
    return sy_add(b, x, h);
}

static int32_t standard_body(const struct wrn *wrn, const struct sy_builder *b, int32_t x) {
    if (wrn->from == 1) {
        x = sy_conv2d(b, x, SY_CONV2D(.channels = 16, .kernel = 3, .padding = 1, .weight_init = kaiming_out), "conv1");
        sy_output(b, x, "stem");
    }
    for (int32_t stage = wrn->from; stage <= wrn->to; stage++) {
        for (int32_t i = 0; i < (wrn->depth - 4) / 6; i++) {
            int32_t stride = stage > 1 && i == 0 ? 2 : 1;
            x = standard_block(b, x, (8 << stage) * wrn->width, stride, stage, i);
        }
        sy_output(b, x, "stage%d", stage);
    }
    return wrn->to < 3 ? x : sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "bn1"));
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct wrn *wrn = self;
    int32_t fed = sy_channels(b, in->inputs[0]), wanted = (8 << (wrn->from - 1)) * wrn->width;
    if (wrn->from > 1 && fed != wanted) {
        return sy_fail(err, SY_EINVAL, "stage %d is fed with %d channels by stage %d, not with %d", wrn->from, wanted,
                       wrn->from - 1, fed);
    }
    int32_t x = wrn->variant == PAPER ? paper_body(wrn, b, in->inputs[0]) : standard_body(wrn, b, in->inputs[0]);
    if (wrn->to < 3) {
        return SY_OK;
    }
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    x = wrn->variant == PAPER ? sy_linear(b, x, SY_LINEAR(.features = in->classes), "linear")
                              : sy_linear(b, x, SY_LINEAR(.features = in->classes, .bias_init = zero), "fc");
    sy_output(b, x, "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .init = init, .build = build};

SY_PLUGIN(
    SY_NETWORK, "wrn", struct wrn, .fields = fields, .ops = &ops, .short_name = "wrn-{depth}-{width}",
    .doc = "wide residual network for small images (WRN-16-2, WRN-40-10, ...)",
    .help = "Parameters are named as in the released PyTorch models of the variant chosen. Outputs: stem, stage1 to\n"
            "stage3, pooled, logits. WRN-16-2 with 100 classes has 704,420 parameters (paper) or 703,284 (standard).\n"
            "With to = 2 it is the trunk that branches with from = 3 share: inputs = [\"TRUNK.stage2\"].",
    .reference = "Zagoruyko, Komodakis, Wide Residual Networks, BMVC 2016; Qian et al., SwitOKD, ECCV 2022");
