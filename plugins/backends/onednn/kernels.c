/* kernels.c - the table of what works on activations, for one precision. */
#include "norms.h"
#include "planes.h"

/* Images [begin, end) through a node. */
static void pass_node(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread) {
    switch (node->kind) {
    case NODE_CONV2D:
        conv2d_forward(plan, node, begin, end, thread);
        break;
    case NODE_WINOGRAD:
        winograd_forward(plan, node, begin, end, thread);
        break;
    case NODE_DEPTHWISE:
        depthwise_forward(plan, node, begin, end, thread);
        break;
    case NODE_SUM:
        sum_forward(plan, node, begin, end, thread);
        break;
    case NODE_LINEAR:
        linear_forward(plan, node, begin, end, thread);
        break;
    default:
        image_forward(plan, node, begin, end, thread);
        break;
    }
}

struct loop {
    struct sy_plan *plan;
    struct node *node;
    const struct sy_forward *in;
};

static void node_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    pass_node(loop->plan, loop->node, begin, end, thread);
}

static void forward(struct sy_plan *plan, struct node *node) {
    struct loop loop = {.plan = plan, .node = node};
    plan->host->parallel_for(plan->host, (size_t)plan->batch, node_part, &loop);
    norms_finish(plan, node->output);
}

/* ---- in windows -------------------------------------------------------------------------------------------------- */

/* `at`: where the thread's window begins. */
static void pass_window(const struct loop *loop, size_t first, size_t count, size_t at, int32_t thread) {
    struct sy_plan *plan = loop->plan;
    for (int32_t k = 0; k < plan->graph->n_inputs; k++) {
        const float *from = loop->in->inputs[k]->data;
        border_read(plan, k, from + first * image_floats(plan, plan->graph->inputs[k]), at, count);
    }
    for (int32_t i = 0; i < plan->n_nodes; i++) {
        pass_node(plan, &plan->nodes[i], at, at + count, thread);
    }
    for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
        float *to = plan->outputs[k] + first * image_floats(plan, plan->graph->outputs[k]->value);
        border_write(plan, k, at, count, to, thread);
    }
}

static void windows_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    size_t window = (size_t)loop->plan->window, count;
    for (; begin < end; begin += count) {
        count = end - begin < window ? end - begin : window;
        pass_window(loop, begin, count, (size_t)thread * window, thread);
    }
}

static void windows(struct sy_plan *plan, const struct sy_forward *in) {
    struct loop loop = {.plan = plan, .in = in};
    plan->host->parallel_for(plan->host, (size_t)plan->batch, windows_part, &loop);
}

/* ---- backward, and the table ------------------------------------------------------------------------------------ */

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

const struct kernels own_kernels = {
    .operand_size = sizeof(operand),
    .round_weights = OPERANDS_ARE_STORED ? NULL : conv2d_round,
    .input = border_input,
    .output = border_output,
    .seed = border_seed,
    .input_gradient = border_input_gradient,
    .start_norms = norms_start,
    .forward = forward,
    .windows = windows,
    .backward = backward,
};
