/* names.h - one operator as its formula sees it. */
#ifndef REFERENCE_NAMES_H
#define REFERENCE_NAMES_H

#include "reference.h"

/* What a formula talks about. Images are indexed [n][c][h][w]. */
struct names {
    const struct sy_op *op;
    const struct sy_shape *in, *in2, *out; /* in2, x2, dx2: of the second input, where there is one */
    const double *x, *x2;
    double *y, *dx, *dx2;
    const double *dy;
    const double *w, *b;
    double *dw, *db;
    int32_t n;
};

static inline struct names names_of(const struct sy_plan *plan, int32_t index) {
    const struct sy_op *op = plan->graph->ops[index];
    struct names k = {.op = op, .n = plan->batch};
    int32_t x = op->inputs[0], y = op->output;
    k.in = &plan->graph->values[x];
    k.out = &plan->graph->values[y];
    k.x = plan->value[x];
    k.x2 = op->n_inputs > 1 ? plan->value[op->inputs[1]] : NULL;
    k.in2 = op->n_inputs > 1 ? &plan->graph->values[op->inputs[1]] : NULL;
    k.y = plan->value[y];
    k.dx = plan->value_gradient ? plan->value_gradient[x] : NULL;
    k.dx2 = plan->value_gradient && op->n_inputs > 1 ? plan->value_gradient[op->inputs[1]] : NULL;
    k.dy = plan->value_gradient ? plan->value_gradient[y] : NULL;
    k.w = op->param[SY_WEIGHT] >= 0 ? plan->parameter[op->param[SY_WEIGHT]] : NULL;
    k.b = op->param[SY_BIAS] >= 0 ? plan->parameter[op->param[SY_BIAS]] : NULL;
    k.dw = k.w ? plan->parameter_gradient[op->param[SY_WEIGHT]] : NULL;
    k.db = k.b ? plan->parameter_gradient[op->param[SY_BIAS]] : NULL;
    return k;
}

static inline size_t at(const struct sy_shape *s, int32_t n, int32_t c, int32_t h, int32_t w) {
    return (((size_t)n * (size_t)s->dim[0] + (size_t)c) * (size_t)s->dim[1] + (size_t)h) * (size_t)s->dim[2] +
           (size_t)w;
}

#define FOR_OUTPUT(k, n, c, oh, ow)                          \
    for (int32_t n = 0; n < (k).n; n++)                      \
        for (int32_t c = 0; c < (k).out->dim[0]; c++)        \
            for (int32_t oh = 0; oh < (k).out->dim[1]; oh++) \
                for (int32_t ow = 0; ow < (k).out->dim[2]; ow++)

#endif
