/* depthwise_plan.c - weights of a depthwise convolution to and fro. */
#include "depthwise.h"

#include <stdlib.h>

int depthwise_create(struct sy_plan *plan, struct node *node, struct sy_error *err) {
    const struct value *in = &plan->values[node->inputs[0].value], *out = &plan->values[node->output];
    size_t weights = (size_t)in->blocks * (TAPS + 1) * BLOCK;
    node->weights = aligned_alloc(64, weights * sizeof *node->weights);
    node->partial_floats = node->useful ? weights : 0;
    node->scratch = images_together(in) * (2 * padded_plane(in) + padded_plane(out)) * sizeof(float);
    plan->weight_bytes += weights * sizeof(float);
    return node->weights ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory for a plan");
}

/* (blocks, nine taps and the bias, BLOCK) */
void depthwise_refresh(struct sy_plan *plan, struct node *node) {
    const struct value *in = &plan->values[node->inputs[0].value];
    const float *weights = param_value(plan, node->op, SY_WEIGHT), *bias = param_value(plan, node->op, SY_BIAS);
    for (size_t c = 0; c < (size_t)in->blocks * BLOCK; c++) {
        bool there = c < (size_t)in->channels;
        float *to = node->weights + c / BLOCK * (TAPS + 1) * BLOCK + c % BLOCK;
        for (size_t k = 0; k < TAPS; k++) {
            to[k * BLOCK] = there ? weights[c * TAPS + k] : 0;
        }
        to[TAPS * BLOCK] = there && bias ? bias[c] : 0;
    }
}

void depthwise_gather(struct sy_plan *plan, struct node *node) {
    const struct value *in = &plan->values[node->inputs[0].value];
    float *weights = param_gradient(plan, node->op, SY_WEIGHT), *bias = param_gradient(plan, node->op, SY_BIAS);
    for (size_t c = 0; c < (size_t)in->channels; c++) {
        const float *from = node->partial + c / BLOCK * (TAPS + 1) * BLOCK + c % BLOCK;
        for (size_t k = 0; k < TAPS; k++) {
            weights[c * TAPS + k] = from[k * BLOCK];
        }
        if (bias) {
            bias[c] = from[TAPS * BLOCK];
        }
    }
}
