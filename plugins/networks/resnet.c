/* resnet.c - residual networks of 18 and 34 layers: He, Zhang, Ren, Sun, CVPR 2016, table 1. */
#include <stdbool.h>

#include <switchyard/network.h>

struct resnet {
    int32_t depth, width, variant, start;
};

enum { IMAGENET, TINY };
enum { AUTO, OWN, INVERSE_FAN_IN };

static const struct sy_field fields[] = {
    SY_PARAM(struct resnet, depth, .def = 18, .min = 18, .max = 34, .doc = "convolutions and the classifier: 18 or 34"),
    SY_PARAM(struct resnet, width, .def = 64, .min = 1, .max = 1024, .unit = "channels",
             .doc = "channels of the first stage; each of the others has twice as many as the one before"),
    SY_PARAM(struct resnet, variant, .choices = "imagenet|tiny",
             .doc =
                 "imagenet: 7x7 convolution of stride 2 and a max pool first, as in torchvision; tiny: 3x3 of stride "
                 "1 and no pool, for images of 32 or 64",
             .reference = "tiny: released code of SwitOKD, ECCV 2022"),
    SY_PARAM(struct resnet, start, .choices = "auto|own|inverse_fan_in",
             .doc = "how weights start. own: as the model's code has it (imagenet: Kaiming by fan_out; tiny: PyTorch's "
                    "default); inverse_fan_in: normal with standard deviation 1/fan_in; auto: as SwitOKD's scripts, "
                    "own for imagenet and inverse_fan_in for tiny"),
    SY_END,
};

static int init(void *self, struct sy_error *err) {
    const struct resnet *resnet = self;
    if (resnet->depth != 18 && resnet->depth != 34) {
        return sy_fail(err, SY_ERANGE, "depth %d is neither 18 nor 34; resnet_cifar has the small ones (20, 32, ...)",
                       resnet->depth);
    }
    return SY_OK;
}

/* How convolutions start, and the classifier. */
struct start {
    struct sy_init conv, linear;
};

static struct start start_of(const struct resnet *resnet) {
    struct start start = {{SY_INIT_DEFAULT, 0, 0}, {SY_INIT_DEFAULT, 0, 0}};
    if (resnet->start == INVERSE_FAN_IN || (resnet->start == AUTO && resnet->variant == TINY)) {
        start.conv.kind = start.linear.kind = SY_INIT_NORMAL_INVERSE_FAN_IN;
    } else if (resnet->variant == IMAGENET) {
        start.conv.kind = SY_INIT_KAIMING_NORMAL_OUT;
    }
    return start;
}

/* A convolution without bias and its norm: NAME of the first and of the second. */
static int32_t unit(const struct sy_builder *b, int32_t x, const struct start *start, int32_t channels, int32_t kernel,
                    int32_t stride, const char *conv, const char *norm) {
    x = sy_conv2d(b, x,
                  SY_CONV2D(.channels = channels, .kernel = kernel, .stride = stride, .padding = kernel / 2,
                            .weight_init = start->conv),
                  "%s", conv);
    return sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "%s", norm);
}

/* Names of a block's parts: two convolutions with their norms, and the shortcut's. */
static const char *const parts[2][6] = {
    {"conv1", "bn1", "conv2", "bn2", "downsample.0", "downsample.1"},
    {"left.0", "left.1", "left.3", "left.4", "shortcut.0", "shortcut.1"},
};

/* conv 3x3 - bn - relu - conv 3x3 - bn, plus the input, through a 1x1 convolution where shapes change; then relu. */
static int32_t block(const struct resnet *resnet, const struct sy_builder *b, int32_t x, int32_t channels,
                     int32_t stride, int32_t stage, int32_t index) {
    struct start start = start_of(resnet);
    char name[6][64];
    for (int i = 0; i < 6; i++) {
        snprintf(name[i], sizeof name[i], "layer%d.%d.%s", stage, index, parts[resnet->variant][i]);
    }
    int32_t in = sy_channels(b, x);
    int32_t h = sy_relu(b, unit(b, x, &start, channels, 3, stride, name[0], name[1]));
    h = unit(b, h, &start, channels, 3, 1, name[2], name[3]);
    if (stride != 1 || in != channels) {
        x = unit(b, x, &start, channels, 1, stride, name[4], name[5]);
    }
    return sy_relu(b, sy_add(b, h, x));
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    static const int32_t blocks[2][4] = {{2, 2, 2, 2}, {3, 4, 6, 3}};
    const struct resnet *resnet = self;
    struct start start = start_of(resnet);
    bool tiny = resnet->variant == TINY;
    (void)err;
    int32_t x = unit(b, in->inputs[0], &start, resnet->width, tiny ? 3 : 7, tiny ? 1 : 2, tiny ? "conv1.0" : "conv1",
                     tiny ? "conv1.1" : "bn1");
    x = sy_output(b, sy_relu(b, x), "stem");
    x = tiny ? x : sy_max_pool(b, x, 3, 2, 1);
    for (int32_t stage = 1; stage <= 4; stage++) {
        for (int32_t i = 0; i < blocks[resnet->depth == 34][stage - 1]; i++) {
            x = block(resnet, b, x, resnet->width << (stage - 1), stage > 1 && i == 0 ? 2 : 1, stage, i);
        }
        sy_output(b, x, "stage%d", stage);
    }
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    x = sy_linear(b, x, SY_LINEAR(.features = in->classes, .weight_init = start.linear), "fc");
    sy_output(b, x, "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .init = init, .build = build};

SY_PLUGIN(SY_NETWORK, "resnet", struct resnet, .fields = fields, .ops = &ops, .short_name = "resnet-{depth}",
          .doc = "ResNet-18 and ResNet-34, in the form for ImageNet or for small images",
          .help =
              "Parameters named as in torchvision (imagenet) or in the models released with SwitOKD (tiny). Outputs:\n"
              "stem, stage1 to stage4, pooled, logits. ResNet-18 has 11,689,512 parameters with 1000 classes,\n"
              "ResNet-34 21,797,672, and in the tiny form with 200 classes 21,379,592.",
          .reference = "He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR 2016");
