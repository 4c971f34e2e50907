/* vgg.c - plain stacks of 3x3 convolutions for small images: Simonyan, Zisserman, ICLR 2015. */
#include <switchyard/network.h>

struct vgg {
    int32_t depth, width, batch_norm;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct vgg, depth, .def = 8, .min = 8, .max = 19,
             .doc = "convolutions and fully connected layers of the original: 8, 11, 13, 16 or 19"),
    SY_PARAM(struct vgg, width, .def = 64, .min = 1, .max = 1024, .unit = "channels",
             .doc = "channels of the first block; the others have 2, 4, 8 and 8 times as many"),
    SY_PARAM(struct vgg, batch_norm, .flags = SY_FLAG, .def = 1, .doc = "batch norm behind every convolution"),
    SY_END,
};

#define BLOCKS 5

static const struct {
    int32_t depth, convolutions[BLOCKS];
} tables[] = {
    {8, {1, 1, 1, 1, 1}}, {11, {1, 1, 2, 2, 2}}, {13, {2, 2, 2, 2, 2}}, {16, {2, 2, 3, 3, 3}}, {19, {2, 2, 4, 4, 4}}};

static const int32_t *convolutions_of(int32_t depth) {
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (tables[i].depth == depth) {
            return tables[i].convolutions;
        }
    }
    return NULL;
}

static int init(void *self, struct sy_error *err) {
    const struct vgg *vgg = self;
    return convolutions_of(vgg->depth) ? SY_OK
                                       : sy_fail(err, SY_ERANGE,
                                                 "there is no VGG of depth %d; there are 8, 11, 13, 16 "
                                                 "and 19",
                                                 vgg->depth);
}

static const struct sy_init by_fan_out = {SY_INIT_KAIMING_NORMAL_OUT, 0, 0};
static const struct sy_init zero = {SY_INIT_CONSTANT, 0, 0};
static const struct sy_init small = {SY_INIT_NORMAL, 0, 0.01};

/* Convolutions of one resolution, each with its norm and ReLU. */
static int32_t block(const struct vgg *vgg, const struct sy_builder *b, int32_t x, int32_t number, int32_t channels) {
    int32_t parts = vgg->batch_norm ? 3 : 2;
    for (int32_t i = 0; i < convolutions_of(vgg->depth)[number]; i++) {
        x = sy_conv2d(b, x,
                      SY_CONV2D(.channels = channels, .kernel = 3, .padding = 1, .bias = 1, .weight_init = by_fan_out,
                                .bias_init = zero),
                      "block%d.%d", number, i * parts);
        if (vgg->batch_norm) {
            x = sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "block%d.%d", number, i * parts + 1);
        }
        x = sy_relu(b, x);
    }
    return x;
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct vgg *vgg = self;
    int32_t x = in->inputs[0], height = sy_value_shape(b, x).dim[1];
    (void)err;
    for (int32_t i = 0; i < BLOCKS; i++) {
        x = block(vgg, b, x, i, vgg->width << (i < 3 ? i : 3));
        if (i == 0) {
            sy_output(b, x, "stem");
        } else {
            sy_output(b, x, "stage%d", i);
        }
        if (i < 3 || (i == 3 && height >= 64)) {
            x = sy_max_pool(b, x, 2, 2, 0);
        }
    }
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    x = sy_linear(b, x, SY_LINEAR(.features = in->classes, .weight_init = small, .bias_init = zero), "classifier");
    sy_output(b, x, "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .init = init, .build = build};

SY_PLUGIN(SY_NETWORK, "vgg", struct vgg, .fields = fields, .ops = &ops, .short_name = "vgg-{depth}",
          .doc = "VGG for small images (VGG-8, 11, 13, 16, 19), with one fully connected layer",
          .help = "Parameters named as in RepDistiller. The last of four max pools is left out for images below 64\n"
                  "pixels, and the average of the whole image comes last. Outputs: stem, stage1 to stage4, pooled,\n"
                  "logits. With 100 classes VGG-8 has 3,965,028 parameters, VGG-13 9,462,180.",
          .reference = "Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR "
                       "2015; in this form Tian, Krishnan, Isola, Contrastive Representation Distillation, ICLR 2020");
