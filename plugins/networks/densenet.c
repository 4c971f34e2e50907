/* densenet.c - every layer sees all before it: Huang, Liu, van der Maaten, Weinberger, CVPR 2017. */
#include <switchyard/network.h>

struct densenet {
    int32_t growth;
    struct sy_ints blocks;
    double reduction;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct densenet, growth, .def = 12, .min = 1, .max = 256, .unit = "channels",
             .doc = "channels that each layer adds"),
    SY_PARAM(struct densenet, blocks, .def_text = "[6, 12, 24, 16]", .min = 1, .max = 1000, .unit = "layers",
             .doc = "layers of each dense block; the image is halved between blocks"),
    SY_PARAM(struct densenet, reduction, .def = 0.5, .min = 0, .max = 1, .flags = SY_MIN_EXCLUSIVE,
             .doc = "channels that a transition between blocks keeps"),
    SY_END,
};

static int init(void *self, struct sy_error *err) {
    const struct densenet *net = self;
    return net->blocks.count > 0 ? SY_OK
                                 : sy_fail(err, SY_ERANGE, "blocks is empty; give one number of layers or more");
}

/* bn - relu - 1x1 to 4 growth - bn - relu - 3x3 to growth, in front of what was there. */
static int32_t layer(const struct densenet *net, const struct sy_builder *b, int32_t x, int32_t block, int32_t index) {
    int32_t h = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "dense%d.%d.bn1", block, index));
    h = sy_conv2d(b, h, SY_CONV2D(.channels = 4 * net->growth), "dense%d.%d.conv1", block, index);
    h = sy_relu(b, sy_batch_norm(b, h, SY_BATCH_NORM(.eps = 0), "dense%d.%d.bn2", block, index));
    h = sy_conv2d(b, h, SY_CONV2D(.channels = net->growth, .kernel = 3, .padding = 1), "dense%d.%d.conv2", block,
                  index);
    return sy_concat(b, (const int32_t[]){h, x}, 2);
}

/* bn - relu - 1x1 to fewer channels - mean of 2x2 */
static int32_t transition(const struct densenet *net, const struct sy_builder *b, int32_t x, int32_t block) {
    int32_t channels = (int32_t)(sy_channels(b, x) * net->reduction);
    x = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "trans%d.bn", block));
    x = sy_conv2d(b, x, SY_CONV2D(.channels = channels > 0 ? channels : 1), "trans%d.conv", block);
    return sy_avg_pool(b, x, 2, 2, 0);
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct densenet *net = self;
    int32_t last = (int32_t)net->blocks.count;
    (void)err;
    int32_t x = sy_conv2d(b, in->inputs[0], SY_CONV2D(.channels = 2 * net->growth, .kernel = 3, .padding = 1), "conv1");
    sy_output(b, x, "stem");
    for (int32_t block = 1; block <= last; block++) {
        for (int32_t i = 0; i < net->blocks.at[block - 1]; i++) {
            x = layer(net, b, x, block, i);
        }
        sy_output(b, x, "stage%d", block);
        x = block < last ? transition(net, b, x, block) : x;
    }
    x = sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "bn"));
    x = sy_output(b, sy_global_avg_pool(b, x), "pooled");
    sy_output(b, sy_linear(b, x, SY_LINEAR(.features = in->classes), "linear"), "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .init = init, .build = build};

SY_PLUGIN(SY_NETWORK, "densenet", struct densenet, .fields = fields, .ops = &ops,
          .short_name = "densenet-{growth}-{blocks}", .doc = "densely connected network for small images",
          .help = "Bottlenecks and compression (DenseNet-BC), parameters named as in kuangliu/pytorch-cifar. Outputs:\n"
                  "stem, stage1, stage2, ... (one per block), pooled, logits. Growth 12 with blocks of 6, 12, 24 and\n"
                  "16 layers and 10 classes has 1,000,618 parameters.",
          .reference = "Huang, Liu, van der Maaten, Weinberger, Densely Connected Convolutional Networks, CVPR 2017");
