/* attention.c - for each peer a mix of all peers' logits, by attention: Chen et al., OKDDip, AAAI 2020. */
#include <switchyard/network.h>

enum { MOST_PEERS = 10 };

struct attention {
    int32_t reserved;
};

/* A_ab = softmax over b of (query_a . key_b) */
static int32_t attend(const struct sy_builder *b, const int32_t *keys, int32_t query, int32_t peers) {
    int32_t scores[MOST_PEERS];
    for (int32_t i = 0; i < peers; i++) {
        scores[i] = sy_dot(b, query, keys[i]);
    }
    return sy_softmax(b, sy_concat(b, scores, peers));
}

/* target_a = sum_b A_ab z_b */
static int32_t mix(const struct sy_builder *b, int32_t weights, const int32_t *logits, int32_t peers) {
    int32_t mixed = -1;
    for (int32_t i = 0; i < peers; i++) {
        int32_t part = sy_multiply(b, logits[i], sy_slice(b, weights, i, 1));
        mixed = i ? sy_add(b, mixed, part) : part;
    }
    return mixed;
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    int32_t peers = in->n_inputs / 3;
    (void)self;
    if (in->n_inputs % 3 != 0 || peers < 2 || peers > MOST_PEERS) {
        return sy_fail(
            err, SY_EINVAL,
            "needs the queries of 2 to %d peers, then their keys, then their logits; %d inputs are not three "
            "times so many",
            MOST_PEERS, in->n_inputs);
    }
    for (int32_t a = 0; a < peers; a++) {
        int32_t parts[1 + MOST_PEERS] = {attend(b, in->inputs + peers, in->inputs[a], peers)};
        sy_output(b, mix(b, parts[0], in->inputs + 2 * peers, peers), "target%d", a + 1);
        for (int32_t i = 0; i < peers; i++) {
            parts[1 + i] = in->inputs[2 * peers + i];
        }
        sy_output(b, sy_concat(b, parts, 1 + peers), "parts%d", a + 1);
    }
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

SY_PLUGIN(
    SY_NETWORK, "attention", struct attention, .ops = &ops,
    .doc = "a target for each peer: all peers' logits, mixed by attention",
    .help = "Inputs: a query of each peer, a key of each peer (outputs of `embed`), the logits of each peer, in\n"
            "one order. Outputs: target1, target2, ...: logits to learn from, that of a peer with itself counted in.\n"
            "parts1, parts2, ...: the weights, and then what they mix, for loss `mixture`.\n"
            "No parameters; no division by the root of the length.",
    .reference = "Chen, Mei, Wang, Feng, Chen, Online Knowledge Distillation with Diverse Peers, AAAI 2020");
