/* linear.c - fully connected layers: three matrix products. */
#include "plan.h"

struct loop {
    struct sy_plan *plan;
    const struct task *task;
    size_t in, out;
};

static struct loop loop_of(struct sy_plan *plan, const struct task *task) {
    return (struct loop){plan, task, value_row(plan, task->op->inputs[0]), value_row(plan, task->op->output)};
}

/* y = x W^T + b, some samples */
static void forward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *l = argument;
    const struct sy_op *op = l->task->op;
    const float *x = l->plan->value[op->inputs[0]], *bias = param_value(l->plan, op, SY_BIAS);
    float *y = l->plan->value[op->output];
    (void)thread;
    for (size_t i = begin * l->out; i < end * l->out; i++) {
        y[i] = bias ? bias[i % l->out] : 0;
    }
    blas_gemm(l->plan->blas, 0, 1, end - begin, l->out, l->in, x + begin * l->in, l->in,
              param_value(l->plan, op, SY_WEIGHT), l->in, 1, y + begin * l->out, l->out);
}

void linear_forward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = loop_of(plan, task);
    plan->host->parallel_for(plan->host, (size_t)plan->batch, forward_part, &loop);
}

/* dW = dy^T x, db = sum dy, some output features */
static void weights_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *l = argument;
    const struct sy_op *op = l->task->op;
    const float *x = l->plan->value[op->inputs[0]], *dy = l->plan->gradient[l->task->output];
    float *db = param_gradient(l->plan, op, SY_BIAS);
    size_t batch = (size_t)l->plan->batch;
    (void)thread;
    blas_gemm(l->plan->blas, 1, 0, end - begin, l->in, batch, dy + begin, l->out, x, l->in, 0,
              param_gradient(l->plan, op, SY_WEIGHT) + begin * l->in, l->in);
    for (size_t o = begin; db && o < end; o++) {
        double sum = 0;
        for (size_t n = 0; n < batch; n++) {
            sum += (double)dy[n * l->out + o];
        }
        db[o] = (float)sum;
    }
}

/* dx = dy W, some samples */
static void data_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *l = argument;
    const struct sy_op *op = l->task->op;
    (void)thread;
    blas_gemm(l->plan->blas, 0, 0, end - begin, l->in, l->out, l->plan->gradient[l->task->output] + begin * l->out,
              l->out, param_value(l->plan, op, SY_WEIGHT), l->in, l->task->overwrite[0] ? 0 : 1,
              l->plan->gradient[op->inputs[0]] + begin * l->in, l->in);
}

void linear_backward(struct sy_plan *plan, const struct task *task) {
    struct loop loop = loop_of(plan, task);
    plan->host->parallel_for(plan->host, loop.out, weights_part, &loop);
    if (plan->gradient[task->op->inputs[0]]) {
        plan->host->parallel_for(plan->host, (size_t)plan->batch, data_part, &loop);
    }
}
