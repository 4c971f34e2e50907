/* mlp.c - fully connected layers with ReLU between them. */
#include <switchyard/network.h>

struct mlp {
    struct sy_ints hidden;
    double dropout;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct mlp, hidden, .def_text = "[128]", .min = 1, .max = 1e6, .unit = "features",
             .doc = "size of each hidden layer; [] for a linear classifier"),
    SY_PARAM(struct mlp, dropout, .def = 0, .min = 0, .max = 0.99,
             .doc = "probability of dropping after every hidden layer"),
    SY_END,
};

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct mlp *mlp = self;
    (void)err;
    int32_t x = in->inputs[0];
    if (sy_value_shape(b, x).rank != 1) {
        x = sy_flatten(b, x);
    }
    for (size_t i = 0; i < mlp->hidden.count; i++) {
        x = sy_relu(b, sy_linear(b, x, SY_LINEAR(.features = (int32_t)mlp->hidden.at[i]), "fc%zu", i + 1));
        sy_output(b, x, "hidden%zu", i + 1);
        if (mlp->dropout > 0) {
            x = sy_dropout(b, x, mlp->dropout);
        }
    }
    sy_output(b, x, "pooled");
    x = sy_linear(b, x, SY_LINEAR(.features = in->classes), "fc%zu", mlp->hidden.count + 1);
    sy_output(b, x, "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

SY_PLUGIN(SY_NETWORK, "mlp", struct mlp, .fields = fields, .ops = &ops, .short_name = "mlp-{hidden}",
          .doc = "multi-layer perceptron on the flattened image",
          .help = "Layers fc1, fc2, ... with PyTorch's default initialisation. Outputs: hidden1, hidden2, ...,\n"
                  "pooled (what the last layer sees), logits.");
