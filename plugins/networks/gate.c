/* gate.c - mixes the logits of branches by weights that depend on the image: Lan, Zhu, Gong, ONE, NeurIPS 2018. */
#include <switchyard/network.h>

struct gate {
    int32_t reserved;
};

/* g = softmax(relu(bn(fc(pooled map)))),  logits = sum_i g_i z_i */
static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    int32_t branches = in->n_inputs - 1, x = in->inputs[0], mixed = -1;
    (void)self;
    if (branches < 2) {
        return sy_fail(err, SY_EINVAL,
                       "needs the map that all branches share and the logits of two branches at least, as in inputs = "
                       "[\"trunk.stage2\", \"one.logits\", \"two.logits\"]; there are %d inputs",
                       in->n_inputs);
    }
    if (sy_value_shape(b, x).rank != 1) {
        x = sy_global_avg_pool(b, x);
    }
    x = sy_linear(b, x, SY_LINEAR(.features = branches), "fc");
    x = sy_softmax(b, sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "bn")));
    sy_output(b, x, "weights");
    for (int32_t i = 0; i < branches; i++) {
        int32_t part = sy_multiply(b, in->inputs[1 + i], sy_slice(b, x, i, 1));
        mixed = i ? sy_add(b, mixed, part) : part;
    }
    sy_output(b, mixed, "logits");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

SY_PLUGIN(
    SY_NETWORK, "gate", struct gate, .ops = &ops, .doc = "logits of branches, mixed by a gate on their shared map",
    .help = "Inputs: the map that all branches share, then the logits of each branch. Outputs: weights (one a\n"
            "branch, their sum is 1) and logits. A sample none of whose weights is above 0 before the softmax gets\n"
            "an even mix, and the gate learns nothing from it.",
    .reference = "Lan, Zhu, Gong, Knowledge Distillation by On-the-Fly Native Ensemble, NeurIPS 2018");
