/* embed.c - one linear layer into a space of embeddings, of unit length: CRD's head on a network's pooled features. */
#include <switchyard/network.h>

struct embed {
    int32_t dim, normalize, bias;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct embed, dim, .def = 128, .min = 1, .max = 65536, .unit = "features",
             .doc = "length of the embedding", .reference = "Tian et al., ICLR 2020: 128"),
    SY_PARAM(struct embed, normalize, .def = 1, .flags = SY_FLAG, .doc = "scales every embedding to length 1"),
    SY_PARAM(struct embed, bias, .def = 1, .flags = SY_FLAG, .doc = "with a bias"),
    SY_END,
};

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct embed *embed = self;
    (void)err;
    int32_t x = in->inputs[0];
    if (sy_value_shape(b, x).rank != 1) {
        x = sy_flatten(b, x);
    }
    x = sy_linear(b, x, SY_LINEAR(.features = embed->dim, .no_bias = !embed->bias), "linear");
    sy_output(b, embed->normalize ? sy_l2_normalize(b, x, 0) : x, "embedding");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

SY_PLUGIN(
    SY_NETWORK, "embed", struct embed, .fields = fields, .ops = &ops,
    .doc = "a linear layer to an embedding of unit length, for a node that is fed by another's features",
    .help = "Layer linear, with PyTorch's default initialisation. Output: embedding. A node of role \"part\" with\n"
            "inputs = [\"student.pooled\"], say. Without length and bias it makes the queries and keys of `attention`.",
    .reference = "Tian, Krishnan, Isola, Contrastive Representation Distillation, ICLR 2020");
