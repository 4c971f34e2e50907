/* kernels.c - the table of what works on activations, for one precision. */
#include "norms.h"
#include "planes.h"

static void forward(struct sy_plan *plan, struct node *node) {
    switch (node->kind) {
    case NODE_CONV2D:
        conv2d_forward(plan, node);
        break;
    case NODE_WINOGRAD:
        winograd_forward(plan, node);
        break;
    case NODE_DEPTHWISE:
        depthwise_forward(plan, node);
        break;
    case NODE_LINEAR:
        linear_forward(plan, node);
        break;
    default:
        image_forward(plan, node);
        break;
    }
    norms_finish(plan, node->output);
}

static void backward(struct sy_plan *plan, struct node *node) {
    norms_start_gradient(plan, node->output);
    if (!node->useful) {
        return;
    }
    switch (node->kind) {
    case NODE_CONV2D:
        conv2d_backward(plan, node);
        break;
    case NODE_WINOGRAD:
        winograd_backward(plan, node);
        break;
    case NODE_DEPTHWISE:
        depthwise_backward(plan, node);
        break;
    case NODE_LINEAR:
        linear_backward(plan, node);
        break;
    default:
        image_backward(plan, node);
        break;
    }
}

const struct kernels kernels = {
    .input = border_input,
    .output = border_output,
    .seed = border_seed,
    .input_gradient = border_input_gradient,
    .start_norms = norms_start,
    .forward = forward,
    .backward = backward,
};
