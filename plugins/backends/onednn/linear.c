/* linear.c - fully connected layers: products of oneDNN's on floats, a thread's images at once.
 *
 *   y = x W^T + b;   dx = g W,  dW = g^T x,  db = sum of g over images */
#include <string.h>

#include "planes.h"
#include "sums.h"

struct loop {
    struct sy_plan *plan;
    struct node *node;
};

struct sizes {
    size_t in, out;         /* features */
    size_t in_row, out_row; /* with what fills up the last block */
    int32_t in_blocks, out_blocks;
};

static struct sizes sizes_of(const struct loop *loop) {
    const struct value *in = &loop->plan->values[loop->node->inputs[0].value];
    const struct value *out = &loop->plan->values[loop->node->output];
    return (struct sizes){(size_t)in->channels, (size_t)out->channels, in->row, out->row, in->blocks, out->blocks};
}

/* The thread's images as floats, one row each. */
static const float *gather_input(const struct loop *loop, const struct sizes *s, size_t begin, size_t end, float *to) {
    for (int32_t b = 0; b < s->in_blocks; b++) {
        struct floats block = {to + (size_t)b * BLOCK, BLOCK, s->in_row};
        view_floats(loop->plan, loop->node->inputs[0].value, (struct planes){begin, end - begin, b}, block);
    }
    return to;
}

void linear_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread) {
    const struct loop loop = {plan, node};
    struct sizes s = sizes_of(&loop);
    float *x = (float *)(void *)plan->scratch[thread], *y = x + (end - begin) * s.in_row;
    const float *bias = param_value(plan, node->op, SY_BIAS);
    gather_input(&loop, &s, begin, end, x);
    memset(y, 0, (end - begin) * s.out_row * sizeof *y);
    for (size_t i = 0; bias && i < end - begin; i++) {
        memcpy(y + i * s.out_row, bias, s.out * sizeof *y);
    }
    library_gemm(false, true, end - begin, s.out, s.in, x, s.in_row, param_value(plan, node->op, SY_WEIGHT), s.in, 1, y,
                 s.out_row);
    for (int32_t b = 0; b < s.out_blocks; b++) {
        struct floats block = {y + (size_t)b * BLOCK, BLOCK, s.out_row};
        finish_floats(plan, node, (struct planes){begin, end - begin, b}, block, thread);
    }
    elem_fence();
}

static void backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    struct sy_plan *plan = loop->plan;
    const struct link *link = &loop->node->inputs[0];
    struct sizes s = sizes_of(loop);
    size_t count = end - begin;
    float *x = (float *)(void *)plan->scratch[thread], *g = x + count * s.in_row;
    float *dw = loop->node->partial + (size_t)thread * loop->node->partial_floats, *db = dw + s.out * s.in;
    for (int32_t b = 0; b < s.out_blocks; b++) {
        struct floats block = {g + (size_t)b * BLOCK, BLOCK, s.out_row};
        gradient_floats(plan, loop->node, (struct planes){begin, count, b}, block, thread);
    }
    for (size_t i = 0; i < count; i++) {
        sums_add(db, g + i * s.out_row, s.out);
    }
    gather_input(loop, &s, begin, end, x);
    library_gemm(true, false, s.out, s.in, count, g, s.out_row, x, s.in_row, 0, dw, s.in);
    if (!link->wanted) {
        return;
    }
    memset(x, 0, count * s.in_row * sizeof *x);
    library_gemm(false, false, count, s.in, s.out, g, s.out_row, param_value(plan, loop->node->op, SY_WEIGHT), s.in, 0,
                 x, s.in_row);
    for (int32_t b = 0; b < s.in_blocks; b++) {
        struct floats block = {x + (size_t)b * BLOCK, BLOCK, s.in_row};
        contribute_floats(plan, link, (struct planes){begin, count, b}, block, thread);
    }
    elem_fence();
}

void linear_backward(struct sy_plan *plan, struct node *node) {
    struct loop loop = {plan, node};
    struct sizes s = sizes_of(&loop);
    float *weights = param_gradient(plan, node->op, SY_WEIGHT), *bias = param_gradient(plan, node->op, SY_BIAS);
    sums_clear(plan, node);
    plan->host->parallel_for(plan->host, (size_t)plan->batch, backward_part, &loop);
    sums_join(plan, node);
    memcpy(weights, node->partial, s.out * s.in * sizeof *weights);
    if (bias) {
        memcpy(bias, node->partial + s.out * s.in, s.out * sizeof *bias);
    }
}
